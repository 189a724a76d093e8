"""Texts.  A categorical column is changed through its levels and stays categorical; results are called C1, …

Positions count characters (code points) from 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OValueError
from heavywater.rapids.bounds import bounds
from heavywater.rapids.declare import TextColumn, Texts, Value, primitive
from heavywater.rapids.table import Table, enum_series, require_text

OnSeries = Callable[[pl.Series], pl.Series]


def map_texts(x: Table, op: str, fn: OnSeries, names: list[str] | None = None) -> Table:
    """`fn` over the texts of every column, or over the levels of a categorical one."""
    out = []
    for i, c in enumerate(x.cols):
        require_text(c, op)
        name = names[i] if names else f"C{i + 1}"
        if c.is_enum:
            changed = fn(pl.Series(c.levels, dtype=pl.String)).to_list()
            levels = list(dict.fromkeys(v for v in changed if v is not None))
            place = {v: k for k, v in enumerate(levels)}
            code = np.array([place.get(v, -1) for v in changed] + [-1], np.int64)
            out.append(enum_series(name, code[x.frame().codes(c.name)], levels))
        else:
            out.append(fn(x.series(i)).rename(name))
    return Table.of(pl.DataFrame(out))


def measure_texts(x: Table, op: str, fn: OnSeries) -> Table:
    """`fn` from texts to numbers."""
    out = []
    for i, c in enumerate(x.cols):
        require_text(c, op)
        out.append(fn(x.series(i).cast(pl.String)).cast(pl.Float64).rename(f"C{i + 1}"))
    return Table.of(pl.DataFrame(out))


@primitive("toupper")
def toupper(x: Table) -> Table:
    """Upper case."""
    return map_texts(x, "toupper", lambda s: s.str.to_uppercase())


@primitive("tolower")
def tolower(x: Table) -> Table:
    """Lower case."""
    return map_texts(x, "tolower", lambda s: s.str.to_lowercase())


@primitive("trim")
def trim(x: Table) -> Table:
    """Without white space at either end."""
    return map_texts(x, "trim", lambda s: s.str.strip_chars())


@primitive("lstrip")
def lstrip(x: Table, chars: str = " ") -> Table:
    """Without the leading characters of a set."""
    return map_texts(x, "lstrip", lambda s: s.str.strip_chars_start(chars))


@primitive("rstrip")
def rstrip(x: Table, chars: str = " ") -> Table:
    """Without the trailing characters of a set."""
    return map_texts(x, "rstrip", lambda s: s.str.strip_chars_end(chars))


@primitive("substring")
def substring(x: Table, start: float, end: Value = None) -> Table:
    """Characters from `start`, included, to `end`, excluded, or to the end of the text."""
    first = max(int(start), 0)
    stop = None if not isinstance(end, (int, float)) or math.isnan(end) else int(end)
    length = None if stop is None else max(stop - first, 0)
    return map_texts(x, "substring", lambda s: s.str.slice(first, length))


@primitive("strlen")
def strlen(x: Table) -> Table:
    """Number of characters."""
    return measure_texts(x, "nchar", lambda s: s.str.len_chars())


@primitive("countmatches")
def count_matches(x: Table, patterns: Texts) -> Table:
    """How often the given texts occur (literally, without overlap), added up."""

    def count(s: pl.Series) -> pl.Series:
        total = s.str.count_matches(patterns[0], literal=True)
        for p in patterns[1:]:
            total = total + s.str.count_matches(p, literal=True)
        return total

    if not patterns or "" in patterns:
        raise H2OValueError("countmatches needs at least one text to look for, and no empty one")
    return measure_texts(x, "countmatches", count)


@primitive("entropy")
def entropy(x: Table) -> Table:
    """Shannon entropy of the characters of each text, in bits."""

    def bits(text: str) -> float:
        counts = np.unique(list(text), return_counts=True)[1] / max(len(text), 1)
        return float(-(counts * np.log2(counts)).sum()) + 0.0

    return measure_texts(x, "entropy", lambda s: s.map_elements(bits, return_dtype=pl.Float64, skip_nulls=True))


# -- regular expressions ------------------------------------------------------------------------------------------

MAX_PATTERN = 10_000


class Pattern:
    """A regular expression in Java's syntax; Python's engine steps in where Polars' lacks look-around and the like."""

    def __init__(self, pattern: str, ignore_case: bool = False):
        if len(pattern) > MAX_PATTERN:
            raise H2OValueError(f"a regular expression has at most {MAX_PATTERN} characters; this has {len(pattern)}")
        self.text = ("(?i)" if ignore_case else "") + pattern
        try:
            self.python = re.compile(self.text)
        except re.error as e:
            raise H2OValueError(f"{pattern!r} is not a regular expression: {e}") from None
        try:
            pl.Series([""]).str.contains(self.text)
            self.fast = True
        except pl.exceptions.PolarsError:
            self.fast = False
        if bounds().linear_patterns and not self.fast:
            raise H2OValueError(
                f"{pattern!r}: look-around and back-references may take forever and are not allowed here"
            )

    def contains(self, s: pl.Series) -> pl.Series:
        if self.fast:
            return s.str.contains(self.text)
        return s.map_elements(lambda v: self.python.search(v) is not None, return_dtype=pl.Boolean, skip_nulls=True)

    def replace(self, s: pl.Series, replacement: str, every: bool) -> pl.Series:
        parts = _replacement(replacement)
        if self.fast:
            value = "".join(f"${{{p}}}" if isinstance(p, int) else p.replace("$", "$$") for p in parts)
            return s.str.replace_all(self.text, value) if every else s.str.replace(self.text, value)

        def put(m: re.Match[str]) -> str:
            return "".join((m.group(p) or "") if isinstance(p, int) else p for p in parts)

        count = 0 if every else 1
        return s.map_elements(lambda v: self.python.sub(put, v, count=count), return_dtype=pl.String, skip_nulls=True)

    def split(self, texts: Sequence[str | None]) -> list[list[str]]:
        """Pieces of each text between matches as Java has them: empty pieces at the end are left out; none of None."""
        return [[] if t is None else _pieces(t, spans) for t, spans in zip(texts, self._spans(texts))]

    def _spans(self, texts: Sequence[str | None]) -> Iterator[list[tuple[int, int]]]:
        """Begin and end of every match in each text."""
        if not bounds().linear_patterns:
            yield from ([m.span() for m in self.python.finditer(t or "")] for t in texts)
            return
        if any(_MARK in t for t in texts if t is not None):
            raise H2OValueError("a text holds the character U+10FFFF, which is reserved for marking matches")
        marked = pl.Series(texts, dtype=pl.String).str.replace_all(self.text, f"{_MARK}${{0}}{_MARK}")
        for text in marked:
            parts, at, found = (text or "").split(_MARK), 0, []
            for outside, match in zip(parts[::2], parts[1::2]):
                at += len(outside) + len(match)
                found.append((at - len(match), at))
            yield found


