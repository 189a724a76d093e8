"""Group by: ``(GB frame [by] (function column na)…)`` and functions of groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError, did_you_mean
from heavywater.rapids.declare import Choice, Function, Value, primitive
from heavywater.rapids.primitives.select import columns
from heavywater.rapids.table import Col, Table

AGGREGATES = ("nrow", "mean", "sum", "min", "max", "mode", "var", "sdev", "sumSquares", "median")
_ALIASES = {"sd": "sdev", "ss": "sumSquares", "count": "nrow"}
NA_MODES = ("all", "rm", "ignore")


def values_of(c: Col) -> pl.Expr:
    """Numbers to aggregate; of an enum the level indices."""
    if c.is_enum:
        return pl.col(c.name).to_physical().cast(pl.Float64)
    return pl.col(c.name).to_physical().cast(pl.Float64) if c.is_time else pl.col(c.name).cast(pl.Float64)


def aggregate(fn: str, v: pl.Expr, na: str) -> pl.Expr:
    """One statistic of a group.

    ``rm`` leaves missing values out; ``ignore`` too, but counts their rows; with ``all`` one missing value makes the
    result missing.
    """
    n = pl.len().cast(pl.Float64)
    if fn == "nrow":
        return pl.len()
    if fn in ("mean", "var", "sdev") and na == "ignore":
        mean = v.sum() / n
        if fn == "mean":
            return mean
        var = (v.pow(2).sum() - n * mean * mean) / (n - 1)
        return var if fn == "var" else var.sqrt()
    known = {
        "mean": v.mean(),
        "sum": v.sum(),
        "min": v.min(),
        "max": v.max(),
        "var": v.var(),
        "sdev": v.std(),
        "sumSquares": v.pow(2).sum(),
        "median": v.median(),
        "mode": v.drop_nulls().mode().min(),
    }
    return pl.when(v.null_count() > 0).then(None).otherwise(known[fn]) if na == "all" else known[fn]


@primitive("GB")
def group_by(x: Table, by: Choice, *specs: Value) -> Table:
    """Statistics per group, sorted by the keys: the by-columns, then ``nrow`` or ``<function>_<column>`` in order."""
    keys = [x.names[i] for i in columns(x, by)]
    if len(specs) % 3:
        raise H2OValueError("GB needs triples of a function, a column and what to do with missing values")
    out: list[pl.Expr] = []
    names: set[str] = set(keys)
    for fn, which, na in zip(specs[::3], specs[1::3], specs[2::3]):
        op = _ALIASES.get(fn, fn)
        if op not in AGGREGATES:
            raise H2OValueError(f"group_by has no function {fn!r}{did_you_mean(str(fn), AGGREGATES)}")
        if na not in NA_MODES:
            raise H2OValueError(f"group_by: na must be one of {', '.join(NA_MODES)}; got {na!r}")
        c = x.cols[columns(x, which)[0]]
        name = "nrow" if op == "nrow" else f"{op}_{c.name}"
        if c.is_text and op != "nrow":
            raise H2OTypeError(f"group_by: column {c.name!r} holds text; {op} needs numbers or categories")
        while name in names:
            name += "0"
        names.add(name)
        out.append(aggregate(op, values_of(c), na).alias(name))
    data = x.data
    if not keys:
        return Table.of(data.select(out))
    return Table.of(data.group_by(keys, maintain_order=True).agg(out).sort(keys, nulls_last=False, maintain_order=True))


def groups(x: Table, keys: list[str]) -> list[tuple[pl.DataFrame, Table]]:
    """Key (one row) and rows of every group, sorted by key."""
    data = x.data.with_row_index("\0row")
    found = (
        data.group_by(keys, maintain_order=True).agg(pl.col("\0row")).sort(keys, nulls_last=False, maintain_order=True)
    )
    return [(found[i : i + 1].drop("\0row"), x.gather(found["\0row"][i].to_numpy())) for i in range(found.height)]


def cells(value: Any) -> list[float]:
    """The numbers that a lambda gave for one row, group or column."""
    from heavywater.rapids.node import Items

    if isinstance(value, Table):
        if value.nrow != 1:
            raise H2OValueError(f"the function must give one row; it gave {value.nrow}")
        return [float(value.numeric(i)[0]) for i in range(value.ncol)]
    if isinstance(value, Items):
        return value.numbers()
    if isinstance(value, str):
        raise H2OTypeError("the function must give numbers; it gave a text")
    return [float(value)]


@primitive("ddply")
def ddply(x: Table, by: Choice, fn: Function) -> Table:
    """A function applied to the rows of each group: the by-columns, then ``ddply_C1``, …"""
    keys = [x.names[i] for i in columns(x, by)]
    parts = groups(x, keys)
    results = [cells(fn(rows)) for _, rows in parts]
    if len({len(r) for r in results}) > 1:
        raise H2OValueError("ddply: the function gave results of different lengths")
    found = pl.concat([k for k, _ in parts]) if parts else x.data.select(keys).clear()
    width = len(results[0]) if results else 0
    return Table.of(found.with_columns(pl.Series(f"ddply_C{j + 1}", [r[j] for r in results]) for j in range(width)))


@primitive("rank_within_groupby")
def rank_within_group(
    x: Table, by: Choice, sort_by: Choice, ascending: Value, name: str, fully_sorted: Value = 0
) -> Table:
    """Rank 1, 2, … of each row in its group by the sort columns; missing where a sort column is.

    The result is sorted by group and sort columns.
    """
    keys = [x.names[i] for i in columns(x, by)]
    order = [x.names[i] for i in columns(x, sort_by)]
    flags = directions(ascending, len(order), "rank_within_group_by")
    data = x.data.with_row_index("\0row")
    data = data.sort(
        [*keys, *order], descending=[False] * len(keys) + [not f for f in flags], nulls_last=False, maintain_order=True
    )
    complete = pl.all_horizontal(pl.col(order).is_not_null())
    rank = complete.cast(pl.Int64).cum_sum().over(keys)
    data = data.with_columns(pl.when(complete).then(rank).otherwise(None).alias(name))
    return Table.of(data.drop("\0row"), x.frame().uuids)


def directions(flags: Any, n: int, op: str) -> list[bool]:
    """Ascending or not per key, from a list of 1/-1 (or 0) or nothing."""
    from heavywater.rapids.node import Items

    given = flags.numbers() if isinstance(flags, Items) else [] if flags is None else [float(flags)]
    if not given:
        return [True] * n
    if len(given) == 1:
        given = given * n
    if len(given) != n:
        raise H2OValueError(f"{op}: {n} sort columns need as many directions; got {len(given)}")
    return [bool(f > 0) for f in np.asarray(given)]
