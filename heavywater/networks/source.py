"""Reading files and bytes that may come from anybody, and the one way in which they are refused."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from heavywater.errors import ModelFileError, NotFound

__all__ = ["MAX_FILE", "MAX_TEXT", "Cursor", "as_float32", "blaming", "file_bytes", "text_of"]

MAX_FILE = 4 << 30
"""Largest file of weights that is read, in bytes."""
MAX_TEXT = 64 << 20
"""Largest definition of a network in text or a binary graph, in bytes."""


def file_bytes(path: str | os.PathLike[str], limit: int = MAX_FILE) -> bytes:
    """Content of a regular file of at most `limit` bytes.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is no regular file, is too large, or cannot be read.
    """
    name = os.fspath(path)
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise NotFound(f"there is no file {name!r}") from None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"cannot open {name!a}: {getattr(error, 'strerror', None) or error}") from None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError(f"{name} is not a file")
        if status.st_size > limit:
            raise ModelFileError(f"{name} has {status.st_size:,} bytes; at most {limit:,} are read")
        return stream.read(limit)


def text_of(data: bytes, what: str) -> str:
    """`data` as UTF-8 text of at most ``MAX_TEXT`` bytes."""
    if len(data) > MAX_TEXT:
        raise ModelFileError(f"{what} has {len(data):,} bytes; at most {MAX_TEXT:,} are read")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{what} is not UTF-8 text ({error.reason} at byte {error.start:,})") from None


@contextlib.contextmanager
def blaming(path: str | os.PathLike[str] | str, what: str) -> Iterator[None]:
    """Turn whatever goes wrong while the parts of a file are put together into one kind of error that names the file."""
    name = os.fspath(path)
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{name} cannot be read as {what}: {error}") from None
    except NotFound:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, struct.error) as error:
        if type(error).__module__ == "heavywater.errors":
            raise ModelFileError(f"{name} cannot be read as {what}: {error}") from None
        raise ModelFileError(
            f"{name} cannot be read as {what}: its parts do not fit ({type(error).__name__}: {error!s:.200})"
        ) from None


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """`values` as float32 in C order; numbers beyond its range become infinite, which no network accepts as weights."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(values, np.float32)


class Cursor:
    """A position in little-endian bytes; nothing is read beyond their end."""

    def __init__(self, data: bytes | memoryview, start: int = 0) -> None:
        self.data = memoryview(data)
        self.at = start

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> memoryview:
        if not 0 <= count <= self.left:
            raise ModelFileError(
                f"it ends at byte {len(self.data):,}, where {count:,} bytes from byte {self.at:,} are needed"
            )
        part = self.data[self.at : self.at + count]
        self.at += count
        return part

    def number(self, form: str) -> int:
        """One whole number of a format of the module struct, e.g. ``"Q"``."""
        return int(struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0])

    def array(self, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[np.generic]:
        """A view of the bytes as an array; its size is compared with what is left."""
        kind = np.dtype(dtype)
        count = 1
        for n in shape:
            if n < 0:
                raise ModelFileError(f"an array has the impossible shape {shape}")
            count *= n
        if count * kind.itemsize > self.left:
            raise ModelFileError(
                f"an array of the shape {shape} needs {count * kind.itemsize:,} bytes; {self.left:,} are left"
            )
        return np.frombuffer(self.take(count * kind.itemsize), kind).reshape(shape)
