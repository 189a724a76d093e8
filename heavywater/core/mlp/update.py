"""The optimisers, one unit at a time: ADADELTA, momentum and plain gradient steps, with H2O's roundings."""

from __future__ import annotations

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.functions import EXACT, INNER, f32, f64, sqrt32, sqrt64


@njit(**EXACT)
def learning_rate(h, processed, layer):  # type: ignore[no-untyped-def]
    """Rate of the 0-based weight layer after `processed` rows."""
    return h.rate * h.rate_decay**layer / (1.0 + h.rate_annealing * processed)


@njit(**EXACT)
def ramped_momentum(h, processed):  # type: ignore[no-untyped-def]
    """Momentum that the parameters ask for after `processed` rows."""
    if h.momentum_ramp <= 0 or processed >= h.momentum_ramp:
        return h.momentum_stable if h.momentum_ramp > 0 else h.momentum_start
    return h.momentum_start + (h.momentum_stable - h.momentum_start) * processed / h.momentum_ramp


@njit(**INNER)
def momentum(h, processed):  # type: ignore[no-untyped-def]
    """Momentum in use; H2O never leaves the start of the ramp."""
    if h.momentum_start == 0 and h.momentum_stable == 0:
        return f32(0)
    if h.h2o:
        if h.momentum_ramp > 0:
            return f32(h.momentum_start + (h.momentum_stable - h.momentum_start) * -1.0 / h.momentum_ramp)
        return f32(h.momentum_start)
    return f32(ramped_momentum(h, processed))


@njit(**INNER)
def _adadelta(w, d, g, grad, x, fast, rho, eps):  # type: ignore[no-untyped-def]
    rest = f32(1) - rho
    for c in range(len(w)):
        square = grad[c] * grad[c]
        g_new = f32(f64(f32(rho * g[c])) + f64(rest) * square)
        rate = sqrt32(f32(f32(d[c] + eps) / f32(g_new + eps)))
        d_new = f32(f64(f32(rho * d[c])) + f64(f32(f32(rest * rate) * rate)) * square)
        w_new = f32(f64(w[c]) - f64(rate) * grad[c])
        skip = fast and x[c] == 0.0
        g[c] = g[c] if skip else g_new
        d[c] = d[c] if skip else d_new
        w[c] = w[c] if skip else w_new


@njit(**INNER)
def _momentum_step(w, v, grad, x, fast, nesterov, h2o, rate, m):  # type: ignore[no-untyped-def]
    for c in range(len(w)):
        if fast and x[c] == 0.0:
            continue
        if nesterov:
            v[c] = f32(f64(f32(v[c] * m)) - grad[c])
            w[c] = f32(f64(w[c]) + f64(rate) * f64(v[c]))
        elif h2o:
            stepped = f32(f64(w[c]) - f64(rate) * grad[c])
            w[c] = f32(stepped + f32(m * v[c]))
            v[c] = f32(-f64(rate) * grad[c])
        else:
            v[c] = f32(f64(f32(v[c] * m)) - f64(rate) * grad[c])
            w[c] = f32(w[c] + v[c])


@njit(**INNER)
def _plain_step(w, grad, x, fast, rate):  # type: ignore[no-untyped-def]
    for c in range(len(w)):
        w_new = f32(f64(w[c]) - f64(rate) * grad[c])
        w[c] = w[c] if fast and x[c] == 0.0 else w_new


@njit(**INNER)
def _gradient(w, x, delta, l1, l2, fast, grad):  # type: ignore[no-untyped-def]
    """Gradient of every incoming weight into `grad` (0 where it is not to be updated)."""
    if l1 == 0 and l2 == 0:
        for c in range(len(w)):
            grad[c] = delta * x[c]
        return
    for c in range(len(w)):
        if fast and x[c] == 0.0:
            grad[c] = 0.0
        else:
            sign = f32(0) if w[c] == 0 else (f32(1) if w[c] > 0 else f32(-1))
            grad[c] = delta * x[c] + f64(f32(sign * l1)) + f64(w[c]) * f64(l2)


@njit(**INNER)
def _limit(w, max_w2):  # type: ignore[no-untyped-def]
    """Scale the weights so that their squares add up to `max_w2` at most (eight float32 partial sums, as H2O)."""
    n = len(w)
    p0 = p1 = p2 = p3 = p4 = p5 = p6 = p7 = f32(0)
    for c in range(0, n - n % 8, 8):
        p0 += w[c] * w[c]
        p1 += w[c + 1] * w[c + 1]
        p2 += w[c + 2] * w[c + 2]
        p3 += w[c + 3] * w[c + 3]
        p4 += w[c + 4] * w[c + 4]
        p5 += w[c + 5] * w[c + 5]
        p6 += w[c + 6] * w[c + 6]
        p7 += w[c + 7] * w[c + 7]
    total = f32(p0 + p1 + p2 + p3)
    total += f32(p4 + p5 + p6 + p7)
    for c in range(n - n % 8, n):
        total += w[c] * w[c]
    if total > max_w2:
        factor = sqrt32(f32(max_w2 / total))
        for c in range(len(w)):
            w[c] = f32(w[c] * factor)


@njit(**INNER)
def _pass_down(w, delta, below):  # type: ignore[no-untyped-def]
    for c in range(len(w)):
        below[c] += delta * f64(w[c])


