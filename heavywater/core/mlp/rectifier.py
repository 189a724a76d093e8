"""Rectifier units, the most common ones, a layer at a time and without branches, which dropout makes unpredictable."""

from __future__ import annotations

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.fast_input import uniform
from heavywater.core.mlp.loops import FAST

f32 = np.float32


@njit(**FAST)
def rectify(z, biases, out):  # type: ignore[no-untyped-def]
    """Activations from net inputs without bias."""
    for u in range(len(out)):
        v = z[u] + f32(biases[u])
        out[u] = v if v > f32(0) else f32(0)


@njit(**FAST)
def rectify_some(z, biases, out, key, first, ratio, live):  # type: ignore[no-untyped-def]
    """`rectify` with dropout; the numbers of the units count from `first`."""
    for u in range(len(out)):
        v = z[u] + f32(biases[u])
        on = uniform(key, first + u) >= ratio
        live[u] = on
        out[u] = v if on & (v > f32(0)) else f32(0)


@njit(**FAST)
def rectified_errors(errors, activations, out):  # type: ignore[no-untyped-def]
    """Errors at the net inputs from those at the activations."""
    for u in range(len(out)):
        out[u] = errors[u] if activations[u] > f32(0) else f32(0)


@njit(**FAST)
def keep_where_on(errors, activations):  # type: ignore[no-untyped-def]
    """`rectified_errors` in place."""
    for u in range(len(errors)):
        errors[u] = errors[u] if activations[u] > f32(0) else f32(0)
