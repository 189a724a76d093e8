"""Fast training: the optimiser steps of a thread's share of a layer."""

from __future__ import annotations

import numpy as np
from numba import njit

from heavywater.core.mlp.functions import INNER
from heavywater.core.mlp.loops import adadelta, adadelta_inputs, axpy, descend, dot, heavy_ball, limit, prepare
from heavywater.core.mlp.update import learning_rate, momentum

f32 = np.float32
NO_LIMIT = 3.4e38
"""A larger max_w2, such as the default, is none."""


@njit(**INNER)
def step_rows(h, store, at, width, n, v, squares, decays, s, coefficients):  # type: ignore[no-untyped-def]
    """One optimiser step on `n` weights at ``store[at]`` whose gradient is ``s * v``."""
    w = store[at : at + n]
    if h.adaptive:
        adadelta(
            store, at, width, width, v, squares, decays, s, f32(h.rho), f32(h.epsilon), f32(h.l1), f32(h.l2),
            h.fast_mode,
        )  # fmt: skip
    elif h.momentum_start != 0 or h.momentum_stable != 0:
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
    """Coefficients of `heavy_ball` and, last, the learning rate of a layer."""
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
def update_share(  # type: ignore[no-untyped-def]
    h,
    net,
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
    first_bias,
    seen,
    coefficients,
    spread,
    squares,
    decays,
    ahead,
    z,
):
    """Update a share's units of weight layer `l`; adds the errors passed down to `below` unless ``l == 0``.

    With the first layer unit by unit, `ahead` is the next row's input (or empty) and `z` takes its net inputs.
    """
    ch = plan.channels[l]
    n = plan.units[l]
    lo, hi = plan.bounds[l, share], plan.bounds[l, share + 1]
    base, width = plan.base[l, share], plan.width[l, share]
    hidden = l < len(plan.units) - 2
    at = plan.places[l + 1]
    momentum_on = not h.adaptive and (h.momentum_start != 0 or h.momentum_stable != 0)
    shortcut = h.fast_mode or (not h.adaptive and not momentum_on and h.l1 == 0 and h.l2 == 0)
    by_input = l == 0 and plan.by_input
    mean_square = 0.0
    if by_input:
        for k in range(count):
            mean_square += np.float64(value[k]) * value[k]
    else:
        mean_square = np.float64(dot(x[:n], x[:n]))
        if h.adaptive:
            prepare(x[:width], squares, decays, f32(h.rho), h.fast_mode)
    mean_square /= n
    limited = h.max_w2 < NO_LIMIT
    for u in range(lo, hi):
        dlt = delta[u - lo]
        k = int(winner[at + u]) if ch == 2 else 0
        row = base + ((u - lo) * ch + k) * plan.parts * width
        if (live[at + u] or not hidden) and not (shortcut and dlt == 0):
            if not by_input:
                if l > 0:
                    axpy(below[:width], dlt, store[row : row + width])
                step_rows(h, store, row, width, n, x, squares, decays, dlt, coefficients)
                if limited:
                    limit(store[row : row + n], f32(h.max_w2))
            beta = 0.0
            if hidden and h.sparsity_beta > 0:
                beta = h.sparsity_beta * (net.mean_activation[seen + u] - h.average_activation)
            q = np.float64(dlt) * dlt * mean_square
            step_bias(h, net, first_bias + u * ch + k, np.float64(dlt), q, coefficients, beta)
        if len(ahead) > 0:
            for c in range(ch):
                row = base + ((u - lo) * ch + c) * plan.parts * width
                z[(u - lo) * ch + c] = dot(store[row : row + width], ahead[:width])
    if by_input:
        rows = (hi - lo) * ch
        spread_out(delta, spread, lo, hi, ch, winner, at)
        spread[rows:width] = f32(0)
        step = plan.parts * width
        if h.adaptive:
            prepare(spread[:width], squares, decays, f32(h.rho), h.fast_mode)
            adadelta_inputs(
                store, base, step, width, index, value, count, spread, squares, decays, f32(h.rho), f32(h.epsilon),
                f32(h.l1), f32(h.l2), h.fast_mode,
            )  # fmt: skip
            return
        for k in range(count):
            step_rows(h, store, base + index[k] * step, width, rows, spread, squares, decays, value[k], coefficients)


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
