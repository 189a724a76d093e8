"""Metrics of the user's own (`custom_metric_func`)."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from heavywater.errors import H2OTypeError, H2OValueError

CustomMetric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""``f(actual, predicted, weights)``; see `custom_value`."""


def custom_name(function: Any) -> str:
    """What a metric is called in reports: the function's name."""
    return str(getattr(function, "__name__", None) or type(function).__name__)


def custom_value(
    function: CustomMetric, actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None
) -> tuple[str, float]:
    """Name and value of the user's metric on the rows that count.

    Parameters
    ----------
    function : callable
        Gets ``actual``, class indices int64 ``(n,)`` or numbers float64 ``(n,)``; ``predicted``, probabilities float64
        ``(n, classes)`` or numbers ``(n,)``; and ``weights`` float64 ``(n,)``, 1 for each row when there are none.
        Rows without actual value or of weight 0 are left out.
    actual, predicted, weights : ndarray
        All rows; a negative class index and NaN are missing.

    Raises
    ------
    H2OValueError
        When the function fails.
    H2OTypeError
        When it does not return one number.
    """
    w = np.ones(len(actual)) if weights is None else np.asarray(weights, np.float64)
    classes = actual.dtype.kind == "i"
    counts = (w > 0) & (actual >= 0 if classes else ~np.isnan(actual))
    y = actual[counts].astype(np.int64 if classes else np.float64)
    name = custom_name(function)
    try:
        value = function(y, predicted[counts], w[counts])
    except Exception as e:
        raise H2OValueError(f"custom_metric_func {name!r} failed: {type(e).__name__}: {e}") from e
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise H2OTypeError(f"custom_metric_func {name!r} must return a number; got {type(value).__name__}")
    return name, float(value)
