"""Matrix products with lists instead of rows: what is zero in a layer that was dropped out costs nothing.

A list holds the places and values of a row's entries that are not zero, in the order of the places, and is cut into
groups of `GROUP` places. The group's rows of weights, `MOST` vectors of each, stay in the first-level cache while the
lists of all rows of the batch pass by. The sums are kept in the result between two groups, so an element is the same
chain of fused multiply-adds, bit for bit, as in `heavywater.core.mlp.tiles`: zeros would add nothing to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from heavywater.core.jit import intrinsic, njit, types
from heavywater.core.mlp.functions import INNER
from heavywater.core.mlp.loops import FLOATS, INT64, WIDE, Vectors

f32 = np.float32
GROUP = 64
"""Places of a list that are taken together."""
MOST = 8
"""Vectors of columns that are taken together."""
LINE = 16
"""Numbers in a cache line."""


def _added(vectors: int) -> Any:
    """Intrinsic that adds ``sum value[k] * (row index[k] of W)`` to `vectors` vectors of the result."""

    @intrinsic
    def tile(typingctx, index, value, first, stop, w, base, step, out, at):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            c = Vectors(context, builder, signature, args)
            i_data, v_data, w_data, out_data = c.data(0), c.data(1), c.data(4), c.data(7)
            before = [c.read(out_data, args[8], j) for j in range(vectors)]
            entry = builder.block
            body, done = builder.append_basic_block("list.body"), builder.append_basic_block("list.done")
            builder.cbranch(builder.icmp_signed("<", args[2], args[3]), body, done)
            builder.position_at_end(body)
            k = builder.phi(INT64)
            sums = [builder.phi(FLOATS) for _ in range(vectors)]
            place = builder.sext(builder.load(builder.gep(i_data, [k])), INT64)
            row = builder.add(args[5], builder.mul(place, args[6]))
            x = c.spread(builder.load(builder.gep(v_data, [k])))
            new = [c.fma(x, c.read(w_data, row, j), sums[j]) for j in range(vectors)]
            following = builder.add(k, ir.Constant(INT64, 1))
            for phi, start, value in zip([k, *sums], [args[2], *before], [following, *new]):
                phi.add_incoming(start, entry)
                phi.add_incoming(value, body)
            builder.cbranch(builder.icmp_signed("<", following, args[3]), body, done)
            builder.position_at_end(done)
            last = [builder.phi(FLOATS) for _ in range(vectors)]
            for phi, start, value in zip(last, before, new):
                phi.add_incoming(start, entry)
                phi.add_incoming(value, body)
            for j, total in enumerate(last):
                c.write(total, out_data, args[8], j)
            return context.get_dummy_value()

        n = types.int64
        return types.void(index, value, n, n, w, n, n, out, n), codegen

    return tile


_a1, _a2, _a3, _a4 = (_added(v) for v in range(1, 5))
_a5, _a6, _a7, _a8 = (_added(v) for v in range(5, MOST + 1))


@intrinsic
def _turned(typingctx, w, at, step, count, out, out_at, out_step):  # type: ignore[no-untyped-def]
    """Transpose a square of `WIDE` by `WIDE` numbers; rows from the `count`-th on are copies of the last one."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        c = Vectors(context, builder, signature, args)
        w_data, out_data = c.data(0), c.data(4)
        last = builder.sub(args[3], ir.Constant(INT64, 1))
        rows = []
        for r in range(WIDE):
            here = ir.Constant(INT64, r)
            here = builder.select(builder.icmp_signed("<", here, last), here, last)
            rows.append(c.read(w_data, builder.add(args[1], builder.mul(here, args[2]))))
        # Swap the off-diagonal quarters, then those of the quarters, and so on.
        far = WIDE // 2
        while far:
            upper = [j if not j & far else WIDE + j - far for j in range(WIDE)]
            lower = [j + far if not j & far else WIDE + j for j in range(WIDE)]
            kind = ir.VectorType(ir.IntType(32), WIDE)
            for r in range(WIDE):
                if not r & far:
                    a, b = rows[r], rows[r + far]
                    rows[r] = builder.shuffle_vector(a, b, ir.Constant(kind, upper))
                    rows[r + far] = builder.shuffle_vector(a, b, ir.Constant(kind, lower))
            far //= 2
        for r, row in enumerate(rows):
            c.write(row, out_data, builder.add(args[5], builder.mul(ir.Constant(INT64, r), args[6])))
        return context.get_dummy_value()

    n = types.int64
    return types.void(w, n, n, n, out, n, n), codegen


