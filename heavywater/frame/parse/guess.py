"""What a delimited text file looks like: separator, quote, header, number of columns (H2O's rules)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import polars as pl

from heavywater.errors import ParseError
from heavywater.frame.parse.columns import numbers, vote
from heavywater.frame.parse.records import split_records

SEPARATORS = "\x01,;|\t "
"""Separators that are guessed, the likeliest first; the first is Hive's."""
SAMPLE_LINES = 10
_SVM_LINE = re.compile(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?(?: +(?:qid:\d+|\d+:[+-]?[\w.+-]+))+ *(?:#.*)?$")


class Look(NamedTuple):
    """Layout of a delimited file; `rows` are the tokens of its first lines, the header line included."""

    separator: str
    quote: str
    header: bool
    ncols: int
    rows: list[list[str]]


def first_lines(text: str, quote: str, comments: str, separator: str | None = None, n: int = SAMPLE_LINES) -> list[str]:
    """The first `n` records that are neither blank nor comments; a quoted field may go over several lines."""
    if not quote or quote not in text:
        return list(islice(_unquoted_lines(text, comments), n))
    out: list[str] = []
    try:
        for r in split_records(text, SEPARATORS + (separator or ""), quote, comments=comments):
            out.append(text[r.start : r.end].strip(" "))
            if len(out) == n:
                break
    except ParseError:  # a quote that is not closed; reading the whole file tells where
        rest = [line for line in re.split(r"\r\n|\n|\r", text) if line.strip() and line[0] not in comments]
        return rest[:n]
    return out


def _unquoted_lines(text: str, comments: str) -> Iterator[str]:
    for m in re.finditer(r"[^\r\n]+", text):
        if m.group()[0] not in comments and (line := m.group().strip(" ")):
            yield line


def tokens(line: str, separator: str, quote: str) -> list[str]:
    """Fields of one record."""
    if not quote or quote not in line:
        line = line.strip(" ")
        return re.split(" +", line) if separator == " " else [f.lstrip(" ") for f in line.split(separator)]
    try:
        fields = next(iter(split_records(line.strip(" "), separator, quote))).fields
    except (ParseError, StopIteration):
        fields = list(line.split(separator))
    return [f or "" for f in fields]


def guess_quote(lines: Sequence[str]) -> str:
    """``"`` unless it does not occur and some fields stand between single quotes."""
    text = "\n".join(lines)
    if '"' in text:
        return '"'
    field = r"'(?:[^'\n]|'')*'"
    quoted = len(re.findall(rf"(?:^|[,;|\t ]){field}(?=$|[,;|\t ])", text, re.MULTILINE))
    return "'" if quoted and quoted * 2 == text.count("'") - 2 * text.count("''") else '"'


def guess_separator(lines: Sequence[str], quote: str) -> str:
    """The separator that splits two of the first three lines alike; a comma when there is none."""
    if len(lines) == 1:
        return next((s for s in SEPARATORS if len(tokens(lines[0], s, quote)) > 1), ",")
    for a, b in ((0, 1), (1, 2), (0, 2)):
        if b < len(lines) and (sep := _separator_of(lines[a], lines[b], quote)):
            return sep
    return ","


def _separator_of(first: str, second: str, quote: str) -> str:
    def count(line: str) -> list[int]:
        bare = "".join(line.split(quote)[::2]) if quote else line
        bare = re.sub(" +", " ", bare.strip())
        return [bare.count(s) for s in SEPARATORS]

    one, two = count(first), count(second)
    most = max(one)
    if not most:
        return ""
    for i, sep in enumerate(SEPARATORS):
        if one[i] and one[i] == two[i] and one[i] >= most // 2 and len(tokens(first, sep, quote)) == one[i] + 1:
            return sep
    i = one.index(most)
    fits = (
        len(tokens(first, SEPARATORS[i], quote)) == one[i] + 1
        and len(tokens(second, SEPARATORS[i], quote)) == two[i] + 1
    )
    return SEPARATORS[i] if fits and (SEPARATORS[i] != " " or two[i]) else ""


def is_text(tokens_: Sequence[str]) -> bool:
    """Whether no token is a number, a time or a UUID."""
    values = pl.Series(list(tokens_), dtype=pl.String)
    if numbers(values).is_not_null().any():
        return False
    return not any(vote(pl.Series([t])) in ("time", "uuid") for t in tokens_)


def guess_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first line holds names: it is all text, and one of the next lines is not.

    H2O looks at the second line only, so it misses a header above a line of texts and empty cells.
    """
    if not rows or not is_text(rows[0]) or not any(t.strip() for t in rows[0]):
        return False
    return len(rows) == 1 or any(not is_text(r) for r in rows[1:])


def guess_ncols(rows: Sequence[Sequence[str]]) -> int:
    """Length of the first line when no other is longer, else the most frequent length."""
    lengths = [len(r) for r in rows]
    if not lengths:
        return 0
    if lengths[0] == max(lengths):
        return lengths[0]
    best = Counter(lengths).most_common()
    return min(n for n, c in best if c == best[0][1])


def look_at(
    text: str,
    *,
    separator: str | None,
    quote: str | None,
    header: int,
    comments: str,
    names: Sequence[str] | None = None,
) -> Look:
    """Guess what is not given about the delimited file that begins with `text`."""
    quote = guess_quote(first_lines(text, '"', comments, separator)) if quote is None else quote
    lines = first_lines(text, quote, comments, separator)
    sep = guess_separator(lines, quote) if separator is None else separator
    rows = [tokens(line, sep, quote) for line in lines]
    has_header = header == 1 or (header == 0 and guess_header(rows))
    return Look(sep, quote, has_header, len(names) if names is not None else guess_ncols(rows), rows)


def looks_like_svmlight(lines: Sequence[str]) -> bool:
    return bool(lines) and all(_SVM_LINE.match(line) for line in lines)
