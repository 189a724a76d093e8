"""Delimited text in memory to columns of text or numbers: Polars where it can, Python's csv module where it cannot."""

from __future__ import annotations

import io
import itertools
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import ParseError
from heavywater.frame.parse.columns import NA_WORDS
from heavywater.frame.parse.records import split_records
from heavywater.frame.parse.sources import Source

_NL, _CR, _SPACE = 10, 13, 32
_CONTROL = bytes(set(range(32)) - {1, 9, 10, 11, 12, 13, 27})
_MAGIC = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save it as CSV",
    b"ORC": "an ORC file; convert it to Parquet",
    b"Obj\x01": "an Avro file; convert it to Parquet",
    b"\x7fELF": "a program",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite data base",
    b"\x1f\x8b": "a compressed file inside a compressed file; unpack it first",
    b"\x28\xb5\x2f\xfd": "a compressed file inside a compressed file; unpack it first",
}
_DEFLATE = {b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"}
"""Text that begins like this Polars would take for compressed data."""


def decoded(source: Source) -> Source:
    """`source` with its bytes as UTF-8 text without byte order mark and with a line feed at the end of every line.

    Raises
    ------
    ParseError
        When the file is empty or is no text.
    """
    name, data = source
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            raise ParseError(f"{name}: this is {kind}, not a table in text form")
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError as e:
            raise ParseError(f"{name}: starts like UTF-16 text but is not ({e.reason} at byte {e.start})") from e
    if not data[:4096].strip() and not data.strip():
        raise ParseError(f"{name}: the file is empty")
    _refuse_binary(name, data)
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as e:
            line = data.count(b"\n", 0, e.start) + 1
            warnings.warn(f"{name}: line {line} is not UTF-8; the file is read as Latin-1 (Windows-1252)", stacklevel=4)
            data = data.decode("cp1252", errors="replace").encode()
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        data = re.sub(rb"\r(?!\n)", b"\n", data)
    return Source(name, data)


def _refuse_binary(name: str, data: bytes) -> None:
    at = data.find(b"\0")
    if at >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise ParseError(
            f"{name}: line {line} holds a NUL byte (byte {at}); this is binary data or a damaged text file"
        )
    head = data[: 1 << 16]
    control = len(head) - len(head.translate(None, _CONTROL))
    if control > len(head) // 50:
        raise ParseError(
            f"{name}: {control} of the first {len(head)} bytes are control characters; this is binary data, not text"
        )


def needs_cleaning(data: bytes, separator: str, comments: str) -> bool:
    """Whether `cleaned` has blanks or comments to remove; it does not look for blank lines (that takes long)."""
    if data[:1] in (b"\n", b"\r") or any(c.encode() in data and _begins_line(data, c.encode()) for c in comments):
        return True
    if b" " not in data:  # a single byte is found much faster than two
        return False
    sep = separator.encode()
    if sep == b" ":
        return b"  " in data or b" \n" in data or b" \r\n" in data or data.endswith(b" ") or _begins_line(data, b" ")
    return sep + b" " in data or _begins_line(data, b" ")


def _begins_line(data: bytes, what: bytes) -> bool:
    return data.startswith(what) or b"\n" + what in data


def cleaned(data: bytes, separator: str, quote: str, comments: str) -> bytes:
    """`data` without blank lines, comment lines and blanks before fields (those inside quotes stay)."""
    sep = separator.encode()
    spacy = sep == b" "
    a = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(a == _NL)
    starts = np.concatenate(([0], ends + 1))
    starts = starts[starts < len(a)]
    comment = np.isin(a[starts], [ord(c) for c in comments]) if comments else np.zeros(len(starts), bool)
    inside = _inside(a, quote, starts[comment], np.append(ends, len(a)))
    spaces = np.flatnonzero(a == _SPACE)
    drop = np.zeros(len(a), bool)
    if len(spaces):
        first = np.concatenate(([True], np.diff(spaces) > 1))
        before = np.where(spaces[first] > 0, a[spaces[first] - 1], _NL)
        leading = np.isin(before, [_NL, sep[0]])[np.cumsum(first) - 1]
        if spacy:  # of a run of separators one stays, none at either end of the line
            last = np.concatenate((np.diff(spaces) > 1, [True]))
            after = np.append(a, _NL)[spaces[last] + 1]
            trailing = np.isin(after, [_NL, _CR])[np.cumsum(np.concatenate(([0], last[:-1].astype(int))))]
            leading = (before == _NL)[np.cumsum(first) - 1] | trailing | ~first
        drop[spaces[leading & ~inside(spaces)]] = True
    kept = np.concatenate(([0], np.cumsum(~drop & (a != _CR) & (a != _NL))))
    stops = np.append(ends, len(a))[: len(starts)]
    blank = (kept[stops] == kept[starts]) & ~inside(starts)
    for i in np.flatnonzero(blank | (comment & ~inside(starts))):
        drop[starts[i] : stops[i] + 1] = True
    return a[~drop].tobytes()


def _inside(a: np.ndarray, quote: str, comment_starts: np.ndarray, line_ends: np.ndarray):  # type: ignore[no-untyped-def]
    """A function that tells which positions stand inside quotes; quotes in comment lines do not count."""
    if not quote:
        return lambda at: np.zeros(len(at), bool)
    quotes = np.flatnonzero(a == ord(quote))
    if len(comment_starts) and len(quotes):
        parity_free = np.zeros(len(quotes), bool)
        for s in comment_starts:
            lo, hi = np.searchsorted(quotes, [s, line_ends[np.searchsorted(line_ends, s)]])
            if (lo - parity_free[:lo].sum()) % 2 == 0:
                parity_free[lo:hi] = True
        quotes = quotes[~parity_free]
    return lambda at: np.searchsorted(quotes, at) % 2 == 1


def field_counts(data: bytes, separator: str, quote: str, comments: str) -> tuple[np.ndarray, np.ndarray]:
    """Line number (from 1) and number of fields of every record that is neither blank nor a comment."""
    a = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(a == _NL)
    inside = _inside(a, quote, np.zeros(0, int), ends)
    line_of_end = np.arange(1, len(ends) + 1)
    real = ~inside(ends)
    ends, line_of_end = ends[real], line_of_end[real]
    if len(a) and a[-1] != _NL:
        ends, line_of_end = np.append(ends, len(a)), np.append(line_of_end, data.count(b"\n") + 1)
    starts = np.concatenate(([0], ends[:-1] + 1))
    seps = np.flatnonzero(a == ord(separator))
    seps = seps[~inside(seps)]
    count = np.searchsorted(seps, ends) - np.searchsorted(seps, starts) + 1
    length = ends - starts - (a[np.maximum(ends - 1, 0)] == _CR)
    used = (length > 0) & ~np.isin(a[np.minimum(starts, len(a) - 1)], [ord(c) for c in comments])
    first_line = np.concatenate(([1], line_of_end[:-1] + 1))
    return first_line[used], count[used]


def warn_ragged(source: Source, separator: str, quote: str, comments: str, ncols: int) -> None:
    """Warn about lines with too many fields (the rest is dropped) or too few (the rest is missing)."""
    line, count = field_counts(source.data, separator, quote, comments)
    for wrong, what, then in (
        (count > ncols, "more", "the surplus is left out"),
        (count < ncols, "fewer", "the others count as missing"),
    ):
        if wrong.any():
            i = int(np.argmax(wrong))
            warnings.warn(
                f"{source.name}: {int(wrong.sum())} line(s) have {what} than {ncols} fields "
                f"(first: line {line[i]} with {count[i]}); {then}",
                stacklevel=5,
            )


def read_columns(
    data: bytes,
    dtypes: Sequence[pl.DataType | type[pl.DataType]],
    *,
    separator: str,
    quote: str,
    skip: int,
    na_words: bool = False,
) -> tuple[pl.DataFrame, bool]:
    """Columns ``column_0``... of the types given (String or numeric), and whether some line had surplus fields.

    Raises
    ------
    polars.exceptions.ComputeError
        When a field is not of its type.
    """
    schema = {f"column_{i}": t for i, t in enumerate(dtypes)}
    options: dict[str, Any] = {
        "schema": schema,
        "separator": separator,
        "quote_char": quote if quote and quote.encode() in data else None,
        "null_values": sorted(NA_WORDS - {""}) if na_words else None,
        "raise_if_empty": False,
    }
    if data[:2] not in _DEFLATE:
        try:
            return pl.read_csv(io.BytesIO(data), has_header=False, skip_rows=skip, **options), False
        except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as e:
            if not any(known in str(e) for known in ("more fields", "n_extra", "n_missing")):
                raise
    # Polars takes the number of columns from the first line, so the file gets one that is as long as it should be
    head = separator.join(schema).encode() + b"\n"
    start = _end_of_record(data, separator, quote) if skip else 0
    surplus = int(field_counts(data, separator, quote, "")[1].max(initial=0)) > len(dtypes)
    table = pl.read_csv(io.BytesIO(head + data[start:]), has_header=True, truncate_ragged_lines=True, **options)
    return table, surplus


def _end_of_record(data: bytes, separator: str, quote: str) -> int:
    """Where the second record starts."""
    text = data[: 1 << 20].decode(errors="ignore")
    first = next(split_records(text, separator, quote))
    at = len(text[: first.end].encode())
    return min(at + (2 if data[at : at + 2] == b"\r\n" else 1), len(data))


def well_quoted(data: bytes, separator: str, quote: str) -> bool:
    """Whether quotes only open at the start and close at the end of fields, so that counting tells in from out."""
    if not quote or quote.encode() not in data:
        return True
    a = np.frombuffer(data, np.uint8)
    at = np.flatnonzero(a == ord(quote))
    if len(at) % 2:
        return False
    padded = np.concatenate(([_NL], a, [_NL]))
    before, after = padded[at[::2]], padded[at[1::2] + 2]
    edge = [ord(separator), ord(quote), _NL]
    return bool(np.isin(before, edge).all() and np.isin(after, [*edge, _CR]).all())


def read_text(
    source: Source, original: Source, ncols: int, *, separator: str, quote: str, skip: int, escape: str, comments: str
) -> tuple[pl.DataFrame, bool]:
    """All columns as text, and whether some line had surplus fields.

    `source` is `original` after `cleaned`.  Files in which quotes stand inside fields, and all with an escape
    character, are read by `split_records`.

    Raises
    ------
    ParseError
        When a quote is opened and never closed; the message says where.
    """
    if not escape and well_quoted(source.data, separator, quote):
        return read_columns(source.data, [pl.String] * ncols, separator=separator, quote=quote, skip=skip)
    columns: list[list[str | None]] = [[] for _ in range(ncols)]
    surplus = False
    text = original.data.decode(errors="replace")
    for i, record in enumerate(
        split_records(text, separator, quote, escape=escape, comments=comments, name=original.name)
    ):
        if i < skip:
            continue
        surplus |= len(record.fields) > ncols
        for column, value in itertools.zip_longest(columns, record.fields[:ncols]):
            column.append(value)
    return pl.DataFrame([pl.Series(f"column_{i}", c, dtype=pl.String) for i, c in enumerate(columns)]), surplus
