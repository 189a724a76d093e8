"""Forward pass for scoring: predictions, reconstructions and hidden activations in H2O's summation order.

Rows go through a layer in blocks, so that the weights of two units at a time meet all rows of the block while they are
in the first-level cache. Every sum has the order of `heavywater.core.mlp.lanes`, so predictions do not depend on the
block size or the number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.functions import EXACT, EXP_LIMIT, INNER, activate, f64, softmax
from heavywater.core.mlp.lanes import finish, tile_2x2
from heavywater.core.mlp.layout import (
    AUTOENCODER,
    GAMMA,
    POISSON,
    SOFTMAX,
    TWEEDIE,
    Hyper,
    Inputs,
    Network,
    offsets,
    state,
)
from heavywater.core.mlp.serial import load_row

BLOCK = 64
"""Rows per block: 64 rows of some hundred float64 inputs stay in the second-level cache."""


@njit(**INNER)
def _multiply_block(w, wb, rows, n, a, stride, count, bias, bb, z, partial):  # type: ignore[no-untyped-def]
    """``z[s, :rows] = W a[s] + bias`` for `count` samples, sample s of `a` starting at ``s * stride``."""
    for r in range(0, rows, 2):
        q = min(r + 1, rows - 1)
        b0, b1 = wb + r * n, wb + q * n
        for s in range(0, count, 2):
            t = min(s + 1, count - 1)
            a0, a1 = s * stride, t * stride
            tile_2x2(w, (b0, b1), a, (a0, a1), n, partial)
            z[s, r] = finish(partial, 0, w, b0, a, a0, n, bias[bb + r])
            z[t, r] = finish(partial, 1, w, b0, a, a1, n, bias[bb + r])
            z[s, q] = finish(partial, 2, w, b1, a, a0, n, bias[bb + q])
            z[t, q] = finish(partial, 3, w, b1, a, a1, n, bias[bb + q])


@njit(**INNER)
def _maxout_block(w, wb, rows, n, a, stride, count, bias, bb, z, turned, sums):  # type: ignore[no-untyped-def]
    """Maxout values of a block; sums run over the columns one by one, side by side for all samples."""
    for s in range(count):
        for c in range(n):
            turned[c, s] = a[s * stride + c]
    for r in range(rows):
        for k in range(2):
            total = sums[k]
            total[:] = 0.0
            for c in range(n):
                v = f64(w[wb + 2 * (r * n + c) + k])
                column = turned[c]
                for s in range(len(total)):
                    total[s] += v * column[s]
        for s in range(count):
            z[s, r] = max(sums[0, s] + bias[bb + 2 * r], sums[1, s] + bias[bb + 2 * r + 1])


@njit(**EXACT)
def _forward(h, net, o, x, shift, first, end, depth, out, work):  # type: ignore[no-untyped-def]
    """Rows first..end-1 through the first `depth` layers; the last layer's values go to `out`."""
    last = len(o.units) - 2
    a, z, partial, turned, sums = work
    block, stride = z.shape
    for start in range(first, end, block):
        count = min(block, end - start)
        for s in range(count):
            row = a[s * stride : (s + 1) * stride]
            load_row(x, start + s, row, o.units[0])
            if h.input_scale != 1.0:
                for c in range(len(row)):
                    row[c] *= h.input_scale
        seen = 0
        for l in range(depth):
            n, rows = o.units[l], o.units[l + 1]
            if o.channels[l] == 2:
                _maxout_block(
                    net.weights, o.weights[l], rows, n, a, stride, count, net.biases, o.biases[l], z, turned, sums
                )
            else:
                _multiply_block(
                    net.weights, o.weights[l], rows, n, a, stride, count, net.biases, o.biases[l], z, partial
                )
            keep = 1.0
            if l < last and len(h.hidden_dropout) > 0:
                keep = 1.0 - h.hidden_dropout[l]
            for s in range(count):
                at = s * stride
                for r in range(rows):
                    v = z[s, r]
                    if l < last:
                        v = activate(h.activation, v)
                        if len(net.mean_activation) > 0:
                            j = seen + r
                            net.mean_activation[j] = 0.999 * net.mean_activation[j] + 0.001 * v
                        v *= keep
                    elif h.output == AUTOENCODER:
                        v = activate(h.activation, v)
                    elif h.output != SOFTMAX and len(shift) > 0:
                        v += shift[start + s]
                    a[at + r] = v
                if l == last and h.output == SOFTMAX:
                    softmax(a, at, rows)
            seen += rows
        for s in range(count):
            for r in range(o.units[depth]):
                out[start + s, r] = a[s * stride + r]


