"""Scaling columns into the design matrix, and picking out what is not zero."""

from __future__ import annotations

import numpy as np

from heavywater.core.columns import TILE, read_byte
from heavywater.core.jit import njit


@njit(cache=True, nogil=True, _nrt=False)
def scale_panel(
    panel: np.ndarray,
    replacement: np.ndarray,
    sub: np.ndarray,
    mul: np.ndarray,
    out: np.ndarray,
    start: int,
    first: int,
) -> None:
    """Write ``(x - sub) * mul`` of a panel (rows, columns) into rows `start`... and columns `first`... of `out`.

    Values that are not finite count as missing: `replacement` stands for them before scaling; where it is NaN, they
    become 0.
    """
    columns = panel.shape[1]
    for i in range(panel.shape[0]):
        row, line = panel[i], out[start + i, first : first + columns]
        for k in range(columns):
            v = row[k]
            if not np.isfinite(v):
                v = replacement[k]
            scaled = (v - sub[k]) * mul[k]
            line[k] = 0.0 if np.isnan(scaled) else scaled


@njit(cache=True, nogil=True, _nrt=False)
def pack_panel(panel: np.ndarray, low: np.ndarray, out: np.ndarray, start: int, first: int) -> None:
    """Write ``panel - low``, at most 255, into rows `start`... and columns `first`... of `out`, uint8."""
    for i in range(panel.shape[0]):
        for k in range(panel.shape[1]):
            out[start + i, first + k] = np.uint8(panel[i, k] - low[k])


@njit(cache=True, nogil=True, _nrt=False)
def compress(block: np.ndarray, counts: np.ndarray, indices: np.ndarray, values: np.ndarray) -> int:
    """Column numbers and values of the non-zero entries of `block`, row after row; how many; `counts` per row.

    Both arrays have one entry more than `block`: every entry is written, and only what is not zero moves on.
    """
    at = 0
    for i in range(block.shape[0]):
        before = at
        for j in range(block.shape[1]):
            v = block[i, j]
            indices[at] = j
            values[at] = v
            at += v != 0.0
        counts[i] = at - before
    return at


@njit(cache=True, nogil=True, _nrt=False)
def transpose_bytes(address: np.ndarray, start: int, out: np.ndarray) -> None:
    """Write columns of uint8 at `address`, from row `start` on, into `out`, uint8 ``(rows, columns)``."""
    for first in range(0, out.shape[0], TILE):
        for k in range(out.shape[1]):
            for i in range(first, min(first + TILE, out.shape[0])):
                out[i, k] = read_byte(address[k], start + i)


@njit(cache=True, nogil=True, _nrt=False)
def count_bytes(address: np.ndarray, start: int, counts: np.ndarray) -> None:
    """Add to `counts`, one entry per row from `start` on, how many columns of uint8 are not zero there."""
    for k in range(len(address)):
        for i in range(len(counts)):
            counts[i] += read_byte(address[k], start + i) != 0


@njit(cache=True, nogil=True, _nrt=False)
def compress_bytes(
    block: np.ndarray, mul: np.ndarray, starts: np.ndarray, found: np.ndarray, indices: np.ndarray, values: np.ndarray
) -> None:
    """Column numbers and scaled values of the non-zero entries of `block`, uint8; row i's from ``starts[i]`` on.

    `found` is a buffer with one entry more than a row: every number is written there, and only what is not zero moves
    on.
    """
    for i in range(block.shape[0]):
        row, count = block[i], 0
        for k in range(len(row)):
            found[count] = k
            count += row[k] != 0
        for j in range(count):
            k = found[j]
            indices[starts[i] + j] = k
            values[starts[i] + j] = row[k] * mul[k]
