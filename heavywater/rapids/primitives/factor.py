"""Categorical columns: conversion and levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError, NotFound, did_you_mean
from heavywater.rapids.declare import Column, Texts, Value, primitive
from heavywater.rapids.node import Items
from heavywater.rapids.table import Col, Table, enum_series

MAX_LEVELS = 10_000_000
"""H2O's limit."""


def java_double(v: float) -> str:
    """A number as Java prints a double: ``1.0``, ``4.5``, ``1.0E10``."""
    if v != v:
        return "NaN"
    if v in (float("inf"), float("-inf")):
        return "Infinity" if v > 0 else "-Infinity"
    if v == 0 or 1e-3 <= abs(v) < 1e7:
        return repr(float(v)) if "e" not in repr(float(v)) else f"{v:f}".rstrip("0")
    mantissa, exponent = f"{v!r}".split("e") if "e" in repr(v) else f"{v:.17e}".split("e")
    if "e" not in repr(v):  # the shortest digits that give the number back
        digits = next(d for p in range(17) if float(d := f"{v:.{p}e}") == v)
        mantissa, exponent = digits.split("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def whole(s: pl.Series) -> bool:
    kept = s.drop_nulls()
    return bool(kept.is_finite().all() and (kept == kept.floor()).all() and (kept.abs() < 2.0**63).all())


def as_enum(s: pl.Series, c: Col) -> pl.Series:
    """One column as an enum: labels sorted, numbers in numeric order (``1`` for whole columns, ``1.0`` otherwise)."""
    if c.is_enum:
        return s
    if c.is_time:
        raise H2OTypeError(f"column {c.name!r} is a time; asfactor() works on numbers and texts")
    if c.is_text:
        levels = s.drop_nulls().unique().sort()
        _check_count(levels.len(), c.name)
        return s.cast(pl.Enum(levels))
    numbers = s.drop_nulls().unique().sort()
    _check_count(numbers.len(), c.name)
    if s.dtype == pl.Int64:
        labels = [str(v) for v in numbers]
    elif whole(s):
        labels = [str(int(v)) for v in numbers]
    else:
        labels = [java_double(v) for v in numbers]
    place = numbers.search_sorted(s.fill_null(numbers[0])) if numbers.len() else pl.Series([0] * s.len())
    codes = pl.select(pl.when(s.is_null()).then(None).otherwise(place.cast(pl.Int64))).to_series()
    return enum_series(s.name, codes, labels)


def _check_count(n: int, name: str) -> None:
    if n > MAX_LEVELS:
        raise H2OValueError(f"column {name!r} has {n} distinct values; a categorical column has at most {MAX_LEVELS}")


@primitive("as.factor")
def as_factor(x: Table) -> Table:
    """Categorical columns from texts or numbers."""
    return Table.of(pl.DataFrame([as_enum(x.series(i), c) for i, c in enumerate(x.cols)]))


def numbers_of_levels(levels: Sequence[str]) -> list[float] | None:
    """Levels as numbers when every one is a number."""
    try:
        return [float(v) for v in levels] if levels else None
    except ValueError:
        return None


@primitive("as.numeric", lazy=True)
def as_numeric(x: Table) -> Table:
    """Numbers: of an enum its labels if all are numbers, else level indices; of a text what it says; of a time ms."""

    def convert(c: Col) -> pl.Expr:
        if c.is_enum:
            known = numbers_of_levels(c.levels)
            codes = c.expr.to_physical().cast(pl.Int64)
            if known is None:
                return codes.cast(pl.Float64)
            return c.expr.cast(pl.String).cast(pl.Float64, strict=False)
        if c.is_text:
            return c.expr.str.strip_chars().cast(pl.Float64, strict=False)
        return c.number()

    return x.map(convert)


@primitive("as.character", lazy=True)
def as_character(x: Table) -> Table:
    """Texts: labels, numbers in the shortest form that means the same number, times as ms."""

    def convert(c: Col) -> pl.Expr:
        if c.is_text or c.is_enum:
            return c.text()
        if c.is_time:
            return c.expr.to_physical().cast(pl.String)
        if c.dtype == pl.Float64:
            return (
                pl.when((c.expr == c.expr.floor()) & (c.expr.abs() < 2.0**53))
                .then(c.expr.cast(pl.Int64, strict=False).cast(pl.String))
                .otherwise(c.expr.cast(pl.String))
            )
        return c.expr.cast(pl.Int64).cast(pl.String)

    return x.map(convert, pl.String)


@primitive("is.factor", lazy=True)
def is_factor(x: Table) -> Items:
    """1 for each categorical column."""
    return Items(tuple(float(c.is_enum) for c in x.cols))


@primitive("is.numeric", lazy=True)
def is_numeric(x: Table) -> Items:
    """1 for each numeric column; a time is not."""
    return Items(tuple(float(c.is_numeric) for c in x.cols))


@primitive("is.character", lazy=True)
def is_character(x: Table) -> Items:
    """1 for each text column."""
    return Items(tuple(float(c.is_text and not c.uuid) for c in x.cols))


@primitive("any.factor", lazy=True)
def any_factor(x: Table) -> float:
    """1 when some column is categorical."""
    return float(any(c.is_enum for c in x.cols))


@primitive("nlevels", lazy=True)
def nlevels(x: Column) -> float:
    """Number of levels of an enum column; 0 for any other."""
    return float(len(x.cols[0].levels))


@primitive("levels")
def levels_(x: Table) -> Table:
    """One text column of levels per column, padded with missing values."""
    most = max([len(c.levels) for c in x.cols], default=0)
    return Table.of(
        {
            f"C{i + 1}": pl.Series(c.levels + [None] * (most - len(c.levels)), dtype=pl.String)
            for i, c in enumerate(x.cols)
        }
    )


def _enum(x: Table, what: str) -> Col:
    c = x.cols[0]
    if not c.is_enum:
        raise H2OTypeError(f"{what}: column {c.name!r} is not categorical; use asfactor() first")
    return c


def _level(c: Col, level: str) -> int:
    if level not in c.levels:
        raise NotFound(f"column {c.name!r} has no level {level!r}{did_you_mean(level, c.levels)}")
    return c.levels.index(level)


def _codes(x: Table) -> np.ndarray:
    return x.frame().codes(x.names[0])


@primitive("setLevel")
def set_level(x: Column, level: str) -> Table:
    """Every row set to one of the levels."""
    c = _enum(x, "setLevel")
    return Table.of({c.name: enum_series(c.name, np.full(x.nrow, _level(c, level)), c.levels)})


@primitive("setDomain")
def set_domain(x: Column, in_place: bool, levels: Texts) -> Table:
    """The same rows with other labels."""
    c = _enum(x, "set_levels")
    if len(levels) != len(c.levels):
        raise H2OValueError(
            "Number of replacement factors must equal current number of levels. "
            f"Current number of levels: {len(c.levels)} != {len(levels)}"
        )
    return Table.of({c.name: enum_series(c.name, _codes(x), levels)})


@primitive("appendLevels")
def append_levels(x: Column, in_place: bool, levels: Texts) -> Table:
    """More levels, which no row has yet, after the present ones."""
    c = _enum(x, "append_levels")
    extra = [v for v in levels if v not in c.levels]
    return Table.of({c.name: enum_series(c.name, _codes(x), c.levels + extra)})


def reordered(x: Table, order: Sequence[int]) -> Table:
    """The same labels with the levels in another order."""
    c = x.cols[0]
    back = np.empty(len(order) + 1, np.int64)
    back[list(order)] = np.arange(len(order))
    back[-1] = -1
    return Table.of({c.name: enum_series(c.name, back[_codes(x)], [c.levels[i] for i in order])})


@primitive("relevel")
def relevel(x: Column, level: str) -> Table:
    """A level moved to the front."""
    c = _enum(x, "relevel")
    first = _level(c, level)
    return reordered(x, [first, *(i for i in range(len(c.levels)) if i != first)])


@primitive("relevel.by.freq")
def relevel_by_frequency(x: Column, weights: Value, top: float) -> Table:
    """Levels by falling (weighted) number of rows, ties as they are; with `top` > 0 only the most frequent move."""
    c = _enum(x, "relevel_by_frequency")
    codes = _codes(x)
    w = weights.numeric() if isinstance(weights, Table) else np.ones(len(codes))
    seen = codes >= 0
    counts = np.bincount(codes[seen], weights=np.nan_to_num(w[seen]), minlength=len(c.levels))
    order = np.argsort(-counts, kind="stable").tolist()
    if 0 < top < len(order):
        front = order[: int(top)]
        order = front + [i for i in range(len(order)) if i not in front]
    return reordered(x, order)
