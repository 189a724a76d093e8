"""Matrix products in registers: the inner loops of training with mini-batches.

Each is one loop over the summed index with all sums of a small tile of the result held in vector registers. Products
are fused multiply-adds in the order of the index, so an element of a result has the same bits whichever tile, and
whichever thread, computes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from heavywater.core.jit import intrinsic, njit, types
from heavywater.core.mlp.functions import INNER
from heavywater.core.mlp.loops import FLOATS, INT64, ONE, WIDE, ZERO, Vectors

f32 = np.float32
ROWS = 6
"""Rows of a tile of `product`."""
COLUMNS = 2 * WIDE
"""Columns of a tile of `product`; no matrix may be narrower."""
MOST = 10
"""Vectors of the widest tile of `gathered`."""


class _Code(Vectors):
    """What the loops below have in common: a counted loop with running sums."""

    def parts(self, k: int, count: int) -> list[Any]:
        """The entries of argument `k`, a tuple of `count` int64."""
        return [self.builder.extract_value(self.args[k], i) for i in range(count)]

    def sums(self, count: int, first: Any, stop: Any, step: int, add: Any) -> list[Any]:
        """Loop from `first` to `stop`; ``add(index, sums)`` gives the new sums; returns the last."""
        b = self.builder
        entry = b.block
        body, done = b.append_basic_block("tile.body"), b.append_basic_block("tile.done")
        b.cbranch(b.icmp_signed("<", first, stop), body, done)
        b.position_at_end(body)
        index = b.phi(INT64)
        index.add_incoming(first, entry)
        running = [b.phi(FLOATS) for _ in range(count)]
        for phi in running:
            phi.add_incoming(ZERO, entry)
        new = add(index, running)
        following = b.add(index, ir.Constant(INT64, step))
        index.add_incoming(following, body)
        for phi, value in zip(running, new):
            phi.add_incoming(value, body)
        b.cbranch(b.icmp_signed("<", following, stop), body, done)
        b.position_at_end(done)
        last = [b.phi(FLOATS) for _ in range(count)]
        for phi, value in zip(last, new):
            phi.add_incoming(ZERO, entry)
            phi.add_incoming(value, body)
        return last


def _product(rows: int) -> Any:
    """Intrinsic for a tile of `rows` rows and two vectors of columns; see `product`."""

    @intrinsic
    def tile(typingctx, a, a_starts, a_step, w, w_at, w_step, count, out, out_starts):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            c = _Code(context, builder, signature, args)
            a_data, w_data, out_data = c.data(0), c.data(3), c.data(7)
            starts, places = c.parts(1, rows), c.parts(8, rows)

            def add(k, sums):  # type: ignore[no-untyped-def]
                at = builder.add(args[4], builder.mul(k, args[5]))
                ws = [c.read(w_data, at, j) for j in range(2)]
                shift = builder.mul(k, args[2])
                new = []
                for r in range(rows):
                    x = c.spread(builder.load(builder.gep(a_data, [builder.add(starts[r], shift)])))
                    new += [c.fma(x, ws[j], sums[2 * r + j]) for j in range(2)]
                return new

            sums = c.sums(2 * rows, ir.Constant(INT64, 0), args[6], 1, add)
            for r in range(rows):
                for j in range(2):
                    c.write(sums[2 * r + j], out_data, places[r], j)
            return context.get_dummy_value()

        n = types.int64
        return types.void(a, a_starts, n, w, n, n, n, out, out_starts), codegen

    return tile


def _gathered(vectors: int) -> Any:
    """Intrinsic for one row and `vectors` vectors of columns; see `gathered`."""

    @intrinsic
    def tile(typingctx, index, value, first, stop, w, base, step, out, at):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            c = _Code(context, builder, signature, args)
            i_data, v_data, w_data, out_data = c.data(0), c.data(1), c.data(4), c.data(7)

            def add(k, sums):  # type: ignore[no-untyped-def]
                i = builder.sext(builder.load(builder.gep(i_data, [k])), INT64)
                row = builder.add(args[5], builder.mul(i, args[6]))
                x = c.spread(builder.load(builder.gep(v_data, [k])))
                return [c.fma(x, c.read(w_data, row, j), sums[j]) for j in range(vectors)]

            for j, total in enumerate(c.sums(vectors, args[2], args[3], 1, add)):
                c.write(total, out_data, args[8], j)
            return context.get_dummy_value()

        n = types.int64
        return types.void(index, value, n, n, w, n, n, out, n), codegen

    return tile


def _dots(rows: int, others: int) -> Any:
    """Intrinsic for the dot products of `rows` rows with `others` rows; see `transposed_product`."""

    @intrinsic
    def tile(typingctx, a, a_starts, w, w_starts, count, out, places):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            c = _Code(context, builder, signature, args)
            a_data, w_data, out_data = c.data(0), c.data(2), c.data(5)
            a_at, w_at, out_at = c.parts(1, rows), c.parts(3, others), c.parts(6, rows * others)

            def add(k, sums):  # type: ignore[no-untyped-def]
                ws = [c.read(w_data, builder.add(w, k)) for w in w_at]
                new = []
                for r in range(rows):
                    x = c.read(a_data, builder.add(a_at[r], k))
                    new += [c.fma(x, ws[s], sums[r * others + s]) for s in range(others)]
                return new

            for k, vector in enumerate(c.sums(rows * others, ir.Constant(INT64, 0), args[4], WIDE, add)):
                builder.store(c.total(vector), builder.gep(out_data, [out_at[k]]))
            return context.get_dummy_value()

        return types.void(a, a_starts, w, w_starts, types.int64, out, places), codegen

    return tile


_tile_6 = _product(ROWS)
_dots_4x3 = _dots(4, 3)
_dots_1x8 = _dots(1, 8)
_g1, _g2, _g3, _g4, _g5 = (_gathered(v) for v in range(1, 6))
_g6, _g7, _g8, _g9, _g10 = (_gathered(v) for v in range(6, MOST + 1))


@njit(**INNER)
def product(a, a_at, a_row, a_step, first, stop, count, w, w_at, w_step, width, out, out_at, out_row):  # type: ignore
    """Rows `first` to `stop` of ``out = A W``; A is (rows, count), W (count, width).

    Element (i, k) of A is ``a[a_at + i * a_row + k * a_step]``; row k of W starts at ``w[w_at + k * w_step]``, row i
    of the result at ``out[out_at + i * out_row]``. `width` is a multiple of 8 and at least 16.
    """
    last = stop - 1
    for c in range(0, width, COLUMNS):
        column = min(c, width - COLUMNS)
        for i in range(first, stop, ROWS):
            i1, i2, i3 = min(i + 1, last), min(i + 2, last), min(i + 3, last)
            i4, i5 = min(i + 4, last), min(i + 5, last)
            _tile_6(
                a,
                (a_at + i * a_row, a_at + i1 * a_row, a_at + i2 * a_row, a_at + i3 * a_row, a_at + i4 * a_row,
                 a_at + i5 * a_row),
                a_step, w, w_at + column, w_step, count, out,
                (out_at + i * out_row + column, out_at + i1 * out_row + column, out_at + i2 * out_row + column,
                 out_at + i3 * out_row + column, out_at + i4 * out_row + column, out_at + i5 * out_row + column),
            )  # fmt: skip


@njit(**INNER)
def transposed_product(a, a_at, a_row, first, stop, width, w, w_at, w_step, n, out, out_row):  # type: ignore
    """``A W'`` for the rows `first` to `stop` of A, which is (rows, width); W is (n, width), the result (rows, n).

    Few rows of W at a time, which stay in the cache while all rows of A pass by.
    """
    last = stop - 1
    for u in range(0, n, 3):
        v, x = min(u + 1, n - 1), min(u + 2, n - 1)
        for r0 in range(first, stop, 4):
            r1, r2, r3 = min(r0 + 1, last), min(r0 + 2, last), min(r0 + 3, last)
            o0, o1, o2, o3 = r0 * out_row, r1 * out_row, r2 * out_row, r3 * out_row
            _dots_4x3(
                a, (a_at + r0 * a_row, a_at + r1 * a_row, a_at + r2 * a_row, a_at + r3 * a_row), w,
                (w_at + u * w_step, w_at + v * w_step, w_at + x * w_step), width, out,
                (o0 + u, o0 + v, o0 + x, o1 + u, o1 + v, o1 + x, o2 + u, o2 + v, o2 + x, o3 + u, o3 + v, o3 + x),
            )  # fmt: skip


@njit(**INNER)
def row_products(x, width, w, base, step, which, count, out):  # type: ignore[no-untyped-def]
    """``out[r] = (row r of W) x`` for the first `count` rows r in `which`; row r starts at ``w[base + r * step]``."""
    last = count - 1
    for k in range(0, count, 8):
        r0, r1, r2, r3 = which[k], which[min(k + 1, last)], which[min(k + 2, last)], which[min(k + 3, last)]
        r4, r5 = which[min(k + 4, last)], which[min(k + 5, last)]
        r6, r7 = which[min(k + 6, last)], which[min(k + 7, last)]
        _dots_1x8(
            x, (0,), w,
            (base + r0 * step, base + r1 * step, base + r2 * step, base + r3 * step, base + r4 * step,
             base + r5 * step, base + r6 * step, base + r7 * step),
            width, out, (r0, r1, r2, r3, r4, r5, r6, r7),
        )  # fmt: skip


@njit(**INNER)
def gathered(index, value, first, stop, w, base, step, width, out, at):  # type: ignore[no-untyped-def]
    """``out[at:at + width] = sum of value[k] * (row index[k] of W)`` for k from `first` to `stop`.

    Row i of W starts at ``w[base + i * step]``; `width` is a multiple of 8.
    """
    vectors = width // WIDE
    chunks = (vectors + MOST - 1) // MOST
    done = 0
    for chunk in range(chunks):
        n = (vectors - done) // (chunks - chunk)
        b, o = base + done * WIDE, at + done * WIDE
        if n == 10:
            _g10(index, value, first, stop, w, b, step, out, o)
        elif n == 9:
            _g9(index, value, first, stop, w, b, step, out, o)
        elif n == 8:
            _g8(index, value, first, stop, w, b, step, out, o)
        elif n == 7:
            _g7(index, value, first, stop, w, b, step, out, o)
        elif n == 6:
            _g6(index, value, first, stop, w, b, step, out, o)
        elif n == 5:
            _g5(index, value, first, stop, w, b, step, out, o)
        elif n == 4:
            _g4(index, value, first, stop, w, b, step, out, o)
        elif n == 3:
            _g3(index, value, first, stop, w, b, step, out, o)
        elif n == 2:
            _g2(index, value, first, stop, w, b, step, out, o)
        else:
            _g1(index, value, first, stop, w, b, step, out, o)
        done += n


def _row_step(penalties: bool) -> Any:
    """Intrinsic for `adadelta_row`."""

    @intrinsic
    def row_step(  # type: ignore[no-untyped-def]
        typingctx, store, at, width, grads, here, alive, first, sums, sums_at, rho, eps, l1, l2, keep
    ):
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            c = Vectors(context, builder, signature, args)
            store_, grads_, alive_, sums_ = (c.data(k) for k in (0, 3, 5, 7))
            rho_, eps_, l1_, l2_ = (c.spread(a) for a in args[9:13])
            keep_ = c.flag(args[13])
            rest_ = builder.fsub(ONE, rho_)

            def body(i, sums):  # type: ignore[no-untyped-def]
                row, total = builder.add(args[1], i), builder.add(args[8], i)
                w, grad = c.read(store_, row), c.read(grads_, builder.add(args[4], i))
                c.write(c.plus(c.read(sums_, total), c.times(grad, grad)), sums_, total)
                out = builder.fcmp_ordered("==", c.read(alive_, builder.add(args[6], i)), ZERO)
                still = builder.or_(out, builder.and_(keep_, builder.fcmp_ordered("==", grad, ZERO)))
                grad = builder.select(still, ZERO, c.pulled(grad, w, l1_, l2_) if penalties else grad)
                square = c.times(rest_, c.times(grad, grad))
                c.adadelta(store_, row, args[2], w, grad, square, builder.select(still, ONE, rho_), eps_)
                return sums

            c.each(args[2], body)
            return context.get_dummy_value()

        f, n = types.float32, types.int64
        return types.void(store, n, n, grads, n, alive, n, sums, n, f, f, f, f, types.boolean), codegen

    return row_step


_plain_row = _row_step(penalties=False)
_penalised_row = _row_step(penalties=True)


@njit(**INNER)
def adadelta_row(store, at, width, grads, here, alive, first, sums, sums_at, rho, eps, l1, l2, keep):  # type: ignore
    """ADADELTA step of the `width` weights at ``store[at]``; d and g lie `width` and twice `width` further on.

    Gradients are at ``grads[here]``; their squares are added to ``sums[sums_at]``. A weight is left alone where
    ``alive[first + i]`` is 0 and, with `keep`, where its gradient is 0. Roots are taken as in `loops.adadelta`.
    """
    if l1 == f32(0) and l2 == f32(0):
        _plain_row(store, at, width, grads, here, alive, first, sums, sums_at, rho, eps, l1, l2, keep)
    else:
        _penalised_row(store, at, width, grads, here, alive, first, sums, sums_at, rho, eps, l1, l2, keep)
