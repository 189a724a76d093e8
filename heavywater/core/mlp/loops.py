"""Inner loops of the fast trainer: float32, contiguous, free to be reordered and vectorised.

Every update loop serves both ways of walking through a layer. Unit by unit, `v` holds the inputs and `s` is the error
of the unit; input by input, `v` holds the errors of all units and `s` is the input. Either way the gradient of weight
i is ``s * v[i]``, and with ``keep`` a weight with ``v[i] == 0`` is left alone together with its history.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding, ir

from heavywater.core.jit import intrinsic, njit, types
from heavywater.core.mlp.functions import INNER

FAST: dict[str, Any] = INNER | {"fastmath": True}
f32 = np.float32
i32 = np.int32
WIDE = 16 if binding.get_host_cpu_features().get("avx512f") else 8
"""Float32 entries of a vector, as wide as this processor's registers."""
INT64 = ir.IntType(64)
FLOATS, INTS = ir.VectorType(ir.FloatType(), WIDE), ir.VectorType(ir.IntType(32), WIDE)
ZERO, ONE = ir.Constant(FLOATS, [0.0] * WIDE), ir.Constant(FLOATS, [1.0] * WIDE)


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


class Vectors:
    """What writes loops of vector instructions: vectors of `WIDE` numbers, from arrays and with arithmetic."""

    def __init__(self, context: Any, builder: ir.IRBuilder, signature: Any, args: Any):
        self.context, self.builder, self.signature, self.args = context, builder, signature, args

    def data(self, k: int) -> Any:
        """Pointer to the numbers of argument `k`, an array."""
        return self.context.make_array(self.signature.args[k])(self.context, self.builder, self.args[k]).data

    def spread(self, value: Any) -> Any:
        """A vector of `WIDE` times the same value."""
        kind = ir.VectorType(value.type, WIDE)
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDE), [0] * WIDE)
        return self.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)

    def flag(self, value: Any) -> Any:
        """A boolean as a vector mask."""
        return self.spread(self.builder.trunc(value, ir.IntType(1)) if value.type.width > 1 else value)

    def place(self, array: Any, index: Any, more: int = 0) -> Any:
        """Pointer to the vector that starts `more` vectors after `index`."""
        at = self.builder.gep(array, [index])
        if more:
            at = self.builder.gep(at, [ir.Constant(INT64, more * WIDE)])
        return self.builder.bitcast(at, FLOATS.as_pointer())

    def read(self, array: Any, index: Any, more: int = 0) -> Any:
        return self.builder.load(self.place(array, index, more), align=4)

    def write(self, value: Any, array: Any, index: Any, more: int = 0) -> None:
        self.builder.store(value, self.place(array, index, more), align=4)

    def ask(self, array: Any, index: Any) -> None:
        """Have the cache line of an entry brought into the second-level cache."""
        line, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [line, number, number, number])
        fetch = self.builder.module.declare_intrinsic("llvm.prefetch.p0i8", fnty=kind)
        place = self.builder.bitcast(self.builder.gep(array, [index]), line)
        self.builder.call(fetch, [place, number(0), number(2), number(1)])

    def times(self, x: Any, y: Any) -> Any:
        return self.builder.fmul(x, y, flags=("fast",))

    def plus(self, x: Any, y: Any) -> Any:
        return self.builder.fadd(x, y, flags=("fast",))

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        """``x * y + z`` with one rounding."""
        kind = ir.FunctionType(FLOATS, [FLOATS] * 3)
        return self.builder.call(self.builder.module.declare_intrinsic(f"llvm.fma.v{WIDE}f32", fnty=kind), [x, y, z])

    def total(self, vector: Any) -> Any:
        """Sum of the numbers of a vector."""
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType(), FLOATS])
        add = self.builder.module.declare_intrinsic(f"llvm.vector.reduce.fadd.v{WIDE}f32", fnty=kind)
        return self.builder.call(add, [ir.Constant(ir.FloatType(), 0.0), vector], fastmath=("reassoc",))

    def each(self, width: Any, body: Callable[[Any, Any], Any]) -> Any:
        """Loop over the starts of the vectors of a row of `width` numbers, at least one.

        ``body(index, sums)`` returns the new sums, a vector that begins as zero; the last ones are returned.
        """
        b = self.builder
        entry, inside, done = b.block, b.append_basic_block("row.body"), b.append_basic_block("row.done")
        b.branch(inside)
        b.position_at_end(inside)
        i, sums = b.phi(INT64), b.phi(FLOATS)
        i.add_incoming(ir.Constant(INT64, 0), entry)
        sums.add_incoming(ZERO, entry)
        new = body(i, sums)
        following = b.add(i, ir.Constant(INT64, WIDE))
        i.add_incoming(following, b.block)
        sums.add_incoming(new, b.block)
        b.cbranch(b.icmp_signed("<", following, width), inside, done)
        b.position_at_end(done)
        return new

    def pulled(self, grad: Any, w: Any, l1: Any, l2: Any) -> Any:
        """`grad` with the penalties on `w`."""
        b = self.builder
        up = b.select(b.fcmp_ordered(">", w, ZERO), ONE, ZERO)
        sign = b.select(b.fcmp_ordered("<", w, ZERO), b.fneg(ONE), up)
        return self.plus(self.plus(grad, self.times(l1, sign)), self.times(l2, w))

    def adadelta(self, store: Any, at: Any, step: Any, w: Any, grad: Any, square: Any, decay: Any, eps: Any) -> Any:
        """Step of the weights `w` at ``store[at]``, whose d and g lie `step` and twice `step` further on.

        `square` is the squared gradient times one minus rho, `decay` what is kept of the history. Returns the new
        weights.
        """
        b = self.builder
        d_at = b.add(at, step)
        g_at = b.add(d_at, step)
        old = self.read(store, d_at)
        g_new = self.plus(self.times(decay, self.read(store, g_at)), square)
        top = self.plus(old, eps)
        half = b.ashr(b.bitcast(self.times(top, self.plus(g_new, eps)), INTS), ir.Constant(INTS, [1] * WIDE))
        rate = self.times(top, b.bitcast(b.sub(ir.Constant(INTS, [0x5F3759DF] * WIDE), half), FLOATS))
        self.write(self.plus(self.times(decay, old), self.times(self.times(rate, rate), square)), store, d_at)
        self.write(g_new, store, g_at)
        changed = b.fsub(w, self.times(rate, grad), flags=("fast",))
        self.write(changed, store, at)
        return changed


