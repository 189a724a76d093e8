"""Histogram of scores with at most 400 bins, the base of AUC and of every threshold metric.

Method
------
Scores enter one by one, in row order.  A bin has a centre, the weights of its positive and negative rows, and the
squared error that merging has cost so far.  While there is room, and for scores seen before, nothing is lost: up to
400 distinct scores the histogram is exact.  Afterwards a new score either joins its cheaper neighbour or, when some
pair of neighbouring bins is cheaper to merge, gets a bin of its own and that pair is merged.  The cost of a merge is
the squared error of the merged bin; distances are taken in single precision.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heavywater.core.jit import njit

__all__ = ["MAX_BINS", "fill"]

MAX_BINS = 400

F64 = npt.NDArray[np.float64]


@njit(cache=True, nogil=True, _nrt=False, inline="always")
def _spread(a: float, na: float, b: float, nb: float) -> float:
    """Squared error added by giving `na` rows at `a` and `nb` rows at `b` their common mean."""
    d = np.float64(np.float32(a) - np.float32(b))
    return d * d * na * nb / (na + nb)


@njit(cache=True, nogil=True, _nrt=False)
def _set_costs(at: int, n: int, center: F64, error: F64, tp: F64, fp: F64, cost: F64) -> None:
    """Recompute the merge costs of the pairs that bin `at` belongs to."""
    for i in range(max(at - 1, 0), min(at + 1, n - 1)):
        cost[i] = error[i] + error[i + 1] + _spread(center[i + 1], tp[i + 1] + fp[i + 1], center[i], tp[i] + fp[i])


@njit(cache=True, nogil=True, _nrt=False)
def _fill(
    score: F64,
    positive: npt.NDArray[np.bool_],
    weight: F64,
    max_bins: int,
    center: F64,
    error: F64,
    tp: F64,
    fp: F64,
    cost: F64,
) -> int:
    """Number of bins that `fill` makes in arrays of ``max_bins + 2`` zeros."""
    n = 0
    cheapest = -1  # pair of smallest cost; -1 while it has to be looked for
    for row in range(score.shape[0]):
        p, w = score[row], weight[row]
        lo, hi = 0, n
        while lo < hi:
            mid = (lo + hi) >> 1
            if center[mid] < p:
                lo = mid + 1
            else:
                hi = mid
        at = lo
        joins = at < n and center[at] == p
        if not joins and n == max_bins:
            if cheapest < 0:
                cheapest = int(np.argmin(cost[: n - 1]))
            if 0 < at < n:
                left = error[at - 1] + _spread(p, w, center[at - 1], tp[at - 1] + fp[at - 1])
                right = error[at] + _spread(center[at], tp[at] + fp[at], p, w)
                if left < cost[cheapest] or right < cost[cheapest]:
                    joins = True
                    if left <= right:
                        at -= 1
                    k = tp[at] + fp[at]
                    center[at] = (center[at] * k + p * w) / (k + w)
                    error[at] = min(left, right)
        if not joins:
            for i in range(n, at, -1):
                center[i], error[i], tp[i], fp[i], cost[i] = (
                    center[i - 1], error[i - 1], tp[i - 1], fp[i - 1], cost[i - 1],
                )  # fmt: skip
            center[at], error[at], tp[at], fp[at] = p, 0.0, 0.0, 0.0
            n += 1
        if positive[row]:
            tp[at] += w
        else:
            fp[at] += w
        before = cost[cheapest] if cheapest >= 0 else 0.0
        _set_costs(at, n, center, error, tp, fp, cost)
        if not joins:
            cheapest = -1
        elif cheapest >= 0:
            if at - 1 <= cheapest <= at and cost[cheapest] > before:
                cheapest = -1
            for i in range(max(at - 1, 0), min(at + 1, n - 1)):
                if cheapest >= 0 and (cost[i] < cost[cheapest] or (cost[i] == cost[cheapest] and i < cheapest)):
                    cheapest = i
        if n > max_bins:
            i = int(np.argmin(cost[: n - 1]))
            ka, kb = tp[i] + fp[i], tp[i + 1] + fp[i + 1]
            center[i] = (center[i] * ka + center[i + 1] * kb) / (ka + kb)
            error[i] = cost[i]
            tp[i] += tp[i + 1]
            fp[i] += fp[i + 1]
            for j in range(i + 1, n - 1):
                center[j], error[j], tp[j], fp[j], cost[j] = (
                    center[j + 1], error[j + 1], tp[j + 1], fp[j + 1], cost[j + 1],
                )  # fmt: skip
            n -= 1
            _set_costs(i, n, center, error, tp, fp, cost)
    return n


def fill(score: F64, positive: npt.NDArray[np.bool_], weight: F64, max_bins: int) -> tuple[F64, F64, F64]:
    """Histogram of `score`.

    Parameters
    ----------
    score : (n,) float64
        No NaN.
    positive : (n,) bool
        Whether the row is of the second class.
    weight : (n,) float64
        Larger than 0.
    max_bins : int
        Most bins that may remain.

    Returns
    -------
    center, tp, fp : (bins,) float64
        Ascending centres, and the weights of the positive and of the negative rows in each bin.
    """
    center, error, tp, fp, cost = np.zeros((5, max_bins + 2))
    n = int(_fill(score, positive, weight, max_bins, center, error, tp, fp, cost))
    return center[:n].copy(), tp[:n].copy(), fp[:n].copy()