@njit(**INNER)
def _update_weights(h, w, d, g, v, x, below, has_below, delta, rate, m, grad):  # type: ignore[no-untyped-def]
    """One unit's incoming weights (arrays of equal length); returns the sum of squared gradients."""
    if has_below:
        _pass_down(w, delta, below)
    _gradient(w, x, delta, f32(h.l1), f32(h.l2), h.fast_mode, grad)
    if h.adaptive:
        _adadelta(w, d, g, grad, x, h.fast_mode, f32(h.rho), f32(h.epsilon))
        q = 0.0
        for c in range(len(w)):
            q += grad[c] * grad[c]
        return q
    if h.momentum_start != 0 or h.momentum_stable != 0:
        _momentum_step(w, v, grad, x, h.fast_mode, h.nesterov, h.h2o, rate, m)
    else:
        _plain_step(w, grad, x, h.fast_mode, rate)
    return 0.0


@njit(**INNER)
def update_unit(  # type: ignore[no-untyped-def]
    h,
    net,
    wb,
    bb,
    r,
    n,
    channels,
    channel,
    delta,
    x,
    below,
    has_below,
    base_rate,
    m,
    beta,
    grad_scratch,
    channel_scratch,
):
    """Update the incoming weights and the bias of unit `r` of a layer.

    The layer's weights start at ``net.weights[wb]``, its biases at ``net.biases[bb]``; `x` are the activations below,
    `delta` is the error at the net input; ``delta * w`` is added to `below` first if `has_below`. `beta` is the
    sparsity correction of the bias; scratch: float64 (n or more,) and float32 (4, n or more).
    """
    rate = f32(f32(base_rate) * (f32(1) - m))
    grad = grad_scratch[:n]
    has_momentum = h.momentum_start != 0 or h.momentum_stable != 0
    if channels == 1:
        lo, hi = wb + r * n, wb + (r + 1) * n
        w = net.weights[lo:hi]
        d = net.ada_weight_d[lo:hi] if h.adaptive else w
        g = net.ada_weight_g[lo:hi] if h.adaptive else w
        v = net.velocity_weights[lo:hi] if not h.adaptive and has_momentum else w
        q = _update_weights(h, w, d, g, v, x, below, has_below, delta, rate, m, grad)
        if h.max_w2 < np.inf:
            _limit(w, f32(h.max_w2))
    else:
        q = _update_channel(h, net, wb, r, n, channel, delta, x, below, has_below, rate, m, grad, channel_scratch)
    _update_bias(h, net, bb + channels * r + channel, delta, q / n, rate, m, beta)


@njit(**INNER)
def _update_channel(h, net, wb, r, n, channel, delta, x, below, has_below, rate, m, grad, channel_scratch):  # type: ignore
    """The same for one channel of a Maxout unit, whose weights lie at every other place."""
    lo = wb + 2 * r * n
    w, d, g, v = channel_scratch[0, :n], channel_scratch[1, :n], channel_scratch[2, :n], channel_scratch[3, :n]
    has_momentum = not h.adaptive and (h.momentum_start != 0 or h.momentum_stable != 0)
    for c in range(n):
        at = lo + 2 * c + channel
        w[c] = net.weights[at]
        if h.adaptive:
            d[c] = net.ada_weight_d[at]
            g[c] = net.ada_weight_g[at]
        if has_momentum:
            v[c] = net.velocity_weights[at]
    q = _update_weights(h, w, d, g, v, x, below, has_below, delta, rate, m, grad)
    if not h.h2o and h.max_w2 < np.inf:
        _limit(w, f32(h.max_w2))
    for c in range(n):
        at = lo + 2 * c + channel
        net.weights[at] = w[c]
        if h.adaptive:
            net.ada_weight_d[at] = d[c]
            net.ada_weight_g[at] = g[c]
        if has_momentum:
            net.velocity_weights[at] = v[c]
    if h.h2o and h.max_w2 < np.inf:
        # H2O's range runs from the channel's first weight to just before its last, with the other channel's between.
        _limit(net.weights[lo + channel : lo + 2 * (n - 1) + channel], f32(h.max_w2))
    return q


@njit(**INNER)
def _update_bias(h, net, at, delta, q, rate, m, beta):  # type: ignore[no-untyped-def]
    b = net.biases[at]
    sign = 0.0 if b == 0 else (1.0 if b > 0 else -1.0)
    grad = delta + sign * f64(f32(h.l1)) + b * f64(f32(h.l2))
    step = f64(rate)
    if h.adaptive:
        rho, eps = f64(f32(h.rho)), f64(f32(h.epsilon))
        rest = f64(f32(1) - f32(h.rho))
        g = rho * net.ada_bias_g[at] + rest * q
        d = net.ada_bias_d[at]
        step = sqrt64((d + eps) / (g + eps))
        net.ada_bias_g[at] = g
        net.ada_bias_d[at] = rho * d + rest * step * step * q
        b -= step * grad
    elif h.momentum_start != 0 or h.momentum_stable != 0:
        v = net.velocity_biases[at]
        if h.nesterov:
            v = v * f64(m) - grad
            b += step * v
        elif h.h2o:
            b = b - step * grad + f64(m) * v
            v = -step * grad
        else:
            v = v * f64(m) - step * grad
            b += v
        net.velocity_biases[at] = v
    else:
        b -= step * grad
    net.biases[at] = b - step * beta
