"""Checkpoints of TensorFlow (``<prefix>.index`` with ``<prefix>.data-…``), read without TensorFlow.

The index is a table of LevelDB: blocks of entries whose keys share their beginnings, and a footer of 48 bytes that says
where the block of blocks lies. An entry's value is a BundleEntryProto: type, shape, number of the data file, offset,
size. Checksums are not compared; sizes are.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError
from heavywater.networks.protobuf import fields, varint
from heavywater.networks.source import as_float32, blaming, file_bytes
from heavywater.networks.tensorflow_messages import shape_of

__all__ = ["Entry", "read_checkpoint", "read_index"]

_MAGIC = 0xDB4775248B80FB57
_MAX_INDEX = 64 << 20
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 6: "i1", 9: "<i8", 10: "?", 19: "<f2"}
_BFLOAT16 = 14


class Entry:
    """Where an array lies."""

    def __init__(self, message: memoryview) -> None:
        found = {f.number: f for f in fields(message)}
        self.dtype = found[1].int if 1 in found else 0
        self.shape = shape_of(found[2].bytes) if 2 in found else ()
        self.shard, self.offset, self.size = (found[i].int if i in found else 0 for i in (3, 4, 5))


def read_index(path: str | os.PathLike[str]) -> dict[str, Entry]:
    """What arrays a checkpoint holds, from its ``.index`` file."""
    data = memoryview(file_bytes(path, _MAX_INDEX))
    with blaming(path, "the index of a TensorFlow checkpoint"):
        if len(data) < 48 or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
            raise ModelFileError("it does not end like one")
        footer = data[-48:]
        _, at = varint(footer, 0)
        _, at = varint(footer, at)
        offset, at = varint(footer, at)
        size, _ = varint(footer, at)
        entries = {}
        for _, handle in _block(data, offset, size):
            begin, at = varint(handle, 0)
            length, _ = varint(handle, at)
            for key, value in _block(data, begin, length):
                if key:  # the empty key holds the number of data files
                    entries[key.decode("utf-8", "replace")] = Entry(value)
        return entries


def _block(data: memoryview, offset: int, size: int) -> Iterator[tuple[bytes, memoryview]]:
    if offset + size + 5 > len(data) or size < 4:
        raise ModelFileError("a block lies beyond its end")
    if data[offset + size] != 0:
        raise ModelFileError("its blocks are compressed, which TensorFlow does not do")
    block = data[offset : offset + size]
    restarts = struct.unpack("<I", block[-4:])[0]
    end = size - 4 - 4 * restarts
    if end < 0:
        raise ModelFileError("a block is shorter than its list of restarts")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or at + own + length > end:
            raise ModelFileError("an entry does not fit its block")
        key = key[:shared] + bytes(block[at : at + own])
        yield key, block[at + own : at + own + length]
        at += own + length


def read_checkpoint(
    path: str | os.PathLike[str], names: Collection[str] | None = None
) -> dict[str, NDArray[np.float32]]:
    """The arrays of a checkpoint by name; slots of optimisers and counters are left out.

    Parameters
    ----------
    path : str or path-like
        ``<prefix>`` or ``<prefix>.index``.
    names : collection of str, optional
        The arrays that are wanted, whatever they are.

    Raises
    ------
    NotFound
        A file is missing.
    ModelFileError
        It is no checkpoint, is damaged or hostile.
    """
    prefix = os.fspath(path).removesuffix(".index")
    entries = read_index(f"{prefix}.index")
    wanted = {n: e for n, e in entries.items() if (_is_weight(n, e) if names is None else n in names)}
    count = 1 + max((e.shard for e in entries.values()), default=0)
    if count > 1000:
        raise ModelFileError(f"{prefix}.index names {count:,} data files")
    made: dict[str, NDArray[np.float32]] = {}
    for shard in sorted({e.shard for e in wanted.values()}):
        file = _shard(prefix, shard, count)
        data = memoryview(file_bytes(file))
        with blaming(file, "the data of a TensorFlow checkpoint"):
            for name, e in wanted.items():
                if e.shard == shard:
                    made[name] = _values(name, e, data)
    return made


def _shard(prefix: str, shard: int, count: int) -> Path:
    folder, name = os.path.split(prefix)
    found = sorted(Path(folder or ".").glob(f"{_literal(name)}.data-{shard:05d}-of-*"))
    return found[0] if found else Path(f"{prefix}.data-{shard:05d}-of-{count:05d}")


def _literal(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _is_weight(name: str, entry: Entry) -> bool:
    last = name.rsplit("/", 1)[-1]
    slot = last.startswith(("Adam", "Momentum", "RMSProp", "Adagrad", "ExponentialMovingAverage"))
    return not slot and "beta1_power" not in name and "beta2_power" not in name and bool(entry.shape)


def _values(name: str, e: Entry, data: memoryview) -> NDArray[np.float32]:
    kind = "<u2" if e.dtype == _BFLOAT16 else _TYPES.get(e.dtype)
    if kind is None:
        raise ModelFileError(f"the array {name[:60]!a} has the unknown type {e.dtype}")
    if any(n < 0 for n in e.shape) or math.prod(e.shape) * np.dtype(kind).itemsize != e.size:
        raise ModelFileError(f"the array {name[:60]!a} of the shape {e.shape} cannot have {e.size:,} bytes")
    if e.offset + e.size > len(data):
        raise ModelFileError(f"the array {name[:60]!a} lies beyond the end of the file")
    raw = np.frombuffer(data[e.offset : e.offset + e.size], kind).reshape(e.shape)
    if e.dtype == _BFLOAT16:
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return as_float32(raw)
