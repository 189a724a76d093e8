"""Exact training: one thread, one row at a time, every rounding as in H2O-3 3.46.

A row goes forward through the layers, its error back through them; a layer is updated unit by unit, and the error
passed down uses each weight as it was before the row. Weights and their optimiser state are float32, everything else
is float64 (see `heavywater.core.mlp.functions` for the formulas, `heavywater.core.mlp.update` for the optimisers).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.functions import (
    EXACT,
    INNER,
    INPUT_MASK_CONSTANT,
    LAYER_MASK_STEP,
    activate,
    class_error,
    derivative,
    draw_mask,
    f64,
    i64,
    mask_constant,
    regression_error,
    seed_masks,
    softmax,
)
from heavywater.core.mlp.lanes import multiply
from heavywater.core.mlp.layout import (
    AUTOENCODER,
    MAXOUT,
    SOFTMAX,
    Hyper,
    Inputs,
    Network,
    offsets,
    state,
)
from heavywater.core.mlp.update import learning_rate, momentum, update_unit
from heavywater.core.rng import next_float


@njit(**INNER)
def load_row(x, r, a, width):  # type: ignore[no-untyped-def]
    """Write the network inputs of row `r` to ``a[:width]``."""
    slots, dense, indptr, indices, values, start, packed = x
    a[:width] = 0.0
    for j in range(slots.shape[1]):
        if slots[r, j] >= 0:
            a[slots[r, j]] += 1.0
    m = dense.shape[1]
    for j in range(m):
        a[start + j] = dense[r, j]
    for j in range(packed.codes.shape[1]):
        a[start + j] = (packed.codes[r, j] + packed.low[j] - packed.sub[j]) * packed.mul[j]
    if len(indptr) > 0:
        for k in range(indptr[r], indptr[r + 1]):
            a[start + indices[k]] = values[k]


@njit(**INNER)
def maxout_inputs(w, wb, rows, n, a, ab, bias, bb, z):  # type: ignore[no-untyped-def]
    """Net inputs of both channels of `rows` Maxout units, interleaved in ``z[:2 * rows]``."""
    for r in range(rows):
        for k in range(2):
            s = 0.0
            for c in range(n):
                s += f64(w[wb + 2 * (r * n + c) + k]) * a[ab + c]
            z[2 * r + k] = s + bias[bb + 2 * r + k]


@njit(**INNER)
def _masks(h, units, starts, row_seed, state, mask, a):  # type: ignore[no-untyped-def]
    """Draw the dropout masks of a row and apply the one of the inputs."""
    if h.input_dropout > 0:
        seed_masks(state, row_seed + h.seed + i64(INPUT_MASK_CONSTANT))
        for c in range(units[0]):
            if next_float(state) < h.input_dropout:
                a[c] = 0.0
    for l in range(1, len(units) - 1):
        at = starts[l]
        ratio = h.hidden_dropout[l - 1] if len(h.hidden_dropout) > 0 else 0.0
        if ratio <= 0:
            mask[at : at + units[l]] = 1
            continue
        seed = row_seed + h.seed + mask_constant(h.activation)
        if not h.h2o:
            seed += (l - 1) * i64(LAYER_MASK_STEP)
        seed_masks(state, seed)
        draw_mask(state, ratio, mask, at, units[l])


@njit(**INNER)
def _forward(h, net, o, a, z, mask, winner, partial):  # type: ignore[no-untyped-def]
    """Activations of all layers of ``a`` from those of the inputs; `mask` of hidden units, `winner` of Maxout."""
    last = len(o.units) - 2
    hidden_seen = 0
    for l in range(last + 1):
        n, rows = o.units[l], o.units[l + 1]
        at = o.activations[l + 1]
        wb, bb, ab = o.weights[l], o.biases[l], o.activations[l]
        if o.channels[l] == 2:
            maxout_inputs(net.weights, wb, rows, n, a, ab, net.biases, bb, z)
        else:
            multiply(net.weights, wb, rows, n, a, ab, net.biases, bb, z, partial)
        if l == last:
            for r in range(rows):
                a[at + r] = activate(h.activation, z[r]) if h.output == AUTOENCODER else z[r]
            if h.output == SOFTMAX:
                softmax(a, at, rows)
            return
        for r in range(rows):
            if h.activation == MAXOUT:
                value = 0.0
                # A dropped unit keeps the winner of the last row in which it took part.
                if mask[at + r]:
                    winner[at + r] = 1 if z[2 * r + 1] > z[2 * r] else 0
                    value = z[2 * r + winner[at + r]]
            else:
                value = activate(h.activation, z[r] if mask[at + r] else 0.0)
            a[at + r] = value
            if len(net.mean_activation) > 0:
                j = hidden_seen + r
                net.mean_activation[j] = 0.999 * net.mean_activation[j] + 0.001 * value
        hidden_seen += rows


@njit(**INNER)
def _output_error(h, o, a, e, target, offset, x0):  # type: ignore[no-untyped-def]
    """Error at the net inputs of the output layer, into `e` at that layer's place."""
    at = o.activations[len(o.units) - 1]
    n = o.units[len(o.units) - 1]
    for r in range(n):
        if h.output == SOFTMAX:
            e[at + r] = class_error(h.loss, a[at + r], 1.0 if r == int(target) else 0.0)
        else:
            t = x0[r] if h.output == AUTOENCODER else target
            e[at + r] = regression_error(
                h.loss, t, a[at + r] + offset, h.quantile_alpha, h.tweedie_power, h.huber_delta
            )


