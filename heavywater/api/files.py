"""Tables in and out: `import_file`, `upload_file`, `export_file`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heavywater.engine import session
from heavywater.errors import NotSupported
from heavywater.frame.export import export_file as write_frame
from heavywater.h2oframe import H2OFrame


def import_file(
    path: str | os.PathLike[str] | Sequence[str],
    destination_frame: str | None = None,
    parse: bool = True,
    header: int = 0,
    sep: str | None = None,
    col_names: Sequence[str] | None = None,
    col_types: Sequence[str] | Mapping[str, str] | None = None,
    na_strings: Sequence[Any] | Mapping[str, Any] | None = None,
    pattern: str | None = None,
    skipped_columns: Sequence[int | str] | None = None,
    **options: Any,
) -> H2OFrame:
    """Read a table from files.

    Parameters
    ----------
    path : str or sequence of str
        A file, a folder, a glob or several of them; local, ``http(s)://``, ``s3://``, ``gs://`` or ``hdfs://``; CSV,
        TSV and the like (also gz, zip, zst), SVMLight, ARFF or Parquet.
    destination_frame : str, optional
        Name of the frame in the session.
    header : {0, 1, -1}
        Whether the first line holds names: guess, yes, no.
    sep : str, optional
        Separator; guessed when None.
    col_names, col_types, na_strings, skipped_columns
        Names; types (``"numeric"``, ``"enum"``, ``"string"``, ``"time"``, ``"uuid"``) by position or name; texts that
        mean missing; columns to leave out.
    pattern : str, optional
        Regular expression that file names in a folder must match.

    Raises
    ------
    ParseError
        When the input is not a table; names the file and the line.
    """
    if not parse:
        raise NotSupported("import_file(parse=False): files are always parsed; leave `parse` out")
    frame = session.current().import_file(
        path, header=header, sep=sep, col_names=col_names, col_types=col_types, na_strings=na_strings,
        skipped_columns=skipped_columns, pattern=pattern, **options,
    )  # fmt: skip
    first = path if isinstance(path, (str, os.PathLike)) else path[0]
    return H2OFrame._of(frame, key=destination_frame or _key_of(str(first)))


def upload_file(
    path: str | os.PathLike[str],
    destination_frame: str | None = None,
    header: int = 0,
    sep: str | None = None,
    col_names: Sequence[str] | None = None,
    col_types: Sequence[str] | Mapping[str, str] | None = None,
    na_strings: Sequence[Any] | Mapping[str, Any] | None = None,
    skipped_columns: Sequence[int | str] | None = None,
    **options: Any,
) -> H2OFrame:
    """Read a table from a file of this machine; the same as `import_file` where the engine is in this process."""
    frame = session.current().upload_file(
        path, header=header, sep=sep, col_names=col_names, col_types=col_types, na_strings=na_strings,
        skipped_columns=skipped_columns, **options,
    )  # fmt: skip
    return H2OFrame._of(frame, key=destination_frame or _key_of(str(path)))


def _key_of(path: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", Path(path).name.split(".")[0]) or "frame"
    return session.current().new_key(f"{name}.hex" if name[0].isalpha() else f"X{name}.hex")


def export_file(
    frame: H2OFrame,
    path: str | os.PathLike[str],
    force: bool = False,
    sep: str = ",",
    header: bool = True,
    **options: Any,
) -> None:
    """Write a frame to a CSV (``.csv``, ``.csv.gz``) or Parquet file; an existing file is kept unless `force`."""
    session.current().export_file(frame._frame(), path, force=force, sep=sep, header=header, **options)


def download_csv(data: H2OFrame, filename: str | os.PathLike[str]) -> str:
    """Write a frame to a CSV file, replacing it; returns the path."""
    write_frame(data._frame(), filename, force=True)
    return str(filename)


def as_list(data: H2OFrame, use_pandas: bool = True, header: bool = True) -> Any:
    """The frame as a pandas data frame, or as a list of rows of text."""
    return data.as_data_frame(use_pandas=use_pandas, header=header)
