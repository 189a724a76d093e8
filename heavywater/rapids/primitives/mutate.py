"""Replacing a rectangle of a frame: ``(:= frame source columns rows)``."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.declare import Choice, Value, describe, primitive
from heavywater.rapids.primitives.operators import constant, is_na, spread
from heavywater.rapids.primitives.select import columns, rows
from heavywater.rapids.table import Col, Table, joined, unique


@primitive(":=", lazy=True)
def assign(x: Table, source: Value, cols: Choice, row_choice: Choice) -> Table:
    """A frame with some columns, or some rows of them, replaced by a scalar or a frame.

    Whole columns take the type of the source; parts of a column keep the column's type.
    """
    where = columns(x, cols)
    positions = rows(x, row_choice)
    if isinstance(source, Table) and source.ncol not in (1, len(where)):
        raise H2OValueError(f"{len(where)} columns cannot take {describe(source)}")
    if positions is None:
        return _whole(x, source, where)
    return _part(x, source, where, positions)


def _whole(x: Table, source: Any, where: list[int]) -> Table:
    if isinstance(source, Table) and source.nrow == 1 and x.nrow != 1:
        source = spread(source, x)
    if isinstance(source, Table):
        x, source = joined(x, source)
        new = {i: source.cols[min(k, source.ncol - 1)] for k, i in enumerate(where)}
    else:
        x = x.shallow()
        new = {i: _filled(x.cols[i], source) for i in where}
    return Table(x.base, unique([new[i].named(c.name) if i in new else c for i, c in enumerate(x.cols)]))


def _filled(c: Col, value: Any) -> Col:
    """A column of one value; a missing one keeps the column's type, and a text a level when there is one."""
    if is_na(value):
        return Col(c.name, pl.lit(None, dtype=c.dtype), c.dtype, c.uuid)
    if isinstance(value, str) and c.is_enum:
        _level(c, value)
        return Col(c.name, pl.lit(value, dtype=c.dtype), c.dtype)
    return constant(value)


def _level(c: Col, value: str) -> int:
    if value not in c.levels:
        raise H2OValueError(
            f"Cannot assign value {value} into a vector of type Enum: column {c.name!r} has the levels "
            f"{', '.join(map(repr, c.levels[:10]))}{' …' if len(c.levels) > 10 else ''} (see append_levels())"
        )
    return c.levels.index(value)


def _part(x: Table, source: Any, where: list[int], positions: np.ndarray) -> Table:
    if isinstance(source, Table) and source.nrow not in (1, len(positions)):
        if source.nrow != x.nrow:
            raise H2OValueError(f"{len(positions)} rows cannot take {describe(source)}")
        source = source.gather(positions)
    x = x.computed()
    frame, cols = x.frame(), list(x.cols)
    new: list[pl.Series] = []
    for k, i in enumerate(where):
        c = cols[i]
        if isinstance(source, Table):
            one = Table(source.base, (source.cols[min(k, source.ncol - 1)],))
            values = one.gather(np.zeros(len(positions), np.int64)) if one.nrow == 1 != len(positions) else one
            s = _scattered_column(x.series(i), c, values, positions)
        else:
            s = _scattered_value(x.series(i), c, source, positions)
        new.append(s)
    return Table.of_frame(frame.with_columns(new))


def _scattered_value(s: pl.Series, c: Col, value: Any, positions: np.ndarray) -> pl.Series:
    if is_na(value):
        return scattered(s, positions, pl.Series([None] * len(positions), dtype=s.dtype))
    if isinstance(value, str):
        if c.is_enum:
            _level(c, value)
        elif not c.is_text:
            raise H2OTypeError(f"column {c.name!r} holds numbers; the text {value!r} cannot be put into it")
        return scattered(s, positions, pl.Series([value] * len(positions), dtype=s.dtype))
    if c.is_text:
        raise H2OTypeError(f"column {c.name!r} holds texts; the number {value:g} cannot be put into it")
    if c.is_enum:
        raise H2OTypeError(f"column {c.name!r} is categorical; the number {value:g} cannot be put into it")
    if c.is_time:
        return scattered(s, positions, pl.Series([int(value)] * len(positions)).cast(pl.Datetime("ms")))
    wide = s if s.dtype == pl.Int64 and float(value).is_integer() else s.cast(pl.Float64)
    return scattered(wide, positions, pl.Series([value] * len(positions)).cast(wide.dtype))


def _scattered_column(s: pl.Series, c: Col, values: Table, positions: np.ndarray) -> pl.Series:
    v, other = values.series(), values.cols[0]
    if c.is_enum and (other.is_enum or other.is_text):
        levels = c.levels
        found = v.cast(pl.String).cast(pl.Enum(levels), strict=False)
        lost = v.filter(found.is_null() & v.is_not_null())
        if lost.len():
            _level(c, str(lost[0]))
        return scattered(s, positions, found)
    if c.is_text and (other.is_text or other.is_enum):
        return scattered(s, positions, v.cast(pl.String))
    if c.is_numeric and other.is_numeric:
        dtype = pl.Int64 if s.dtype == v.dtype == pl.Int64 else pl.Float64
        return scattered(s.cast(dtype), positions, v.cast(dtype))
    if c.is_time and (other.is_time or other.is_numeric):
        return scattered(s, positions, v.cast(pl.Int64).cast(s.dtype))
    if v.null_count() == v.len():
        return scattered(s, positions, pl.Series([None] * v.len(), dtype=s.dtype))
    raise H2OTypeError(
        f"column {c.name!r} is {s.dtype.base_type()}; values of type {v.dtype.base_type()} cannot be put into it"
    )


def scattered(s: pl.Series, positions: np.ndarray, values: pl.Series) -> pl.Series:
    """`s` with `values` at `positions`."""
    index = np.full(s.len(), -1, np.int64)
    index[positions] = np.arange(len(positions))
    at = pl.Series(index)
    picked = values.gather(pl.select(pl.when(at < 0).then(None).otherwise(at)).to_series()) if len(positions) else s
    return s.zip_with(at < 0, picked.alias(s.name).cast(s.dtype))
