"""Inner loops of the fast trainer: float32, contiguous, free to be reordered and vectorised.

Every update loop serves both ways of walking through a layer. Unit by unit, `v` holds the inputs and `s` is the error
of the unit; input by input, `v` holds the errors of all units and `s` is the input. Either way the gradient of weight
i is ``s * v[i]``, and with ``keep`` a weight with ``v[i] == 0`` is left alone together with its history.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from heavywater.core.mlp.functions import INNER

FAST: dict[str, Any] = INNER | {"fastmath": True}
f32 = np.float32
i32 = np.int32
WIDE = 8
"""Float32 entries of a vector."""


@njit(**FAST)
def dot(w, x):  # type: ignore[no-untyped-def]
    """Sum of products."""
    s = f32(0)
    for i in range(len(w)):
        s += w[i] * x[i]
    return s


@njit(**FAST)
def axpy(y, s, w):  # type: ignore[no-untyped-def]
    """``y += s * w``."""
    for i in range(len(y)):
        y[i] += s * w[i]


@njit(**FAST)
def prepare(v, squares, decays, rho, keep):  # type: ignore[no-untyped-def]
    """What `adadelta` needs of `v` besides itself: its squares, and how much of the history each weight retains."""
    for i in range(len(v)):
        x = v[i]
        squares[i] = x * x
        decays[i] = f32(1) if keep and x == f32(0) else rho


def _row_step(penalties: bool) -> Any:
    """Intrinsic for one row of ADADELTA, eight weights at a time; see `adadelta`.

    Written as vector instructions because LLVM, which cannot know that the rows do not overlap, would check it for
    every row and prefer scalar code for short ones.
    """

    @intrinsic
    def row_step(  # type: ignore[no-untyped-def]
        typingctx, store, at, width, n, v, squares, decays, s, rest, eps, l1, l2, keep
    ):
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            i32t, i64t = ir.IntType(32), ir.IntType(64)
            floats, ints = ir.VectorType(ir.FloatType(), WIDE), ir.VectorType(i32t, WIDE)
            data = [context.make_array(signature.args[k])(context, builder, args[k]).data for k in (0, 4, 5, 6)]
            zero, one = ir.Constant(floats, [0.0] * WIDE), ir.Constant(floats, [1.0] * WIDE)

            def spread(value):  # type: ignore[no-untyped-def]
                first = builder.insert_element(ir.Constant(floats, ir.Undefined), value, ir.Constant(i32t, 0))
                return builder.shuffle_vector(first, ir.Constant(floats, ir.Undefined), ir.Constant(ints, [0] * WIDE))

            def place(array, index):  # type: ignore[no-untyped-def]
                return builder.bitcast(builder.gep(array, [index]), floats.as_pointer())

            def read(pointer):  # type: ignore[no-untyped-def]
                return builder.load(pointer, align=4)

            def times(a, b):  # type: ignore[no-untyped-def]
                return builder.fmul(a, b, flags=("fast",))

            def plus(a, b):  # type: ignore[no-untyped-def]
                return builder.fadd(a, b, flags=("fast",))

            s_, rest_, eps_, l1_, l2_ = (spread(a) for a in args[7:12])
            entry = builder.block
            body = builder.append_basic_block("row.body")
            done = builder.append_basic_block("row.done")
            builder.cbranch(builder.icmp_signed(">", args[3], ir.Constant(i64t, 0)), body, done)
            builder.position_at_end(body)
            i = builder.phi(i64t)
            i.add_incoming(ir.Constant(i64t, 0), entry)
            row = builder.add(args[1], i)
            w_at = place(data[0], row)
            d_at = place(data[0], builder.add(row, args[2]))
            g_at = place(data[0], builder.add(row, builder.add(args[2], args[2])))
            w, x = read(w_at), read(place(data[1], i))
            decay = read(place(data[3], i))
            grad = times(s_, x)
            if penalties:
                up = builder.select(builder.fcmp_ordered(">", w, zero), one, zero)
                sign = builder.select(builder.fcmp_ordered("<", w, zero), builder.fneg(one), up)
                pulled = plus(plus(grad, times(l1_, sign)), times(l2_, w))
                still = builder.and_(builder.fcmp_ordered("==", x, zero), _mask(builder, args[12]))
                grad = builder.select(still, zero, pulled)
                square = times(rest_, times(grad, grad))
            else:
                square = times(rest_, read(place(data[2], i)))
            old = read(d_at)
            g_new = plus(times(decay, read(g_at)), square)
            top = plus(old, eps_)
            half = builder.ashr(builder.bitcast(times(top, plus(g_new, eps_)), ints), ir.Constant(ints, [1] * WIDE))
            rate = times(top, builder.bitcast(builder.sub(ir.Constant(ints, [0x5F3759DF] * WIDE), half), floats))
            builder.store(plus(times(decay, old), times(times(rate, rate), square)), d_at, align=4)
            builder.store(g_new, g_at, align=4)
            builder.store(builder.fsub(w, times(rate, grad), flags=("fast",)), w_at, align=4)
            following = builder.add(i, ir.Constant(i64t, WIDE))
            i.add_incoming(following, body)
            builder.cbranch(builder.icmp_signed("<", following, args[3]), body, done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        f, n64 = types.float32, types.int64
        return types.void(store, n64, n64, n64, v, squares, decays, f, f, f, f, f, types.boolean), codegen

    return row_step


def _mask(builder: Any, flag: Any) -> Any:
    """A boolean as a vector mask."""
    bits = ir.VectorType(ir.IntType(1), WIDE)
    bit = builder.trunc(flag, ir.IntType(1)) if flag.type.width > 1 else flag
    first = builder.insert_element(ir.Constant(bits, ir.Undefined), bit, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDE), [0] * WIDE)
    return builder.shuffle_vector(first, ir.Constant(bits, ir.Undefined), zeros)


_plain_row = _row_step(penalties=False)
_penalised_row = _row_step(penalties=True)


@njit(**FAST)
def adadelta(store, at, width, n, v, squares, decays, s, rho, eps, l1, l2, keep):  # type: ignore[no-untyped-def]
    """ADADELTA step on the row of `n` weights at ``store[at]``, its d and g `width` and twice `width` further on.

    ``sqrt((d + eps) / (g + eps))`` is taken as ``(d + eps) / sqrt((d + eps) (g + eps))`` with the reciprocal root by
    halving the exponent bits: at most 3.5% off, as is H2O's own root. `n` must be a multiple of 8, `v` zero beyond
    the real weights; `squares` and `decays` come from `prepare`.
    """
    rest = f32(1) - rho
    if l1 == f32(0) and l2 == f32(0):
        _plain_row(store, at, width, n, v, squares, decays, s, rest * s * s, eps, l1, l2, keep)
    else:
        _penalised_row(store, at, width, n, v, squares, decays, s, rest, eps, l1, l2, keep)


@njit(**FAST)
def adadelta_inputs(  # type: ignore[no-untyped-def]
    store, base, step, width, index, value, count, v, squares, decays, rho, eps, l1, l2, keep
):
    """`adadelta` for the weights of `count` inputs, whose rows of `width` lie `step` apart."""
    for k in range(count):
        at = base + index[k] * step
        adadelta(store, at, width, width, v, squares, decays, value[k], rho, eps, l1, l2, keep)


@njit(**FAST)
def axpy_inputs(out, store, base, step, index, value, count):  # type: ignore[no-untyped-def]
    """``out += value[k] * row`` for the rows of `count` inputs, which lie `step` apart."""
    n = len(out)
    k = 0
    while k + 4 <= count:
        a = base + index[k] * step
        b = base + index[k + 1] * step
        c = base + index[k + 2] * step
        d = base + index[k + 3] * step
        wa, wb, wc, wd = store[a : a + n], store[b : b + n], store[c : c + n], store[d : d + n]
        xa, xb, xc, xd = value[k], value[k + 1], value[k + 2], value[k + 3]
        for i in range(n):
            out[i] += xa * wa[i] + xb * wb[i] + xc * wc[i] + xd * wd[i]
        k += 4
    while k < count:
        a = base + index[k] * step
        axpy(out, value[k], store[a : a + n])
        k += 1


@njit(**FAST)
def heavy_ball(w, u, v, s, keep, a, b, c, e, l1, l2):  # type: ignore[no-untyped-def]
    """Momentum step ``u' = a u - b grad``, ``w += c u' + e u``."""
    for i in range(len(w)):
        x = v[i]
        still = keep and x == f32(0)
        wi = w[i]
        sign = f32(1) if wi > f32(0) else (f32(-1) if wi < f32(0) else f32(0))
        grad = s * x + l1 * sign + l2 * wi
        old = u[i]
        new = a * old - b * grad
        u[i] = old if still else new
        w[i] = wi if still else wi + c * new + e * old


@njit(**FAST)
def descend(w, v, s, keep, rate, l1, l2):  # type: ignore[no-untyped-def]
    """Plain gradient step."""
    for i in range(len(w)):
        x = v[i]
        wi = w[i]
        sign = f32(1) if wi > f32(0) else (f32(-1) if wi < f32(0) else f32(0))
        new = wi - rate * (s * x + l1 * sign + l2 * wi)
        w[i] = wi if keep and x == f32(0) else new


@njit(**FAST)
def limit(w, most):  # type: ignore[no-untyped-def]
    """Scale `w` down if its squares add up to more than `most`."""
    total = f32(0)
    for i in range(len(w)):
        total += w[i] * w[i]
    if total > most:
        factor = np.sqrt(most / total)
        for i in range(len(w)):
            w[i] *= factor
