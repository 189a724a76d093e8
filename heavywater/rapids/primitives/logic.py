"""Choosing and testing values row by row: ifelse, which, match, is.na, any, all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.frame import Frame
from heavywater.rapids.declare import Column, Value, primitive
from heavywater.rapids.node import Items
from heavywater.rapids.primitives.operators import constant, is_na, truth
from heavywater.rapids.table import Col, Table, joined


@primitive("ifelse")
def ifelse(test: Value, yes: Value, no: Value) -> Any:
    """`yes` where `test` is not 0, `no` where it is; labels give an enum of the levels that occur, sorted."""
    if not isinstance(test, Table):
        return no if is_na(test) or test == 0 else yes
    cols = []
    for i in range(test.ncol):
        only = Table(test.base, (test.cols[i],))
        cols.append(_choose(only, _part(yes, i, test.nrow), _part(no, i, test.nrow)).rename(f"C{i + 1}"))
    return Table.of(pl.DataFrame(cols))


def _part(value: Any, i: int, nrow: int) -> Any:
    """Column i of a frame, its only column, or the value of a one-cell frame."""
    if not isinstance(value, Table):
        return value
    one = Table(value.base, (value.cols[min(i, value.ncol - 1)],))
    if one.nrow == 1 and nrow != 1:
        cell = one.series()
        return str(cell[0]) if one.cols[0].is_enum else one.numeric()[0] if not one.cols[0].is_text else cell[0]
    return one


def _choose(test: Table, yes: Any, no: Any) -> pl.Series:
    base, picked = test, []
    for side in (yes, no):
        if isinstance(side, Table):
            base, other = joined(base, side)
            picked.append(other.cols[0])
        else:
            picked.append(constant(side))
    label = [c.is_enum or c.is_text for c in picked]
    if any(label):
        for side, is_label in ((yes, label[0]), (no, label[1])):
            if not is_label and not (not isinstance(side, Table) and is_na(side)):
                raise H2OTypeError("ifelse: one side holds labels and the other numbers; convert one of them")
    kept = [
        c.text() if t else (c.number() if not any(label) else pl.lit(None, dtype=pl.String))
        for c, t in zip(picked, label)
    ]
    t = truth(base.cols[0])
    dtype = pl.String if any(label) else pl.Float64
    expr = pl.when(t.is_null()).then(None).when(t).then(kept[0]).otherwise(kept[1])
    out = Table(base.base, (Col("C1", expr, dtype),)).series()
    if not any(label) or any(isinstance(s, Table) and c.is_text for s, c in zip((yes, no), picked)):
        return out
    levels = out.drop_nulls().unique().sort().to_list()
    return out.cast(pl.Enum(levels))


@primitive("which")
def which(col: Column) -> Table:
    """0-based numbers of the rows that are not 0."""
    return Table.of({"C1": pl.Series(np.flatnonzero(np.nan_to_num(col.numeric()))).cast(pl.Int64)})


@primitive("match")
def match(col: Column, table: Value, nomatch: Value = math.nan, start: Value = 1) -> Table:
    """Position of each value in `table`, counted from `start`; `nomatch` where it is not there."""
    items: list[Any] = list(table.values) if isinstance(table, Items) else [table]
    if isinstance(table, Items) and not table.texts:
        items = [*table.numbers()]
    first = 1 if is_na(start) else int(start)
    c = col.cols[0]
    values: pl.Series
    if c.is_enum or c.is_text:
        values = col.series().cast(pl.String)
        known: pl.Series = pl.Series([v if isinstance(v, str) else None for v in items], dtype=pl.String)
    else:
        if items and isinstance(items[0], str):
            raise H2OTypeError(f"match: column {c.name!r} holds numbers and the table holds texts")
        values = pl.Series(col.numeric()).fill_nan(None)
        known = pl.Series([float(v) for v in items], dtype=pl.Float64)
    place = pl.DataFrame({"v": known, "p": np.arange(first, first + len(known), dtype=np.float64)})
    place = place.unique("v", keep="first")
    found = pl.DataFrame({"v": values}).join(place, on="v", how="left", maintain_order="left")["p"]
    default = None if is_na(nomatch) else float(nomatch)
    return Table.of({"C1": found if default is None else found.fill_null(default)})


@primitive("is.na", lazy=True)
def is_na_(x: Value) -> Any:
    """1 where a value is missing."""
    if isinstance(x, Table):
        return x.map(lambda c: c.expr.is_null(), pl.Boolean, lambda n: f"isNA({n})")
    return float(is_na(x))


@primitive("any")
def any_(x: Value) -> float:
    """1 when some value is not 0."""
    if not isinstance(x, Table):
        return float(not is_na(x) and x != 0)
    return float(any(bool((np.nan_to_num(x.numeric(i)) != 0).any()) for i in range(x.ncol)))


@primitive("all")
def all_(x: Value) -> float:
    """1 when no value is 0 (missing values are not)."""
    if not isinstance(x, Table):
        return float(is_na(x) or x != 0)
    return float(all(bool((x.numeric(i) != 0).all()) for i in range(x.ncol)))


@primitive("any.na")
def any_na(x: Table) -> float:
    """1 when some value is missing."""
    return float(any(s.null_count() for s in x.frame().stored.iter_columns()))


@primitive("naCnt")
def na_count(x: Table) -> Items:
    """Missing values per column."""
    return Items(tuple(float(s.null_count()) for s in x.frame().stored.iter_columns()))


@primitive("na.omit")
def na_omit(x: Table) -> Table:
    """The rows without a missing value."""
    return Table.of_frame(Frame(x.frame().stored.drop_nulls(), x.frame().uuids))


@primitive("filterNACols")
def filter_na_cols(x: Table, fraction: float) -> Items:
    """Positions of the columns with less than this fraction of missing values."""
    limit = fraction * x.nrow
    return Items(
        tuple(
            float(i)
            for i, s in enumerate(x.frame().stored.iter_columns())
            if s.null_count() < max(limit, 1e-300) or s.null_count() == 0
        )
    )


@primitive("h2o.fillna")
def fillna(x: Table, method: str, axis: int, maxlen: int) -> Table:
    """Fill gaps with the last (``forward``) or next (``backward``) value, at most `maxlen` cells of each gap.

    Axis 0 fills down the columns, axis 1 along the rows.
    """
    if method.lower() not in ("forward", "backward"):
        raise H2OValueError(f"fillna: method must be 'forward' or 'backward'; got {method!r}")
    forward = method.lower() == "forward"
    if axis == 0:
        filled = [
            (s.fill_null(strategy="forward" if forward else "backward", limit=maxlen) if maxlen else s)
            for s in x.frame().stored.iter_columns()
        ]
        return Table.of(pl.DataFrame([s.rename(f"C{i + 1}") for i, s in enumerate(filled)]))
    if len({c.dtype for c in x.cols}) > 1 and not all(c.is_numeric for c in x.cols):
        raise H2OTypeError("fillna along rows needs columns of one type")
    cols = list(x.all_series())
    order = range(len(cols)) if forward else range(len(cols) - 1, -1, -1)
    out = list(cols)
    last: pl.Series | None = None
    age = np.full(x.nrow, 10**9)
    for j in order:
        s = cols[j]
        if last is not None:
            use = pl.Series(s.is_null().to_numpy() & (age < maxlen))
            out[j] = (
                s.zip_with(~use, last.cast(s.dtype, strict=False))
                if s.dtype != pl.Int64 or last.dtype == pl.Int64
                else s.cast(pl.Float64).zip_with(~use, last)
            )
        present = s.is_not_null().to_numpy()
        age = np.where(present, 0, age + 1)
        last = s if last is None else s.cast(pl.Float64).fill_null(last) if s.dtype.is_numeric() else s.fill_null(last)
    return Table.of(pl.DataFrame([s.rename(f"C{i + 1}") for i, s in enumerate(out)]))
