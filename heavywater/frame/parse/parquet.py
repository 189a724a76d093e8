"""Parquet files to columns."""

from __future__ import annotations

import io
from collections.abc import Sequence

import polars as pl

from heavywater.errors import ParseError
from heavywater.frame.parse.columns import Wanted, number_levels
from heavywater.frame.parse.decompress import Limits
from heavywater.frame.parse.sources import Source


def read_parquet(files: Sequence[Source], limits: Limits | None = None) -> tuple[pl.DataFrame, list[Wanted | None]]:
    """All rows of the files, which must have the same columns; booleans as an enum, text to be given a kind by vote."""
    tables: list[pl.DataFrame] = []
    for name, data in files:
        _check_size(name, data, limits or Limits())
        try:
            table = pl.read_parquet(io.BytesIO(data))
        except (pl.exceptions.PolarsError, OSError) as e:
            raise ParseError(f"{name}: the Parquet file cannot be read ({e})") from e
        if bad := [c for c in table if c.dtype.is_nested() or c.dtype == pl.Binary]:
            raise ParseError(
                f"{name}: column {bad[0].name!r} has type {bad[0].dtype}; a cell is a number, text, bool or time"
            )
        if tables and table.columns != tables[0].columns:
            raise ParseError(f"{name}: has the columns {table.columns}, but {files[0].name} has {tables[0].columns}")
        tables.append(table)
    whole = pl.concat(tables, how="vertical_relaxed") if len(tables) > 1 else tables[0]
    whole = whole.with_columns(number_levels(c) for c in whole if c.dtype == pl.Boolean)
    return whole, [None] * whole.width


def _check_size(name: str, data: bytes, limits: Limits) -> None:
    """Refuse files that say of themselves that they unpack to more than `limits` allow."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        head = parquet.read_metadata(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as e:
        raise ParseError(f"{name}: the Parquet file cannot be read ({e})") from e
    limits.check_table(name, head.num_rows, head.num_columns)
    size = max(
        8 * head.num_rows * head.num_columns,
        *(head.row_group(i).total_byte_size for i in range(head.num_row_groups)),
        0,
    )
    if size > limits.allowed(len(data)):
        raise ParseError(f"{name}: {len(data):,} bytes unpack to more than {limits.allowed(len(data)):,}")
