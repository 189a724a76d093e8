"""A 64-bit checksum of what a frame holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from heavywater.frame.frame import Frame
from heavywater.frame.panels import each_group, few_rows, lie


def frame_checksum(frame: Frame) -> int:
    """Checksum of names, kinds, levels and values, as a signed 64-bit number.

    The same content gives the same number in every process and on every machine; whole numbers count the same whether
    stored as integers or as floats.  The numbers are not H2O's, which hashes its chunks.
    """
    key = "checksum"
    if key not in frame._cache:
        h = hashlib.blake2b(digest_size=8)
        folded = _folded(frame)
        for name in frame.names:
            kind = frame.kind(name)
            levels = frame.levels(name) or []
            for part in (name, "numeric" if kind in ("int", "real") else kind, str(len(levels)), *levels):
                text = part.encode()
                h.update(len(text).to_bytes(8, "little") + text)
            _add_values(h, frame, name, folded)
        frame._cache[key] = int.from_bytes(h.digest(), "little", signed=True)
    value = frame._cache[key]
    assert isinstance(value, int)
    return value


def _folded(frame: Frame) -> dict[str, int]:
    """The values of each column of numbers or times, folded into 64 bits."""
    from heavywater.frame.rollup_kernel import fold_columns  # compiles on first use

    out: dict[str, int] = {}

    def fold(_: int, names: Sequence[str]) -> None:
        state = np.full(len(names), frame.nrow, np.uint64)
        columns, panel = lie(frame, names), few_rows(len(names))
        fold_columns(columns.address, columns.kind, frame.nrow, panel, panel.view(np.uint64), state)
        out.update(zip(names, state.tolist(), strict=True))

    each_group(frame, [n for n in frame.names if frame.kind(n) in ("int", "real", "time")], fold)
    return out


def _add_values(h: hashlib.blake2b, frame: Frame, name: str, folded: Mapping[str, int]) -> None:
    col = frame.stored_column(name)
    if isinstance(col.dtype, pl.Enum):
        h.update(frame.codes(name).astype("<i4").data)
    elif col.dtype == pl.String:
        lengths = col.str.len_bytes().cast(pl.Int64).fill_null(-1).to_numpy()
        h.update(np.ascontiguousarray(lengths, "<i8").data)
        h.update("".join(col.drop_nulls().to_list()).encode())
    else:
        if col.dtype == pl.Int64 and not bool(col.is_between(-(2**53), 2**53).all()):
            h.update(
                np.ascontiguousarray(col.fill_null(0).to_numpy(), "<i8").data
            )  # beyond what a float can tell apart
        h.update(folded[name].to_bytes(8, "little"))
