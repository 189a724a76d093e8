"""Putting frames side by side and one below the other; naming columns; making columns out of nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.bounds import bounds
from heavywater.rapids.declare import Choice, Texts, Value, describe, primitive
from heavywater.rapids.node import number
from heavywater.rapids.primitives.operators import constant, is_na, spread
from heavywater.rapids.primitives.select import columns
from heavywater.rapids.table import Col, Table, joined, unique


def _scalar_name(value: Any) -> str:
    return value if isinstance(value, str) else "NaN" if is_na(value) else repr(float(value))


def beside(left: Table, value: Any, name: str | None = None) -> Table:
    """`left` with the columns of a frame, or a scalar, at its right end."""
    if isinstance(value, Table):
        if value.nrow == 1 and left.nrow != 1 and value.ncol == 1 and name is not None:
            value = spread(value, left)
        left, value = joined(left, value)
        new = value.cols if name is None else tuple(c.named(name) for c in value.cols)
    else:
        left = left.shallow()
        new = (constant(value, name if name is not None else _scalar_name(value)),)
    return Table(left.base, left.cols + unique(new, left.names))


@primitive("cbind", lazy=True)
def cbind(*parts: Value) -> Table:
    """Columns of all frames in order; scalars become constant columns; repeated names get 0, 1, … appended."""
    frames = [p for p in parts if isinstance(p, Table)]
    if not frames:
        raise H2OTypeError("cbind needs at least one frame")
    out: Table | None = None
    pending: list[Any] = []
    for p in parts:
        if out is None and not isinstance(p, Table):
            pending.append(p)
        elif out is None:
            start = Table(p.shallow().base, ())
            for v in pending:
                start = beside(start, v)
            out = beside(start, p) if pending else p
        else:
            out = beside(out, p)
    assert out is not None
    return out


@primitive("append", lazy=True)
def append(x: Table, *values: Value) -> Table:
    """Add columns: pairs of a value (scalar or column) and a name."""
    if len(values) % 2:
        raise H2OValueError("append needs pairs of a column and its name")
    for value, name in zip(values[::2], values[1::2]):
        if not isinstance(name, str):
            raise H2OTypeError(f"append: the name of a column must be a text; got {describe(name)}")
        if isinstance(value, Table) and value.ncol != 1:
            raise H2OTypeError(f"append: column {name!r} must be one column; got {describe(value)}")
        x = beside(x, value, name)
    return x


@primitive("rbind")
def rbind(*parts: Table) -> Table:
    """Rows of all frames in order; levels of enums are united.

    Raises
    ------
    H2OValueError
        When the frames differ in the number, names or types of columns.
    """
    if not parts:
        raise H2OTypeError("rbind needs at least one frame")
    first = parts[0]
    for k, p in enumerate(parts[1:], 1):
        if p.ncol != first.ncol:
            raise H2OValueError(f"rbind: frame {k} has {p.ncol} columns, the first {first.ncol}")
        other = next((i for i, (a, b) in enumerate(zip(first.names, p.names)) if a != b), None)
        if other is not None:
            raise H2OValueError(
                f"rbind: column {other} is called {p.names[other]!r} in frame {k}, {first.names[other]!r} in the first"
            )
    return Table.of(
        pl.DataFrame([_stack([p.series(i) for p in parts], [p.cols[i] for p in parts]) for i in range(first.ncol)])
    )


def _stack(parts: list[pl.Series], cols: list[Col]) -> pl.Series:
    kinds = {
        ("enum" if c.is_enum else "text" if c.is_text else "time" if c.is_time else "number")
        for c, s in zip(cols, parts)
        if s.null_count() < s.len()
    }
    if len(kinds) > 1:
        raise H2OValueError(f"rbind: column {cols[0].name!r} is {' and '.join(sorted(kinds))}; make it one type first")
    kind = next(iter(kinds), None)
    if kind is None:
        return pl.concat([s.cast(pl.Float64, strict=False) for s in parts])
    if kind == "enum":
        levels = pl.Enum(united([c.levels for c in cols]))
        return pl.concat([s.cast(pl.String).cast(levels) for s in parts])
    if kind == "number":
        whole = all(s.dtype == pl.Int64 for s in parts)
        return pl.concat([s.cast(pl.Int64 if whole else pl.Float64, strict=False) for s in parts])
    dtype: Any = pl.String if kind == "text" else pl.Datetime("ms")
    return pl.concat([s if s.dtype == dtype else pl.Series(s.name, [None] * s.len(), dtype=dtype) for s in parts])


def united(parts: list[list[str]]) -> list[str]:
    """All levels: those of the first, in its order when the others add none, else sorted as the original does."""
    seen = dict.fromkeys(parts[0])
    if all(v in seen for p in parts[1:] for v in p):
        return parts[0]
    return (
        sorted({v for p in parts for v in p})
        if parts[0] == sorted(parts[0])
        else list(dict.fromkeys(v for p in parts for v in p))
    )


@primitive("colnames=", lazy=True)
def set_colnames(x: Table, which: Choice, names: Texts) -> Table:
    """Rename columns."""
    positions = columns(x, which)
    if len(positions) != len(names):
        raise H2OValueError(f"{len(positions)} columns need as many names; got {len(names)}")
    cols = list(x.cols)
    for i, n in zip(positions, names):
        cols[i] = cols[i].named(n)
    twice = next((n for i, n in enumerate(names) if [c.name for c in cols].count(n) > 1), None)
    if twice is not None:
        raise H2OValueError(f"two columns would be called {twice!r}; column names are distinct")
    return Table(x.base, tuple(cols))


@primitive("rep_len")
def rep_len(x: Value, length: int) -> Table:
    """A column of `length` rows that repeats a column, or a number."""
    if length < 0:
        raise H2OValueError(f"rep_len: the length must not be negative; got {length}")
    bounds().check_rows(length)
    if not isinstance(x, Table):
        return Table.of({"C1": np.full(length, float(x))})
    if x.ncol != 1:  # as in the original, the columns themselves are repeated
        return Table(x.base, unique([x.cols[i % x.ncol] for i in range(length)]))
    if x.nrow == 0 and length:
        raise H2OValueError("rep_len: there are no values to repeat")
    return renamed(x.gather(np.arange(length) % max(x.nrow, 1)), "C1")


def renamed(x: Table, name: str) -> Table:
    """A one-column table under another name."""
    return Table(x.base, (x.cols[0].named(name),))


@primitive("seq")
def seq(start: float, end: float, step: float = 1.0) -> Table:
    """A column ``start, start + step, …`` up to `end`, included."""
    if step == 0 or (end - start) / step < 0 or not math.isfinite((end - start) / step):
        raise H2OValueError(f"seq: no way from {number(start)} to {number(end)} in steps of {number(step)}")
    count = math.floor((end - start) / step + 1e-10) + 1
    bounds().check_rows(count)
    return Table.of({"C1": start + step * np.arange(count)})


@primitive("seq_len")
def seq_len(n: int) -> Table:
    """A column 1, 2, …, n."""
    if n < 1:
        raise H2OValueError(f"seq_len: the length must be at least 1; got {n}")
    bounds().check_rows(n)
    return Table.of({"C1": np.arange(1, n + 1)})


@primitive("t")
def transpose(x: Table) -> Table:
    """Rows become columns C1, C2, …; numbers only."""
    label = next((c.name for c in x.cols if c.is_enum or c.is_text), None)
    if label is not None:
        raise H2OTypeError(f"a frame is transposed when all columns are numeric; {label!r} is not")
    bounds().check_columns(x.nrow)
    return Table.of(
        pl.DataFrame(x.matrix().T, schema=[f"C{i + 1}" for i in range(x.nrow)], orient="row", nan_to_null=True)
    )
