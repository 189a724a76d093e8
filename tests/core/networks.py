"""Small random networks, as records of the core and as their naive twins."""

from __future__ import annotations

from typing import Any

import numpy as np

from heavywater.core.mlp import layout
from tests.naive.mlp import NaiveNetwork

LOSSES = {
    "crossentropy": layout.CROSSENTROPY,
    "quadratic": layout.QUADRATIC,
    "gaussian": layout.GAUSSIAN,
    "laplace": layout.LAPLACE,
    "quantile": layout.QUANTILE,
    "huber": layout.HUBER,
    "poisson": layout.POISSON,
    "gamma": layout.GAMMA,
    "tweedie": layout.TWEEDIE,
}
ACTIVATIONS = ("Tanh", "Rectifier", "ExpRectifier", "Maxout")


def random_network(units: list[int], activation: str, seed: int = 0, scale: float = 0.7) -> layout.Network:
    """Random weights and biases of about `scale`."""
    rng = np.random.default_rng(seed)
    net = layout.Network(layout.Topology(units, activation == "Maxout"))
    net.weights[:] = rng.normal(0, scale, len(net.weights))
    net.biases[:] = rng.normal(0, scale, len(net.biases))
    return net


def twin(net: layout.Network, activation: str, loss: str, **more: Any) -> NaiveNetwork:
    """The same network in the naive implementation."""
    t = net.topology
    weights, biases = [], []
    for l in range(t.layers):
        w, b = net.W(l).astype(float), net.b(l).copy()
        if t.channels[l] == 2:
            w = w.reshape(t.units[l + 1], t.units[l], 2).transpose(0, 2, 1).copy()
            b = b.reshape(-1, 2)
        weights.append(w)
        biases.append(b)
    return NaiveNetwork(weights, biases, activation, loss, **more)


def difference(net: layout.Network, naive: NaiveNetwork) -> float:
    """Largest difference of any weight or bias."""
    other = twin(net, naive.activation, naive.loss)
    pairs = zip((*naive.weights, *naive.biases), (*other.weights, *other.biases))
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def problem(loss: str, n: int, inputs: int, seed: int = 1, zeros: float = 0.3) -> tuple[np.ndarray, np.ndarray, int]:
    """Inputs (n, inputs) with some zeros, targets, number of outputs."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, inputs)) * (rng.random((n, inputs)) >= zeros)
    if loss in ("crossentropy", "quadratic"):
        return x, rng.integers(0, 3, n).astype(float), 3
    if loss in ("poisson", "gamma", "tweedie"):
        return x, rng.gamma(2.0, 0.7, n), 1
    return x, rng.normal(size=n), 1


def hyper(loss: str, activation: str, **more: Any) -> layout.Hyper:
    """Hyper-parameters for a loss by name."""
    output = layout.SOFTMAX if loss in ("crossentropy", "quadratic") else layout.LINEAR
    return layout.hyper(activation=activation, output=output, loss=LOSSES[loss], **more)
