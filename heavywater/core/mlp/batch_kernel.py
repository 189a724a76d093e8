"""Training with mini-batches: the kernel.

A batch takes three phases, between which the threads meet. First every thread takes rows of the batch forward and
their errors back, with the weights as they are. Then every thread takes inputs of all layers, adds up the gradients of
their weights over the rows and updates the weights at once, so that gradients never leave the cache. Biases come last.
No sum is split between threads, so the result does not depend on how many there are.

Random numbers of dropout are those of `fast`: with batches of one row both train alike.
"""

from __future__ import annotations

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.batch_plan import BACK, BLOCK
from heavywater.core.mlp.fast_input import ask_for, read_row, stream_key, uniform
from heavywater.core.mlp.fast_update import NO_LIMIT, set_coefficients, step_bias
from heavywater.core.mlp.functions import EXACT, INNER, activate, class_error, derivative, regression_error
from heavywater.core.mlp.layout import AUTOENCODER, MAXOUT, RECTIFIER, SOFTMAX
from heavywater.core.mlp.loops import FAST
from heavywater.core.mlp.rectifier import rectified_errors, rectify, rectify_some
from heavywater.core.mlp.sync import meet
from heavywater.core.mlp.tiles import adadelta_row, gathered, product, transposed_product

f32 = np.float32
INPUT_STREAM = 0


@njit(**INNER)
def _activations(h, net, plan, work, l, b, key):  # type: ignore[no-untyped-def]
    """Activations of row `b` from its net inputs at weight layer `l`, a hidden one."""
    units, ch = plan.units[l + 1], plan.channels[l]
    at = plan.z_at[l] + b * plan.width[l]
    out = plan.act_at[l + 1] + b * plan.act_width[l + 1]
    first = plan.bias_at[l]
    ratio = f32(h.hidden_dropout[l]) if len(h.hidden_dropout) > 0 else f32(0)
    z, act, live = work.z, work.act, work.live
    if h.activation == RECTIFIER:
        inputs, biases, outputs = z[at : at + units], net.biases[first : first + units], act[out : out + units]
        if ratio > 0:
            rectify_some(inputs, biases, outputs, key, 0, ratio, live[at : at + units])
        else:
            rectify(inputs, biases, outputs)
        return
    for u in range(units):
        on = ratio <= 0 or uniform(key, u) >= ratio
        live[at + u] = on
        v = 0.0
        if h.activation == MAXOUT:
            z0 = z[at + 2 * u] + net.biases[first + 2 * u]
            z1 = z[at + 2 * u + 1] + net.biases[first + 2 * u + 1]
            work.winner[at + u] = 1 if z1 > z0 else 0
            v = max(z0, z1) if on else 0.0
        elif on:
            v = activate(h.activation, z[at + ch * u] + net.biases[first + u])
        act[out + u] = f32(v)


@njit(**INNER)
def _output_errors(h, net, plan, work, b, t, offset, scale):  # type: ignore[no-untyped-def]
    """Errors of row `b` at the output in place of its net inputs, times `scale`."""
    last = len(plan.units) - 2
    units = plan.units[last + 1]
    at = plan.z_at[last] + b * plan.width[last]
    z, first = work.z, plan.bias_at[last]
    if h.output == SOFTMAX:
        top = -np.inf
        for u in range(units):
            v = z[at + u] + net.biases[first + u]
            z[at + u] = f32(v)
            top = max(top, np.float64(z[at + u]))
        total = 0.0
        for u in range(units):
            z[at + u] = f32(np.exp(z[at + u] - top))
            total += z[at + u]
        for u in range(units):
            y = z[at + u] / total
            z[at + u] = f32(scale * class_error(h.loss, y, 1.0 if u == int(t) else 0.0))
        return
    for u in range(units):
        f, y = z[at + u] + net.biases[first + u], t
        if h.output == AUTOENCODER:
            f, y = activate(h.activation, f), np.float64(work.target[b, u])
        e = regression_error(h.loss, y, f + offset, h.quantile_alpha, h.tweedie_power, h.huber_delta)
        z[at + u] = f32(scale * e)


@njit(**INNER)
def _hidden_errors(h, plan, work, l, b, errors, e_at):  # type: ignore[no-untyped-def]
    """Errors of row `b` at weight layer `l` from the sums ``errors[e_at:]`` that the layer above passed down."""
    units = plan.units[l + 1]
    at = plan.z_at[l] + b * plan.width[l]
    act = plan.act_at[l + 1] + b * plan.act_width[l + 1]
    z, live = work.z, work.live
    if h.activation == RECTIFIER:
        rectified_errors(errors[e_at : e_at + units], work.act[act : act + units], z[at : at + units])
        return
    for u in range(units):
        e = errors[e_at + u] if live[at + u] else f32(0)
        if h.activation == MAXOUT:
            k = work.winner[at + u]
            z[at + 2 * u] = f32(0) if k else e
            z[at + 2 * u + 1] = e if k else f32(0)
        else:
            z[at + u] = f32(e * derivative(h.activation, np.float64(work.act[act + u]), False))


