"""Statistics of columns, rows and whole frames.

Labels and texts count as missing throughout.  Results that take no notice of missing values say so; the others are NaN
as soon as one is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OValueError
from heavywater.rapids.declare import Value, primitive
from heavywater.rapids.node import Items
from heavywater.rapids.primitives.operators import is_na
from heavywater.rapids.table import Table

Array = np.ndarray


def columns_of(x: Table) -> list[Array]:
    return [x.values(i) for i in range(x.ncol)]


def _whole(x: Any, fn: Callable[[Array], Any], skip_na: bool, skip_labels: bool = False) -> float:
    """`fn` over all values of a frame; labels make the result missing unless they are skipped."""
    if not isinstance(x, Table):
        return math.nan if is_na(x) else float(x)
    if not x.ncol or not x.nrow:
        return math.nan
    label = any(c.is_enum or c.is_text for c in x.cols)
    parts = []
    for v in columns_of(x):
        v = v[~np.isnan(v)] if skip_na else v
        if len(v):
            parts.append(float(fn(v)))
    return math.nan if (label and not skip_labels) or not parts else float(fn(np.array(parts)))


def _declare_whole(names: tuple[str, ...], fn: Callable[[Array], Any], skip_na: bool) -> None:
    what = {"sum": "Sum", "pro": "Product", "min": "Smallest", "max": "Largest"}[names[0][:3]]
    rule = "missing ones left out" if skip_na else "NaN when one is missing"

    @primitive(*names, doc=f"{what} of all values of a frame; {rule}.")
    def whole(x: Value, *ignored: Value) -> float:
        return _whole(x, fn, skip_na, names[0] in ("minNA", "maxNA"))


_declare_whole(("min",), np.min, False)
_declare_whole(("max",), np.max, False)
_declare_whole(("sum",), np.sum, False)
_declare_whole(("prod",), np.prod, False)
_declare_whole(("minNA",), np.min, True)
_declare_whole(("maxNA",), np.max, True)
_declare_whole(("sumNA",), np.sum, True)
_declare_whole(("prod.na",), np.prod, True)


def _axis(axis: float, op: str) -> int:
    if axis not in (0, 1):
        raise H2OValueError(f"{op}: axis must be 0 (columns) or 1 (rows); got {axis:g}")
    return int(axis)


def _rows(x: Table, name: str, fn: Callable[[Array, Array], Array], na_rm: bool) -> Table:
    """A column of one number per row from the numeric columns; `fn` gets the matrix (missing as NaN) and the mask."""
    m = x.pick([i for i, c in enumerate(x.cols) if not (c.is_enum or c.is_text)]).matrix()
    ok = ~np.isnan(m)
    out = fn(m, ok)
    return Table.of({name: np.where(ok.all(axis=1), out, np.nan) if not na_rm else out})


def row_sum(m: Array, ok: Array) -> Array:
    return np.asarray(np.where(ok, m, 0.0).sum(axis=1))


def row_mean(m: Array, ok: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(row_sum(m, ok) / ok.sum(axis=1))


@primitive("sumaxis")
def sum_axis(x: Table, na_rm: bool, axis: float) -> Table:
    """Sum per column (one row) or per row (column ``sum``)."""
    if _axis(axis, "sum"):
        return _rows(x, "sum", row_sum, na_rm)
    return Table.of(
        {
            n: [np.nansum(v) if na_rm and not _label(x, i) else v.sum()]
            for i, (n, v) in enumerate(zip(x.names, columns_of(x)))
        }
    )


def _label(x: Table, i: int) -> bool:
    return x.cols[i].is_enum or x.cols[i].is_text


def column_mean(v: Array, na_rm: bool) -> float:
    kept = v[~np.isnan(v)] if na_rm else v
    return float(kept.mean()) if len(kept) else math.nan


@primitive("mean")
def mean(x: Value, na_rm: bool = True, axis: float = 0) -> Any:
    """Mean per column (one row; of times a time) or per row (column ``mean``)."""
    if not isinstance(x, Table):
        return float(x)
    if _axis(axis, "mean"):
        return _rows(x, "mean", row_mean, na_rm)
    out = {}
    for c, v in zip(x.cols, columns_of(x)):
        m = column_mean(v, na_rm)
        is_time = c.is_time and not math.isnan(m)
        out[c.name] = pl.Series([int(m)]).cast(pl.Datetime("ms")) if is_time else pl.Series([m])
    return Table.of(out)


def per_column(x: Table, fn: Callable[[Array], float], na_rm: bool) -> Items:
    out = []
    for v in columns_of(x):
        missing = np.isnan(v)
        kept = v[~missing]
        out.append(float(fn(kept)) if len(kept) and (na_rm or not missing.any()) else math.nan)
    return Items(tuple(out))


def deviation(v: Array) -> float:
    """Standard deviation with n - 1."""
    return float(v.std(ddof=1)) if len(v) > 1 else math.nan


def skew(v: Array) -> float:
    """Third central moment over the cube of the standard deviation (population moments)."""
    sd = float(v.std())
    return float(((v - v.mean()) ** 3).mean() / sd**3) if sd > 0 else math.nan


def kurt(v: Array) -> float:
    """Fourth central moment over the squared variance (population moments); 3 for a normal distribution."""
    sd = float(v.std())
    return float(((v - v.mean()) ** 4).mean() / sd**4) if sd > 0 else math.nan


def _declare_column(name: str, fn: Callable[[Array], Any]) -> None:
    @primitive(name, doc=f"{name} of each column; NaN with a missing value unless the second argument is True.")
    def column_statistic(x: Table, na_rm: bool = False) -> Items:
        return per_column(x, fn, na_rm)


_declare_column("median", np.median)
_declare_column("sd", deviation)
_declare_column("skewness", skew)
_declare_column("kurtosis", kurt)


@primitive("mode")
def mode(x: Table) -> float:
    """Index of the most frequent level of an enum column."""
    codes = x.frame().codes(x.names[0]) if x.ncol == 1 and x.cols[0].is_enum else np.empty(0, np.int32)
    counts = np.bincount(codes[codes >= 0])
    if not len(counts):
        raise H2OValueError("mode needs one categorical column with a value")
    return float(np.argmax(counts))


@primitive("h2o.mad")
def mad(x: Table, combine: str = "interpolate", constant: float = 1.4826) -> float:
    """Median absolute deviation from the median, times `constant`."""
    v = x.values()
    v = v[~np.isnan(v)]
    return float(np.median(np.abs(v - np.median(v))) * constant) if len(v) else math.nan


CUMULATIVE: dict[str, np.ufunc] = {"cumsum": np.add, "cumprod": np.multiply, "cummin": np.minimum, "cummax": np.maximum}


def _declare_cumulative(op: str, fn: np.ufunc) -> None:
    @primitive(op, doc=f"Running {op[3:]} down the columns (axis 0) or along the rows (axis 1).")
    def cumulative(x: Table, axis: float = 0) -> Table:
        along = _axis(axis, op)
        if along == 0:
            return Table.of({n: fn.accumulate(v) if len(v) else v for n, v in zip(x.names, columns_of(x))})
        m = fn.accumulate(np.column_stack(columns_of(x)), axis=1)
        return Table.of({n: m[:, i] for i, n in enumerate(x.names)})


for _op, _ufunc in CUMULATIVE.items():
    _declare_cumulative(_op, _ufunc)


def _declare_which(op: str, fill: float, fn: Callable[..., Any]) -> None:
    @primitive(op, doc=f"Index of the {op[6:]}imum of each column (axis 0) or row (axis 1).")
    def which_extreme(x: Table, skipna: bool = True, axis: float = 0) -> Table:
        m = np.column_stack(columns_of(x)) if x.ncol else np.empty((x.nrow, 0))
        along = _axis(axis, op)
        if m.shape[along] == 0:
            raise H2OValueError(f"{op}: there are no values")
        missing = np.isnan(m)
        at = fn(np.where(missing, fill, m), axis=along).astype(np.float64)
        none = missing.all(axis=along) if skipna else missing.any(axis=along)
        at[none] = np.nan
        return Table.of({op: at}) if along else Table.of({n: [v] for n, v in zip(x.names, at)})


_declare_which("which.max", -np.inf, np.argmax)
_declare_which("which.min", np.inf, np.argmin)


# -- the same per row, for lambdas over rows -------------------------------------------------------------------------


def _declare_row(op: str, fn: Callable[[Array, Array], Array], na_rm: bool | None) -> None:
    @primitive(f"row.{op}", doc=f"{op} of each row; how lambdas over rows are evaluated.")
    def row_statistic(x: Table, skip: bool = False, *ignored: Value) -> Table:
        return _rows(x, "C1", fn, skip if na_rm is None else na_rm)


def _row(fn: Callable[..., Any]) -> Callable[[Array, Array], Array]:
    def apply(m: Array, ok: Array) -> Array:
        out = np.full(len(m), np.nan)
        some = ok.any(axis=1)
        if some.any():
            out[some] = fn(m[some], axis=1)
        return out

    return apply


def _row_sd(m: Array, ok: Array) -> Array:
    n = ok.sum(axis=1)
    mu = row_mean(m, ok)
    with np.errstate(all="ignore"):
        return np.asarray(np.sqrt(np.where(ok, (m - mu[:, None]) ** 2, 0.0).sum(axis=1) / (n - 1)))


for _name, _fn, _skip in (
    ("sum", row_sum, False),
    ("sumNA", row_sum, True),
    ("mean", row_mean, None),
    ("min", _row(np.nanmin), False),
    ("max", _row(np.nanmax), False),
    ("median", _row(np.nanmedian), None),
    ("sd", _row_sd, None),
    ("prod", _row(np.nanprod), False),
    ("prod.na", _row(np.nanprod), True),
):
    _declare_row(_name, _fn, _skip)
