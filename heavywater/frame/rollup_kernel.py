"""One pass over columns: counts, extremes, mean and sum of squares; the bits of all values."""

from __future__ import annotations

import numpy as np

from heavywater.core.columns import WHOLE, fill_panel
from heavywater.core.jit import njit

MOMENTS = ("missing", "zeros", "positive_infinities", "negative_infinities", "finite", "min", "max", "mean", "m2")


def new_rollup(columns: int) -> np.ndarray:
    """What `rollup_columns` starts with: `MOMENTS` in rows, one column each."""
    state = np.zeros((len(MOMENTS), columns))
    state[5], state[6] = np.inf, -np.inf
    return state


@njit(cache=True, nogil=True, _nrt=False)
def rollup_columns(address: np.ndarray, kind: np.ndarray, rows: int, panel: np.ndarray, state: np.ndarray) -> None:
    """Carry on the statistics of columns (see `heavywater.core.columns`) over their rows; NaN is missing.

    Mean and squared deviations are Welford's, over the rows in order, which is what H2O does within a chunk; other
    formulas differ in the last bit, and that bit ends up in standardised inputs. Infinite values are counted and
    otherwise left out. `panel` is a buffer, float64 ``(rows at a time, columns)``.
    """
    whole = True
    for k in range(len(kind)):
        whole = whole and kind[k] < WHOLE
    for first in range(0, rows, len(panel)):
        part = panel[: min(len(panel), rows - first)]
        fill_panel(address, kind, first, part)
        if whole or _all_finite(part):
            _rollup_finite(part, state)
        else:
            _rollup_any(part, state)


@njit(cache=True, nogil=True, fastmath={"reassoc"}, _nrt=False)
def _all_finite(panel: np.ndarray) -> bool:
    total = 0.0
    for i in range(panel.shape[0]):
        for k in range(panel.shape[1]):
            total += panel[i, k] * 0.0  # NaN for a value that is not finite
    return total == 0.0


@njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
def _rollup_finite(panel: np.ndarray, state: np.ndarray) -> None:
    zeros, count, low, high, mean, m2 = state[1], state[4], state[5], state[6], state[7], state[8]
    for i in range(panel.shape[0]):
        row = panel[i]
        for k in range(panel.shape[1]):
            v = row[k]
            zeros[k] += 1.0 if v == 0.0 else 0.0
            low[k] = min(v, low[k])
            high[k] = max(v, high[k])
            n = count[k] + 1.0
            count[k] = n
            before = v - mean[k]
            new = mean[k] + before / n
            m2[k] += before * (v - new)
            mean[k] = new


@njit(cache=True, nogil=True, _nrt=False)
def _rollup_any(panel: np.ndarray, state: np.ndarray) -> None:
    for i in range(panel.shape[0]):
        for k in range(panel.shape[1]):
            v = panel[i, k]
            if np.isfinite(v):
                _rollup_finite(panel[i : i + 1, k : k + 1], state[:, k : k + 1])
            elif np.isnan(v):
                state[0, k] += 1
            else:
                state[2 if v > 0 else 3, k] += 1


@njit(cache=True, nogil=True, _nrt=False)
def fold_columns(
    address: np.ndarray, kind: np.ndarray, rows: int, panel: np.ndarray, bits: np.ndarray, state: np.ndarray
) -> None:
    """Fold the bits of columns into one 64-bit state each: multiply and xor, as in FNV-1a.

    All NaN count as one value, and so do the two zeros. `panel` is a buffer, float64 ``(rows at a time, columns)``,
    `bits` the same as uint64.
    """
    for first in range(0, rows, len(panel)):
        count = min(len(panel), rows - first)
        fill_panel(address, kind, first, panel[:count])
        for i in range(count):
            row, line = panel[i], bits[i]
            for k in range(len(state)):
                v = line[k] if row[k] == row[k] else np.uint64(0x7FF8000000000000)
                v = np.uint64(0) if row[k] == 0.0 else v
                h = (state[k] ^ v) * np.uint64(0x9E3779B97F4A7C15)
                state[k] = h ^ (h >> np.uint64(32))


@njit(cache=True, nogil=True, _nrt=False)
def _weighted_pass(x: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
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
    out[0], out[1], out[2], out[3] = n, total, mean, squares


def weighted_pass(x: np.ndarray, weights: np.ndarray) -> tuple[int, float, float, float]:
    """Rows used, sum of weights, weighted mean and weighted sum of squared deviations of a float64 vector.

    One pass in row order, rows of weight 0 and missing values left out; the last bits are H2O's.
    """
    out = np.zeros(4)
    _weighted_pass(x, weights, out)
    n, total, mean, squares = out.tolist()
    return int(n), total, mean, squares
