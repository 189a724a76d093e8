"""Fast training: the kernel. Float32, every thread has a share of the units of every layer, one row at a time.

All threads work on the same row. In each layer a thread computes and later updates the units of its share; between
layers the threads meet (`heavywater.core.mlp.sync`). This is plain stochastic gradient descent, row after row, as on
one thread, so more threads cost no quality; the result depends on the number of shares, because sums are split by
share, but not on timing. Errors passed down are added up per share and then over the shares.

The first layer's update and the next row's pass through the first layer need the same weights, so a unit is updated
and its next net input is taken while its weights are in the cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.fast_input import ask_for, read_row, stream_key, uniform
from heavywater.core.mlp.fast_update import mean_square_input, set_coefficients, update_biases, update_weights
from heavywater.core.mlp.functions import EXACT, INNER, activate, class_error, derivative, regression_error
from heavywater.core.mlp.layout import AUTOENCODER, MAXOUT, RECTIFIER, SOFTMAX
from heavywater.core.mlp.loops import axpy
from heavywater.core.mlp.plan import Plan
from heavywater.core.mlp.rectifier import rectified_errors, rectify, rectify_some
from heavywater.core.mlp.sync import meet
from heavywater.core.mlp.tiles import gathered, row_products

f32 = np.float32
INPUT_STREAM = 0
WORTH_SKIPPING = 64
"""Weights of a unit from which on it pays not to read those of units that are dropped."""


class Shared(NamedTuple):
    """Buffers of all threads: activations, net inputs of the output layer (two rows in turn), winning channels,
    units that take part, errors passed down (one row per share); then where the biases and the mean activations of
    each layer lie.
    """

    activations: np.ndarray
    outputs: np.ndarray
    winner: np.ndarray
    live: np.ndarray
    errors: np.ndarray
    bias_at: np.ndarray
    seen_at: np.ndarray


class Own(NamedTuple):
    """Buffers of one thread: this and the next row's inputs (as a list, in full, before dropout), net inputs of each
    share, errors of a share (per unit, per channel), buffers of the optimiser, lengths of the lists, numbers of rows
    of weights (all of a share's; those that wait).
    """

    inputs: np.ndarray
    value: np.ndarray
    line: np.ndarray
    target: np.ndarray
    z: np.ndarray
    delta: np.ndarray
    spread: np.ndarray
    squares: np.ndarray
    decays: np.ndarray
    coefficients: np.ndarray
    length: np.ndarray
    all_rows: np.ndarray
    later: np.ndarray


def own_buffers(plan: Plan, autoencoder: bool, rows: int = 2) -> Own:
    """Buffers for one more thread, with inputs of so many rows."""
    inputs = int(plan.units[0])
    widest = 2 * int(plan.units.max()) + 16
    return Own(
        inputs=np.zeros((rows, inputs), np.int64),
        value=np.zeros((rows, inputs), np.float32),
        line=np.zeros((rows, int(plan.places[1])), np.float32),
        target=np.zeros((rows, inputs if autoencoder else 0), np.float32),
        z=np.zeros((plan.bounds.shape[1] - 1, widest), np.float32),
        delta=np.zeros(widest, np.float32),
        spread=np.zeros(widest, np.float32),
        squares=np.zeros(widest, np.float32),
        decays=np.zeros(widest, np.float32),
        coefficients=np.zeros(5, np.float32),
        length=np.zeros(rows, np.int64),
        all_rows=np.arange(widest),
        later=np.zeros(widest, np.int64),
    )


@njit(**INNER)
def net_inputs(h, plan, store, share, l, x, count, index, value, key, all_rows, some, z):  # type: ignore
    """Net inputs without bias of a share's units (Maxout: channels) into ``z``; not of those that are dropped.

    With the first layer input by input all are worked out. `key` is that of the layer's dropout, `some` a buffer.
    """
    lo, hi, ch = plan.bounds[l, share], plan.bounds[l, share + 1], plan.channels[l]
    base, width = plan.base[l, share], plan.width[l, share]
    if l == 0 and plan.by_input:
        gathered(index, value, 0, count, store, base, plan.parts * width, width, z, 0)
        return
    ratio = f32(h.hidden_dropout[l]) if l < len(h.hidden_dropout) else f32(0)
    if ratio > 0 and width >= WORTH_SKIPPING:
        found = 0
        for u in range(lo, hi):
            for c in range((u - lo) * ch, (u - lo + 1) * ch):
                some[found] = c
                found += 1 if uniform(key, u) >= ratio else 0
        row_products(x, width, store, base, plan.parts * width, some, found, z)
    else:
        row_products(x, width, store, base, plan.parts * width, all_rows, (hi - lo) * ch, z)


@njit(**INNER)
def activations(h, net, plan, share, l, z, key, a, winner, live, first_bias, seen):  # type: ignore[no-untyped-def]
    """Activations of a share's hidden units of weight layer `l` from their net inputs, into the layer's place."""
    ch = plan.channels[l]
    lo, hi = plan.bounds[l, share], plan.bounds[l, share + 1]
    at = plan.places[l + 1]
    ratio = f32(h.hidden_dropout[l]) if len(h.hidden_dropout) > 0 else f32(0)
    if h.activation == RECTIFIER and len(net.mean_activation) == 0:
        biases, out, on_ = net.biases[first_bias + lo : first_bias + hi], a[at + lo : at + hi], live[at + lo : at + hi]
        if ratio > 0:
            rectify_some(z, biases, out, key, lo, ratio, on_)
        else:
            rectify(z, biases, out)
            on_[:] = True
        return
    for u in range(lo, hi):
        j = u - lo
        on = ratio <= 0 or uniform(key, u) >= ratio
        live[at + u] = on
        v = 0.0
        if h.activation == MAXOUT:
            if on:
                z0 = z[2 * j] + net.biases[first_bias + 2 * u]
                z1 = z[2 * j + 1] + net.biases[first_bias + 2 * u + 1]
                winner[at + u] = 1 if z1 > z0 else 0
                v = max(z0, z1)
        elif on:
            v = activate(h.activation, z[j * ch] + net.biases[first_bias + u])
        a[at + u] = f32(v)
        if len(net.mean_activation) > 0:
            i = seen + u
            net.mean_activation[i] = 0.999 * net.mean_activation[i] + 0.001 * v


@njit(**INNER)
def output_errors(h, plan, share, out, target, t, offset, delta, scratch):  # type: ignore[no-untyped-def]
    """Errors of a share's output units, from the net inputs `out` of all output units, into `delta`."""
    last = len(plan.units) - 2
    lo, hi = plan.bounds[last, share], plan.bounds[last, share + 1]
    if h.output == SOFTMAX:
        top = out[0]
        for r in range(1, len(out)):
            top = max(top, out[r])
        total = 0.0
        for r in range(len(out)):
            scratch[r] = np.exp(out[r] - top)
            total += scratch[r]
        for r in range(lo, hi):
            delta[r - lo] = f32(class_error(h.loss, scratch[r] / total, 1.0 if r == int(t) else 0.0))
        return
    for r in range(lo, hi):
        f, y = np.float64(out[r]), t
        if h.output == AUTOENCODER:
            f, y = activate(h.activation, f), np.float64(target[r])
        delta[r - lo] = f32(regression_error(h.loss, y, f + offset, h.quantile_alpha, h.tweedie_power, h.huber_delta))


@njit(**INNER)
def hidden_errors(h, plan, share, l, a, live, errors, delta):  # type: ignore[no-untyped-def]
    """Errors at the net inputs of a share's units of weight layer `l`, from the sums that the layer above passed."""
    at = plan.places[l + 1]
    lo, hi = plan.bounds[l, share], plan.bounds[l, share + 1]
    if h.activation == RECTIFIER:
        for s in range(1, errors.shape[0]):
            axpy(errors[0, at + lo : at + hi], f32(1), errors[s, at + lo : at + hi])
        rectified_errors(errors[0, at + lo : at + hi], a[at + lo : at + hi], delta[: hi - lo])
        return
    for u in range(lo, hi):
        e = 0.0
        for s in range(errors.shape[0]):
            e += errors[s, at + u]
        if live[at + u]:
            e *= derivative(h.activation, np.float64(a[at + u]), False)
        else:
            e = 0.0
        delta[u - lo] = f32(e)


@njit(**EXACT)
def train_share(  # type: ignore[no-untyped-def]
    h,
    net,
    plan,
    store,
    x,
    targets,
    shift,
    rows,
    first,
    processed,
    thread,
    threads,
    count,
    shared,
    own,
):
    """One thread's part of training on `rows`; False if it gave up at a meeting.

    `shared` is a `Shared`, `own` this thread's `Own`, `count` the meeting counters. The thread does the shares
    thread, thread + threads, ...
    """
    a, out, winner, live, errors, bias_at, seen_at = shared
    index, value, line, target, z, delta, spread, squares, decays, coefficients, length, all_rows, later = own
    layers = len(plan.units) - 1
    shares = plan.bounds.shape[1] - 1
    last = layers - 1
    keep = h.output == AUTOENCODER
    nothing = delta[:0]
    ratio = f32(h.input_dropout)
    step = 0
    for i in range(len(rows)):
        now, following = i % 2, (i + 1) % 2
        done = processed + i
        r = rows[i]
        if i == 0:
            key = stream_key(h.seed, first + i, INPUT_STREAM)
            length[now] = read_row(x, r, key, ratio, plan, index[now], value[now], target[now], keep, line[now])
        row = line[now]
        ahead = nothing
        if i + 1 < len(rows):
            key = stream_key(h.seed, first + i + 1, INPUT_STREAM)
            if i + 2 < len(rows):
                ask_for(x, rows[i + 2])
            length[following] = read_row(
                x, rows[i + 1], key, ratio, plan, index[following], value[following], target[following], keep,
                line[following],
            )  # fmt: skip
            if not plan.by_input:
                ahead = line[following]
        for l in range(layers):
            below = row if l == 0 else a[plan.places[l] : plan.places[l + 1]]
            key = stream_key(h.seed, first + i, l + 1)
            for share in range(thread, shares, threads):
                if l > 0 or i == 0 or plan.by_input:
                    net_inputs(
                        h, plan, store, share, l, below, length[now], index[now], value[now], key, all_rows, later,
                        z[share],
                    )  # fmt: skip
                if l < last:
                    activations(h, net, plan, share, l, z[share], key, a, winner, live, bias_at[l], seen_at[l])
                else:
                    for u in range(plan.bounds[l, share], plan.bounds[l, share + 1]):
                        out[now, u] = z[share, u - plan.bounds[l, share]] + net.biases[bias_at[l] + u]
            if threads > 1:
                step += 1
                if not meet(count, thread, threads, step):
                    return False
        for l in range(last, -1, -1):
            below = row if l == 0 else a[plan.places[l] : plan.places[l + 1]]
            set_coefficients(h, done, l, coefficients)
            for share in range(thread, shares, threads):
                if l == last:
                    t = targets[r] if len(targets) > 0 else 0.0
                    offset = shift[r] if len(shift) > 0 else 0.0
                    output_errors(h, plan, share, out[now], target[now], t, offset, delta, spread)
                else:
                    hidden_errors(h, plan, share, l, a, live, errors, delta)
                passed = errors[share, plan.places[l] : plan.places[l + 1]]
                if l > 0:
                    passed[:] = f32(0)
                update_weights(
                    h, plan, store, share, l, below, length[now], index[now], value[now], delta, live, winner, passed,
                    coefficients, spread, squares, decays, later, ahead if l == 0 else nothing, z[share],
                )  # fmt: skip
                mean_square = mean_square_input(plan, l, below, length[now], value[now])
                update_biases(
                    h, net, plan, share, l, mean_square, delta, live, winner, bias_at[l], seen_at[l], coefficients
                )
            if threads > 1 and l > 0:
                step += 1
                if not meet(count, thread, threads, step):
                    return False
    return True
