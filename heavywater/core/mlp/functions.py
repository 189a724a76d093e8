"""Scalar functions of the exact kernels: H2O's approximate roots, activations, errors at the output, dropout seeds.

Formulas are H2O's, rounding included; float32 steps are written out, and nothing here may be compiled with fastmath.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.layout import (
    EXPRECTIFIER,
    GAMMA,
    GAUSSIAN,
    HUBER,
    LAPLACE,
    MAXOUT,
    POISSON,
    QUADRATIC,
    QUANTILE,
    RECTIFIER,
    TANH,
)
from heavywater.core.rng import next32, next_float, set_seed

EXACT: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
"""Options of exact kernels. Without numba's run time kernels cannot allocate, but neither do slices of arrays count
references, which would be atomic operations in the innermost loops."""
INNER = EXACT | {"cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}
"""Options of functions that only kernels call: they are stored with their callers and need no way in from Python."""
f32 = np.float32
f64 = np.float64
i32 = np.int32
i64 = np.int64
u64 = np.uint64
EXP_LIMIT = 1e19


@njit(**INNER)
def sqrt32(x):  # type: ignore[no-untyped-def]
    """Approximate float32 square root (halved exponent bits; 3.5% off at worst)."""
    return i32(i32(532483686) + (f32(x).view(i32) >> i32(1))).view(f32)


@njit(**EXACT)
def sqrt64(x):  # type: ignore[no-untyped-def]
    """Approximate float64 square root; 0 gives 1.0971e-154."""
    return i64(((f64(x).view(i64) >> i64(32)) + i64(1072632448)) << i64(31)).view(f64)


@njit(**INNER)
def inverse_sqrt32(x):  # type: ignore[no-untyped-def]
    """Approximate float32 ``1 / sqrt(x)`` with one Newton step."""
    half = f32(f32(0.5) * x)
    y = i32(i32(0x5F3759DF) - (f32(x).view(i32) >> i32(1))).view(f32)
    return f32(y * f32(f32(1.5) - f32(f32(half * y) * y)))


@njit(**INNER)
def clipped_exp(x):  # type: ignore[no-untyped-def]
    """``exp(x)``, at most 1e19."""
    return min(EXP_LIMIT, math.exp(x))


@njit(**INNER)
def activate(kind, z):  # type: ignore[no-untyped-def]
    """Activation of a unit with one channel; Maxout codes pass `z` through."""
    if kind == TANH:
        return 1.0 - 2.0 / (1.0 + math.exp(2.0 * z))
    if kind == RECTIFIER:
        return 0.5 * (z + abs(z))
    if kind == EXPRECTIFIER:
        return z if z >= 0 else math.exp(z) - 1.0
    return z


@njit(**INNER)
def derivative(kind, a, h2o):  # type: ignore[no-untyped-def]
    """Derivative of the activation, from the activation's value."""
    if kind == TANH:
        return 1.0 - a * a
    if kind == RECTIFIER:
        return 1.0 if a > 0 else 0.0
    if kind == EXPRECTIFIER:
        if a >= 0:
            return 1.0
        # H2O takes the exponential of the activation instead of the net input.
        return math.exp(a) if h2o else a + 1.0
    return 1.0


@njit(**INNER)
def class_error(loss, y, t):  # type: ignore[no-untyped-def]
    """Error at the net input of a softmax output `y` with target `t` (0 or 1)."""
    if loss == QUADRATIC:
        return (y - t) * (1.0 - y) * y
    return y - t


@njit(**INNER)
def regression_error(loss, t, f, alpha, power, delta):  # type: ignore[no-untyped-def]
    """Error at a linear output `f` with target `t`, in link space of the standardised response."""
    if loss == GAUSSIAN:
        g = t - f
    elif loss == LAPLACE:
        g = 0.5 if f <= t else -0.5
    elif loss == QUANTILE:
        g = 0.5 * alpha if t > f else 0.5 * (alpha - 1.0)
    elif loss == HUBER:
        if abs(t - f) <= delta:
            g = t - f
        else:
            g = -delta if f >= t else delta
    elif loss == POISSON:
        g = t - clipped_exp(f)
    elif loss == GAMMA:
        g = t * clipped_exp(-f) - 1.0
    else:
        g = t * clipped_exp(f * (1.0 - power)) - clipped_exp(f * (2.0 - power))
    return -2.0 * g


@njit(**INNER)
def softmax(a, start, n):  # type: ignore[no-untyped-def]
    """Softmax of ``a[start:start + n]`` in place."""
    top = a[start]
    for i in range(start + 1, start + n):
        if a[i] > top:
            top = a[i]
    total = 0.0
    for i in range(start, start + n):
        a[i] = math.exp(a[i] - top)
        total += a[i]
    for i in range(start, start + n):
        a[i] /= total


@njit(**INNER)
def seed_masks(state, seed):  # type: ignore[no-untyped-def]
    """Start the generator of a dropout mask; nearly empty halves of the seed get bits of their own."""
    s = u64(seed)
    if (s >> u64(32)) < u64(0xFFFF):
        s |= u64(0x5B93000000000000)
    if (s & u64(0xFFFFFFFF)) < u64(0xFFFF):
        s |= u64(0xDB910000)
    set_seed(state, s)


@njit(**INNER)
def draw_mask(state, ratio, mask, start, n):  # type: ignore[no-untyped-def]
    """Fill ``mask[start:start + n]`` with 1 (unit takes part) or 0; a generator in `state` was just seeded."""
    if ratio == 0.5:
        word = u64(0)
        for i in range(n):
            if i % 32 == 0:
                word = next32(state)
            mask[start + i] = (word >> u64(i % 32)) & u64(1)
    else:
        for i in range(n):
            mask[start + i] = 1 if next_float(state) > ratio else 0


@njit(**INNER)
def mask_constant(kind):  # type: ignore[no-untyped-def]
    """What H2O adds to the seed of hidden dropout for each activation."""
    if kind == RECTIFIER:
        return i64(0x3C71F1ED)
    if kind == MAXOUT:
        return i64(0x51C8D00D)
    return i64(-629514240)


INPUT_MASK_CONSTANT = 0x1337B4BE
LAYER_MASK_STEP = 0x9E3779B97F4A7C15 - (1 << 64)
"""Added per hidden layer (not in H2O's manner, where equal ratios give equal masks)."""
