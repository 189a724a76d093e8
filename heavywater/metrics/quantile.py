"""Weighted quantiles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["weighted_quantiles"]

F64 = npt.NDArray[np.float64]


def weighted_quantiles(values: F64, probabilities: npt.ArrayLike, weights: F64 | None = None) -> F64:
    """Quantiles by linear interpolation between order statistics; a whole weight counts as so many equal rows.

    Parameters
    ----------
    values : (n,) float64
        No NaN.
    probabilities : (k,) float64
        0 to 1.
    weights : (n,) float64, optional
        Larger than 0.

    Returns
    -------
    (k,) float64
        NaN when there are no values.
    """
    wanted = np.atleast_1d(np.asarray(probabilities, dtype=np.float64))
    if len(values) == 0:
        return np.full(len(wanted), np.nan)
    if weights is None:
        order = np.sort(values)
        rank = wanted * (len(order) - 1)
        low = np.floor(rank).astype(np.int64)
        high = np.minimum(low + 1, len(order) - 1)
    else:
        sorting = np.argsort(values, kind="stable")
        order = values[sorting]
        reach = np.cumsum(weights[sorting])
        rank = np.maximum(wanted * (reach[-1] - 1.0), 0.0)
        low = np.minimum(np.searchsorted(reach, np.floor(rank), side="right"), len(order) - 1)
        high = np.minimum(np.searchsorted(reach, np.floor(rank) + 1, side="right"), len(order) - 1)
    part = rank - np.floor(rank)
    return order[low] * (1 - part) + order[high] * part
