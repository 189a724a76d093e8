"""Training with mini-batches: a thread's rows of a batch on their way forward, and their errors back.

A hidden layer whose units are mostly zero, rectifiers under dropout, is passed on as lists of what is not
(`heavywater.core.mlp.batch_lists`); so are its errors, which are zero at the same places.
"""

from __future__ import annotations

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.batch_lists import cut, layer_lists, list_errors, list_row
from heavywater.core.mlp.batch_plan import BACK
from heavywater.core.mlp.fast_input import ask_for, read_row, stream_key, uniform
from heavywater.core.mlp.functions import INNER, activate, class_error, derivative, regression_error
from heavywater.core.mlp.layout import AUTOENCODER, MAXOUT, RECTIFIER, SOFTMAX
from heavywater.core.mlp.list_tiles import add_products, add_transposed
from heavywater.core.mlp.rectifier import keep_where_on, rectified_errors, rectify, rectify_some
from heavywater.core.mlp.tiles import gathered, product, transposed_product

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
def _read_inputs(h, plan, work, x, all_rows, start, size, first, lo, hi):  # type: ignore[no-untyped-def]
    """Network inputs of rows `lo` to `hi` of the batch of `size` rows that begins at `start`."""
    keep = h.output == AUTOENCODER
    longest, groups = plan.longest[0], plan.groups[0]
    for b in range(lo, hi):
        key = stream_key(h.seed, first + b, INPUT_STREAM)
        if start + size + b < len(all_rows):
            ask_for(x, all_rows[start + size + b])
        line = work.act[b * plan.act_width[0] : (b + 1) * plan.act_width[0]]
        at = plan.list_at[0] + b * longest
        work.length[b] = read_row(
            x, all_rows[start + b], key, f32(h.input_dropout), plan, work.index[at : at + longest],
            work.value[at : at + longest], work.target[b], keep, line,
        )  # fmt: skip
        if plan.by_input:
            cut(work.index, at, work.length[b], work.cuts, plan.cut_at[0] + b * (groups + 1), groups)


@njit(**INNER)
def _net_inputs(plan, store, work, l, lo, hi):  # type: ignore[no-untyped-def]
    """Net inputs without bias of weight layer `l`."""
    width, base, z_at = plan.width[l], plan.base[l], plan.z_at[l]
    step = plan.parts * width
    if plan.listed[l] and (l > 0 or plan.large):
        work.z[z_at + lo * width : z_at + hi * width] = f32(0)
        columns, lists = plan.units[l + 1] * plan.channels[l], layer_lists(plan, work, work.value, l)
        add_products(lists, lo, hi, store, base, step, plan.units[l], columns, work.z, z_at, width)
    elif plan.listed[l]:
        for b in range(lo, hi):
            at = plan.list_at[l] + b * plan.longest[l]
            gathered(
                work.index, work.value, at, at + work.length[b], store, base, step, width, work.z, z_at + b * width
            )
    else:
        product(
            work.act, plan.act_at[l], plan.act_width[l], 1, lo, hi, plan.units[l], store, base, step, width, work.z,
            z_at, width,
        )  # fmt: skip


@njit(**INNER)
def _pass_down(h, plan, store, work, own, l, lo, hi):  # type: ignore[no-untyped-def]
    """Errors at weight layer ``l - 1`` from those at `l`."""
    n, width, below = plan.units[l], plan.width[l], plan.width[l - 1]
    z, z_at, under = work.z, plan.z_at[l], plan.z_at[l - 1]
    step = plan.parts * width
    if plan.listed[l + 1]:
        values = work.value if l == len(plan.units) - 2 else work.error
        z[under + lo * below : under + hi * below] = f32(0)
        add_transposed(
            layer_lists(plan, work, values, l + 1), lo, hi, store, plan.base[l], step, n, plan.units[l + 1], own.block,
            z, under, below,
        )  # fmt: skip
        for b in range(lo, hi):
            at, act = under + b * below, plan.act_at[l] + b * plan.act_width[l]
            keep_where_on(z[at : at + n], work.act[act : act + n])
            z[at + n : at + below] = f32(0)
    else:
        for b in range(lo, hi, BACK):
            stop = min(hi, b + BACK)
            transposed_product(
                z, z_at + b * width, width, 0, stop - b, width, store, plan.base[l], step, n, own.errors, n
            )
            for k in range(b, stop):
                _hidden_errors(h, plan, work, l - 1, k, own.errors, (k - b) * n)
    if plan.listed[l] and l > 1:
        for b in range(lo, hi):
            at = under + b * below
            list_errors(plan, work, l, b, z[at : at + n])


@njit(**INNER)
def forward_and_back(  # type: ignore[no-untyped-def]
    h, net, plan, store, work, own, x, targets, shift, all_rows, start, size, first, lo, hi
):
    """Rows `lo` to `hi` of the batch of `size` rows that begins at `start`: activations of all layers, then errors."""
    if lo >= hi:
        return
    last = len(plan.units) - 2
    scale = 1.0 / size
    _read_inputs(h, plan, work, x, all_rows, start, size, first, lo, hi)
    for l in range(last + 1):
        _net_inputs(plan, store, work, l, lo, hi)
        units = plan.units[l + 1]
        for b in range(lo, hi):
            if l < last:
                _activations(h, net, plan, work, l, b, stream_key(h.seed, first + b, l + 1))
                at, row = plan.act_at[l + 1] + b * plan.act_width[l + 1], work.act
            else:
                r = all_rows[start + b]
                t = targets[r] if len(targets) > 0 else 0.0
                offset = shift[r] if len(shift) > 0 else 0.0
                _output_errors(h, net, plan, work, b, t, offset, scale)
                at, row = plan.z_at[l] + b * plan.width[l], work.z
            if plan.listed[l + 1]:
                list_row(plan, work, l + 1, b, row[at : at + units])
    for l in range(last, 0, -1):
        _pass_down(h, plan, store, work, own, l, lo, hi)
