"""Formulas that several categories share."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from heavywater.metrics.rows import weighted_mean

__all__ = ["class_errors", "r_squared"]

F64 = npt.NDArray[np.float64]

_LOGLOSS_CEILING = -math.log(1e-15)


def class_errors(p_actual: F64, weights: F64 | None) -> tuple[float, float]:
    """MSE and logloss of the probabilities given to the actual classes.

    The error of a row is ``e = 1 - p``; its logloss ``-ln(1 - e)``, at most ``-ln 1e-15``.  Going by way of the error, as H2O
    does, rounds probabilities below about 1e-10.
    """
    error = 1 - p_actual
    with np.errstate(divide="ignore", invalid="ignore"):
        losses = np.minimum(-np.log(1 - error), _LOGLOSS_CEILING)
    return weighted_mean(error**2, weights), weighted_mean(losses, weights)


def r_squared(actual: F64, mse: float, weights: F64 | None) -> float:
    """``1 - MSE / variance`` with the population variance of `actual`; 0 for fewer than two rows.

    A constant response has no variance: the result is minus infinity, or NaN for a perfect prediction.
    """
    if len(actual) <= 1:
        return 0.0
    mean = weighted_mean(actual, weights)
    variance = weighted_mean((actual - mean) ** 2, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(1 - np.float64(mse) / variance)
