"""Forward pass in registers: eight rows of a block meet many units at a time.

A block of rows lies input by input, ``a[k * BLOCK + row]``; of a group of eight rows only those inputs are visited that
are not zero in all of them. Sums are float64, one fused multiply-and-add after the other in the order of the inputs, so
a row has the same outputs whichever rows stand beside it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from heavywater.core.jit import intrinsic, njit, types
from heavywater.core.mlp.functions import INNER
from heavywater.core.mlp.loops import INT64, WIDE

LANES = 8
"""Rows of a group."""
BLOCK = 64
"""Rows of a block: inputs of a thousand units stay in the second-level cache."""
PANEL = 24
"""Units whose weights lie side by side, input by input."""
CHUNK = 128
"""Inputs at a time: their weights into a panel stay in the first-level cache for all rows of a block."""
WHOLE = WIDE == 2 * LANES
"""Whether the processor has registers for the sums of a whole panel, each a vector of eight; otherwise six fit."""

DOUBLES = ir.VectorType(ir.DoubleType(), LANES)


def _tile(units: int) -> Any:
    """Intrinsic: for `units` units and a group of rows, add the products of the inputs ``index[first:stop]``."""

    @intrinsic
    def tile(typingctx, index, first, stop, a, a_at, w, w_at, z, z_at):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            def data(k: int) -> Any:
                return context.make_array(signature.args[k])(context, builder, args[k]).data

            def vector(array: Any, at: Any) -> Any:
                return builder.bitcast(builder.gep(array, [at]), DOUBLES.as_pointer())

            def whole(n: int) -> Any:
                return ir.Constant(INT64, n)

            index_, a_, w_, z_ = data(0), data(3), data(5), data(7)
            first_, stop_, a_at_, w_at_, z_at_ = args[1], args[2], args[4], args[6], args[8]
            places = [vector(z_, builder.add(z_at_, whole(j * LANES))) for j in range(units)]
            fma = builder.module.declare_intrinsic("llvm.fma.v8f64", fnty=ir.FunctionType(DOUBLES, [DOUBLES] * 3))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            none = ir.Constant(DOUBLES, ir.Undefined)
            before, body = builder.append_basic_block("group.before"), builder.append_basic_block("group.body")
            after, done = builder.append_basic_block("group.after"), builder.append_basic_block("group.done")
            builder.cbranch(builder.icmp_signed("<", first_, stop_), before, done)
            builder.position_at_end(before)
            olds = [builder.load(p, align=8) for p in places]
            builder.branch(body)
            builder.position_at_end(body)
            i = builder.phi(INT64)
            i.add_incoming(first_, before)
            sums = [builder.phi(DOUBLES) for _ in range(units)]
            for phi, old in zip(sums, olds):
                phi.add_incoming(old, before)
            k = builder.sext(builder.load(builder.gep(index_, [i])), INT64)
            x = builder.load(vector(a_, builder.add(a_at_, builder.mul(k, whole(LANES)))), align=8)
            weights = builder.gep(w_, [builder.add(w_at_, builder.mul(k, whole(PANEL)))])
            news = []
            for j in range(units):
                weight = builder.load(builder.gep(weights, [whole(j)]))
                one = builder.insert_element(none, weight, ir.Constant(ir.IntType(32), 0))
                news.append(builder.call(fma, [builder.shuffle_vector(one, none, zeros), x, sums[j]]))
            following = builder.add(i, whole(1))
            i.add_incoming(following, body)
            for phi, new in zip(sums, news):
                phi.add_incoming(new, body)
            builder.cbranch(builder.icmp_signed("<", following, stop_), body, after)
            builder.position_at_end(after)
            for place, new in zip(places, news):
                builder.store(new, place, align=8)
            builder.branch(done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        n = types.int64
        return types.void(index, n, n, a, n, w, n, z, n), codegen

    return tile


_tile_6, _tile_8, _tile_16, _tile_24 = _tile(6), _tile(8), _tile(16), _tile(24)


@intrinsic
def _alive(typingctx, a, at):  # type: ignore[no-untyped-def]
    """1 if one of the `LANES` numbers from ``a[at]`` on is not zero, else 0."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), DOUBLES.as_pointer())
        differs = builder.fcmp_unordered("!=", builder.load(place, align=8), ir.Constant(DOUBLES, [0.0] * LANES))
        bits = builder.bitcast(differs, ir.IntType(LANES))
        return builder.zext(builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0)), INT64)

    return types.int64(a, types.int64), codegen


@njit(**INNER)
def _panel(index, first, stop, a, a_at, w, w_at, z, z_at, units):  # type: ignore[no-untyped-def]
    """The tiles that `units` units of a panel need; sums of units beyond them may be written."""
    if not WHOLE:
        for u in range(0, units, 6):
            _tile_6(index, first, stop, a, a_at, w, w_at + u, z, z_at + u * LANES)
    elif units > 16:
        _tile_24(index, first, stop, a, a_at, w, w_at, z, z_at)
    elif units > 8:
        _tile_16(index, first, stop, a, a_at, w, w_at, z, z_at)
    else:
        _tile_8(index, first, stop, a, a_at, w, w_at, z, z_at)


@njit(**INNER)
def visited(a, n, groups, stride, index, bounds):  # type: ignore[no-untyped-def]
    """List the inputs that are not zero in all rows of a group: `index` (groups, n + 1), and `bounds` (groups, chunks + 1)
    where those of a chunk begin.
    """
    for g in range(groups):
        found = 0
        bounds[g, 0] = 0
        for c in range((n + CHUNK - 1) // CHUNK):
            for k in range(c * CHUNK, min(n, (c + 1) * CHUNK)):
                at = g * stride + k * LANES
                index[g, found] = k
                found += _alive(a, at)
            bounds[g, c + 1] = found


@njit(**INNER)
def multiply(a, n, groups, stride, w, w_at, units, index, bounds, z):  # type: ignore[no-untyped-def]
    """``z[u] = sum of w[u, k] a[k]`` for the rows of all groups, over the inputs that `visited` listed.

    Element k of row r of group g stands at ``a[g * stride + k * LANES + r]``, and likewise in `z`. Weights lie panel
    after panel from ``w[w_at]``, see `pack`.
    """
    panels = (units + PANEL - 1) // PANEL
    for g in range(groups):
        z[g * stride : g * stride + panels * PANEL * LANES] = 0.0
    for p in range(panels):
        first = p * PANEL
        for c in range((n + CHUNK - 1) // CHUNK):
            for g in range(groups):
                _panel(
                    index[g], bounds[g, c], bounds[g, c + 1], a, g * stride, w, w_at + first * n,
                    z, g * stride + first * LANES, min(PANEL, units - first),
                )  # fmt: skip


@njit(**INNER)
def pack(weights, at, units, n, w, w_at):  # type: ignore[no-untyped-def]
    """Lay out the weights of `units` units, each a row of `n` from ``weights[at]``, in panels from ``w[w_at]``."""
    for u in range(units):
        place = w_at + u // PANEL * PANEL * n + u % PANEL
        for k in range(n):
            w[place + k * PANEL] = weights[at + u * n + k]
