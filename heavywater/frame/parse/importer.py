"""`parse`: files in, `Frame` out.  `guess_setup` says beforehand how they would be read."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import polars as pl

from heavywater.errors import H2OValueError, ParseError, did_you_mean
from heavywater.frame.folders import remember
from heavywater.frame.frame import Frame
from heavywater.frame.parse.arff import read_arff
from heavywater.frame.parse.columns import Wanted, frame_of, unsigned_zero, vote
from heavywater.frame.parse.decompress import Limits
from heavywater.frame.parse.guess import first_lines, guess_header, look_at, looks_like_svmlight
from heavywater.frame.parse.options import (
    NaStrings,
    Types,
    na_strings_of,
    skipped_of,
    types_of,
    unique_names,
)
from heavywater.frame.parse.parquet import read_parquet
from heavywater.frame.parse.setup import ParseSetup, ParseType, csv_setup
from heavywater.frame.parse.sources import Location, Source, expand, read
from heavywater.frame.parse.stream import ahead, expected_size, text_blocks
from heavywater.frame.parse.svmlight import read_svmlight
from heavywater.frame.parse.text import (
    cleaned,
    decoded,
    needs_cleaning,
    read_columns,
    read_text,
    warn_ragged,
    well_quoted,
)

STREAMED = 1 << 20
"""A file with less text than this is read as a whole at once."""
SAMPLE = 4 << 20
"""Bytes of a large file (H2O's chunk) by which its column types are guessed; smaller files are looked at as a whole."""


def parse(
    sources: Location | Sequence[Location],
    *,
    pattern: str | None = None,
    header: int | bool = 0,
    sep: str | None = None,
    col_names: Sequence[str] | None = None,
    col_types: Types | None = None,
    na_strings: NaStrings | None = None,
    skipped_columns: Sequence[int | str] | None = None,
    quotechar: str | None = None,
    escapechar: str | None = None,
    custom_non_data_line_markers: str | None = None,
    parse_type: str | None = None,
    limits: Limits | None = None,
) -> Frame:
    """Read one or several files as one table.

    Parameters
    ----------
    sources : path, URL or sequence of these
        See `heavywater.frame.parse.sources.expand`; gz, zip, zst, bz2 and xz are unpacked.  All files must have the
        same columns; their rows follow one another.
    pattern : str, optional
        Regular expression for the files of a folder.
    header : {0, 1, -1} or bool
        Whether the first line holds names: 0 guesses, 1 yes, -1 no.
    sep : str, optional
        Separator, one character; guessed among ``, ; |`` tab, blank and ``\\x01``.
    col_names : sequence of str, optional
        Names of all columns; with `skipped_columns` also of the remaining ones only.
    col_types : sequence or dict, optional
        Types of all columns (or of the remaining ones), or of those named.  None and "unknown" are guessed.
    na_strings : str, list, list of lists or dict, optional
        Further texts for a missing value: for all columns, for each column, or for those named.
    skipped_columns : sequence of int or str, optional
        Columns to leave out, by position from 0 or by name.
    quotechar, escapechar : str, optional
        Quote (guessed: ``"`` or ``'``; "" for none) and escape character (none).
    custom_non_data_line_markers : str, optional
        Lines that begin with one of these characters are skipped; ``#`` by default.
    parse_type : {"CSV", "ARFF", "SVMLight", "PARQUET"}, optional
        Format; guessed from the content.
    limits : Limits, optional
        How far files may unpack.

    Returns
    -------
    Frame

    Raises
    ------
    ParseError
        When a file is missing, empty, binary, damaged or does not fit the others.
    """
    limits = limits or Limits()
    paths = expand(sources, pattern)
    layout = (
        header, sep, col_names, col_types, na_strings, skipped_columns, quotechar, escapechar,
        custom_non_data_line_markers,
    )  # fmt: skip
    setup: ParseSetup | None = None
    head = _head(paths[0], limits)
    if head is not None and _format(head, parse_type) == "CSV":
        setup = csv_setup(head, *layout)
        streamed = _streamed(paths, head, setup, limits)
        if streamed is not None:
            return streamed
    files = _read_all(paths, limits)
    kind = _format(files[0], parse_type)
    if kind != "CSV":
        return _other_format(kind, files, limits, col_names, col_types, na_strings, skipped_columns).narrowed()
    files = [decoded(f) for f in files]
    setup = setup or csv_setup(files[0], *layout)
    limits.check_table(files[0].name, sum(f.data.count(b"\n") for f in files), len(setup.names))
    return _read_csv(files, setup).narrowed()


def guess_setup(
    sources: Location | Sequence[Location],
    *,
    pattern: str | None = None,
    header: int | bool = 0,
    sep: str | None = None,
    quotechar: str | None = None,
    escapechar: str | None = None,
    custom_non_data_line_markers: str | None = None,
    limits: Limits | None = None,
) -> ParseSetup:
    """What `parse` would do with the files: format, layout, names, and the kinds of columns as `wanted`."""
    limits = limits or Limits()
    files = _read_all(expand(sources, pattern), limits)
    kind = _format(files[0], None)
    if kind != "CSV":
        frame = _other_format(kind, files, limits, None, None, None, None)
        kinds = tuple(_wanted_of(frame, n) for n in frame.names)
        head = frame.data.head(10).cast(pl.String).fill_null("").rows()
        return ParseSetup(kind, names=tuple(frame.names), wanted=kinds, preview=tuple(head))
    first = decoded(files[0])
    setup = csv_setup(first, header, sep, None, None, None, None, quotechar, escapechar, custom_non_data_line_markers)
    table = _sample(first, setup)
    if setup.header and len(files) > 1:  # H2O looks at ten lines of one file, the header included, else at ten rows
        setup = replace(setup, preview=tuple(table.head(10).fill_null("").rows()))
    return replace(setup, wanted=tuple(vote(c) for c in table.iter_columns()))


def _wanted_of(frame: Frame, name: str) -> Wanted:
    kind = frame.kind(name)
    return "numeric" if kind in ("int", "real") else kind  # type: ignore[return-value]


def _read_all(paths: Sequence[str], limits: Limits) -> list[Source]:
    return [s for name in paths for s in read(name, limits)]


def _head(path: str, limits: Limits) -> Source | None:
    """The beginning of a local text file that is worth a stream; None when the file is small or something else."""
    if not os.path.isfile(path):
        return None
    try:
        data = b""
        with closing(text_blocks(path, limits)) as blocks:
            while len(data) <= STREAMED and (block := next(blocks, b"")):
                data += block
        if len(data) <= STREAMED or not data.isascii():
            return None
        head = Source(path, data.removesuffix(b"\r"))
        return head if decoded(head) == head else None
    except (ParseError, OSError):
        return None


def _streamed(paths: Sequence[str], head: Source, setup: ParseSetup, limits: Limits) -> Frame | None:
    """Files of nothing but whole numbers, never in memory as a whole; None when there is anything else in them.

    Then they are read in the usual way, and with its messages.
    """
    from heavywater.frame.parse.whole_numbers import read_whole_numbers  # compiles on first use

    def files() -> Generator[tuple[Iterator[bytes], int]]:
        for i, path in enumerate(paths):
            start = _head(path, limits) if i else head
            if start is None or needs_cleaning(start.data, setup.separator, setup.comments):
                raise ParseError(f"{path} holds more than lines of numbers")
            with closing(text_blocks(path, limits)) as blocks, closing(ahead(blocks)) as coming:
                yield coming, _has_header(start, setup, i == 0)

    if not _may_be_plain(setup) or any(w not in (None, "numeric") for w in setup.wanted) or any(setup.na_strings):
        return None
    if len(setup.names) > limits.max_columns:
        return None

    try:
        expected = sum(expected_size(path) for path in paths)
        with closing(files()) as texts:
            table = read_whole_numbers(
                texts, setup.names, separator=setup.separator, expected=expected, most=limits.max_rows
            )
    except (ParseError, OSError):
        return None
    if table is None:
        return None
    for path in paths:
        remember(path)
    return Frame(table.drop(setup.names[i] for i in setup.skipped) if setup.skipped else table)


def _format(source: Source, asked: str | None) -> ParseType:
    if asked is not None and asked.upper() != "GUESS":
        known: dict[str, ParseType] = {"CSV": "CSV", "ARFF": "ARFF", "SVMLIGHT": "SVMLight", "PARQUET": "PARQUET"}
        if asked.upper() not in known:
            raise H2OValueError(
                f"parse_type {asked!r} is unknown{did_you_mean(asked, known)}; known: {', '.join(known.values())}"
            )
        return known[asked.upper()]
    data = source.data
    if data[:4] == b"PAR1":
        return "PARQUET"
    head = data[: 1 << 16].decode(errors="replace")
    lines = first_lines(head, "", "#%")
    if any(line.lower().startswith("@relation") for line in lines):
        return "ARFF"
    extension = os.path.splitext(source.name.lower().removesuffix(".gz").removesuffix(".zst").removesuffix(".bz2"))[1]
    if lines and looks_like_svmlight(lines) and (len(lines) > 1 or extension in (".svm", ".svmlight", ".libsvm")):
        return "SVMLight"
    return "CSV"


def _other_format(
    kind: ParseType,
    files: Sequence[Source],
    limits: Limits,
    col_names: Sequence[str] | None,
    col_types: Types | None,
    na_strings: NaStrings | None,
    skipped_columns: Sequence[int | str] | None,
) -> Frame:
    if kind == "ARFF":
        table, wanted = read_arff(files)
        limits.check_table(files[0].name, table.height, table.width)
    else:
        reader = read_svmlight if kind == "SVMLight" else read_parquet
        table, wanted = reader(files, limits)
    if col_names is not None:
        if len(col_names) != table.width:
            raise ParseError(f"{files[0].name}: {len(col_names)} col_names for {table.width} columns")
        table.columns = unique_names(col_names, files[0].name)
    skipped = skipped_of(skipped_columns, table.columns)
    asked = types_of(col_types, table.columns, skipped)
    na = na_strings_of(na_strings, table.columns, skipped)
    keep = [i for i in range(table.width) if i not in skipped]
    columns = table.get_columns()
    return frame_of(
        [columns[i] for i in keep],
        [asked[i] or wanted[i] for i in keep],
        [na[i] for i in keep],
        what=files[0].name,
    )


def _cleaned(source: Source, setup: ParseSetup, *, always: bool = False) -> Source:
    if not always and not needs_cleaning(source.data, setup.separator, setup.comments):
        return source
    return Source(source.name, cleaned(source.data, setup.separator, setup.quote, setup.comments))


def _has_header(source: Source, setup: ParseSetup, first: bool) -> int:
    """1 if the first line of the file is to be left out: it is the header, or repeats that of the first file."""
    if first or not setup.header:
        return int(setup.header)
    text = source.data[: 1 << 20].decode(errors="replace")
    look = look_at(text, separator=setup.separator, quote=setup.quote, header=1, comments=setup.comments)
    if look.rows and len(look.rows[0]) != len(setup.names):
        raise ParseError(
            f"{source.name}: has {len(look.rows[0])} columns where the files before have {len(setup.names)}"
        )
    row = [t.strip().lower() for t in look.rows[0]] if look.rows else []
    same = row == [n.lower() for n in setup.names]
    if not same and guess_header(look.rows):
        i = next(i for i, (a, b) in enumerate(zip(row, setup.names)) if a != b.lower())
        raise ParseError(
            f"{source.name}: column {i + 1} is called {look.rows[0][i]!r}, but {setup.names[i]!r} in the files before"
        )
    return int(same)


def _sample(source: Source, setup: ParseSetup) -> pl.DataFrame:
    cut = source.data[:SAMPLE]
    if len(cut) < len(source.data):
        cut = cut[: cut.rfind(b"\n") + 1] or source.data
    part = Source(source.name, cut)
    return _as_text(_cleaned(part, setup), part, int(setup.header), setup)[0]


def _as_text(ready: Source, original: Source, skip: int, setup: ParseSetup) -> tuple[pl.DataFrame, bool]:
    return read_text(
        ready,
        original,
        len(setup.names),
        separator=setup.separator,
        quote=setup.quote,
        skip=skip,
        escape=setup.escape,
        comments=setup.comments,
    )


def _read_csv(files: Sequence[Source], setup: ParseSetup) -> Frame:
    ready = [_cleaned(f, setup) for f in files]
    skips = [_has_header(f, setup, i == 0) for i, f in enumerate(files)]
    tables = _tables(ready, files, skips, setup)
    if any(_has_empty_row(t) for t, _ in tables):  # blank lines, most likely
        ready = [_cleaned(f, setup, always=True) for f in files]
        tables = _tables(ready, files, skips, setup)
    for file, clean, (table, surplus) in zip(files, ready, tables):
        short = table.height and table.width > 1 and table.to_series(-1).null_count()
        if surplus or short:
            where = clean if setup.separator == " " else file
            warn_ragged(where, setup.separator, setup.quote, setup.comments, len(setup.names))
    whole = pl.concat([t for t, _ in tables], how="vertical_relaxed") if len(tables) > 1 else tables[0][0]
    whole.columns = list(setup.names)
    columns = whole.get_columns()
    keep = [i for i in range(len(columns)) if i not in setup.skipped]
    what = files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
    return frame_of(
        [columns[i] for i in keep], [setup.wanted[i] for i in keep], [setup.na_strings[i] for i in keep], what=what
    )


def _has_empty_row(table: pl.DataFrame) -> bool:
    rows: pl.Series | None = None
    for col in table.iter_columns():
        if not col.null_count():
            return False
        rows = col.is_null() if rows is None else rows & col.is_null()
    return rows is not None and bool(rows.any())


def _tables(
    ready: Sequence[Source], files: Sequence[Source], skips: Sequence[int], setup: ParseSetup
) -> list[tuple[pl.DataFrame, bool]]:
    if sum(len(f.data) for f in ready) > SAMPLE and not setup.escape and (typed := _typed(ready, files, skips, setup)):
        return typed
    return [_as_text(r, f, s, setup) for r, f, s in zip(ready, files, skips)]


def _unsigned_zeros(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(unsigned_zero(c) for c in table.iter_columns() if c.dtype.is_float())


def _may_be_plain(setup: ParseSetup) -> bool:
    """Whether digits, signs and separators mean nothing but numbers."""
    return not setup.escape and not set(setup.quote + setup.comments) & set("-0123456789" + setup.separator)


def _whole_numbers(
    ready: Sequence[Source], columns: int, skips: Sequence[int], setup: ParseSetup
) -> list[tuple[pl.DataFrame, bool]] | None:
    from heavywater.frame.parse.whole_numbers import read_whole_numbers  # compiles on first use

    names = [f"column_{i}" for i in range(columns)]
    files = [([f.data[i : i + STREAMED] for i in range(0, len(f.data), STREAMED)], s) for f, s in zip(ready, skips)]
    expected = sum(len(f.data) for f in ready)
    table = read_whole_numbers(files, names, separator=setup.separator, expected=expected)
    return None if table is None else [(table, False)]


def _typed(
    ready: Sequence[Source], files: Sequence[Source], skips: Sequence[int], setup: ParseSetup
) -> list[tuple[pl.DataFrame, bool]] | None:
    """Large files with their numeric columns read as numbers at once; None when some field is no number."""
    if not all(well_quoted(r.data, setup.separator, setup.quote) for r in ready):
        return None
    dtypes: list[type[pl.DataType]] = []
    for i, text in enumerate(_sample(files[0], setup).iter_columns()):
        wanted = setup.wanted[i] or vote(text)
        number = wanted == "numeric" and not setup.na_strings[i]
        whole = number and text.cast(pl.Int64, strict=False).null_count() == text.null_count()
        dtypes.append(pl.Int64 if whole else pl.Float64 if number else pl.String)
    if (
        all(t == pl.Int64 for t in dtypes)
        and _may_be_plain(setup)
        and (tables := _whole_numbers(ready, len(dtypes), skips, setup))
    ):
        return tables
    floats = [pl.Float64 if t == pl.Int64 else t for t in dtypes]
    attempts = ((dtypes, False), (floats, pl.String not in dtypes))
    for types, na_words in attempts:
        try:
            tables = [
                read_columns(f.data, types, separator=setup.separator, quote=setup.quote, skip=s, na_words=na_words)
                for f, s in zip(ready, skips)
            ]
            return [(_unsigned_zeros(t), surplus) for t, surplus in tables]
        except pl.exceptions.PolarsError:
            continue
    return None
