"""The wire format of protocol buffers, read field by field; enough for TensorFlow's graphs and Caffe's models."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError

__all__ = ["Field", "fields", "floats", "signed", "text", "varint", "varints"]

MAX_FIELDS = 4_000_000


class Field(NamedTuple):
    """One field of a message: its number, and a whole number or bytes."""

    number: int
    value: int | memoryview

    @property
    def bytes(self) -> memoryview:
        if isinstance(self.value, int):
            raise ModelFileError(f"field {self.number} is a number where bytes are expected")
        return self.value

    @property
    def int(self) -> int:
        if not isinstance(self.value, int):
            raise ModelFileError(f"field {self.number} holds bytes where a number is expected")
        return self.value


def varint(data: memoryview | bytes, at: int) -> tuple[int, int]:
    """A whole number and the position behind it."""
    made = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ModelFileError("a number is cut short or longer than 64 bits")
        byte = data[at]
        made |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return made & ((1 << 64) - 1), at


def fields(message: memoryview | bytes) -> Iterator[Field]:
    """The fields of a message in order; fixed-width numbers come as their bytes."""
    data, at, count = memoryview(message), 0, 0
    while at < len(data):
        count += 1
        if count > MAX_FIELDS:
            raise ModelFileError(f"a message has more than {MAX_FIELDS:,} fields")
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
            yield Field(key >> 3, value)
            continue
        if kind == 2:
            size, at = varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ModelFileError(f"a field has the unknown kind {kind}; is this the right kind of file?")
        if size > len(data) - at:
            raise ModelFileError(f"a field of {size:,} bytes does not fit the {len(data) - at:,} that are left")
        yield Field(key >> 3, data[at : at + size])
        at += size


def signed(value: int) -> int:
    """An int64 from its 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value


def text(value: memoryview) -> str:
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise ModelFileError("a name is not UTF-8 text") from None


def floats(value: memoryview) -> NDArray[np.float32]:
    """Packed float32 numbers."""
    if len(value) % 4:
        raise ModelFileError("packed numbers are cut short")
    return np.frombuffer(value, "<f4")


def varints(field: Field) -> list[int]:
    """Whole numbers that are packed or stand alone."""
    if isinstance(field.value, int):
        return [signed(field.value)]
    made, at = [], 0
    while at < len(field.value):
        number, at = varint(field.value, at)
        made.append(signed(number))
    return made


def float32(value: memoryview) -> float:
    if len(value) != 4:
        raise ModelFileError("a float32 does not have 4 bytes")
    return float(struct.unpack("<f", value)[0])
