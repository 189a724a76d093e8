"""`ParseSetup`: how files are to be read, as far as given and guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from heavywater.errors import H2OValueError, ParseError
from heavywater.frame.parse.columns import Wanted
from heavywater.frame.parse.guess import look_at
from heavywater.frame.parse.options import (
    NaStrings,
    Types,
    all_names,
    na_strings_of,
    skipped_of,
    types_of,
    unique_names,
)
from heavywater.frame.parse.sources import Source

ParseType = Literal["CSV", "ARFF", "SVMLight", "PARQUET"]


@dataclass(frozen=True)
class ParseSetup:
    """How files are to be read.

    Attributes
    ----------
    parse_type : {"CSV", "ARFF", "SVMLight", "PARQUET"}
        Format.
    separator, quote : str
        One character each; an empty quote means that no character quotes.
    header : bool
        Whether the first line of each file holds names.
    names : tuple of str
        Names of all columns in the file, made unique.
    wanted : tuple
        For each column the kind asked for by the user, or None.
    na_strings : tuple of tuple of str
        For each column the texts that mean a missing value, besides an empty cell.
    skipped : frozenset of int
        Columns that are left out.
    preview : tuple of tuple of str
        Fields of the first lines, the header line not included.
    escape, comments : str
        Escape character; first characters of lines to be skipped.
    """

    parse_type: ParseType
    separator: str = ","
    quote: str = '"'
    header: bool = False
    names: tuple[str, ...] = ()
    wanted: tuple[Wanted | None, ...] = ()
    na_strings: tuple[tuple[str, ...], ...] = ()
    skipped: frozenset[int] = frozenset()
    preview: tuple[tuple[str, ...], ...] = ()
    escape: str = ""
    comments: str = "#"


def csv_setup(
    source: Source,
    header: int | bool,
    sep: str | None,
    col_names: Sequence[str] | None,
    col_types: Types | None,
    na_strings: NaStrings | None,
    skipped_columns: Sequence[int | str] | None,
    quotechar: str | None,
    escapechar: str | None,
    markers: str | None,
) -> ParseSetup:
    for what, char in (("sep", sep), ("quotechar", quotechar), ("escapechar", escapechar)):
        if char is not None and not (isinstance(char, str) and len(char.encode()) <= 1 and (char or what != "sep")):
            raise H2OValueError(f"{what} must be one ASCII character; got {char!r}")
    if header not in (-1, 0, 1):
        raise H2OValueError(f"header must be 1 (yes), 0 (guess) or -1 (no); got {header!r}")
    comments = "#" if markers is None else markers
    text = source.data[: 1 << 20].decode(errors="replace")
    look = look_at(text, separator=sep, quote=quotechar, header=int(header), comments=comments)
    if not look.rows:
        raise ParseError(f"{source.name}: there is no data, only blank and comment lines")
    header_row = [t.strip() for t in look.rows[0]] if look.header else []
    ncols = max(look.ncols, len(header_row)) if look.header and len(look.rows) == 1 else look.ncols
    skipped = skipped_of(skipped_columns, header_row or [f"C{i + 1}" for i in range(ncols)])
    if col_names is not None:
        names = all_names(list(col_names), ncols, skipped, source.name)
    else:
        names = [(header_row[i] if i < len(header_row) else "") or f"C{i + 1}" for i in range(ncols)]
    names = unique_names(names, source.name)
    return ParseSetup(
        "CSV",
        look.separator,
        look.quote,
        look.header,
        tuple(names),
        tuple(types_of(col_types, names, skipped)),
        tuple(tuple(x) for x in na_strings_of(na_strings, names, skipped)),
        frozenset(skipped),
        tuple(tuple(r) for r in look.rows[int(look.header) :]),
        escapechar or "",
        comments,
    )
