"""Protocol buffers, LevelDB tables and checkpoints put together by hand, for the tests of their readers."""

from __future__ import annotations

import struct

import numpy as np


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """A field: a number, text, bytes, or a float (as float32)."""
    if isinstance(value, bool | int):
        return varint(number << 3) + varint(int(value))
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else bytes(value)
    return varint(number << 3 | 2) + varint(len(data)) + data


def shape(sizes):
    return b"".join(field(2, field(1, n)) for n in sizes)


def tensor(values):
    values = np.asarray(values)
    kind = {"f": 1, "i": 3}[values.dtype.kind]
    raw = values.astype("<f4" if kind == 1 else "<i4").tobytes()
    return field(1, kind) + field(2, shape(values.shape)) + field(4, raw)


def node(name, op, inputs=(), **attrs):
    """A NodeDef; an attribute is a list of numbers, text, a flag, a float, ("shape", sizes) or an array."""
    made = field(1, name) + field(2, op) + b"".join(field(3, i) for i in inputs)
    for key, value in attrs.items():
        if isinstance(value, list):
            packed = field(1, field(3, b"".join(map(varint, value))))
        elif isinstance(value, tuple):
            packed = field(7, shape(value[1]))
        elif isinstance(value, str):
            packed = field(2, value)
        elif isinstance(value, bool):
            packed = field(5, value)
        elif isinstance(value, int):
            packed = field(3, value)
        elif isinstance(value, float):
            packed = field(4, value)
        else:
            packed = field(8, tensor(value))
        made += field(5, field(1, key) + field(2, packed))
    return made


def metagraph(nodes, predictions):
    graph = b"".join(field(1, n) for n in nodes)
    collection = field(1, "predictions") + field(2, field(1, field(1, predictions)))
    return field(2, graph) + field(4, collection)


def block(entries):
    """A block of a LevelDB table whose keys share their beginnings."""
    out, last = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(last)) and key[shared] == last[shared]:
            shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return out + struct.pack("<II", 0, 1)


def write_checkpoint(prefix, arrays):
    """``<prefix>.index`` and its data file."""
    data, entries = b"", [(b"", field(1, 1))]
    for name in sorted(arrays):
        raw = np.asarray(arrays[name], "<f4").tobytes()
        entry = field(1, 1) + field(2, shape(arrays[name].shape)) + field(4, len(data)) + field(5, len(raw))
        entries.append((name.encode(), entry))
        data += raw
    first = block(entries)
    table = first + b"\0" * 5
    index = block([(b"\xff", varint(0) + varint(len(first)))])
    at = len(table)
    table += index + b"\0" * 5
    footer = varint(0) + varint(0) + varint(at) + varint(len(index))
    table += footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    prefix.with_name(prefix.name + ".index").write_bytes(table)
    prefix.with_name(prefix.name + ".data-00000-of-00001").write_bytes(data)
