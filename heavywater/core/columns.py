"""Columns of a table where they lie, for kernels that read many of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir

from heavywater.core.jit import intrinsic, njit, types

KINDS = ("uint8", "int16", "int32", "int64", "float64")
"""Types of columns that are read as they are."""
WHOLE = len(KINDS) - 1
"""Kinds below this are whole numbers."""
TILE = 64
"""Rows of a column that are read before the next column: a cache line of bytes."""
_KIND_OF = {np.dtype(kind): i for i, kind in enumerate(KINDS)}


class Addresses(NamedTuple):
    """Where columns lie and of which kind they are: int64 ``(m,)`` each, and what has to stay alive meanwhile."""

    address: np.ndarray
    kind: np.ndarray
    alive: list[np.ndarray]


def addresses(columns: Sequence[np.ndarray]) -> Addresses:
    """Addresses of one-dimensional arrays; those of a type that kernels do not read are copied."""
    known = [np.ascontiguousarray(c if c.dtype in _KIND_OF else c.astype(np.float64)) for c in columns]
    return Addresses(
        np.array([c.__array_interface__["data"][0] for c in known], np.int64),
        np.array([_KIND_OF[c.dtype] for c in known], np.int64),
        known,
    )


def _reader(kind: str) -> Any:
    """Intrinsic that reads number `index` of a column of `kind` at an address, as float64."""
    bits = int(kind.lstrip("uintfloa"))

    @intrinsic
    def read(typingctx: Any, address: Any, index: Any) -> Any:
        def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
            number = ir.DoubleType() if kind == "float64" else ir.IntType(bits)
            value = builder.load(builder.gep(builder.inttoptr(args[0], number.as_pointer()), [args[1]]))
            if kind == "float64":
                return value
            return (builder.uitofp if kind[0] == "u" else builder.sitofp)(value, ir.DoubleType())

        return types.float64(types.int64, types.int64), codegen

    return read


@intrinsic
def read_byte(typingctx: Any, address: Any, index: Any) -> Any:
    """Number `index` of a column of uint8 at an address, as it is."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return builder.load(builder.gep(builder.inttoptr(args[0], ir.IntType(8).as_pointer()), [args[1]]))

    return types.uint8(types.int64, types.int64), codegen


read_u8, read_i16, read_i32, read_i64, read_f64 = (_reader(kind) for kind in KINDS)


@njit(cache=True, nogil=True, _nrt=False)
def _copy(read, address, start, column):  # type: ignore[no-untyped-def]
    for i in range(len(column)):
        column[i] = read(address, start + i)


@njit(cache=True, nogil=True, _nrt=False)
def fill_panel(address: np.ndarray, kind: np.ndarray, start: int, panel: np.ndarray) -> None:
    """Write columns from row `start` on side by side into `panel`, float64 ``(rows, columns)``."""
    for first in range(0, panel.shape[0], TILE):
        for k in range(panel.shape[1]):
            column = panel[first : first + TILE, k]
            if kind[k] == 0:
                _copy(read_u8, address[k], start + first, column)
            elif kind[k] == 1:
                _copy(read_i16, address[k], start + first, column)
            elif kind[k] == 2:
                _copy(read_i32, address[k], start + first, column)
            elif kind[k] == 3:
                _copy(read_i64, address[k], start + first, column)
            else:
                _copy(read_f64, address[k], start + first, column)