@njit(**INNER)
def _rows_forward_and_back(  # type: ignore[no-untyped-def]
    h, net, plan, store, work, own, x, targets, shift, all_rows, start, size, first, lo, hi
):
    """Rows `lo` to `hi` of the batch of `size` rows that begins at `start`: activations of all layers, then errors."""
    if lo >= hi:
        return
    layers = len(plan.units) - 1
    act, z = work.act, work.z
    keep = h.output == AUTOENCODER
    scale = 1.0 / size
    rows = all_rows[start : start + size]
    for b in range(lo, hi):
        key = stream_key(h.seed, first + b, INPUT_STREAM)
        if start + size + b < len(all_rows):
            ask_for(x, all_rows[start + size + b])
        line = act[b * plan.act_width[0] : (b + 1) * plan.act_width[0]]
        work.length[b] = read_row(
            x, rows[b], key, f32(h.input_dropout), plan, work.index[b], work.value[b], work.target[b], keep, line
        )
    for l in range(layers):
        n, width, base = plan.units[l], plan.width[l], plan.base[l]
        if l == 0 and plan.by_input:
            for b in range(lo, hi):
                gathered(
                    work.index[b], work.value[b], 0, work.length[b], store, base, plan.parts * width, width, z,
                    plan.z_at[l] + b * width,
                )  # fmt: skip
        else:
            product(
                act, plan.act_at[l], plan.act_width[l], 1, lo, hi, n, store, base, plan.parts * width, width, z,
                plan.z_at[l], width,
            )  # fmt: skip
        for b in range(lo, hi):
            if l < layers - 1:
                _activations(h, net, plan, work, l, b, stream_key(h.seed, first + b, l + 1))
            else:
                t = targets[rows[b]] if len(targets) > 0 else 0.0
                offset = shift[rows[b]] if len(shift) > 0 else 0.0
                _output_errors(h, net, plan, work, b, t, offset, scale)
    for l in range(layers - 1, 0, -1):
        n, width = plan.units[l], plan.width[l]
        for b in range(lo, hi, BACK):
            stop = min(hi, b + BACK)
            transposed_product(
                z, plan.z_at[l] + b * width, width, 0, stop - b, width, store, plan.base[l], plan.parts * width, n,
                own.errors, n,
            )  # fmt: skip
            for k in range(b, stop):
                _hidden_errors(h, plan, work, l - 1, k, own.errors, (k - b) * n)


@njit(**INNER)
def _mark_alive(h, plan, work, size, lo, hi, l):  # type: ignore[no-untyped-def]
    """Columns `lo` to `hi` of weight layer `l` that take part in some row: not dropped, and of Maxout the winner."""
    for c in range(lo, hi):
        found = f32(0)
        for b in range(size):
            at = plan.z_at[l] + b * plan.width[l]
            if h.activation == MAXOUT:
                if work.live[at + c // 2] and work.winner[at + c // 2] == c % 2:
                    found = f32(1)
            elif work.live[at + c]:
                found = f32(1)
        work.alive[plan.column_at[l] + c] = found


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
def _by_lists(plan, work, own, size, lo, hi):  # type: ignore[no-untyped-def]
    """Turn the rows' lists of inputs `lo` to `hi` into lists of rows per input."""
    starts = own.starts
    for i in range(lo, hi + 1):
        starts[i] = 0
    for b in range(size):
        for k in range(work.length[b]):
            i = work.index[b, k]
            if lo <= i < hi:
                starts[i] += 1
    total = 0
    for i in range(lo, hi + 1):
        count = starts[i]
        starts[i] = total
        total += count
    for b in range(size):
        for k in range(work.length[b]):
            i = work.index[b, k]
            if lo <= i < hi:
                own.rows[starts[i]] = b
                own.values[starts[i]] = work.value[b, k]
                starts[i] += 1


@njit(**INNER)
def _update_weights(h, plan, store, work, own, size, done, thread, threads):  # type: ignore[no-untyped-def]
    """Gradients and steps of a thread's inputs of all layers."""
    grads = own.grads
    for l in range(len(plan.units) - 1):
        n, width = plan.units[l], plan.width[l]
        lo = plan.blocks[l] * thread // threads
        hi = plan.blocks[l] * (thread + 1) // threads
        lists = l == 0 and plan.by_input
        set_coefficients(h, done, l, own.coefficients)
        if lists:
            _by_lists(plan, work, own, size, lo * BLOCK, min(hi * BLOCK, n))
        before = 0
        for block in range(lo, hi):
            first, stop = block * BLOCK, min(n, (block + 1) * BLOCK)
            sums = plan.sums_at[l] + block * width
            work.sums[sums : sums + width] = f32(0)
            if not lists:
                product(
                    work.act, plan.act_at[l] + first, 1, plan.act_width[l], 0, stop - first, size, work.z,
                    plan.z_at[l], width, width, grads, 0, width,
                )  # fmt: skip
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
        _rows_forward_and_back(
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
