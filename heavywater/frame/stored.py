"""Frames as bytes that anybody may send: a line of facts, then the columns as an Arrow IPC stream.

Categories are written as codes and their levels as facts, so that the stream holds numbers, times and texts only.
"""

from __future__ import annotations

import io
import json
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from heavywater.errors import H2OValueError
from heavywater.frame.frame import NARROW, Frame
from heavywater.frame.parse.decompress import Limits

_MAGIC = b"heavywater-frame-1 "
_MAX_FACTS = 256 << 20
_TYPES = (pl.Float64, pl.Int64, *NARROW, pl.String)


def pack(frame: Frame, **more: Any) -> bytes:
    """The frame as bytes; `more` is kept among the facts."""
    levels = {n: found for n in frame.names if (found := frame.levels(n)) is not None}
    facts = {"uuids": sorted(frame.uuids), "levels": levels, "rows": frame.nrow, "columns": frame.ncol, **more}
    data = frame.stored.with_columns(pl.col(n).to_physical().cast(pl.UInt32) for n in levels)
    out = io.BytesIO()
    out.write(_MAGIC + json.dumps(facts).encode() + b"\n")
    data.write_ipc_stream(out, compression="uncompressed", compat_level=pl.CompatLevel.oldest())
    return out.getvalue()


def unpack(data: bytes, name: str, limits: Limits | None = None) -> tuple[Frame, dict[str, Any]]:
    """The frame that `pack` made bytes of, and its facts.

    Raises
    ------
    H2OValueError
        The bytes are damaged or something else, or hold more than `limits` allow.
    """
    head, newline, rest = data[:_MAX_FACTS].partition(b"\n")
    if not head.startswith(_MAGIC) or not newline:
        raise H2OValueError(f"{name} is not a frame that this program saved")
    try:
        facts = json.loads(head[len(_MAGIC) :])
        levels, uuids = facts["levels"], facts["uuids"]
        (limits or Limits()).check_table(name, int(facts["rows"]), int(facts["columns"]))
        table = _table(data[len(head) + 1 :])
        if (table.height, table.width) != (facts["rows"], facts["columns"]) and table.width:
            raise ValueError("the columns are not as long or as many as it says")
        table = table.with_columns(_category(table[n], levels[n]) for n in levels)
        if any(c.dtype not in _TYPES and not isinstance(c.dtype, (pl.Enum, pl.Datetime)) for c in table):
            raise ValueError("a column is of a type that no frame has")
        return Frame.of(table, [u for u in uuids if isinstance(u, str)]), facts
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as e:  # polars' panics are no Exceptions
        raise H2OValueError(f"{name} is damaged: {str(e).splitlines()[0] if str(e) else type(e).__name__}") from None


def _table(data: bytes) -> pl.DataFrame:
    import pyarrow as pa

    source = pa.BufferReader(data)
    while True:
        try:
            message = pa.ipc.read_message(source)
        except EOFError:
            break
        if message.type not in ("schema", "record batch") or _is_compressed(message):
            raise ValueError("the columns are compressed, or hold what no frame has")
    table = pa.ipc.open_stream(pa.BufferReader(data)).read_all()
    table.validate(full=True)
    made = pl.from_arrow(table)
    assert isinstance(made, pl.DataFrame)
    return made


def _is_compressed(message: Any) -> bool:
    """Whether a record batch names a codec; a few bytes of such may unpack to any size."""
    if message.type != "record batch":
        return False
    meta = message.metadata.to_pybytes()

    def place(kind: str, at: int) -> int:
        return int(struct.unpack_from(kind, meta, at)[0])

    def member(table: int, index: int) -> int:  # offset of a member of a flatbuffers table; 0 when it is left out
        vtable = table - place("<i", table)
        return place("<H", vtable + 4 + 2 * index) if place("<H", vtable) > 4 + 2 * index else 0

    root = place("<I", 0)
    header = root + member(root, 2)
    return member(header + place("<I", header), 3) != 0


def _category(codes: pl.Series, levels: list[str]) -> pl.Series:
    if codes.dtype != pl.UInt32 or not all(isinstance(v, str) for v in levels):
        raise ValueError(f"column {codes.name!r} holds no categories")
    highest = codes.max()
    if highest is not None and highest >= len(levels):  # type: ignore[operator]
        raise ValueError(f"column {codes.name!r} has a category without a level")
    return pl.Series(codes.name, levels, dtype=pl.Enum(levels)).gather(codes)


def write_frame(frame: Frame, path: Path, *, force: bool = False, **more: Any) -> Path:
    """Write `frame`; the file appears under its name only when it is complete.

    Raises
    ------
    H2OValueError
        The file exists and `force` is false.
    """
    if path.exists() and not force:
        raise H2OValueError(f"{path.name} exists already; force=True replaces it")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".frame-")
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(pack(frame, **more))
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def read_frame(path: Path, limits: Limits | None = None) -> Frame:
    """Read a frame that `write_frame` wrote.

    Raises
    ------
    H2OValueError
        The file is damaged or something else.
    """
    return unpack(path.read_bytes(), path.name, limits)[0]
