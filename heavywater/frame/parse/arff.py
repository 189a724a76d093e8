"""ARFF files (Weka's) to columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from heavywater.errors import ParseError
from heavywater.frame.parse.columns import Wanted
from heavywater.frame.parse.sources import Source
from heavywater.frame.parse.text import decoded

_QUOTED = r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*\""""
_ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+)\s+(.*\S)\s*$""", re.IGNORECASE)
_TYPES: dict[str, Wanted] = {
    "numeric": "numeric", "real": "numeric", "integer": "numeric", "string": "string", "date": "time", "uuid": "uuid",
    "categorical": "enum", "factor": "enum",
}  # fmt: skip


@dataclass(frozen=True)
class _Attribute:
    name: str
    wanted: Wanted
    levels: tuple[str, ...] = ()


def read_arff(files: Sequence[Source]) -> tuple[pl.DataFrame, list[Wanted | None]]:
    """Columns of the files; nominal attributes are enums with the levels in the order in which they are declared.

    ``?`` is missing.  Sparse rows (``{index value, ...}``) are understood: what they leave out is 0 or the first level.

    Raises
    ------
    ParseError
        For a header that cannot be understood, a value that is not among the levels declared, or a row of wrong length.
    """
    attributes: list[_Attribute] = []
    rows: list[list[str | None]] = []
    for source in files:
        text = decoded(source).data.decode().splitlines()
        here, start = _header(source.name, text)
        if attributes and here != attributes:
            raise ParseError(f"{source.name}: its attributes differ from those of {files[0].name}")
        attributes = here
        rows += _rows(source.name, text, start, attributes)
    columns: list[pl.Series] = []
    for i, a in enumerate(attributes):
        col = pl.Series(a.name, [r[i] for r in rows], dtype=pl.String)
        if a.levels:
            unknown = col.filter(~col.is_in(a.levels).fill_null(True))
            if unknown.len():
                raise ParseError(
                    f"{files[0].name}: {unknown[0]!r} is not among the values declared for attribute {a.name!r}"
                )
            col = col.cast(pl.Enum(a.levels))
        columns.append(col)
    return pl.DataFrame(columns), [a.wanted for a in attributes]


def _header(name: str, lines: Sequence[str]) -> tuple[list[_Attribute], int]:
    out: list[_Attribute] = []
    for i, raw in enumerate(lines):
        line = raw.strip()
        word = line.split(None, 1)[0].lower() if line else ""
        if word == "@data":
            if not out:
                raise ParseError(f"{name}: line {i + 1}: @data comes before any @attribute")
            if len({a.name for a in out}) < len(out):
                raise ParseError(f"{name}: two attributes have the same name")
            return out, i + 1
        if word == "@attribute":
            out.append(_attribute(name, i + 1, line))
        elif word and word != "@relation" and not word.startswith("%"):
            raise ParseError(f"{name}: line {i + 1}: @attribute or @data is expected, not {line[:40]!r}")
    raise ParseError(f"{name}: there is no @data line")


def _attribute(name: str, number: int, line: str) -> _Attribute:
    m = _ATTRIBUTE.match(line)
    if not m:
        raise ParseError(f"{name}: line {number}: an attribute needs a name and a type: {line[:60]!r}")
    label, kind = _unquoted(m.group(1)), m.group(2)
    if kind.startswith("{"):
        if not kind.endswith("}"):
            raise ParseError(
                f"{name}: line {number}: the list of values of attribute {label!r} does not end with a brace"
            )
        levels = [v for v in _split(kind[1:-1]) if v is not None]
        return _Attribute(label, "enum", tuple(dict.fromkeys(levels)))
    word = kind.split()[0].lower()
    if word not in _TYPES:
        raise ParseError(
            f"{name}: line {number}: attribute {label!r} has the unknown type {kind!r}; known: {', '.join(_TYPES)}"
        )
    return _Attribute(label, _TYPES[word])


def _rows(name: str, lines: Sequence[str], start: int, attributes: Sequence[_Attribute]) -> Iterator[list[str | None]]:
    for i in range(start, len(lines)):
        line = lines[i].strip()
        if not line or line.startswith("%"):
            continue
        if line.startswith("{"):
            yield _sparse(name, i + 1, line, attributes)
            continue
        row = _split(line)
        if len(row) != len(attributes):
            raise ParseError(f"{name}: line {i + 1} has {len(row)} values for {len(attributes)} attributes")
        yield row


def _sparse(name: str, number: int, line: str, attributes: Sequence[_Attribute]) -> list[str | None]:
    row: list[str | None] = [a.levels[0] if a.levels else "0" for a in attributes]
    for part in _split(line.strip("{} \t"), keep_quotes=True):
        index, _, value = (part or "").strip().partition(" ")
        if not index.isdigit() or int(index) >= len(attributes):
            raise ParseError(f"{name}: line {number}: {part!r} is not an index below {len(attributes)} and a value")
        row[int(index)] = None if value.strip() == "?" else _unquoted(value.strip())
    return row


def _split(line: str, keep_quotes: bool = False) -> list[str | None]:
    """Values between commas (or tabs), in single or double quotes or bare; ``?`` and nothing are missing."""
    separator = "," if "," in line or "\t" not in line else "\t"
    field = re.compile(
        rf"\s*({_QUOTED}|[^{separator}]*?)\s*({separator}|$)" if not keep_quotes else rf"((?:{_QUOTED}|[^,])+)(,|$)"
    )
    out: list[str | None] = []
    at, end = 0, separator
    while end:
        m = field.match(line, at)
        if m is None:  # text after a closing quote
            m = re.compile(rf"([^{separator}]*)({separator}|$)").match(line, at)
            assert m is not None
        out.append(m.group(1) if keep_quotes else None if m.group(1) in ("?", "") else _unquoted(m.group(1)))
        at, end = m.end(), m.group(2)
    return out


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return re.sub(r"\\(.)", r"\1", text[1:-1].replace(text[0] * 2, text[0]))
    return text
