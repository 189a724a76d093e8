"""Selecting columns and rows, and reading single values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError, NotFound
from heavywater.rapids.declare import Choice, describe, primitive, same_columns
from heavywater.rapids.node import Items
from heavywater.rapids.table import Table


def columns(x: Table, choice: Any) -> list[int]:
    """Positions of chosen columns: name, index, list or span; ``-k`` drops column k - 1.

    Raises
    ------
    NotFound
        For a name or a position that is not there.
    """
    if isinstance(choice, Items) and choice.texts:
        return [x.index(str(n)) for n in choice.values]
    if isinstance(choice, str):
        return [x.index(choice)]
    if isinstance(choice, Table):
        wanted = choice.numeric().tolist()
    elif isinstance(choice, Items):
        wanted = choice.numbers(x.ncol)
    elif choice is None:
        return list(range(x.ncol))
    else:
        wanted = [float(choice)]
    if wanted and all(v < 0 for v in wanted):
        gone = {x.index(-v - 1) for v in wanted}
        return [i for i in range(x.ncol) if i not in gone]
    return [x.index(v) for v in wanted]


def rows(x: Table, choice: Any) -> np.ndarray | None:
    """Positions of chosen rows as int64, or None for all of them.

    A column selects where it is neither 0 nor missing; a column with fewer rows than `x` holds row numbers.

    Raises
    ------
    NotFound
        For a position that is not there.
    """
    n = x.nrow
    if isinstance(choice, Table):
        if choice.ncol != 1:
            raise H2OTypeError(f"rows are chosen by one column, not by {describe(choice)}")
        if choice.nrow != n:
            raise H2OValueError(
                f"rows are chosen by a column of the same length; it has {choice.nrow} rows, the frame {n}"
            )
        return np.flatnonzero(mask(choice))
    if choice is None or (isinstance(choice, Items) and not choice.values):
        return None
    if isinstance(choice, str) or (isinstance(choice, Items) and choice.texts):
        raise H2OTypeError(f"rows are chosen by number; got {describe(choice)}")
    wanted = np.asarray(choice.numbers(n) if isinstance(choice, Items) else [float(choice)])
    whole = wanted.astype(np.int64)
    if (whole < 0).all() and len(whole):
        gone = -whole - 1
        _inside(gone, n)
        return np.delete(np.arange(n), gone)
    _inside(whole, n)
    return whole


def _inside(positions: np.ndarray, n: int) -> None:
    bad = positions[(positions < 0) | (positions >= n)]
    if len(bad):
        raise NotFound(
            f"Row must be an integer from 0 to {n - 1}; got {bad[0]}" if n else f"Row {bad[0]}: there are no rows"
        )


def mask(choice: Table) -> np.ndarray:
    """Rows where a column is neither 0 nor missing, as bool."""
    c = choice.cols[0]
    if c.dtype == pl.Boolean and "frame" not in choice._cache:
        return choice.base.select(c.expr.fill_null(False)).to_series().to_numpy().astype(bool)
    if c.is_enum or c.is_text:
        raise H2OTypeError(f"rows are chosen by a 0/1 column; {c.name!r} holds labels")
    return np.asarray(np.nan_to_num(choice.numeric()) != 0)


@primitive("cols_py", "cols", lazy=True)
def cols(x: Table, choice: Choice) -> Table:
    """Columns by name, 0-based index, list or span; negative numbers drop columns, counted from 1."""
    return x.pick(columns(x, choice))


@primitive("rows", schema=same_columns)
def rows_(x: Table, choice: Choice) -> Table:
    """Rows by 0-based index, list, span or 0/1 column; negative numbers drop rows, counted from 1."""
    if isinstance(choice, Table) and choice.ncol == 1 and choice.nrow == x.nrow:
        return x.filter(mask(choice))
    if isinstance(choice, Items) and len(choice.values) == 1 and not choice.texts:
        span = choice.values[0]
        if not isinstance(span, (str, float, int)) and span.step == 1 and span.first >= 0:
            return _slice(x, int(span.first), span.count)
    positions = rows(x, choice)
    return x if positions is None else x.gather(positions)


def _slice(x: Table, first: int, count: float) -> Table:
    n = x.nrow - first if math.isnan(count) else int(count)
    if n > 0:
        _inside(np.array([first, first + n - 1]), x.nrow)
    frame = x.frame()
    return Table.of_frame(frame.slice(first, max(n, 0)))


@primitive("flatten")
def flatten(x: Table) -> Any:
    """The value of the only cell: number, label or text; NaN when missing; a time in ms since 1970."""
    if x.nrow != 1 or x.ncol != 1:
        raise H2OTypeError(f"flatten needs a frame of one cell; got {describe(x)}")
    value = x.series()[0]
    c = x.cols[0]
    if value is None:
        return math.nan
    return str(value) if c.is_enum or c.is_text else float(x.numeric()[0])


@primitive("getrow")
def getrow(x: Table) -> Items:
    """The values of a frame of one row as numbers; labels are NaN."""
    if x.nrow != 1:
        raise H2OTypeError(f"getrow needs a frame of one row; got {describe(x)}")
    return Items(tuple(float(x.values(i)[0]) for i in range(x.ncol)))


@primitive("nrow", lazy=True)
def nrow(x: Table) -> float:
    """Number of rows."""
    return float(x.nrow)


@primitive("ncol", lazy=True)
def ncol(x: Table) -> float:
    """Number of columns."""
    return float(x.ncol)


COLUMN_TYPES = ("numeric", "categorical", "string", "time", "uuid", "bad")


@primitive("columnsByType")
def columns_by_type(x: Table, kind: str) -> Items:
    """Positions of the columns of a type; ``bad`` means that every value is missing."""
    if kind not in COLUMN_TYPES:
        raise H2OValueError(f"column type must be one of {', '.join(COLUMN_TYPES)}; got {kind!r}")
    out = []
    for i, c in enumerate(x.cols):
        bad = x.nrow > 0 and x.series(i).null_count() == x.nrow
        mine = {
            "bad": bad,
            "uuid": c.uuid,
            "string": c.is_text and not c.uuid,
            "categorical": c.is_enum,
            "time": c.is_time,
            "numeric": c.is_numeric,
        }
        if mine[kind] and (kind == "bad" or not bad):
            out.append(float(i))
    return Items(tuple(out))