@intrinsic
def ask(typingctx, w, at):  # type: ignore[no-untyped-def]
    """Have the cache line of ``w[at]`` brought into the second-level cache."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        c = Vectors(context, builder, signature, args)
        c.ask(c.data(0), args[1])
        return context.get_dummy_value()

    return types.void(w, types.int64), codegen


@njit(**INNER)
def ask_rows(w, base, step, first, stop, across):  # type: ignore[no-untyped-def]
    """`ask` for `across` numbers of the rows `first` to `stop`."""
    for i in range(first, stop):
        for j in range(0, across, LINE):
            ask(w, base + i * step + j)


@njit(**INNER)
def _add(n, index, value, first, stop, w, base, step, out, at):  # type: ignore[no-untyped-def]
    """`n` vectors of one row of the result; see `_added`."""
    if n == 8:
        _a8(index, value, first, stop, w, base, step, out, at)
    elif n == 7:
        _a7(index, value, first, stop, w, base, step, out, at)
    elif n == 6:
        _a6(index, value, first, stop, w, base, step, out, at)
    elif n == 5:
        _a5(index, value, first, stop, w, base, step, out, at)
    elif n == 4:
        _a4(index, value, first, stop, w, base, step, out, at)
    elif n == 3:
        _a3(index, value, first, stop, w, base, step, out, at)
    elif n == 2:
        _a2(index, value, first, stop, w, base, step, out, at)
    else:
        _a1(index, value, first, stop, w, base, step, out, at)


@njit(**INNER)
def add_products(lists, lo, hi, w, base, step, inputs, columns, out, out_at, out_row):  # type: ignore[no-untyped-def]
    """Add ``A W`` to the rows `lo` to `hi` of a result; the rows of A are `lists`, see `batch_lists.Lists`.

    Row i of W starts at ``w[base + i * step]``, row b of the result at ``out[out_at + b * out_row]``; `columns` are
    rounded up to whole vectors.
    """
    index, value, cuts, at, row, cut_at, cut_row = lists
    vectors = -(-columns // WIDE)
    chunks = -(-vectors // MOST)
    done = 0
    for chunk in range(chunks):
        n = (vectors - done) // (chunks - chunk)
        c = done * WIDE
        for group in range(cut_row - 1):
            place = (group + 1) * GROUP
            ahead = min(inputs - place, GROUP)
            for b in range(lo, hi):
                ask_rows(
                    w, base + c + place * step, step, ahead * (b - lo) // (hi - lo), ahead * (b + 1 - lo) // (hi - lo),
                    n * WIDE,
                )  # fmt: skip
                cut, first = cut_at + b * cut_row + group, at + b * row
                _add(
                    n, index, value, first + cuts[cut], first + cuts[cut + 1], w, base + c, step, out,
                    out_at + b * out_row + c,
                )  # fmt: skip
        done += n


@njit(**INNER)
def add_transposed(lists, lo, hi, w, base, step, inputs, columns, block, out, out_at, out_row):  # type: ignore
    """Add ``A W'`` to the rows `lo` to `hi` of a result; W is (inputs, columns), the rows of A are `lists` of columns.

    A piece of W at a time is transposed into the buffer `block`. The result's columns are rounded up to whole vectors;
    what is in those beyond `inputs` has no meaning.
    """
    index, value, cuts, at, row, cut_at, cut_row = lists
    vectors = -(-inputs // WIDE)
    chunks = -(-vectors // MOST)
    done = 0
    for chunk in range(chunks):
        n = (vectors - done) // (chunks - chunk)
        i, across = done * WIDE, n * WIDE
        for group in range(cut_row - 1):
            start = group * GROUP
            for j in range(0, across, WIDE):
                for c in range(start, min(start + GROUP, columns), WIDE):
                    _turned(
                        w, base + (i + j) * step + c, step, min(inputs - i - j, WIDE), block,
                        (c - start) * across + j, across,
                    )  # fmt: skip
            ahead = min(columns - start - GROUP, GROUP)
            rows = min(across, inputs - i) if ahead > 0 else 0
            for b in range(lo, hi):
                ask_rows(
                    w, base + i * step + start + GROUP, step, rows * (b - lo) // (hi - lo),
                    rows * (b + 1 - lo) // (hi - lo), ahead,
                )  # fmt: skip
                cut, first = cut_at + b * cut_row + group, at + b * row
                _add(
                    n, index, value, first + cuts[cut], first + cuts[cut + 1], block, -start * across, across, out,
                    out_at + b * out_row + i,
                )  # fmt: skip
        done += n
