"""Files of arrays of MXNet (``.params``, ``.nd``): every layout from before 0.9 to 1.x is read, two are written.

::

    u64 0x112, u64 0
    u64 number of arrays, then the arrays
    u64 number of names (as many, or 0), then for each: u64 length, UTF-8

An array of the oldest layout is: u32 number of dimensions, u32 for each, i32 kind of device, i32 its number, i32 type,
values. Later ones begin with a magic number in place of the number of dimensions, which are i64 there.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import H2OValueError, ModelFileError
from heavywater.networks.source import Cursor, as_float32, blaming, file_bytes

__all__ = ["params_bytes", "parse_params", "read_params", "write_params"]

MAGIC = 0x112
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_TYPES: Mapping[int, np.dtype] = {
    i: np.dtype(name)
    for i, name in {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8", 7: "?"}.items()
}
_BFLOAT16 = 12
MAX_ARRAYS = 100_000
_MAX_RANK = 32
_MAX_NAME = 4096


def read_params(path: str | os.PathLike[str]) -> dict[str, NDArray[np.float32]]:
    """Arrays of a file by name, without the prefixes ``arg:`` and ``aux:``; unnamed ones are called 0, 1, ...

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is not such a file, or damaged or hostile.
    """
    data = file_bytes(path)
    with blaming(path, "a file of MXNet arrays"):
        return parse_params(data)


def parse_params(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Like :func:`read_params`, from bytes."""
    c = Cursor(data)
    if c.left < 24 or c.number("Q") != MAGIC:
        raise ModelFileError("it does not begin with MXNet's magic number 0x112")
    c.number("Q")
    count = c.number("Q")
    if count > MAX_ARRAYS or count * 4 > c.left:
        raise ModelFileError(f"it announces {count:,} arrays, which it cannot hold")
    arrays = [_array(c) for _ in range(count)]
    named = c.number("Q")
    if named not in (0, count):
        raise ModelFileError(f"it has {count:,} arrays and {named:,} names")
    names = [_name(c) for _ in range(named)] or [str(i) for i in range(count)]
    if c.left:
        raise ModelFileError(f"{c.left:,} bytes follow its end")
    made = {}
    for name, array in zip(names, arrays):
        bare = name.split(":", 1)[1] if name.startswith(("arg:", "aux:")) else name
        if bare in made:
            raise ModelFileError(f"the name {bare!a:.80} is given twice")
        made[bare] = array
    return made


def _name(c: Cursor) -> str:
    length = c.number("Q")
    if not 0 < length <= _MAX_NAME:
        raise ModelFileError(f"a name has {length:,} bytes; 1 to {_MAX_NAME:,} are read")
    try:
        return bytes(c.take(length)).decode("utf-8")
    except UnicodeDecodeError:
        raise ModelFileError("a name is not UTF-8 text") from None


def _array(c: Cursor) -> NDArray[np.float32]:
    first = c.number("I")
    if first in (_V2, _V3) and (storage := c.number("i")) != 0:
        kinds = {1: "row_sparse", 2: "csr"}
        raise ModelFileError(f"an array is stored as {kinds.get(storage, storage)}; only dense ones are read")
    rank = c.number("I") if first in (_V1, _V2, _V3) else first
    if rank > _MAX_RANK:
        raise ModelFileError(f"an array has {rank:,} dimensions")
    shape = tuple(c.number("I" if first == rank else "q") for _ in range(rank))
    if rank == 0 and first != _V3:
        return np.zeros(0, np.float32)
    c.number("i")
    c.number("i")
    kind = c.number("i")
    if kind == _BFLOAT16:
        return (c.array("<u2", shape).astype(np.uint32) << 16).view(np.float32)
    if kind not in _TYPES:
        raise ModelFileError(f"an array has the unknown type {kind}")
    return as_float32(c.array(_TYPES[kind], shape))


def params_bytes(
    arrays: Mapping[str, NDArray[np.generic]], *, states: frozenset[str] = frozenset(), layout: str = "V2"
) -> bytes:
    """The file that holds `arrays`.

    Parameters
    ----------
    arrays : mapping
        Written as float32.
    states : frozenset of str
        Names that get the prefix ``aux:``; the others get ``arg:``. Names that end in ``_moving_mean`` or
        ``_moving_var`` always count as states.
    layout : str
        ``"V2"`` for MXNet 1.x, ``"legacy"`` for Deep Water and MXNet up to 0.11.
    """
    if layout not in ("V2", "legacy"):
        raise H2OValueError(f"layout must be 'V2' or 'legacy'; it is {layout!r}")
    parts = [struct.pack("<QQQ", MAGIC, 0, len(arrays))]
    for array in arrays.values():
        values = np.ascontiguousarray(array, "<f4")
        if layout == "V2":
            parts.append(struct.pack("<IiI", _V2, 0, values.ndim) + struct.pack(f"<{values.ndim}q", *values.shape))
        else:
            parts.append(struct.pack("<I", values.ndim) + struct.pack(f"<{values.ndim}I", *values.shape))
        parts.append(struct.pack("<iii", 1, 0, 0))
        parts.append(values.tobytes())
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        state = name in states or name.endswith(("_moving_mean", "_moving_var"))
        text = f"{'aux' if state else 'arg'}:{name}".encode()
        parts.append(struct.pack("<Q", len(text)) + text)
    return b"".join(parts)


def write_params(
    path: str | os.PathLike[str], arrays: Mapping[str, NDArray[np.generic]], *, layout: str = "V2"
) -> Path:
    """Write `arrays` as a file of MXNet; see :func:`params_bytes`."""
    target = Path(path)
    try:
        target.write_bytes(params_bytes(arrays, layout=layout))
    except OSError as error:
        raise H2OValueError(f"cannot write {target}: {error.strerror or error}") from None
    return target
