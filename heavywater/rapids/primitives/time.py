"""Times: milliseconds since 1970 in UTC."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.rapids.declare import Column, TextColumn, Value, describe, primitive
from heavywater.rapids.table import Col, Table

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _time(c: Col, op: str) -> pl.Expr:
    """A column as a time; whole numbers are milliseconds."""
    if c.is_time:
        return c.expr
    if c.is_numeric:
        return c.number().cast(pl.Int64, strict=False).cast(pl.Datetime("ms"))
    raise H2OTypeError(f"{op}: column {c.name!r} is not a time (see as_date())")


PARTS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "year": lambda e: e.dt.year(),
    "month": lambda e: e.dt.month(),
    "week": lambda e: e.dt.week(),
    "day": lambda e: e.dt.day(),
    "hour": lambda e: e.dt.hour(),
    "minute": lambda e: e.dt.minute(),
    "second": lambda e: e.dt.second(),
    "millis": lambda e: e.dt.millisecond(),
}


def _declare(op: str, fn: Callable[[pl.Expr], pl.Expr]) -> None:
    @primitive(op, lazy=True, doc=f"{op} of a time, in UTC.")
    def part(x: Table) -> Table:
        return x.map(lambda c: fn(_time(c, op)).cast(pl.Int64), pl.Int64)


for _op, _fn in PARTS.items():
    _declare(_op, _fn)


@primitive("listTimeZones")
def list_time_zones() -> Table:
    """Names of time zones, in a column ``Timezones``."""
    from zoneinfo import available_timezones

    return Table.of({"Timezones": pl.Series(sorted(available_timezones()), dtype=pl.String)})


@primitive("dayOfWeek", lazy=True)
def day_of_week(x: Table) -> Table:
    """``Mon`` … ``Sun`` as an enum."""
    dtype = pl.Enum(DAYS)
    return x.map(lambda c: (_time(c, "dayOfWeek").dt.weekday().cast(pl.UInt8) - 1).cat.to(dtype), dtype)


def milliseconds(parts: list[np.ndarray]) -> np.ndarray:
    """Milliseconds of year, month (1-12), day, hour, minute, second, ms; NaN for impossible times; float64 (n,)."""
    table = np.column_stack(parts)
    out = np.full(len(table), np.nan)
    whole = np.isfinite(table).all(axis=1)
    y, mo, d, h, mi, s, ms = table[whole].astype(np.int64).T
    fits = (
        (mo >= 1)
        & (mo <= 12)
        & (h >= 0)
        & (h < 24)
        & (mi >= 0)
        & (mi < 60)
        & (s >= 0)
        & (s < 60)
        & (ms >= 0)
        & (ms < 1000)
    )
    month = (y - 1970) * 12 + np.clip(mo, 1, 12) - 1
    first = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    length = (month + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - first
    fits &= (d >= 1) & (d <= length) & (np.abs(y) < 290_000)
    value = (((first + d - 1) * 24 + h) * 60 + mi) * 60_000 + s * 1000 + ms
    out[whole] = np.where(fits, value, np.nan)
    return out


def _parts(values: tuple[Any, ...], op: str) -> tuple[list[np.ndarray], int]:
    n = max([v.nrow for v in values if isinstance(v, Table)], default=1)
    out = []
    for v in values:
        if isinstance(v, Table):
            if v.ncol != 1 or v.nrow not in (1, n):
                raise H2OValueError(f"{op}: columns of {n} rows or numbers are needed; got {describe(v)}")
            out.append(np.broadcast_to(v.numeric(), (n,)))
        elif isinstance(v, str):
            raise H2OTypeError(f"{op}: a number or a column is needed; got {v!r}")
        else:
            out.append(np.full(n, math.nan if v is None else float(v)))
    return out, n


def times(name: str, ms: np.ndarray) -> pl.Series:
    return pl.Series(name, ms).fill_nan(None).cast(pl.Int64).cast(pl.Datetime("ms"))


@primitive("moment")
def moment(
    year: Value,
    month: Value = 1,
    day: Value = 1,
    hour: Value = 0,
    minute: Value = 0,
    second: Value = 0,
    msec: Value = 0,
) -> Table:
    """A time column from its parts; month and day count from 1; a time that does not exist is missing."""
    parts, _ = _parts((year, month, day, hour, minute, second, msec), "moment")
    return Table.of({"time": times("time", milliseconds(parts))})


@primitive("mktime")
def mktime(
    year: Value,
    month: Value = 0,
    day: Value = 0,
    hour: Value = 0,
    minute: Value = 0,
    second: Value = 0,
    msec: Value = 0,
) -> Table:
    """Like `moment`, but month and day count from 0."""
    parts, _ = _parts((year, month, day, hour, minute, second, msec), "mktime")
    parts[1], parts[2] = parts[1] + 1, parts[2] + 1
    return Table.of({"time": times("time", milliseconds(parts))})


_JODA = {
    "yyyy": "%Y", "YYYY": "%Y", "y": "%Y", "Y": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m",
    "dd": "%d", "d": "%d", "DDD": "%j", "EEE": "%a", "EEEE": "%A", "HH": "%H", "H": "%H", "hh": "%I", "h": "%I",
    "mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "SSS": "%3f", "a": "%p", "Z": "%z",
}  # fmt: skip


def strptime_format(pattern: str) -> str:
    """A ``%Y-%m-%d`` pattern as it is; a Joda pattern such as ``yyyy-MM-dd`` in that form."""
    if "%" in pattern:
        return pattern
    out, i = [], 0
    while i < len(pattern):
        c = pattern[i]
        if c == "'":
            end = pattern.find("'", i + 1)
            end = len(pattern) if end < 0 else end
            out.append(pattern[i + 1 : end] or "'")
            i = end + 1
        elif c.isalpha():
            j = i
            while j < len(pattern) and pattern[j] == c:
                j += 1
            run = pattern[i:j]
            if run not in _JODA:
                raise H2OValueError(
                    f"as_date: {run!r} in the pattern {pattern!r} is not known; known are {', '.join(_JODA)}"
                )
            out.append(_JODA[run])
            i = j
        else:
            out.append(c)
            i += 1
    return "".join(out)


@primitive("as.Date")
def as_date(x: TextColumn, pattern: str) -> Table:
    """Times from texts by a pattern (``%Y-%m-%d`` or ``yyyy-MM-dd``); a text that does not fit is missing."""
    form = strptime_format(pattern)
    c = x.cols[0]
    texts = x.series().cast(pl.String)
    clock = any(p in form for p in ("%H", "%I", "%T", "%R", "%M", "%S"))
    try:
        if clock:
            found = texts.str.to_datetime(form, strict=False, time_unit="ms")
        else:
            found = texts.str.to_date(form, strict=False).cast(pl.Datetime("ms"))
    except pl.exceptions.PolarsError as e:
        raise H2OValueError(f"as_date: {pattern!r} is not a usable pattern: {str(e).splitlines()[0]}") from None
    return Table.of({c.name: found})


@primitive("difflag1")
def difflag1(x: Column) -> Table:
    """Each value less the one before; the first is missing."""
    v = x.values()
    return Table.of({x.names[0]: np.concatenate([[np.nan], np.diff(v)])[: len(v)]})
