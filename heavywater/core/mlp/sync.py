"""A barrier for threads that run compiled kernels without the interpreter lock.

Each thread owns one counter (a cache line of its own) and waits until all others have reached its value. It spins for
a short while, because on a free machine the others arrive within a fraction of a microsecond, and then gives its
processor away between looks, because on a busy machine they may be waiting for it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from llvmlite import ir

from heavywater.core.jit import external, intrinsic, njit, types
from heavywater.core.mlp.functions import INNER

STRIDE = 16
"""int64 entries between the counters of two threads: two cache lines, as processors fetch them in pairs."""
SPINS = 10_000

give_way = external("SwitchToThread" if sys.platform == "win32" else "sched_yield", "int32")


@intrinsic
def publish(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Store into an int64 array so that everything written before is seen by whoever reads the value."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        builder.store_atomic(args[2], builder.gep(data, [args[1]]), ordering="release", align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), codegen


@intrinsic
def observe(typingctx: Any, array: Any, index: Any) -> Any:
    """Read an int64 array entry and, with it, everything that was written before it was published."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load_atomic(builder.gep(data, [args[1]]), ordering="acquire", align=8)

    return types.int64(array, types.int64), codegen


def counters(threads: int) -> np.ndarray:
    """Counters of `threads` threads; the entry after the last one's is the request to give up."""
    return np.zeros((threads + 1) * STRIDE, np.int64)


def spread_out(thread: int) -> None:
    """Move the calling thread to a processor of its own, and leave it free to move on.

    Threads that wait for each other and give way never look idle; the system may leave them on one processor, where
    they take turns, while another one has nothing to do.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    try:
        allowed = os.sched_getaffinity(0)
        here = sorted(allowed)
        os.sched_setaffinity(0, {here[thread % len(here)]})
        os.sched_setaffinity(0, allowed)
    except OSError:
        return


@njit(**INNER)
def meet(count: np.ndarray, thread: int, threads: int, step: int) -> bool:
    """Wait until all threads have come to `step` (counting up from 1); False: give up."""
    publish(count, thread * STRIDE, step)
    for other in range(threads):
        spins = 0
        while observe(count, other * STRIDE) < step:
            spins += 1
            if spins > SPINS:
                if observe(count, threads * STRIDE) != 0:
                    return False
                give_way()
    return True
