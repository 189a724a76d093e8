"""Large tables that hold nothing but whole numbers, read straight into columns, a part of the text for each thread."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pyarrow as pa
from numba import njit

LINE = 8
"""int64 entries of a cache line."""


def read_whole_numbers(data: bytes, names: list[str], *, separator: str, skip: int) -> pl.DataFrame | None:
    """Int64 columns of a text in which every field is a whole number of at most 18 digits.

    Parameters
    ----------
    data : bytes
        Lines that end with a line feed (the last one perhaps not).
    names : list of str
        Names of the columns.
    separator : str
        One character.
    skip : int
        Lines at the beginning to leave out.

    Returns
    -------
    DataFrame or None
        None when a line has another number of fields, or a field is anything but digits with perhaps a minus sign.
    """
    start = 0
    for _ in range(skip):
        start = data.find(b"\n", start) + 1
        if not start:
            return None
    if start == len(data):
        return None
    cuts = _cuts(data, start, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    parts = list(zip(cuts, cuts[1:]))
    text = np.frombuffer(data, np.uint8)
    with ThreadPoolExecutor(len(parts), "parse") as pool:
        lines = list(pool.map(lambda p: int(count_lines(text[p[0] : p[1]])), parts))
        total = sum(lines)
        # an odd number of cache lines, so that the columns of a row do not fall into the same set of the cache
        stride = (-(-max(total, 1) // LINE) | 1) * LINE
        if total == 0 or stride * len(names) > 4 * len(data):  # a field takes at least two bytes
            return None
        table = np.empty((len(names), stride), np.int64)
        firsts = np.concatenate(([0], np.cumsum(lines)))
        jobs = [
            pool.submit(read_rows, text[a:b], ord(separator), len(names), table, int(first), int(first + count))
            for (a, b), first, count in zip(parts, firsts, lines)
        ]
        if not all(job.result() for job in jobs):
            return None
    columns = [pa.Array.from_buffers(pa.int64(), total, [None, pa.py_buffer(row)]) for row in table]
    return pl.from_arrow(pa.table(columns, names=names))  # type: ignore[return-value]


def _cuts(data: bytes, start: int, parts: int) -> list[int]:
    """Where the parts begin, each at the start of a line, and the end."""
    cuts = [start]
    for i in range(1, parts):
        at = data.find(b"\n", start + (len(data) - start) * i // parts) + 1
        if at > cuts[-1]:
            cuts.append(at)
    return [*cuts, len(data)] if cuts[-1] < len(data) else cuts


@njit(cache=True, nogil=True)
def count_lines(text: np.ndarray) -> int:
    """Lines of a text, the last one with or without its line feed."""
    lines = 0
    for byte in text:
        lines += byte == 10
    return lines + (1 if len(text) > 0 and text[-1] != 10 else 0)


@njit(cache=True, nogil=True)
def read_rows(text: np.ndarray, separator: int, columns: int, table: np.ndarray, first: int, end: int) -> bool:
    """Write the numbers of a text into rows `first`... of `table` (columns, rows); whether it had nothing else."""
    row, column, value, digits, negative = first, 0, 0, 0, False
    last = len(text)
    for i in range(last + 1):
        if i == last and digits == 0 and column == 0 and not negative:
            break
        byte = 10 if i == last else int(text[i])
        if 48 <= byte <= 57:
            value = value * 10 + byte - 48
            digits += 1
        elif byte == separator or byte == 10:
            if digits == 0 or digits > 18 or column >= columns or row >= end:
                return False
            table[column, row] = -value if negative else value
            value, digits, negative = 0, 0, False
            column += 1
            if byte == 10:
                if column != columns:
                    return False
                column = 0
                row += 1
        elif byte == 45 and digits == 0 and not negative:
            negative = True
        elif not (byte == 13 and i + 1 < last and text[i + 1] == 10 and digits > 0):
            return False
    return row == end
