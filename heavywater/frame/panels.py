"""Passes over many columns: a few columns side by side, a block of rows at a time, groups of columns on several threads.

Frames are stored column by column and most work on them is one sum after another down a column, each step waiting for
the one before. Side by side the same step of several columns is one vector instruction, and rows of a matrix are
written in whole cache lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from heavywater.frame.frame import Frame

WIDTH = 16
"""Columns side by side: as many float32 as a cache line holds."""
ROWS = 4096
"""Rows of a block: 16 columns of float64 stay in the second-level cache."""
FEW_VALUES = 1 << 18
"""Fewer values than this are not worth starting threads for."""


def blocks(frame: Frame, names: Sequence[str]) -> Iterator[tuple[int, np.ndarray]]:
    """First row and values, float64 ``(rows, columns)``, of each block of rows; missing values are NaN.

    The array is written again for the next block.
    """
    columns = [_values(frame, name) for name in names]
    panel = np.empty((min(ROWS, frame.nrow), len(names)))
    for start in range(0, frame.nrow, ROWS):
        stop = min(start + ROWS, frame.nrow)
        part = panel[: stop - start]
        for k, column in enumerate(columns):
            part[:, k] = column[start:stop]
        yield start, part


def _values(frame: Frame, name: str) -> np.ndarray:
    """A column as numbers, without a copy where that is possible."""
    column = frame.column(name)
    if column.dtype.is_numeric() and not column.null_count():
        return column.to_numpy()
    return frame.numeric(name)


def each_group(frame: Frame, names: Sequence[str], work: Callable[[int, Sequence[str]], None]) -> None:
    """Call ``work(position of the first, names)`` for groups of `WIDTH` columns, on several threads when it pays.

    An error in one call is raised here when the others have ended.
    """
    groups = [(at, names[at : at + WIDTH]) for at in range(0, len(names), WIDTH)]
    threads = min(
        len(groups), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if threads <= 1 or frame.nrow * len(names) < FEW_VALUES:
        for at, group in groups:
            work(at, group)
        return
    with ThreadPoolExecutor(threads, "columns") as pool:
        for job in [pool.submit(work, at, group) for at, group in groups]:
            job.result()
