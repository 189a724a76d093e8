"""Splitting delimited text into records and fields in plain Python: slow, exact, for samples and for awkward files.

A quote opens a field only as its first character; text between the closing quote and the separator belongs to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from heavywater.errors import ParseError

_EOL = r"\r\n|\n|\r"


class Record(NamedTuple):
    """One record: its first line (from 1), its span in the text, its fields (None: nothing between two separators)."""

    line: int
    start: int
    end: int
    fields: list[str | None]


@lru_cache(maxsize=64)
def _field(separators: str, quote: str, escape: str) -> re.Pattern[str]:
    sep = f"[{re.escape(separators)}]"
    if separators == " ":
        sep = " +"
    rest = f"[^{re.escape(separators)}\r\n]*"
    if escape:
        e = re.escape(escape)
        rest = rf"(?:{e}.|[^{re.escape(separators)}\r\n{e}])*"
    bare = f"(?P<bare>{rest})"
    if quote:
        q = re.escape(quote)
        inner = rf"(?:[^{q}{re.escape(escape)}]|{q}{q}" + (rf"|{re.escape(escape)}." if escape else "") + ")*"
        body = rf"(?:{q}(?P<quoted>(?>{inner})){q}(?P<rest>{rest})|{bare})"
    else:
        body = bare
    blank = "" if " " in separators and separators != " " else " *"
    end = rf"(?P<end>{sep}|{_EOL}|\Z)" if separators != " " else rf"(?: *(?P<end>{_EOL}|\Z)|(?P<sep>{sep}))"
    return re.compile(blank + body + end, re.DOTALL)


def split_records(
    text: str, separators: str, quote: str, *, escape: str = "", comments: str = "", name: str = "text"
) -> Iterator[Record]:
    """The records of `text`, without blank lines and lines that begin with a character of `comments`.

    Parameters
    ----------
    text : str
    separators : str
        The separator, or several characters each of which separates; several blanks count as one.
    quote, escape : str
        One character each or nothing.
    name : str
        What messages call the text.

    Raises
    ------
    ParseError
        When a quote is opened and never closed; the message names the line.
    """
    field = _field(separators, quote, escape)
    at, line, n = 0, 1, len(text)
    to_eol = re.compile(r"[^\r\n]*(\r\n|\n|\r|\Z)")
    blank = re.compile(rf"[ \t]*({_EOL}|\Z)" if "\t" not in separators else rf" *({_EOL}|\Z)")
    while at < n:
        skip = to_eol.match(text, at) if text[at] in comments else blank.match(text, at)
        if skip:
            at, line = skip.end(), line + 1
            continue
        start, first, fields = at, line, []
        while True:
            m = field.match(text, at)
            if m is None:
                raise ParseError(f"{name}: line {line} cannot be split into fields")
            value, end = _value(m, quote, escape)
            if quote and m.start("bare") >= 0 and value is not None and value.startswith(quote):
                raise ParseError(f"{name}: the quote {quote} opened on line {line} is never closed")
            line += len(re.findall(_EOL, m.group("quoted"))) if quote and m.group("quoted") else 0
            fields.append(value)
            at = m.end()
            if end is not None:
                break
        yield Record(first, start, at - len(end), fields)
        line += 1


def _value(m: re.Match[str], quote: str, escape: str) -> tuple[str | None, str | None]:
    """The field's text, and what ended the record (None: the record goes on)."""
    end = m.group("end")
    if end is not None and end not in ("\r\n", "\n", "\r", ""):
        end = None
    inner = m.group("quoted") if quote else None
    if inner is not None:
        value: str | None = inner.replace(quote + quote, quote) + m.group("rest")
    else:
        value = m.group("bare") or None
    if escape and value:
        value = re.sub(re.escape(escape) + "(.)", r"\1", value, flags=re.DOTALL)
    return value, end
