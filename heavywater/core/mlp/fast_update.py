"""Fast training: the optimiser steps of a thread's share of a layer."""

from __future__ import annotations

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.functions import INNER
from heavywater.core.mlp.loops import (
    adadelta,
    adadelta_ahead,
    adadelta_down,
    adadelta_inputs,
    axpy,
    descend,
    dot,
    heavy_ball,
    limit,
    prepare,
)
from heavywater.core.mlp.tiles import row_products
from heavywater.core.mlp.update import learning_rate, momentum

f32 = np.float32
NO_LIMIT = 3.4e38
"""A larger max_w2, such as the default, is none."""


@njit(**INNER)
def step_rows(h, store, at, width, n, v, s, coefficients):  # type: ignore[no-untyped-def]
    """One optimiser step other than ADADELTA's on `n` weights at ``store[at]`` whose gradient is ``s * v``."""
    w = store[at : at + n]
    if h.momentum_start != 0 or h.momentum_stable != 0:
        u = store[at + width : at + width + n]
        a, b, c, e = coefficients[0], coefficients[1], coefficients[2], coefficients[3]
        heavy_ball(w, u, v[:n], s, h.fast_mode, a, b, c, e, f32(h.l1), f32(h.l2))
    else:
        descend(w, v[:n], s, h.fast_mode, coefficients[2], f32(h.l1), f32(h.l2))


@njit(**INNER)
def step_bias(h, net, at, delta, q, coefficients, beta):  # type: ignore[no-untyped-def]
    """Optimiser step of one bias; `q` is the mean squared gradient of the unit's weights."""
    b = net.biases[at]
    sign = 1.0 if b > 0 else (-1.0 if b < 0 else 0.0)
    grad = delta + sign * h.l1 + b * h.l2
    if h.adaptive:
        g = h.rho * net.ada_bias_g[at] + (1 - h.rho) * q
        d = net.ada_bias_d[at]
        rate = np.sqrt((d + h.epsilon) / (g + h.epsilon))
        net.ada_bias_g[at] = g
        net.ada_bias_d[at] = h.rho * d + (1 - h.rho) * rate * rate * q
        b -= rate * grad
    elif h.momentum_start != 0 or h.momentum_stable != 0:
        old = net.velocity_biases[at]
        new = coefficients[0] * old - coefficients[1] * grad
        net.velocity_biases[at] = new
        rate = coefficients[4]
        b += coefficients[2] * new + coefficients[3] * old
    else:
        rate = coefficients[4]
        b -= coefficients[2] * grad
    net.biases[at] = b - rate * beta


@njit(**INNER)
def set_coefficients(h, processed, layer, out):  # type: ignore[no-untyped-def]
    """Coefficients of `heavy_ball` and, last, the learning rate of a layer; ADADELTA needs none."""
    if h.adaptive:
        return
    m = momentum(h, processed)
    rate = f32(learning_rate(h, processed, layer) * (1.0 - m))
    out[4] = rate
    out[3] = f32(0)
    if h.nesterov:
        out[0], out[1], out[2] = m, f32(1), rate
    elif h.h2o:
        out[0], out[1], out[2], out[3] = f32(0), rate, f32(1), m
    else:
        out[0], out[1], out[2] = m, rate, f32(1)
    if h.momentum_start == 0 and h.momentum_stable == 0:
        out[2] = rate


@njit(**INNER)
def step_biases(b, d, g, delta, live, mean_square, rho, epsilon, l1, l2, keep):  # type: ignore[no-untyped-def]
    """`step_bias` with ADADELTA for all units of a share in one loop; units that are off do not move.

    `mean_square` is the mean squared input; `b`, `d` and `g` are float64, `delta` float32, `live` bool.
    """
    for u in range(len(delta)):
        dlt, old = np.float64(delta[u]), b[u]
        sign = 1.0 if old > 0 else (-1.0 if old < 0 else 0.0)
        q = dlt * dlt * mean_square
        new_g = rho * g[u] + (1 - rho) * q
        rate = np.sqrt((d[u] + epsilon) / (new_g + epsilon))
        new_d = rho * d[u] + (1 - rho) * rate * rate * q
        moves = live[u] & ((dlt != 0) | (not keep))
        g[u] = new_g if moves else g[u]
        d[u] = new_d if moves else d[u]
        b[u] = old - rate * (dlt + sign * l1 + old * l2) if moves else old


@njit(**INNER)
def mean_square_input(plan, l, x, count, value):  # type: ignore[no-untyped-def]
    """Mean of the squared inputs of weight layer `l`: those of `x`, or the first `count` of `value` for a list."""
    n = plan.units[l]
    if l == 0 and plan.by_input:
        total = 0.0
        for k in range(count):
            total += np.float64(value[k]) * value[k]
        return total / n
    return np.float64(dot(x[:n], x[:n])) / n


@njit(**INNER)
def has_shortcut(h):  # type: ignore[no-untyped-def]
    """Whether a unit without an error stays as it is."""
    momentum_on = not h.adaptive and (h.momentum_start != 0 or h.momentum_stable != 0)
    return h.fast_mode or (not h.adaptive and not momentum_on and h.l1 == 0 and h.l2 == 0)


