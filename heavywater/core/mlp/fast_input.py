"""Fast training: random numbers of dropout, and the inputs of a row.

Dropout draws by counter: a number depends on seed, row and unit alone, so that all threads see the same masks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from heavywater.core.jit import intrinsic, njit, types
from heavywater.core.mlp.functions import INNER
from heavywater.core.mlp.loops import FAST

f32 = np.float32
u32 = np.uint32
u64 = np.uint64
LINE = 16
"""Entries of four bytes in a cache line."""
MOST_FETCHED = 2048
"""So many entries of a row are asked for ahead; processors notice by themselves that longer ones go on."""


@njit(**INNER)
def stream_key(seed, step, stream):  # type: ignore[no-untyped-def]
    """Key of the random numbers of one row (the `step`-th trained) and one layer."""
    h = u64(seed) ^ (u64(step) * u64(0x9E3779B97F4A7C15)) ^ (u64(stream + 1) * u64(0xD1B54A32D192ED03))
    h = (h ^ (h >> u64(30))) * u64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> u64(27))) * u64(0x94D049BB133111EB)
    return u32((h ^ (h >> u64(31))) & u64(0xFFFFFFFF))


@njit(**INNER)
def uniform(key, i):  # type: ignore[no-untyped-def]
    """The i-th random number of a key, in [0, 1)."""
    x = u32(key + u32(u32(i) * u32(0x9E3779B9)))
    x = u32((x ^ u32(x >> u32(16))) * u32(0x7FEB352D))
    x = u32((x ^ u32(x >> u32(15))) * u32(0x846CA68B))
    x = u32(x ^ u32(x >> u32(16)))
    return f32(u32(x >> u32(8))) * f32(5.9604645e-08)


@intrinsic
def _prefetch(typingctx: Any, array: Any, row: Any, column: Any) -> Any:
    """Have the cache line fetched that holds an entry of a C-contiguous array of one (`row` 0) or two dimensions."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, args[0])
        width = builder.extract_value(made.shape, signature.args[0].ndim - 1)
        at = builder.gep(made.data, [builder.add(builder.mul(args[1], width), args[2])])
        bytes_, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [bytes_, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch.p0i8", fnty=kind)
        builder.call(prefetch, [builder.bitcast(at, bytes_), number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), codegen


@njit(**INNER)
def ask_for(x, r):  # type: ignore[no-untyped-def]
    """Have row `r` fetched from memory, where shuffled rows lie, while something else is computed."""
    slots, dense, indptr, indices, values, start, packed = x
    for j in range(0, min(dense.shape[1], MOST_FETCHED), LINE):
        _prefetch(dense, r, j)
    for j in range(0, min(packed.codes.shape[1], 4 * MOST_FETCHED), 4 * LINE):
        _prefetch(packed.codes, r, j)
    if len(indptr) > 0:
        for k in range(indptr[r], min(indptr[r + 1], indptr[r] + MOST_FETCHED), LINE):
            _prefetch(indices, 0, k)
            _prefetch(values, 0, k)


@njit(**FAST)
def drop(indices, values, start, key, ratio, index, value):  # type: ignore[no-untyped-def]
    """Inputs with their dropout, those that are dropped as zeros: a loop without decisions, which vectors can do."""
    for k in range(len(values)):
        c = np.int64(indices[k]) + start
        index[k] = c
        value[k] = values[k] if uniform(key, c) >= ratio else f32(0)


@njit(**INNER)
def read_numbers(x, r, out):  # type: ignore[no-untyped-def]
    """Write the numeric inputs of row `r` that do not come as CSR to ``out``, float32 ``(m,)``."""
    dense, packed = x[1], x[6]
    if packed.codes.shape[1] == 0:
        for j in range(len(out)):
            out[j] = dense[r, j]
        return
    codes, low, sub, mul = packed.codes[r], packed.low, packed.sub, packed.mul
    for j in range(len(out)):
        out[j] = f32((codes[j] + low[j] - sub[j]) * mul[j])


@njit(**INNER)
def read_row(x, r, key, ratio, plan, index, value, target, want_target, row):  # type: ignore[no-untyped-def]
    """Network inputs of row `r`, after dropout: as a list (`index`, `value`) and, if not by input, in `row`.

    `target` gets the inputs before dropout if `want_target`. Returns the length of the list.
    """
    slots, dense, indptr, indices, values, start, packed = x
    m = dense.shape[1] + packed.codes.shape[1]
    count = 0
    if want_target:
        target[:] = f32(0)
    for j in range(slots.shape[1]):
        c = slots[r, j]
        if c < 0:
            continue
        if want_target:
            target[c] += f32(1)
        if ratio > 0 and uniform(key, c) < ratio:
            continue
        seen = 0
        while seen < count and index[seen] != c:
            seen += 1
        if seen < count:
            value[seen] += f32(1)
        else:
            index[count] = c
            value[count] = f32(1)
            count += 1
    if m > 0 and not plan.by_input:
        row[: plan.units[0]] = f32(0)
        for k in range(count):
            row[index[k]] = value[k]
        read_numbers(x, r, row[start : start + m])
        if want_target:
            for j in range(m):
                target[start + j] = row[start + j]
        if ratio > 0:
            for j in range(m):
                if uniform(key, start + j) < ratio:
                    row[start + j] = f32(0)
        return 0
    first = count
    read_numbers(x, r, value[first : first + m])
    if want_target:
        for j in range(m):
            target[start + j] = value[first + j]
    # Every number is written where the next one that counts belongs: no branch, so nothing to predict wrongly.
    for j in range(m):
        v = value[first + j]
        index[count] = start + j
        value[count] = v
        count += 1 if (v != 0) & ((ratio <= 0) | (uniform(key, start + j) >= ratio)) else 0
    if len(indptr) > 0:
        lo, hi = indptr[r], indptr[r + 1]
        if want_target:
            for k in range(lo, hi):
                target[start + indices[k]] = values[k]
        if ratio > 0:
            most = count + hi - lo
            drop(indices[lo:hi], values[lo:hi], start, key, ratio, index[count:most], value[count:most])
            for k in range(count, most):
                index[count] = index[k]
                value[count] = value[k]
                count += 1 if value[k] != 0 else 0
        else:
            for k in range(lo, hi):
                index[count] = start + indices[k]
                value[count] = values[k]
                count += 1 if values[k] != 0 else 0
    if not plan.by_input:
        row[: plan.units[0]] = f32(0)
        for k in range(count):
            row[index[k]] = value[k]
    return count
