"""Numbers too small to matter: fast trainers take them for zero.

A network that has learned its rows has errors of 1e-20, whose squares are below float32's normal range. Processors do
arithmetic there many times slower, so that training would slow down the better the network is.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir

from heavywater.core.jit import intrinsic, njit, types
from heavywater.core.mlp.functions import EXACT

FLUSH = 0x8040
"""Bits of the control register of x86: results and operands that are not normal count as zero."""
IS_X86 = platform.machine().lower() in ("x86_64", "amd64")


def _register(builder: ir.IRBuilder, name: str, place: Any) -> None:
    pointer = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    builder.call(function, [builder.bitcast(place, pointer)])


@intrinsic
def _set(typingctx: Any) -> Any:
    """Set the bits of `FLUSH` for this thread; returns the register as it was."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        number = ir.IntType(32)
        if not IS_X86:
            return ir.Constant(number, 0)
        place = builder.alloca(number)
        _register(builder, "llvm.x86.sse.stmxcsr", place)
        before = builder.load(place)
        builder.store(builder.or_(before, ir.Constant(number, FLUSH)), place)
        _register(builder, "llvm.x86.sse.ldmxcsr", place)
        return before

    return types.uint32(), codegen


@intrinsic
def _put_back(typingctx: Any, before: Any) -> Any:
    """Set the whole register."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        if IS_X86:
            place = builder.alloca(ir.IntType(32))
            builder.store(args[0], place)
            _register(builder, "llvm.x86.sse.ldmxcsr", place)
        return context.get_dummy_value()

    return types.void(types.uint32), codegen


@njit(**EXACT)
def _begin():  # type: ignore[no-untyped-def]
    return np.int64(_set())


@njit(**EXACT)
def _end(before):  # type: ignore[no-untyped-def]
    _put_back(np.uint32(before))


@contextmanager
def taken_for_zero() -> Iterator[None]:
    """Meanwhile this thread takes float32 and float64 numbers that are not normal for zero, on x86."""
    before = _begin()
    try:
        yield
    finally:
        _end(before)
