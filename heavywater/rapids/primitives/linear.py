"""Matrices: product, covariance, correlation, distance, scaling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.declare import Value, primitive
from heavywater.rapids.node import Items
from heavywater.rapids.primitives.reduce import columns_of, deviation
from heavywater.rapids.table import Table

MOST_DISTANCES = 1 << 29
"""Most pairs of rows of `distance` (4 GB)."""


def numbers(x: Table, op: str) -> np.ndarray:
    label = next((c.name for c in x.cols if c.is_enum or c.is_text), None)
    if label is not None:
        raise H2OTypeError(f"{op}: all columns must be numeric; {label!r} is not")
    return x.matrix()


def numbered(m: np.ndarray) -> Table:
    """A matrix as columns C1, C2, …"""
    return Table.of({f"C{i + 1}": m[:, i] for i in range(m.shape[1])})


@primitive("x")
def product(a: Table, b: Table) -> Table:
    """Matrix product."""
    if a.ncol != b.nrow:
        raise H2OValueError(f"a {a.nrow}x{a.ncol} frame cannot be multiplied by a {b.nrow}x{b.ncol} frame")
    return numbered(numbers(a, "mult") @ numbers(b, "mult"))


USE = ("everything", "all.obs", "complete.obs")


def _observations(x: Table, y: Table, use: str, op: str) -> tuple[np.ndarray, np.ndarray]:
    if use not in USE:
        raise H2OValueError(f"{op}: use must be one of {', '.join(USE)}; got {use!r}")
    if x.nrow != y.nrow:
        raise H2OValueError(f"{op}: frames have different numbers of rows: {x.nrow} and {y.nrow}")
    a, b = np.column_stack(columns_of(x)), np.column_stack(columns_of(y))
    missing = np.isnan(a).any(axis=1) | np.isnan(b).any(axis=1)
    if use == "all.obs" and missing.any():
        raise H2OValueError(f"{op}: there are missing values and use is 'all.obs'")
    return (a[~missing], b[~missing]) if use == "complete.obs" else (a, b)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if len(a) < 2:
        return np.full((a.shape[1], b.shape[1]), np.nan)
    return np.asarray((a - a.mean(axis=0)).T @ (b - b.mean(axis=0)) / (len(a) - 1))


def _answer(m: np.ndarray, x: Table, y: Table) -> Any:
    if m.size == 1:
        return float(m[0, 0])
    return Table.of({n: m[:, j] for j, n in enumerate(y.names)})


@primitive("var")
def var(x: Table, y: Table, use: str = "everything", symmetric: Value = True) -> Any:
    """Covariances of the columns of `x` (rows) and `y` (columns); a number for two single columns or rows."""
    if x.nrow == 1 and y.nrow == 1 and x.ncol == y.ncol and x.ncol > 1:
        a, b = numbers(x, "var").T, numbers(y, "var").T
        return float(_cross(a, b)[0, 0])
    return _answer(_cross(*_observations(x, y, use, "var")), x, y)


def average_ranks(v: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties sharing their mean."""
    _, inverse, counts = np.unique(v, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


@primitive("cor")
def cor(x: Table, y: Table, use: str = "everything", method: str = "Pearson") -> Any:
    """Correlations of the columns of `x` and `y`; method Pearson or Spearman."""
    a, b = _observations(x, y, use, "cor")
    spearman = method.lower() == "spearman"
    if not spearman and method.lower() != "pearson":
        raise H2OValueError(f"cor: method must be 'Pearson' or 'Spearman'; got {method!r}")
    if spearman:
        a = np.column_stack([average_ranks(v) if not np.isnan(v).any() else v for v in a.T])
        b = np.column_stack([average_ranks(v) if not np.isnan(v).any() else v for v in b.T])
    with np.errstate(all="ignore"):
        spread = np.outer([deviation(v) for v in a.T], [deviation(v) for v in b.T])
        m = _cross(a, b) / spread
    return numbered(m) if spearman and m.size > 1 else _answer(m, x, y)


@primitive("distance")
def distance(x: Table, y: Table, measure: str = "l2") -> Table:
    """Distances (l1, l2) or similarities (cosine, cosine_sq) of every row of `x` to row j of `y`, in column j."""
    measure = measure.lower()
    a, b = numbers(x, "distance"), numbers(y, "distance")
    if a.shape[1] != b.shape[1]:
        raise H2OValueError(f"distance: frames have different numbers of columns: {a.shape[1]} and {b.shape[1]}")
    if np.isnan(a).any() or np.isnan(b).any():
        raise H2OValueError("distance: there are missing values; impute() them or leave their rows out")
    if len(a) * len(b) > MOST_DISTANCES:
        raise H2OValueError(
            f"distance: {len(a):,} x {len(b):,} pairs of rows are more than the {MOST_DISTANCES:,} that are worked out at once"
        )
    if measure == "l1":
        return numbered(np.column_stack([np.abs(a - r).sum(axis=1) for r in b]))
    if measure == "l2":
        return numbered(np.column_stack([np.sqrt(((a - r) ** 2).sum(axis=1)) for r in b]))
    if measure in ("cosine", "cosine_sq"):
        with np.errstate(all="ignore"):
            c = (a @ b.T) / np.sqrt(np.outer((a * a).sum(axis=1), (b * b).sum(axis=1)))
        return numbered(c * c if measure == "cosine_sq" else c)
    raise H2OValueError(f"distance: measure must be l1, l2, cosine or cosine_sq; got {measure!r}")


def _per_column(value: Any, n: int, what: str) -> list[float] | None:
    """Given numbers, or None to use the column's own."""
    if isinstance(value, Items):
        given = value.numbers()
        if len(given) != n:
            raise H2OValueError(f"scale: {n} numeric columns need as many values for {what}; got {len(given)}")
        return given
    return None if value else [0.0 if what == "center" else 1.0] * n


@primitive("scale", "scale_inplace")
def scale(x: Table, center: Value = True, spread: Value = True) -> Table:
    """``(x - center) / scale`` of the numeric columns; True: mean and standard deviation; a constant column stays."""
    at = [i for i, c in enumerate(x.cols) if c.is_numeric]
    centers, scales = _per_column(center, len(at), "center"), _per_column(spread, len(at), "scale")
    data = x.data
    new = []
    for k, i in enumerate(at):
        v = x.numeric(i)
        kept = v[~np.isnan(v)]
        mu = centers[k] if centers is not None else float(kept.mean()) if len(kept) else 0.0
        sd = scales[k] if scales is not None else deviation(kept)
        sd = 1.0 if sd == 0 or math.isnan(sd) else sd
        new.append(((v - mu) / sd, x.names[i]))
    import polars as pl

    return Table.of(data.with_columns(pl.Series(n, v) for v, n in new), x.frame().uuids)
