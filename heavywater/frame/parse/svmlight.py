"""SVMLight files (``label index:value ...``) to columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from heavywater.errors import ParseError
from heavywater.frame.parse.columns import Wanted
from heavywater.frame.parse.decompress import Limits
from heavywater.frame.parse.sources import Source
from heavywater.frame.parse.text import decoded

MAX_CELLS = 1 << 31


def read_svmlight(files: Sequence[Source], limits: Limits | None = None) -> tuple[pl.DataFrame, list[Wanted | None]]:
    """Columns C1 (the label), C2 (index 1; or 0 where a file counts from 0, which moves all by one), ...

    What a line leaves out is 0; ``qid:n`` is left out; text after ``#`` is a comment.  The columns are dense.

    Raises
    ------
    ParseError
        For a token that is not ``index:value``, indices that do not rise, or a table too large to hold densely.
    """
    labels: list[float] = []
    rows: list[int] = []
    cols: list[int] = []
    values: list[float] = []
    for source in files:
        text = decoded(source).data.decode()
        for number, line in enumerate(text.splitlines(), 1):
            fields = line.split("#", 1)[0].split()
            if not fields:
                continue
            row, last = len(labels), -1
            try:
                labels.append(float(fields[0]))
                for field in fields[1:]:
                    index, _, value = field.partition(":")
                    if index == "qid":
                        continue
                    at = int(index)
                    if at <= last:
                        raise ValueError(f"index {at} follows {last}; indices must rise and not be negative")
                    last = at
                    rows.append(row)
                    cols.append(at)
                    values.append(float(value))
            except ValueError as e:
                raise ParseError(f"{source.name}: line {number} is not SVMLight: {e}") from e
    if not labels:
        raise ParseError(f"{files[0].name}: there is no data")
    first = 0 if cols and min(cols) == 0 else 1
    width = max(cols, default=first - 1) - first + 1
    limits = limits or Limits()
    limits.check_table(files[0].name, len(labels), width + 1)
    if width * len(labels) > min(MAX_CELLS, limits.max_bytes // 8):
        raise ParseError(f"{files[0].name}: {len(labels)} rows by {width} columns are too many to be held densely")
    dense = np.zeros((width, len(labels)))
    dense[np.array(cols, int) - first, np.array(rows, int)] = values
    columns = [pl.Series("C1", labels), *(pl.Series(f"C{i + 2}", dense[i]) for i in range(width))]
    return pl.DataFrame([_narrow(c) for c in columns]), [None] * (width + 1)


def _narrow(col: pl.Series) -> pl.Series:
    """Whole numbers as integers; NaN as missing."""
    col = col.fill_nan(None)
    whole = bool(((col == col.floor()) & (col.abs() < 2.0**53)).all())
    return col.cast(pl.Int64) if whole else col
