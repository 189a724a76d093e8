"""A 64-bit checksum of what a frame holds."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from heavywater.frame.frame import Frame


def frame_checksum(frame: Frame) -> int:
    """Checksum of names, kinds, levels and values, as a signed 64-bit number.

    The same content gives the same number in every process and on every machine; whole numbers count the same whether
    stored as integers or as floats.  The numbers are not H2O's, which hashes its chunks.
    """
    key = "checksum"
    if key not in frame._cache:
        h = hashlib.blake2b(digest_size=8)
        for name in frame.names:
            kind = frame.kind(name)
            levels = frame.levels(name) or []
            for part in (name, "numeric" if kind in ("int", "real") else kind, str(len(levels)), *levels):
                text = part.encode()
                h.update(len(text).to_bytes(8, "little") + text)
            _add_values(h, frame, name)
        frame._cache[key] = int.from_bytes(h.digest(), "little", signed=True)
    value = frame._cache[key]
    assert isinstance(value, int)
    return value


def _add_values(h: hashlib.blake2b, frame: Frame, name: str) -> None:
    col = frame.column(name)
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
        from heavywater.frame.rollup_kernel import fold_bits  # compiles on first use

        x = frame.numeric(name) + 0.0  # -0.0 becomes 0.0
        x[np.isnan(x)] = np.nan
        h.update(int(fold_bits(x, len(x))).to_bytes(8, "little"))
