"""Passes over many columns: a few columns side by side, a block of rows at a time, groups of columns on several threads.

Frames are stored column by column and most work on them is one sum after another down a column, each step waiting for
the one before. Side by side the same step of several columns is one vector instruction, and rows of a matrix are
written in whole cache lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from heavywater.core.columns import Addresses, addresses, fill_panel
from heavywater.frame.frame import Frame

Result = TypeVar("Result")

WIDTH = 16
"""Columns side by side: as many float32 as a cache line holds."""
ROWS = 4096
"""Rows of a block: 16 columns of float64 stay in the second-level cache."""
FEW_ROWS = 192
"""Rows of a block that a kernel reads by itself: 24 KB."""
FEW_VALUES = 1 << 18
"""Fewer values than this are not worth starting threads for."""


def blocks(frame: Frame, names: Sequence[str]) -> Iterator[tuple[int, np.ndarray]]:
    """First row and values, float64 ``(rows, columns)``, of each block of rows; missing values are NaN.

    The array is written again for the next block.
    """
    columns = lie(frame, names)
    panel = np.empty((min(ROWS, frame.nrow), len(names)))
    for start in range(0, frame.nrow, ROWS):
        part = panel[: frame.nrow - start]
        fill_panel(columns.address, columns.kind, start, part)
        yield start, part


def few_rows(columns: int) -> np.ndarray:
    """A buffer for kernels that go down columns by themselves: so few rows that it stays in the first-level cache."""
    return np.empty((FEW_ROWS, columns))


def lie(frame: Frame, names: Sequence[str]) -> Addresses:
    """Where the values of columns lie."""
    return addresses([values(frame, name) for name in names])


def values(frame: Frame, name: str) -> np.ndarray:
    """A column as numbers, without a copy where that is possible."""
    column = frame.stored_column(name)
    if column.dtype.is_numeric() and not column.null_count():
        return column.to_numpy()
    return frame.numeric(name)


def each_group(frame: Frame, names: Sequence[str], work: Callable[[int, Sequence[str]], None]) -> None:
    """Call ``work(position of the first, names)`` for groups of `WIDTH` columns, on several threads when it pays."""
    each(range(0, len(names), WIDTH), lambda at: work(at, names[at : at + WIDTH]), frame.nrow * len(names))


def each(items: Sequence[int], work: Callable[[int], Result], size: int) -> list[Result]:
    """What `work` gives for each item, in order; on several threads when `size`, the values in all, is large enough."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if size < FEW_VALUES or min(len(items), cores) <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(len(items), cores), "columns") as pool:
        return list(pool.map(work, items))
