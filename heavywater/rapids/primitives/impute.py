"""Filling missing values with a column's mean, median or most frequent level."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.node import Items
from heavywater.rapids.primitives.quantile import combine_method, quantiles
from heavywater.rapids.primitives.select import columns
from heavywater.rapids.table import Col, Table

METHODS = ("mean", "median", "mode")


def impute(
    x: Table, which: Any, method: str, combine: str, by: Any, group_frame: Any, values: Any
) -> tuple[Table, Any]:
    """The filled table and what was filled in.

    Parameters
    ----------
    which : column position or name
        -1: all columns.
    method : {"mean", "median", "mode"}
        A categorical column always takes its most frequent level.
    combine : str
        What a median between two values is; see `quantiles`.
    by : columns, optional
        Fill with the statistic of each group instead.
    group_frame : Table, optional
        Group keys and values worked out before (of the same columns).
    values : list of numbers, optional
        Values to fill in, one per column; a missing one means that the column stays as it is.

    Returns
    -------
    Table
        The filled table.
    Items or Table
        Value per column (NaN: untouched), or the table of group keys and values.
    """
    if method.lower() not in METHODS:
        raise H2OValueError(f"impute: method must be one of {', '.join(METHODS)}; got {method!r}")
    how = combine_method(combine)
    everything = isinstance(which, (int, float)) and which == -1
    at = list(range(x.ncol)) if everything else columns(x, which)
    if isinstance(values, Items):
        given = values.numbers()
        if len(given) != x.ncol:
            raise H2OValueError(f"impute: {x.ncol} columns need as many values; got {len(given)}")
        return _filled(x, {i: v for i, v in enumerate(given) if not math.isnan(v)})
    keys = [] if by is None or (isinstance(by, Items) and not by.values) else columns(x, by)
    if keys:
        return _by_group(x, [i for i in at if i not in keys], method, how, keys, group_frame)
    if not everything and x.cols[at[0]].is_text:
        raise H2OTypeError(
            f"impute: column {x.names[at[0]]!r} holds text; only numbers, times and categories can be imputed"
        )
    return _filled(x, {i: statistic(x.cols[i], x.numeric(i), method, how) for i in at if not x.cols[i].is_text})


def statistic(c: Col, v: np.ndarray, method: str, how: str) -> float:
    """The value to fill in; level indices for an enum."""
    v = v[~np.isnan(v)]
    if not len(v):
        return math.nan
    if c.is_enum:
        return float(np.argmax(np.bincount(v.astype(np.int64))))
    if method == "mean":
        return float(v.mean())
    if method == "median":
        return float(quantiles(v, [0.5], how)[0])
    raise H2OTypeError(f"impute: column {c.name!r} is not categorical and has no mode; use mean or median")


def _typed(c: Col, s: pl.Series, fill: np.ndarray) -> pl.Series:
    """`s` with missing values taken from `fill` (numbers as `Table.numeric` gives them)."""
    if c.is_enum:
        from heavywater.rapids.table import enum_series

        return s.fill_null(enum_series(c.name, np.where(np.isnan(fill), -1, fill), c.levels))
    if c.is_time:
        return s.fill_null(pl.Series(fill).fill_nan(None).cast(pl.Int64).cast(s.dtype))
    numbers = pl.Series(fill).fill_nan(None)
    return s.cast(pl.Float64).fill_null(numbers)


def _filled(x: Table, fills: dict[int, float]) -> tuple[Table, Items]:
    new = [
        _typed(x.cols[i], x.series(i), np.full(x.nrow, v)).alias(x.names[i])
        for i, v in fills.items()
        if not math.isnan(v)
    ]
    out = Table.of(x.frame().stored.with_columns(new), x.frame().uuids)
    return out, Items(tuple(fills.get(i, math.nan) for i in range(x.ncol)))


def _by_group(x: Table, at: list[int], method: str, how: str, keys: list[int], known: Any) -> tuple[Table, Table]:
    names = [x.names[i] for i in keys]
    frame = x.frame()
    data = frame.select(names).data.with_columns(pl.struct(names).rank("dense").alias("\0g"))
    group = (data["\0g"] - 1).to_numpy().astype(np.int64)
    first = data.with_row_index("\0row").group_by("\0g").agg(pl.col("\0row").min()).sort("\0g")["\0row"]
    found = frame.select(names).gather(first).data
    new, made = [], {}
    by_names = known.data.select(names) if isinstance(known, Table) else None
    for i in at:
        c, v = x.cols[i], x.numeric(i) if not x.cols[i].is_text else None
        if v is None:
            continue
        if by_names is not None:
            stats = known.gather(_matching(found, by_names)).numeric(known.index(f"{method}_{c.name}"))
        else:
            stats = np.array([statistic(c, v[group == g], method, how) for g in range(found.height)])
        made[f"{'mode' if c.is_enum else method}_{c.name}"] = stats
        new.append(_typed(c, x.series(i), stats[group]).alias(c.name))
    table = Table.of(found.with_columns(pl.Series(n, s) for n, s in made.items()))
    return Table.of(frame.stored.with_columns(new), frame.uuids), table


def _matching(found: pl.DataFrame, known: pl.DataFrame) -> np.ndarray:
    """Row of `known` for every row of `found`."""
    rows = found.join(
        known.with_row_index("\0row"), on=found.columns, how="left", nulls_equal=True, maintain_order="left"
    )["\0row"]
    if rows.null_count():
        raise H2OValueError("impute: the frame of group values lacks a group")
    return rows.to_numpy()
