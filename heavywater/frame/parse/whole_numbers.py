"""Large tables that hold nothing but whole numbers, read a block of text at a time straight into narrow columns.

All columns lie in one stretch of memory that is asked for beforehand and touched when it is written. A column begins
with a byte for each number and moves to a wider place when a number does not fit.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from heavywater.core.jit import njit

LINE = 64
"""Bytes of a cache line."""
DTYPES = (np.uint8, np.int16, np.int32, np.int64)
"""Types of a column, those that a frame stores, the narrowest first."""
BYTES = np.array([np.dtype(t).itemsize for t in DTYPES])
LEAST = np.array([np.iinfo(t).min for t in DTYPES])
MOST = np.array([np.iinfo(t).max for t in DTYPES])
LONGEST_LINE = 64 << 20
"""A file with a longer line than this is not read here."""
DONE, OTHER, TOO_WIDE, FULL = range(4)


def read_whole_numbers(
    files: Iterable[tuple[Iterable[bytes], int]],
    names: Sequence[str],
    *,
    separator: str,
    expected: int,
    most: float = math.inf,
) -> pl.DataFrame | None:
    """Columns of texts in which every field is a whole number of at most 18 digits.

    Parameters
    ----------
    files : iterable of (iterable of bytes, int)
        The text of each file in parts of any size, and how many lines to leave out at its beginning. Lines end with a
        line feed, the last one of a file perhaps not.
    names : sequence of str
        Names of the columns.
    separator : str
        One character.
    expected : int
        About how many bytes all texts have, to ask for the right amount of memory.
    most : float
        Largest number of rows.

    Returns
    -------
    DataFrame or None
        Each column in the narrowest of `DTYPES`. None when a line has another number of fields, a field is anything
        but digits with perhaps a minus sign, or there are no lines or too many.
    """
    if separator in "-0123456789\r\n":
        return None
    table: _Columns | None = None
    for parts, skip in files:
        for text in _whole_lines(parts, skip):
            if text is None:
                return None
            if table is None:
                table = _Columns(len(names), _rows_to_come(text, max(expected, len(text)), len(names)))
            if not table.read(text, ord(separator)) or table.rows > most:
                return None
    return None if table is None else table.taken(names)


def _whole_lines(parts: Iterable[bytes], skip: int) -> Iterator[bytes | None]:
    """The text in pieces that end with a line feed, without its first `skip` lines; None for what cannot be read."""
    rest = b""
    for part in parts:
        part = rest + part
        while skip and (at := part.find(b"\n") + 1):
            part, skip = part[at:], skip - 1
        end = part.rfind(b"\n") + 1
        if skip or not end:
            rest = part
            if len(rest) > LONGEST_LINE:
                yield None
            continue
        rest = part[end:]
        yield part[:end]
    if skip:
        yield None
    elif rest:
        yield rest + b"\n"


def _rows_to_come(text: bytes, expected: int, columns: int) -> int:
    """About how many rows a table has whose text begins with `text`; a field takes at least two bytes."""
    lines = text.count(b"\n")
    return min(round(1.05 * expected * lines / len(text)) + 1, expected // (2 * columns) + 1)


class _Columns:
    """Columns that grow row by row.

    Attributes
    ----------
    rows, capacity : int
        Rows there are and rows there is room for.
    kinds : int8 (columns,)
        Index of each column's type in `DTYPES`.
    starts : int64 (columns,)
        First byte of each column, a multiple of eight.
    """

    def __init__(self, columns: int, capacity: int):
        self.rows, self.capacity = 0, _odd_lines(capacity)
        self.kinds = np.zeros(columns, np.int8)
        self.starts = np.arange(columns) * self.capacity
        self._used = columns * self.capacity
        self._memory = _reserved(self._used)

    def read(self, text: bytes, separator: int) -> bool:
        """Add the lines of a text that ends with a line feed; whether they hold nothing but whole numbers."""
        bytes_, place = np.frombuffer(text, np.uint8), np.array([0, self.rows])
        eights = np.ndarray(max(len(text) - 7, 0), np.uint64, text, strides=(1,))
        zeros = int(np.frombuffer(bytes([48, separator] * 4), np.uint64)[0])
        while True:
            wanted = self.kinds.copy()
            u8, i16, i32, i64 = (np.frombuffer(self._memory, t) for t in DTYPES)
            state = read_lines(
                bytes_,
                eights,
                zeros,
                place,
                separator,
                self.kinds,
                self.starts,
                self.capacity,
                u8,
                i16,
                i32,
                i64,
                wanted,
            )
            self.rows = int(place[1])
            if state == TOO_WIDE:
                self._widen(wanted)
            elif state == FULL:
                self._move(self.kinds, _odd_lines(2 * self.capacity))
            else:
                return bool(state == DONE)

    def _widen(self, kinds: np.ndarray) -> None:
        """Give the columns the types that they need."""
        wider = np.flatnonzero(kinds > self.kinds)
        sizes = BYTES[kinds[wider]] * self.capacity
        if self._used + sizes.sum() > len(self._memory):
            self._move(kinds, self.capacity)
            return
        for c, size in zip(wider, sizes):
            old = self._column(c)
            self.kinds[c], self.starts[c] = kinds[c], self._used
            self._column(c)[:] = old
            self._used += int(size)

    def _move(self, kinds: np.ndarray, capacity: int) -> None:
        """Copy all columns to memory of another size; it has some room for columns that widen later."""
        old = [self._column(c) for c in range(len(kinds))]
        sizes = BYTES[kinds] * capacity
        self.capacity, self.kinds = capacity, kinds.copy()
        self.starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        self._used = int(sizes.sum())
        self._memory = _reserved(self._used + self._used // 2)
        for c, values in enumerate(old):
            self._column(c)[:] = values

    def _column(self, c: int | np.integer[Any]) -> np.ndarray:
        dtype = DTYPES[self.kinds[c]]
        return np.frombuffer(self._memory, dtype, self.rows, int(self.starts[c]))

    def taken(self, names: Sequence[str]) -> pl.DataFrame | None:
        """The columns, in this memory, which nobody may write to any more; None when there are no rows."""
        return pl.DataFrame([pl.Series(n, self._column(c)) for c, n in enumerate(names)]) if self.rows else None


def _odd_lines(rows: int) -> int:
    """`rows` or some more, an odd number of cache lines, so that a row's fields do not fall into the same set."""
    return (-(-rows // LINE) | 1) * LINE


def _reserved(size: int) -> mmap.mmap:
    """Zeros that take memory only where something is written."""
    size = -(-max(size, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
    if hasattr(mmap, "MAP_ANONYMOUS"):
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return mmap.mmap(-1, size)


@njit(cache=True, nogil=True, _nrt=False)
def read_lines(
    text: np.ndarray,
    eights: np.ndarray,
    zeros: int,
    place: np.ndarray,
    separator: int,
    kinds: np.ndarray,
    starts: np.ndarray,
    capacity: int,
    bytes_: np.ndarray,
    shorts: np.ndarray,
    ints: np.ndarray,
    longs: np.ndarray,
    wanted: np.ndarray,
) -> int:
    """Add the lines of a text to columns, which lie in the same memory seen as four types.

    The text ends with a line feed, which no field goes beyond. Zeros are not written: they are there already.

    Parameters
    ----------
    eights : uint64 (len(text) - 7,)
        The eight bytes that begin at each byte.
    zeros : int
        Four zeros, each with the separator after it, as such eight bytes.
    place : int64 (2,)
        Where in the text to begin and how many rows there are; moved on, line by line.

    Returns
    -------
    int
        `DONE`; or `OTHER`: a line is no list of whole numbers; or `TOO_WIDE`: columns need the types `wanted`; or
        `FULL`: there is no room.
    """
    last = len(kinds) - 1
    four_zeros = np.uint64(zeros)  # signed and unsigned numbers would be compared as floats, which lose the first byte
    at, rows = place
    while at < len(text):
        if rows == capacity:
            return FULL
        fits = True
        c = 0
        while c <= last:
            if text[at] == 48 and c < last and text[at + 1] == separator:
                at, c = at + 2, c + 1
                while c + 4 <= last and at < len(eights) and eights[at] == four_zeros:
                    at, c = at + 8, c + 4
                continue
            negative = text[at] == 45
            if negative:
                at += 1
            value, first = 0, at
            while 48 <= text[at] <= 57:
                value = value * 10 + (int(text[at]) - 48)
                at += 1
            if at == first or at - first > 18:
                return OTHER
            if negative:
                value = -value
            k = kinds[c]
            if value < LEAST[k] or value > MOST[k]:
                while value < LEAST[k] or value > MOST[k]:
                    k += 1
                wanted[c], fits = k, False
            elif value != 0:
                start = starts[c]
                if k == 0:
                    bytes_[start + rows] = value
                elif k == 1:
                    shorts[start // 2 + rows] = value
                elif k == 2:
                    ints[start // 4 + rows] = value
                else:
                    longs[start // 8 + rows] = value
            if c < last:
                if text[at] != separator:
                    return OTHER
                at += 1
            c += 1
        if text[at] == 13:
            at += 1
        if text[at] != 10:
            return OTHER
        at += 1
        if not fits:
            return TOO_WIDE
        rows += 1
        place[0], place[1] = at, rows
    return DONE