_MARK = "\U0010ffff"


def _pieces(text: str, spans: list[tuple[int, int]]) -> list[str]:
    out, at = [], 0
    for start, end in spans:
        if end == 0 or (start == end == len(text)):
            continue
        out.append(text[at:start])
        at = end
    out.append(text[at:])
    while len(out) > 1 and out[-1] == "":
        out.pop()
    return out


def _replacement(text: str) -> list[str | int]:
    """A replacement as literal texts and group numbers: ``$1``, ``\\x`` for a literal x."""
    out: list[str | int] = []
    i = 0
    while i < len(text):
        if text[i] == "\\" and i + 1 < len(text):
            out.append(text[i + 1])
            i += 2
        elif text[i] == "$" and text[i + 1 : i + 2].isdigit():
            out.append(int(text[i + 1]))
            i += 2
        else:
            out.append(text[i])
            i += 1
    return out


def _groups_known(pattern: Pattern, replacement: str) -> None:
    most = max([p for p in _replacement(replacement) if isinstance(p, int)], default=0)
    if most > pattern.python.groups:
        raise H2OValueError(
            f"the replacement {replacement!r} uses group {most}; the pattern has {pattern.python.groups}"
        )


@primitive("replacefirst")
def replace_first(x: Table, pattern: str, replacement: str, ignore_case: bool = False) -> Table:
    """The first match of a regular expression replaced; columns keep their names."""
    p = Pattern(pattern, ignore_case)
    _groups_known(p, replacement)
    return map_texts(x, "sub", lambda s: p.replace(s, replacement, False), x.names)


@primitive("replaceall")
def replace_all(x: Table, pattern: str, replacement: str, ignore_case: bool = False) -> Table:
    """Every match of a regular expression replaced."""
    p = Pattern(pattern, ignore_case)
    _groups_known(p, replacement)
    return map_texts(x, "gsub", lambda s: p.replace(s, replacement, True))


@primitive("grep")
def grep(x: TextColumn, pattern: str, ignore_case: bool = False, invert: bool = False, logical: bool = False) -> Table:
    """Numbers of the rows that match a regular expression (or do not), or 0/1 for every row."""
    found = Pattern(pattern, ignore_case).contains(x.series().cast(pl.String)).fill_null(False)
    found = ~found if invert else found
    return Table.of({"C1": found.cast(pl.Int64) if logical else found.arg_true().cast(pl.Int64)})


@primitive("strsplit")
def strsplit(x: TextColumn, pattern: str) -> Table:
    """Pieces between matches of a regular expression: C1, C2, …, missing where there are fewer.

    Of a categorical column categorical columns; there an empty piece is missing.
    """
    p = Pattern(pattern)
    c = x.cols[0]
    values: list[Any] = c.levels if c.is_enum else x.series().to_list()
    pieces = p.split(values)
    width = max(map(len, pieces), default=1) or 1
    bounds().check_columns(width)
    columns = [[r[j] if j < len(r) else None for r in pieces] for j in range(width)]
    if not c.is_enum:
        return Table.of({f"C{j + 1}": pl.Series(v, dtype=pl.String) for j, v in enumerate(columns)})
    codes = x.frame().codes(c.name)
    out = []
    for j, v in enumerate(columns):
        levels = sorted({t for t in v if t})
        place = {t: k for k, t in enumerate(levels)}
        back = np.array([place.get(t, -1) if t else -1 for t in v] + [-1], np.int64)
        out.append(enum_series(f"C{j + 1}", back[codes], levels))
    return Table.of(pl.DataFrame(out))
