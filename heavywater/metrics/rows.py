"""Which rows count: missing actual values, missing predictions and zero weights are left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from heavywater.errors import H2OValueError

__all__ = ["Compat", "check_compat", "class_rows", "number_rows", "weighted_mean"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Compat = Literal["booklet", "h2o-3.46"]


def check_compat(compat: str) -> None:
    """Raise H2OValueError unless `compat` is ``"booklet"`` or ``"h2o-3.46"``."""
    if compat not in ("booklet", "h2o-3.46"):
        raise H2OValueError(f"compat must be 'booklet' or 'h2o-3.46', not {compat!r}")


def class_rows(
    actual: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None, domain: Sequence[str], columns: int
) -> tuple[I64, F64, F64 | None]:
    """Actual classes, scores and weights of the rows that count.

    Parameters
    ----------
    actual : (n,) integers
        Index into `domain`; negative (or NaN) is missing.
    scores : (n,) or (n, columns) float64
        A row with a NaN does not count.
    weights : (n,) float64, optional
    domain : sequence of str
    columns : int
        1 for a score per row, otherwise the number of classes.

    Raises
    ------
    H2OValueError
        Shapes differ, a class is outside the domain, or a weight is negative or infinite.
    """
    y = np.asarray(actual)
    s = np.ascontiguousarray(scores, dtype=np.float64)
    expected = (len(y),) if columns == 1 else (len(y), columns)
    if y.ndim != 1 or s.shape != expected:
        raise H2OValueError(f"{y.shape} actual classes need predictions of shape {expected}, not {s.shape}")
    if y.dtype.kind == "f":
        y = np.where(np.isnan(y), -1.0, y)
    y = y.astype(np.int64)
    if len(y) and y.max() >= len(domain):
        raise H2OValueError(f"actual class {int(y.max())} is outside the domain of {len(domain)} classes")
    keep = (y >= 0) & (~np.isnan(s) if columns == 1 else ~np.isnan(s).any(axis=1))
    w = _weights(weights, len(y))
    if w is not None:
        keep &= w > 0
    if keep.all():
        return y, s, w
    return y[keep], s[keep], None if w is None else w[keep]


def number_rows(
    actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[F64, F64, F64 | None]:
    """Actual values, predictions and weights of the rows that count; NaN is missing.

    Raises
    ------
    H2OValueError
        Lengths differ, or a weight is negative or infinite.
    """
    y = np.ascontiguousarray(actual, dtype=np.float64)
    f = np.ascontiguousarray(predicted, dtype=np.float64)
    if y.ndim != 1 or f.shape != y.shape:
        raise H2OValueError(f"{y.shape} actual values need as many predictions, not {f.shape}")
    keep = ~(np.isnan(y) | np.isnan(f))
    w = _weights(weights, len(y))
    if w is not None:
        keep &= w > 0
    if keep.all():
        return y, f, w
    return y[keep], f[keep], None if w is None else w[keep]


def weighted_mean(values: F64, weights: F64 | None) -> float:
    """Mean of `values`; NaN when there are none."""
    if len(values) == 0:
        return float("nan")
    if weights is None:
        return float(values.mean())
    return float(np.sum(weights * values) / np.sum(weights))  # no BLAS: its sums depend on the number of threads


def _weights(weights: npt.ArrayLike | None, n: int) -> F64 | None:
    if weights is None:
        return None
    w = np.ascontiguousarray(weights, dtype=np.float64)
    if w.shape != (n,):
        raise H2OValueError(f"{n} rows need as many weights, not {w.shape}")
    if n and (np.nanmin(np.where(np.isnan(w), 0.0, w)) < 0 or np.isinf(w).any()):
        raise H2OValueError("observation weights must be finite and not negative")
    return w
