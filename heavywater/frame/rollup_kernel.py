"""One pass over a column: counts, extremes, mean and sum of squares."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def rollup_pass(x: np.ndarray) -> tuple[int, int, int, int, float, float, float, float]:
    """Statistics of a float64 vector, shape ``(n,)``; NaN is missing.

    Mean and squared deviations are Welford's, over the rows in order, which is what H2O does within a chunk; other
    formulas differ in the last bit, and that bit ends up in standardised inputs.  Infinite values are counted and
    otherwise left out.

    Returns
    -------
    missing, zeros, positive_infinities, negative_infinities : int
    minimum, maximum, mean, m2 : float
        Of the finite values; NaN, NaN, NaN, 0 when there are none.
    """
    missing = zeros = pinfs = ninfs = n = 0
    low, high = np.inf, -np.inf
    mean = m2 = 0.0
    for v in x:
        if np.isnan(v):
            missing += 1
            continue
        if np.isinf(v):
            if v > 0:
                pinfs += 1
            else:
                ninfs += 1
            continue
        if v == 0.0:
            zeros += 1
        if v < low:
            low = v
        if v > high:
            high = v
        n += 1
        before = v - mean
        mean += before / n
        m2 += before * (v - mean)
    if n == 0:
        return missing, zeros, pinfs, ninfs, np.nan, np.nan, np.nan, 0.0
    return missing, zeros, pinfs, ninfs, low, high, mean, m2


@njit(cache=True, nogil=True)
def fold_bits(x: np.ndarray, state: int) -> int:
    """Fold the bits of a float64 vector into a 64-bit state (multiply and xor, as in FNV-1a, a whole number at a time)."""
    h = np.uint64(state)
    for v in x.view(np.uint64):
        h = (h ^ v) * np.uint64(0x9E3779B97F4A7C15)
        h ^= h >> np.uint64(32)
    return h  # type: ignore[return-value]


@njit(cache=True, nogil=True)
def weighted_pass(x: np.ndarray, weights: np.ndarray) -> tuple[int, float, float, float]:
    """Rows used, sum of weights, weighted mean and weighted sum of squared deviations of a float64 vector.

    One pass in row order, rows of weight 0 and missing values left out; the last bits are H2O's.
    """
    mean, total, squares, n = 0.0, 0.0, 0.0, 0
    for i in range(len(x)):
        w = weights[i]
        if w == 0 or np.isnan(x[i]):
            continue
        before, delta = total, x[i] - mean
        total += w
        step = delta * w / total
        mean += step
        squares += before * delta * step
        n += 1
    return n, total, mean, squares