@njit(**INNER)
def _backward(h, net, o, a, e, mask, winner, rates, moment, grad, channels):  # type: ignore[no-untyped-def]
    """Update all layers, the last first; errors of lower layers accumulate in `e`."""
    last = len(o.units) - 2
    has_momentum = h.momentum_start != 0 or h.momentum_stable != 0
    shortcut = h.fast_mode or (not h.adaptive and not has_momentum and h.l1 == 0 and h.l2 == 0)
    hidden_end = o.activations[last + 1] - o.units[0]
    for l in range(last, -1, -1):
        n, rows = o.units[l], o.units[l + 1]
        at = o.activations[l + 1]
        ab = o.activations[l]
        below = e[ab : ab + n]
        below[:] = 0.0
        x = a[ab : ab + n]
        for r in range(rows):
            delta = e[at + r]
            if l < last:
                if mask[at + r] == 0 and not h.h2o:
                    continue
                delta *= derivative(h.activation, a[at + r], h.h2o)
            if shortcut and delta == 0:
                continue
            channel = winner[at + r] if o.channels[l] == 2 else 0
            beta = 0.0
            if l < last and h.sparsity_beta > 0:
                j = at - o.units[0] + r
                if j < hidden_end:
                    beta = h.sparsity_beta * (net.mean_activation[j] - h.average_activation)
            update_unit(
                h, net, o.weights[l], o.biases[l], r, n, o.channels[l], channel, delta, x, below, l > 0,
                rates[l], moment, beta, grad, channels,
            )  # fmt: skip


@njit(**EXACT)
def _train(h, net, o, x, targets, shift, rows, row_seeds, processed, done, cancel, work):  # type: ignore[no-untyped-def]
    a, e, z, partial, x0, rates, grad, channels, mask, winner, random = work
    width = o.units[0]
    for l in range(len(rates)):
        rates[l] = learning_rate(h, processed, l)
    for i in range(len(rows)):
        if cancel[0] != 0:
            return i
        r = rows[i]
        load_row(x, r, a, width)
        if h.output == AUTOENCODER:
            for c in range(width):
                x0[c] = a[c]
        _masks(h, o.units, o.activations, row_seeds[i], random, mask, a)
        _forward(h, net, o, a, z, mask, winner, partial)
        target = targets[r] if len(targets) > 0 else 0.0
        offset = shift[r] if len(shift) > 0 else 0.0
        _output_error(h, o, a, e, target, offset, x0)
        _backward(h, net, o, a, e, mask, winner, rates, momentum(h, processed + done + i), grad, channels)
    return len(rows)


def working_memory(network: Network) -> tuple[np.ndarray, ...]:
    """Buffers of `train`: activations, errors, net inputs, partial sums, inputs before dropout, rates, gradients of
    a unit, a Maxout channel, dropout mask, winning channels, random state.
    """
    units = network.topology.units
    total, widest = sum(units), max(units)
    return (
        np.zeros(total),
        np.zeros(total),
        np.zeros(2 * widest),
        np.zeros((4, 8)),
        np.zeros(units[0]),
        np.zeros(len(units) - 1),
        np.zeros(widest),
        np.zeros((4, widest), np.float32),
        np.ones(total, np.uint8),
        np.zeros(total, np.uint8),
        np.zeros(1, np.uint64),
    )


def train(
    network: Network,
    hyper: Hyper,
    inputs: Any,
    targets: np.ndarray,
    offsets_: np.ndarray | None,
    rows: np.ndarray,
    row_seeds: np.ndarray,
    processed: int,
    cancel: np.ndarray | None = None,
    *,
    done: int = 0,
    memory: tuple[np.ndarray, ...] | None = None,
) -> int:
    """Train `network` in place on the given rows, one stochastic gradient step each.

    Parameters
    ----------
    network : Network
    hyper : Hyper
    inputs : Inputs or anything with its attributes
        Float64 inputs of all rows of the frame.
    targets : float64 (n,)
        Class index or (standardised) response; empty for an autoencoder.
    offsets_ : float64 (n,) or None
        Added to the linear output, in link space of the standardised response.
    rows, row_seeds : int64 (m,)
        From `heavywater.core.sampling.iteration_rows`.
    processed : int
        Rows trained before; decides learning rate and momentum.
    cancel : int64 (1,), optional
        Non-zero stops before the next row; may be set from another thread.
    done : int
        Rows of the same iteration trained by earlier calls, when an iteration is trained in slices: H2O's learning
        rate stays the same throughout an iteration, ramped momentum does not.
    memory : from `working_memory`, optional
        Buffers to keep between the slices of an iteration; a dropped Maxout unit remembers its last winning channel.

    Returns
    -------
    int
        Rows trained.
    """
    x = Inputs.of(inputs)
    network.allocate(hyper)
    empty = np.zeros(0)
    return int(
        _train(
            hyper,
            state(network),
            offsets(network.topology),
            tuple(x),
            np.ascontiguousarray(targets, np.float64),
            empty if offsets_ is None else np.ascontiguousarray(offsets_, np.float64),
            np.ascontiguousarray(rows, np.int64),
            np.ascontiguousarray(row_seeds, np.int64),
            int(processed),
            int(done),
            np.zeros(1, np.int64) if cancel is None else cancel,
            working_memory(network) if memory is None else memory,
        )
    )