@njit(**INNER)
def update_weights(  # type: ignore[no-untyped-def]
    h,
    plan,
    store,
    share,
    l,
    x,
    count,
    index,
    value,
    delta,
    live,
    winner,
    below,
    coefficients,
    spread,
    squares,
    decays,
    later,
    ahead,
    z,
):
    """Update a share's weights of layer `l`; adds the errors passed down to `below` unless ``l == 0``.

    With the first layer unit by unit, `ahead` is the next row's input (or empty) and `z` takes its net inputs: in the
    same pass as the update, and for the units without one (numbered in `later`) at the end.
    """
    ch = plan.channels[l]
    n = plan.units[l]
    lo, hi = plan.bounds[l, share], plan.bounds[l, share + 1]
    base, width = plan.base[l, share], plan.width[l, share]
    step = plan.parts * width
    hidden = l < len(plan.units) - 2
    at = plan.places[l + 1]
    adaptive, rho, eps, l1, l2, keep = h.adaptive, f32(h.rho), f32(h.epsilon), f32(h.l1), f32(h.l2), h.fast_mode
    if l == 0 and plan.by_input:
        rows = (hi - lo) * ch
        spread_out(delta, spread, lo, hi, ch, winner, at)
        spread[rows:width] = f32(0)
        if adaptive:
            prepare(spread[:width], squares, decays, rho, keep)
            adadelta_inputs(
                store, base, step, width, index, value, count, spread, squares, decays, rho, eps, l1, l2, keep
            )
        else:
            for k in range(count):
                step_rows(h, store, base + index[k] * step, width, rows, spread, value[k], coefficients)
        return
    shortcut = has_shortcut(h)
    limited = h.max_w2 < NO_LIMIT
    if adaptive:
        prepare(x[:width], squares, decays, rho, keep)
    waiting = 0
    for u in range(lo, hi):
        dlt = delta[u - lo]
        r = (u - lo) * ch + (np.int64(winner[at + u]) if ch == 2 else 0)
        row = base + r * step
        moves = (live[at + u] or not hidden) and not (shortcut and dlt == 0)
        seen_ahead = moves and adaptive and not limited and len(ahead) > 0
        if seen_ahead:
            z[r] = adadelta_ahead(store, row, width, x, squares, decays, dlt, rho, eps, l1, l2, keep, ahead)
        elif moves and adaptive and l > 0:
            adadelta_down(store, row, width, x, squares, decays, dlt, rho, eps, l1, l2, keep, below)
        elif moves and adaptive:
            adadelta(store, row, width, x, squares, decays, dlt, rho, eps, l1, l2, keep)
        elif moves:
            if l > 0:
                axpy(below[:width], dlt, store[row : row + width])
            step_rows(h, store, row, width, n, x, dlt, coefficients)
        if moves and limited:
            limit(store[row : row + n], f32(h.max_w2))
        for c in range((u - lo) * ch, (u - lo + 1) * ch):
            later[waiting] = c
            waiting += 1 if c != r or not seen_ahead else 0
    if len(ahead) > 0:
        row_products(ahead, width, store, base, step, later, waiting, z)


@njit(**INNER)
def update_biases(  # type: ignore[no-untyped-def]
    h, net, plan, share, l, mean_square, delta, live, winner, first_bias, seen, coefficients
):
    """Update a share's biases of layer `l`; `mean_square` comes from `mean_square_input`."""
    ch = plan.channels[l]
    lo, hi = plan.bounds[l, share], plan.bounds[l, share + 1]
    hidden = l < len(plan.units) - 2
    at = plan.places[l + 1]
    sparsity = hidden and h.sparsity_beta > 0
    shortcut = has_shortcut(h)
    if h.adaptive and ch == 1 and not sparsity:
        first, last = first_bias + lo, first_bias + hi
        step_biases(
            net.biases[first:last], net.ada_bias_d[first:last], net.ada_bias_g[first:last], delta[: hi - lo],
            live[at + lo : at + hi], mean_square, h.rho, h.epsilon, h.l1, h.l2, h.fast_mode,
        )  # fmt: skip
        return
    for u in range(lo, hi):
        dlt = delta[u - lo]
        if (live[at + u] or not hidden) and not (shortcut and dlt == 0):
            k = np.int64(winner[at + u]) if ch == 2 else 0
            beta = h.sparsity_beta * (net.mean_activation[seen + u] - h.average_activation) if sparsity else 0.0
            q = np.float64(dlt) * dlt * mean_square
            step_bias(h, net, first_bias + u * ch + k, np.float64(dlt), q, coefficients, beta)


@njit(**INNER)
def spread_out(delta, spread, lo, hi, ch, winner, at):  # type: ignore[no-untyped-def]
    """Errors per channel: all of a Maxout unit's error goes to the channel that won."""
    if ch == 1:
        for j in range(hi - lo):
            spread[j] = delta[j]
        return
    for u in range(lo, hi):
        j = 2 * (u - lo)
        k = np.int64(winner[at + u])
        spread[j + k] = delta[u - lo]
        spread[j + 1 - k] = f32(0)
