"""Frames to CSV and Parquet files."""

from __future__ import annotations

import gzip
import os
import tempfile
from pathlib import Path
from typing import IO, Literal

import polars as pl

from heavywater.errors import H2OValueError
from heavywater.frame.frame import Frame

Format = Literal["csv", "parquet"]


def export_file(
    frame: Frame,
    path: str | os.PathLike[str],
    *,
    force: bool = False,
    format: Format | None = None,  # noqa: A002
    sep: str = ",",
    header: bool = True,
    quote_header: bool = True,
) -> Path:
    """Write `frame` to a file.

    Parameters
    ----------
    frame : Frame
    path : path
        ``.parquet`` and ``.pq`` give Parquet, a name that ends in ``.gz`` gzipped CSV, every other name CSV.
    force : bool
        Replace the file if it is there.
    format : {"csv", "parquet"}, optional
        Format, whatever the name says.
    sep : str
        Separator of a CSV file.
    header, quote_header : bool
        Write the names, in quotes.

    Returns
    -------
    pathlib.Path
        The file written.  It appears under its name only when it is complete.

    Raises
    ------
    H2OValueError
        When the file exists and `force` is not set, the folder does not exist, or a setting is wrong.

    Notes
    -----
    In CSV, text and levels stand in quotes, missing values are empty, times are ISO 8601, and numbers are the shortest
    text that reads back as the same float64.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        raise H2OValueError(f"{target} is a folder; name a file in it")
    if target.exists() and not force:
        raise H2OValueError(f"{target} exists already; force=True replaces it")
    if not target.parent.is_dir():
        raise H2OValueError(f"there is no folder {target.parent}")
    kind = format or ("parquet" if target.suffix.lower() in (".parquet", ".pq") else "csv")
    if kind not in ("csv", "parquet"):
        raise H2OValueError(f"format must be csv or parquet; got {kind!r}")
    if len(sep.encode()) != 1 or sep in '"\r\n':
        raise H2OValueError(f"sep must be one ASCII character; got {sep!r}")
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        os.chmod(temporary, 0o666 & ~_umask())
        with os.fdopen(handle, "wb") as f:
            if kind == "parquet":
                frame.data.write_parquet(f)
            elif target.suffix.lower() == ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=f, mtime=0) as z:
                    write_csv(frame, z, sep=sep, header=header, quote_header=quote_header)
            else:
                write_csv(frame, f, sep=sep, header=header, quote_header=quote_header)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_csv(
    frame: Frame, out: IO[bytes] | gzip.GzipFile, *, sep: str = ",", header: bool = True, quote_header: bool = True
) -> None:
    """Write `frame` as CSV to a binary stream."""
    if header:
        names = [_quoted(n) if quote_header or _needs_quotes(n, sep) else n for n in frame.names]
        out.write((sep.join(names) + "\n").encode())
    for piece in frame.stored.iter_slices(1 << 16):
        text = piece.select(_as_written(s) for s in piece.iter_columns()).write_csv(
            include_header=False, separator=sep, quote_style="never"
        )
        out.write(text.encode())


def _needs_quotes(text: str, sep: str) -> bool:
    return any(c in text for c in (sep, '"', "\n", "\r", " ")) or not text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _as_written(s: pl.Series) -> pl.Series:
    if s.dtype == pl.String or isinstance(s.dtype, pl.Enum):
        return ('"' + s.cast(pl.String).str.replace_all('"', '""', literal=True) + '"').alias(s.name)
    if isinstance(s.dtype, pl.Datetime):
        whole_days = bool(((s.to_physical() % 86_400_000) == 0).all())
        return s.dt.to_string("%Y-%m-%d" if whole_days else "%Y-%m-%dT%H:%M:%S%.3f")
    return s
