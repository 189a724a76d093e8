"""Back-propagation: the naive twin against numerical derivatives, the exact kernel against the twin."""

from __future__ import annotations

import numpy as np
import pytest

from heavywater.core.mlp import layout, serial
from tests.core.networks import ACTIVATIONS, LOSSES, difference, hyper, problem, random_network, twin
from tests.naive.mlp import numerical_gradients


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "quadratic"])
def test_naive_gradients_are_the_derivatives_of_the_loss(loss: str, activation: str) -> None:
    x, t, outputs = problem(loss, 3, 5)
    net = twin(random_network([5, 4, 3, outputs], activation, scale=0.5), activation, loss, alpha=0.3, power=1.4)
    for row, target in zip(x, t):
        gw, gb = net.gradients(row, target)
        for ours, theirs in zip((*gw, *gb), numerical_gradients(net, row, target)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_plain_step_of_the_exact_kernel_is_the_naive_one(loss: str, activation: str) -> None:
    x, t, outputs = problem(loss, 8, 5)
    net = random_network([5, 4, 3, outputs], activation, scale=0.5)
    naive = twin(net, activation, loss, alpha=0.3, power=1.4)
    h = hyper(loss, activation, adaptive=False, rate=0.05, rate_annealing=0, quantile_alpha=0.3, tweedie_power=1.4)
    rows = np.arange(8)
    assert serial.train(net, h, layout.Inputs.from_dense(x), t, None, rows, rows, 0) == 8
    for row, target in zip(x, t):
        naive.sgd(row, target, 0.05)
    assert difference(net, naive) < 2e-6


def test_autoencoder_step() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-0.5, 0.5, (6, 5))
    net = random_network([5, 3, 5], "Tanh", scale=0.5)
    naive = twin(net, "Tanh", "gaussian", autoencoder=True)
    h = layout.hyper(
        activation="Tanh", output=layout.AUTOENCODER, loss=layout.GAUSSIAN, adaptive=False, rate=0.05,
        rate_annealing=0,
    )  # fmt: skip
    serial.train(net, h, layout.Inputs.from_dense(x), np.zeros(0), None, np.arange(6), np.arange(6), 0)
    for row in x:
        naive.sgd(row, 0.0, 0.05)
    assert difference(net, naive) < 1e-6


@pytest.mark.parametrize("activation", ["Tanh", "ExpRectifier"])
def test_momentum_is_the_classical_one_without_nesterov(activation: str) -> None:
    x, t, outputs = problem("gaussian", 20, 5, zeros=0)
    net = random_network([5, 4, outputs], activation, scale=0.4)
    naive = twin(net, activation, "gaussian")
    h = hyper(
        "gaussian", activation, adaptive=False, rate=0.02 / 0.5, rate_annealing=0, momentum_start=0.5,
        momentum_stable=0.5, momentum_ramp=10, nesterov=False, fast_mode=False,
    )  # fmt: skip
    rows = np.arange(20)
    serial.train(net, h, layout.Inputs.from_dense(x), t, None, rows, rows, 0)
    for row, target in zip(x, t):
        naive.sgd(row, target, 0.02, momentum=0.5)
    assert difference(net, naive) < 2e-6


@pytest.mark.parametrize("activation", ["Tanh", "ExpRectifier"])
def test_penalties(activation: str) -> None:
    x, t, outputs = problem("crossentropy", 15, 5)
    net = random_network([5, 4, outputs], activation)
    naive = twin(net, activation, "crossentropy")
    h = hyper(
        "crossentropy", activation, adaptive=False, rate=0.05, rate_annealing=0, l1=0.01, l2=0.02, fast_mode=False
    )
    rows = np.arange(15)
    serial.train(net, h, layout.Inputs.from_dense(x), t, None, rows, rows, 0)
    for row, target in zip(x, t):
        naive.sgd(row, target, 0.05, l1=0.01, l2=0.02)
    assert difference(net, naive) < 5e-6


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["crossentropy", "quadratic", "gaussian"])
def test_adadelta_is_the_naive_one_within_the_error_of_its_root(loss: str, activation: str) -> None:
    x, t, outputs = problem(loss, 30, 5)
    net = random_network([5, 4, outputs], activation)
    before = net.copy()
    naive = twin(net, activation, loss)
    h = hyper(loss, activation, rho=0.95, epsilon=1e-6)
    rows = np.arange(30)
    serial.train(net, h, layout.Inputs.from_dense(x), t, None, rows, rows, 0)
    for row, target in zip(x, t):
        naive.adadelta(row, target, 0.95, 1e-6)
    moved = max(np.abs(net.weights - before.weights).max(), np.abs(net.biases - before.biases).max())
    assert difference(net, naive) < 0.08 * moved


def test_rows_after_a_cancel_are_not_trained() -> None:
    x, t, outputs = problem("gaussian", 10, 4)
    net = random_network([4, 3, outputs], "Tanh")
    before = net.copy()
    done = serial.train(
        net, hyper("gaussian", "Tanh"), layout.Inputs.from_dense(x), t, None, np.arange(10), np.arange(10), 0,
        np.ones(1, np.int64),
    )  # fmt: skip
    assert done == 0
    assert (net.weights == before.weights).all()
