"""Dot products in H2O's summation order, as SIMD instructions.

H2O sums eight interleaved partial sums in float64 and adds them up at the end. LLVM may not reorder such a sum on its
own without `fastmath`, which exact kernels must not use; so the eight partial sums are spelled out here as one vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from heavywater.core.jit import intrinsic, njit, types
from heavywater.core.mlp.functions import INNER

LANES = 8


def _tile(weight_rows: int, samples: int) -> Any:
    """Intrinsic that fills ``out[r * samples + s, :]`` with the partial sums of weight row r and sample s."""

    @intrinsic
    def tile(typingctx: Any, w: Any, w_starts: Any, a: Any, a_starts: Any, n: Any, out: Any) -> Any:
        def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
            w_array, starts, a_array, a_first, count, out_array = args
            types_ = signature.args
            w_data = context.make_array(types_[0])(context, builder, w_array).data
            a_data = context.make_array(types_[2])(context, builder, a_array).data
            out_data = context.make_array(types_[5])(context, builder, out_array).data
            i64 = ir.IntType(64)
            narrow = ir.VectorType(ir.FloatType(), LANES)
            wide = ir.VectorType(ir.DoubleType(), LANES)
            w_at = [builder.extract_value(starts, r) for r in range(weight_rows)]
            a_at = [builder.extract_value(a_first, s) for s in range(samples)]
            entry = builder.block
            body = builder.append_basic_block("lanes.body")
            done = builder.append_basic_block("lanes.done")
            zero = ir.Constant(wide, [0.0] * LANES)
            builder.cbranch(builder.icmp_signed(">=", count, ir.Constant(i64, LANES)), body, done)
            builder.position_at_end(body)
            index = builder.phi(i64)
            index.add_incoming(ir.Constant(i64, 0), entry)
            sums = []
            for _ in range(weight_rows * samples):
                phi = builder.phi(wide)
                phi.add_incoming(zero, entry)
                sums.append(phi)
            xs = [_load(builder, a_data, builder.add(at, index), wide, 8) for at in a_at]
            totals = []
            for r in range(weight_rows):
                v = builder.fpext(_load(builder, w_data, builder.add(w_at[r], index), narrow, 4), wide)
                totals += [builder.fadd(sums[r * samples + s], builder.fmul(v, xs[s])) for s in range(samples)]
            following = builder.add(index, ir.Constant(i64, LANES))
            index.add_incoming(following, body)
            for phi, total in zip(sums, totals):
                phi.add_incoming(total, body)
            more = builder.icmp_signed("<=", builder.add(following, ir.Constant(i64, LANES)), count)
            builder.cbranch(more, body, done)
            builder.position_at_end(done)
            for k, total in enumerate(totals):
                phi = builder.phi(wide)
                phi.add_incoming(zero, entry)
                phi.add_incoming(total, body)
                sums[k] = phi
            for k, value in enumerate(sums):
                place = builder.gep(out_data, [ir.Constant(i64, k * LANES)])
                builder.store(value, builder.bitcast(place, wide.as_pointer()), align=8)
            return context.get_dummy_value()

        # Both start arguments are tuples of int64, one per row.
        return types.void(w, w_starts, a, a_starts, types.int64, out), codegen

    return tile


def _load(builder: ir.IRBuilder, data: Any, index: Any, kind: ir.VectorType, align: int) -> Any:
    pointer = builder.gep(data, [index])
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=align)


tile_4x1 = _tile(4, 1)
tile_2x2 = _tile(2, 2)


@njit(**INNER)
def finish(p, k, w, wb, a, ab, n, bias):  # type: ignore[no-untyped-def]
    """Dot product from the partial sums ``p[k]``, the last ``n mod 8`` columns and the bias."""
    s = p[k, 0] + p[k, 1] + p[k, 2] + p[k, 3]
    s += p[k, 4] + p[k, 5] + p[k, 6] + p[k, 7]
    for c in range(n - n % 8, n):
        s += np.float64(w[wb + c]) * a[ab + c]
    return s + bias


@njit(**INNER)
def multiply(w, wb, rows, n, a, ab, bias, bb, out, p):  # type: ignore[no-untyped-def]
    """``out[:rows] = W a + bias`` for the matrix of `rows` rows and `n` columns that starts at ``w[wb]``.

    ``a`` float64 from ``ab``, ``bias`` float64 from ``bb``; ``p`` is scratch, float64 (4, 8).
    """
    last = rows - 1
    for r in range(0, rows, 4):
        b0 = wb + r * n
        b1 = wb + min(r + 1, last) * n
        b2 = wb + min(r + 2, last) * n
        b3 = wb + min(r + 3, last) * n
        tile_4x1(w, (b0, b1, b2, b3), a, (ab,), n, p)
        out[r] = finish(p, 0, w, b0, a, ab, n, bias[bb + r])
        if r + 1 < rows:
            out[r + 1] = finish(p, 1, w, b1, a, ab, n, bias[bb + r + 1])
        if r + 2 < rows:
            out[r + 2] = finish(p, 2, w, b2, a, ab, n, bias[bb + r + 2])
        if r + 3 < rows:
            out[r + 3] = finish(p, 3, w, b3, a, ab, n, bias[bb + r + 3])
