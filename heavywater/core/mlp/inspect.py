"""Looking into a network: layer statistics, stability, importance of the inputs."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.functions import EXACT, inverse_sqrt32, sqrt32, sqrt64
from heavywater.core.mlp.layout import Hyper, Network
from heavywater.core.mlp.update import learning_rate, ramped_momentum

f32 = np.float32
LARGEST_WEIGHT = 1e10
LARGEST_BIAS = 1e5


class LayerStatistics(TypedDict):
    """One weight layer: learning rate (mean and deviation over the weights), momentum, weights, biases."""

    mean_rate: float
    rate_rms: float
    momentum: float
    mean_weight: float
    weight_rms: float
    mean_bias: float
    bias_rms: float


def _spread(x: np.ndarray) -> tuple[float, float]:
    """Mean and (approximate) population standard deviation, in H2O's arithmetic."""
    mean, variance = _mean_and_variance(x)
    return float(mean), float(sqrt64(variance))


@njit(**EXACT)
def _rates(d, g, epsilon, out):  # type: ignore[no-untyped-def]
    """Step sizes of ADADELTA by H2O's approximate float32 roots."""
    eps = f32(epsilon)
    for i in range(len(out)):
        out[i] = f32(sqrt32(f32(d[i] + eps)) * inverse_sqrt32(f32(g[i] + eps)))


def layer_statistics(network: Network, hyper: Hyper, processed: int) -> list[LayerStatistics]:
    """Figures of H2O's table "Status of Neuron Layers", one entry per weight layer.

    Parameters
    ----------
    network : Network
    hyper : Hyper
    processed : int
        Rows trained; decides rate and momentum of the non-adaptive optimisers.

    Notes
    -----
    The "rms" columns are standard deviations by an approximate root, in which 0 becomes 1.097e-154, as in H2O.
    """
    t = network.topology
    out: list[LayerStatistics] = []
    for l in range(t.layers):
        lo, hi = t.weight_offsets[l], t.weight_offsets[l + 1]
        if hyper.adaptive and len(network.ada_weight_g):
            rates = np.empty(hi - lo, np.float32)
            _rates(network.ada_weight_d[lo:hi], network.ada_weight_g[lo:hi], float(hyper.epsilon), rates)
            mean_rate, rate_rms = _spread(rates)
            momentum = 0.0
        else:
            mean_rate, rate_rms = (0.0 if hyper.adaptive else float(learning_rate(hyper, processed, l))), 0.0
            momentum = 0.0 if hyper.adaptive else float(ramped_momentum(hyper, processed))
        mean_weight, weight_rms = _spread(network.weights[lo:hi])
        mean_bias, bias_rms = _spread(network.b(l))
        out.append(
            LayerStatistics(
                mean_rate=mean_rate,
                rate_rms=rate_rms,
                momentum=momentum,
                mean_weight=mean_weight,
                weight_rms=weight_rms,
                mean_bias=mean_bias,
                bias_rms=bias_rms,
            )
        )
    return out


def is_unstable(network: Network) -> bool:
    """Whether weights or biases have run away: not a number, infinite, or beyond any sensible size."""
    for l in range(network.topology.layers):
        for values, most in ((network.W(l).reshape(-1), LARGEST_WEIGHT), (network.b(l), LARGEST_BIAS)):
            mean, variance = _roughly(values)
            if not (abs(mean) <= most and variance <= most * most):  # as written, true of numbers that are none
                return True
    return False


@njit(**EXACT)
def _mean_and_variance(values):  # type: ignore[no-untyped-def]
    """Mean and population variance, one number after the other in float64; not finite where a value is not."""
    total, squares = 0.0, 0.0
    for v in values:
        total += np.float64(v)
    mean = total / len(values)
    for v in values:
        d = np.float64(v) - mean
        squares += d * d
    return mean, squares / len(values)


@njit(**EXACT)
def _roughly(values):  # type: ignore[no-untyped-def]
    """`_mean_and_variance` with the sums of every fourth number, which do not wait for each other."""
    n = len(values)
    whole = n - n % 4
    mean, squares = 0.0, 0.0
    for turn in range(2):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for i in range(0, whole, 4):
            p, q, r, s = values[i] - mean, values[i + 1] - mean, values[i + 2] - mean, values[i + 3] - mean
            a += p * p if turn else p
            b += q * q if turn else q
            c += r * r if turn else r
            d += s * s if turn else s
        for i in range(whole, n):
            p = values[i] - mean
            a += p * p if turn else p
        if turn:
            squares = (a + b) + (c + d)
        else:
            mean = ((a + b) + (c + d)) / n
    return mean, squares / n


def gedeon_importance(network: Network, *, h2o: bool = False) -> np.ndarray:
    """Importance of each input by the method of Gedeon (1997), from the first two weight layers.

    Parameters
    ----------
    network : Network
    h2o : bool
        For Maxout take, as H2O does, the first rows of the interleaved storage for the units' weights.

    Returns
    -------
    float32 (inputs,)
        The largest is 1. Maxout units count with the sum over their two channels.
    """
    a = _by_unit(network, 0, h2o)
    if network.topology.layers == 1:
        v = a.sum(axis=0, dtype=np.float32)
    else:
        b = _by_unit(network, 1, h2o)
        p = a / np.maximum(a.sum(axis=1, dtype=np.float32, keepdims=True), np.finfo(np.float32).tiny)
        share = b / np.maximum(b.sum(axis=1, dtype=np.float32, keepdims=True), np.finfo(np.float32).tiny)
        q = p.T @ share.T
        q = q / np.maximum(q.sum(axis=0, dtype=np.float32, keepdims=True), np.finfo(np.float32).tiny)
        v = q.sum(axis=1, dtype=np.float32)
    top = v.max()
    return (v / top if top > 0 else v).astype(np.float32)


def _by_unit(network: Network, layer: int, h2o: bool) -> np.ndarray:
    """Absolute weights (units, inputs) of a layer."""
    t = network.topology
    w = np.abs(network.W(layer))
    if t.channels[layer] == 1:
        return w
    if h2o:
        return w[: t.units[layer + 1]]
    return w.reshape(t.units[layer + 1], t.units[layer], 2).sum(axis=2, dtype=np.float32)
