"""Frames as files: a line of facts, then the columns as an Arrow IPC file."""

from __future__ import annotations

import io
import json
import os
import tempfile
from pathlib import Path

import polars as pl

from heavywater.errors import H2OValueError
from heavywater.frame import Frame

_MAGIC = b"heavywater-frame-1 "
_MAX_FACTS = 1 << 20


def write_frame(frame: Frame, path: Path, *, force: bool = False) -> Path:
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
            f.write(_MAGIC + json.dumps({"uuids": sorted(frame.uuids)}).encode() + b"\n")
            data = io.BytesIO()
            frame.data.write_ipc(data)
            f.write(data.getbuffer())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def read_frame(path: Path) -> Frame:
    """Read a frame that `write_frame` wrote.

    Raises
    ------
    H2OValueError
        The file is damaged or something else.
    """
    wrong = H2OValueError(f"{path.name} is not a frame that this program saved")
    with path.open("rb") as f:
        head = f.readline(_MAX_FACTS)
        if not head.startswith(_MAGIC) or not head.endswith(b"\n"):
            raise wrong
        rest = f.read()
    try:
        uuids = json.loads(head[len(_MAGIC) :])["uuids"]
        if not isinstance(uuids, list) or not all(isinstance(u, str) for u in uuids):
            raise wrong
        return Frame.of(pl.read_ipc(io.BytesIO(rest), memory_map=False), uuids)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # polars' panics are no Exceptions
        raise wrong from None