ALONE, PASSING_DOWN, LOOKING_AHEAD = range(3)


def _row_step(penalties: bool, also: int = ALONE) -> Any:
    """Intrinsic for one row of ADADELTA, a vector of weights at a time; see `adadelta`.

    Written as vector instructions because LLVM, which cannot know that the rows do not overlap, would check it for
    every row and prefer scalar code for short ones. What else the row is needed for is done in the same pass:
    ``other += s * w`` with the old weights, or the product, which is returned, of the new ones with `other`.
    """

    @intrinsic
    def row_step(  # type: ignore[no-untyped-def]
        typingctx, store, at, width, v, squares, decays, s, rest, eps, l1, l2, keep, other
    ):
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            c = Vectors(context, builder, signature, args)
            store_, v_, squares_, decays_, other_ = (c.data(k) for k in (0, 3, 4, 5, 12))
            s_, rest_, eps_, l1_, l2_ = (c.spread(a) for a in args[6:11])

            def body(i, sums):  # type: ignore[no-untyped-def]
                row = builder.add(args[1], i)
                w, x, decay = c.read(store_, row), c.read(v_, i), c.read(decays_, i)
                if also == PASSING_DOWN:
                    c.write(c.fma(s_, w, c.read(other_, i)), other_, i)
                grad = c.times(s_, x)
                if penalties:
                    still = builder.and_(builder.fcmp_ordered("==", x, ZERO), c.flag(args[11]))
                    grad = builder.select(still, ZERO, c.pulled(grad, w, l1_, l2_))
                    square = c.times(rest_, c.times(grad, grad))
                else:
                    square = c.times(rest_, c.read(squares_, i))
                w = c.adadelta(store_, row, args[2], w, grad, square, decay, eps_)
                return c.fma(w, c.read(other_, i), sums) if also == LOOKING_AHEAD else sums

            sums = c.each(args[2], body)
            return c.total(sums) if also == LOOKING_AHEAD else context.get_dummy_value()

        f, n64 = types.float32, types.int64
        answer = f if also == LOOKING_AHEAD else types.void
        return answer(store, n64, n64, v, squares, decays, f, f, f, f, f, types.boolean, other), codegen

    return row_step


_plain_row, _penalised_row = _row_step(False), _row_step(True)
_plain_down, _penalised_down = _row_step(False, PASSING_DOWN), _row_step(True, PASSING_DOWN)
_plain_ahead, _penalised_ahead = _row_step(False, LOOKING_AHEAD), _row_step(True, LOOKING_AHEAD)


@njit(**FAST)
def adadelta(store, at, width, v, squares, decays, s, rho, eps, l1, l2, keep):  # type: ignore[no-untyped-def]
    """ADADELTA step on the row of `width` weights at ``store[at]``, its d and g `width` and twice `width` further on.

    ``sqrt((d + eps) / (g + eps))`` is taken as ``(d + eps) / sqrt((d + eps) (g + eps))`` with the reciprocal root by
    halving the exponent bits: at most 3.5% off, as is H2O's own root. `width` must be a multiple of `WIDE`, `v` zero
    beyond the real weights; `squares` and `decays` come from `prepare`.
    """
    rest = f32(1) - rho
    if l1 == f32(0) and l2 == f32(0):
        _plain_row(store, at, width, v, squares, decays, s, rest * s * s, eps, l1, l2, keep, v)
    else:
        _penalised_row(store, at, width, v, squares, decays, s, rest, eps, l1, l2, keep, v)


@njit(**FAST)
def adadelta_down(store, at, width, v, squares, decays, s, rho, eps, l1, l2, keep, below):  # type: ignore
    """`adadelta` that first adds the errors passed down, `s` times the old weights, to `below`."""
    rest = f32(1) - rho
    if l1 == f32(0) and l2 == f32(0):
        _plain_down(store, at, width, v, squares, decays, s, rest * s * s, eps, l1, l2, keep, below)
    else:
        _penalised_down(store, at, width, v, squares, decays, s, rest, eps, l1, l2, keep, below)


@njit(**FAST)
def adadelta_ahead(store, at, width, v, squares, decays, s, rho, eps, l1, l2, keep, ahead):  # type: ignore
    """`adadelta` that returns the product of the new weights with the inputs `ahead`."""
    rest = f32(1) - rho
    if l1 == f32(0) and l2 == f32(0):
        return _plain_ahead(store, at, width, v, squares, decays, s, rest * s * s, eps, l1, l2, keep, ahead)
    return _penalised_ahead(store, at, width, v, squares, decays, s, rest, eps, l1, l2, keep, ahead)


@njit(**FAST)
def adadelta_inputs(  # type: ignore[no-untyped-def]
    store, base, step, width, index, value, count, v, squares, decays, rho, eps, l1, l2, keep
):
    """`adadelta` for the weights of `count` inputs, whose rows of `width` lie `step` apart."""
    for k in range(count):
        at = base + index[k] * step
        adadelta(store, at, width, v, squares, decays, value[k], rho, eps, l1, l2, keep)


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
