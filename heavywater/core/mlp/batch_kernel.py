"""Training with mini-batches: the kernel.

A batch takes three phases, between which the threads meet. First every thread takes rows of the batch forward and
their errors back, with the weights as they are. Then every thread takes inputs of all layers, adds up the gradients of
their weights over the rows and updates the weights at once, so that gradients never leave the cache. Biases come last.
No sum is split between threads, so the result does not depend on how many there are. Layers of which most is dropped come
as lists, in both phases; see `heavywater.core.mlp.list_tiles`.

Random numbers of dropout are those of `fast`: with batches of one row both train alike.
"""

from __future__ import annotations

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.batch_forward import forward_and_back
from heavywater.core.mlp.batch_lists import by_input, list_rows
from heavywater.core.mlp.fast_update import NO_LIMIT, set_coefficients, step_bias
from heavywater.core.mlp.functions import EXACT, INNER
from heavywater.core.mlp.layout import MAXOUT
from heavywater.core.mlp.list_tiles import add_products
from heavywater.core.mlp.loops import FAST
from heavywater.core.mlp.sync import meet
from heavywater.core.mlp.tiles import adadelta_row, gathered, product

f32 = np.float32


@njit(**INNER)
def _mark_alive(h, plan, work, size, lo, hi, l):  # type: ignore[no-untyped-def]
    """Columns `lo` to `hi` of weight layer `l` that take part in some row: not dropped, and of Maxout the winner."""
    alive = work.alive[plan.column_at[l] + lo : plan.column_at[l] + hi]
    alive[:] = f32(0)
    for b in range(size):
        at = plan.z_at[l] + b * plan.width[l]
        if h.activation == MAXOUT:
            for c in range(lo, hi):
                if work.live[at + c // 2] and work.winner[at + c // 2] == c % 2:
                    alive[c - lo] = f32(1)
        else:
            live = work.live[at + lo : at + hi]
            for c in range(len(alive)):
                alive[c] = f32(1) if live[c] else alive[c]


@njit(**FAST)
def _column_sums(z, at, step, size, total, moved):  # type: ignore[no-untyped-def]
    """Sums over `size` rows of the entries and of their absolute values, for ``len(total)`` columns."""
    n = len(total)
    for c in range(n):
        total[c] = f32(0)
        moved[c] = f32(0)
    for b in range(size):
        row = z[at + b * step : at + b * step + n]
        for c in range(n):
            total[c] += row[c]
            moved[c] += abs(row[c])


@njit(**FAST)
def _heavy_ball_row(store, at, width, grads, here, alive, first, keep, a, b, c, e, l1, l2):  # type: ignore
    """Momentum step of a row; see `loops.heavy_ball`."""
    w, u = store[at : at + width], store[at + width : at + 2 * width]
    grad, part = grads[here : here + width], alive[first : first + width]
    for i in range(width):
        x, wi, old = grad[i], w[i], u[i]
        still = (part[i] == f32(0)) | (keep & (x == f32(0)))
        sign = f32(1) if wi > f32(0) else (f32(-1) if wi < f32(0) else f32(0))
        new = a * old - b * (x + l1 * sign + l2 * wi)
        u[i] = old if still else new
        w[i] = wi if still else wi + c * new + e * old


@njit(**FAST)
def _descend_row(store, at, width, grads, here, alive, first, keep, rate, l1, l2):  # type: ignore[no-untyped-def]
    """Plain gradient step of a row."""
    w, grad, part = store[at : at + width], grads[here : here + width], alive[first : first + width]
    for i in range(width):
        x, wi = grad[i], w[i]
        still = (part[i] == f32(0)) | (keep & (x == f32(0)))
        sign = f32(1) if wi > f32(0) else (f32(-1) if wi < f32(0) else f32(0))
        w[i] = wi if still else wi - rate * (x + l1 * sign + l2 * wi)


@njit(**INNER)
def _step_row(h, plan, store, work, own, l, i, here, sums):  # type: ignore[no-untyped-def]
    """Optimiser step of the weights from input `i` of weight layer `l`; their gradients are at ``own.grads[here]``.

    Adds their squares to ``work.sums[sums:]`` if the optimiser wants to know them.
    """
    width = plan.width[l]
    at = plan.base[l] + i * plan.parts * width
    alive, first = work.alive, plan.column_at[l]
    l1, l2, c = f32(h.l1), f32(h.l2), own.coefficients
    if h.adaptive:
        adadelta_row(
            store, at, width, own.grads, here, alive, first, work.sums, sums, f32(h.rho), f32(h.epsilon), l1, l2,
            h.fast_mode,
        )  # fmt: skip
    elif h.momentum_start != 0 or h.momentum_stable != 0:
        _heavy_ball_row(store, at, width, own.grads, here, alive, first, h.fast_mode, c[0], c[1], c[2], c[3], l1, l2)
    else:
        _descend_row(store, at, width, own.grads, here, alive, first, h.fast_mode, c[2], l1, l2)


@njit(**INNER)
def _gradients(plan, work, own, l, block, first, stop, size):  # type: ignore[no-untyped-def]
    """Gradients of the weights from a block of inputs into ``own.grads``."""
    width, z_at = plan.width[l], plan.z_at[l]
    if plan.listed[l]:
        own.grads[: (stop - first) * width] = f32(0)
        rows = list_rows(plan, work, own, l, block, size)
        columns = plan.units[l + 1] * plan.channels[l]
        add_products(rows, 0, stop - first, work.z, z_at, width, size, columns, own.grads, 0, width)
    else:
        product(
            work.act, plan.act_at[l] + first, 1, plan.act_width[l], 0, stop - first, size, work.z, z_at, width, width,
            own.grads, 0, width,
        )  # fmt: skip


@njit(**INNER)
def _update_weights(h, plan, store, work, own, size, done, thread, threads):  # type: ignore[no-untyped-def]
    """Gradients and steps of a thread's inputs of all layers."""
    grads = own.grads
    for l in range(len(plan.units) - 1):
        n, width, block_size = plan.units[l], plan.width[l], plan.block[l]
        lo = plan.blocks[l] * thread // threads
        hi = plan.blocks[l] * (thread + 1) // threads
        lists = l == 0 and plan.by_input
        set_coefficients(h, done, l, own.coefficients)
        if lists:
            by_input(plan, work, own, size, lo * block_size, min(hi * block_size, n))
        before = 0
        for block in range(lo, hi):
            first, stop = block * block_size, min(n, (block + 1) * block_size)
            sums = plan.sums_at[l] + block * width
            work.sums[sums : sums + width] = f32(0)
            if not lists:
                _gradients(plan, work, own, l, block, first, stop, size)
            for i in range(first, stop):
                here = (i - first) * width
                if lists:
                    here = 0
                    after = own.starts[i]
                    if after == before and h.fast_mode:
                        continue
                    gathered(own.rows, own.values, before, after, work.z, plan.z_at[l], width, width, grads, here)
                    before = after
                _step_row(h, plan, store, work, own, l, i, here, sums)


@njit(**FAST)
def _limit_columns(store, at, step, inputs, most, factors):  # type: ignore[no-untyped-def]
    """Scale the weights of the columns whose squares add up to more than `most`; `factors` is a buffer, one each.

    The columns begin at ``store[at]``, row after row of them `step` apart.
    """
    n = len(factors)
    for c in range(n):
        factors[c] = f32(0)
    for i in range(inputs):
        w = store[at + i * step : at + i * step + n]
        for c in range(n):
            factors[c] += w[c] * w[c]
    found = False
    for c in range(n):
        found = found or factors[c] > most
        factors[c] = np.sqrt(most / factors[c]) if factors[c] > most else f32(1)
    if found:
        for i in range(inputs):
            w = store[at + i * step : at + i * step + n]
            for c in range(n):
                w[c] *= factors[c]


@njit(**INNER)
def _update_biases(h, net, plan, store, work, own, size, done, thread, threads):  # type: ignore[no-untyped-def]
    """Biases, limits of weights and mean activations of a thread's units of all layers."""
    momentum_on = not h.adaptive and (h.momentum_start != 0 or h.momentum_stable != 0)
    shortcut = h.fast_mode or (not h.adaptive and not momentum_on and h.l1 == 0 and h.l2 == 0)
    layers = len(plan.units) - 1
    for l in range(layers):
        units, ch, width = plan.units[l + 1], plan.channels[l], plan.width[l]
        hidden = l < layers - 1
        set_coefficients(h, done, l, own.coefficients)
        lo, hi = units * thread // threads, units * (thread + 1) // threads
        total, moved, squares = (
            own.total[lo * ch : hi * ch],
            own.moved[lo * ch : hi * ch],
            own.squares[lo * ch : hi * ch],
        )
        _column_sums(work.z, plan.z_at[l] + lo * ch, width, size, total, moved)
        if h.adaptive:
            _column_sums(
                work.sums, plan.sums_at[l] + lo * ch, width, plan.blocks[l], squares, own.unused[: len(squares)]
            )
        for u in range(lo, hi):
            beta = 0.0
            if hidden and h.sparsity_beta > 0:
                seen = plan.seen_at[l] + u
                mean = net.mean_activation[seen]
                for b in range(size):
                    mean = 0.999 * mean + 0.001 * work.act[plan.act_at[l + 1] + b * plan.act_width[l + 1] + u]
                net.mean_activation[seen] = mean
                beta = h.sparsity_beta * (mean - h.average_activation)
            for c in range(u * ch, (u + 1) * ch):
                if work.alive[plan.column_at[l] + c] == f32(0) or (shortcut and own.moved[c] == f32(0)):
                    continue
                q = np.float64(own.squares[c]) / plan.units[l]
                step_bias(h, net, plan.bias_at[l] + c, np.float64(own.total[c]), q, own.coefficients, beta)
        if h.max_w2 < NO_LIMIT:
            _limit_columns(
                store,
                plan.base[l] + lo * ch,
                plan.parts * width,
                plan.units[l],
                f32(h.max_w2),
                own.total[: (hi - lo) * ch],
            )


@njit(**EXACT)
def train_batches(  # type: ignore[no-untyped-def]
    h, net, plan, store, x, targets, shift, rows, first, processed, thread, threads, count, work, own
):
    """One thread's part of training on `rows`, batch after batch; False if it gave up at a meeting.

    A last batch that is not full is trained as it is. `work` is a `Work`, `own` this thread's `Own`, `count` the
    meeting counters, `first` the number of rows this trainer has seen, `processed` the number the network has.
    """
    layers = len(plan.units) - 1
    idle = h.activation == MAXOUT or len(h.hidden_dropout) > 0
    step = 0
    for start in range(0, len(rows), plan.batch):
        size = min(plan.batch, len(rows) - start)
        forward_and_back(
            h, net, plan, store, work, own, x, targets, shift, rows, start, size, first + start,
            size * thread // threads, size * (thread + 1) // threads,
        )  # fmt: skip
        if threads > 1 and not meet(count, thread, threads, step + 1):
            return False
        if idle:
            for l in range(layers - 1):
                columns = plan.units[l + 1] * plan.channels[l]
                _mark_alive(h, plan, work, size, columns * thread // threads, columns * (thread + 1) // threads, l)
            if threads > 1 and not meet(count, thread, threads, step + 2):
                return False
        _update_weights(h, plan, store, work, own, size, processed + start, thread, threads)
        if threads > 1 and not meet(count, thread, threads, step + 3):
            return False
        _update_biases(h, net, plan, store, work, own, size, processed + start, thread, threads)
        if threads > 1 and not meet(count, thread, threads, step + 4):
            return False
        step += 4
    return True