def _run(
    network: Network, hyper: Hyper, inputs: Any, shift: np.ndarray, depth: int, threads: int, averages: Any
) -> np.ndarray:
    x = Inputs.of(inputs)
    n = x.nrow
    out = np.empty((n, network.topology.units[depth]))
    arrays = state(network)._replace(mean_activation=np.zeros(0) if averages is None else averages)
    where = offsets(network.topology)

    def part(first: int, end: int) -> None:
        widest = max(network.topology.units)
        work = (
            np.zeros(BLOCK * widest),
            np.zeros((BLOCK, widest)),
            np.zeros((4, 8)),
            np.zeros((widest if network.topology.maxout else 1, BLOCK)),
            np.zeros((2, BLOCK)),
        )
        _forward(hyper, arrays, where, tuple(x), shift, first, end, depth, out, work)

    if averages is not None or threads <= 1 or n <= BLOCK:
        part(0, n)
        return out
    cuts = np.linspace(0, n, min(threads, -(-n // BLOCK)) + 1).astype(int).tolist()
    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        for job in [pool.submit(part, a, b) for a, b in zip(cuts, cuts[1:])]:
            job.result()
    return out


def predict(
    network: Network,
    hyper: Hyper,
    inputs: Any,
    *,
    offsets: np.ndarray | None = None,
    threads: int = 1,
    mean_activation: np.ndarray | None = None,
) -> np.ndarray:
    """Outputs of the network.

    Parameters
    ----------
    network : Network
    hyper : Hyper
        Activation, output, dropout ratios (hidden activations are multiplied by one minus the ratio, inputs by
        `Hyper.input_scale`).
    inputs : Inputs or anything with its attributes
    offsets : float64 (n,), optional
        Added to a linear output.
    threads : int
        The rows are divided among so many threads.
    mean_activation : float64 (hidden units,), optional
        Running means of the hidden activations, which scoring then moves on, row by row in one thread, as H2O does
        for sparse autoencoders.

    Returns
    -------
    float64 (n, outputs)
        Probabilities (softmax), the response in link space and standardised units (linear), or the reconstruction.
    """
    shift = np.zeros(0) if offsets is None else np.ascontiguousarray(offsets, np.float64)
    return _run(network, hyper, inputs, shift, network.topology.layers, threads, mean_activation)


def hidden_activations(network: Network, hyper: Hyper, inputs: Any, layer: int, *, threads: int = 1) -> np.ndarray:
    """Activations of hidden layer `layer` (0-based) when scoring; float64 (n, units)."""
    if not 0 <= layer < network.topology.layers - 1:
        raise ValueError(f"hidden layer {layer} of a network with {network.topology.layers - 1}")
    return _run(network, hyper, inputs, np.zeros(0), layer + 1, threads, None)


def inverse_link(f: np.ndarray, loss: int) -> np.ndarray:
    """From link space to the response: ``exp(f)``, at most 1e19, for Poisson, gamma and Tweedie; else `f` itself."""
    if loss not in (POISSON, GAMMA, TWEEDIE):
        return f
    with np.errstate(over="ignore"):
        return np.minimum(EXP_LIMIT, np.exp(f))
