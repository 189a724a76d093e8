"""Fast forward pass for scoring: float64 like `heavywater.core.mlp.forward`, but not in H2O's order of summation.

Inputs may come straight from the columns of a table. Most tables hold many zeros, which standardisation turns into
other numbers; so an input counts from where its zero lies, what the zeros contribute is part of the bias, and inputs
that are zero in eight rows side by side cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from heavywater.core.columns import addresses, read_f64, read_i16, read_i32, read_i64, read_u8
from heavywater.core.jit import njit
from heavywater.core.mlp.forward_tiles import BLOCK, CHUNK, LANES, PANEL, multiply, pack, visited
from heavywater.core.mlp.functions import EXACT, INNER, activate, f64, softmax
from heavywater.core.mlp.layout import AUTOENCODER, RECTIFIER, SOFTMAX, Hyper, Inputs, Network, Offsets, offsets

FARTHEST_ZERO = 4.0
"""Inputs whose zero lies farther out count from 0, so that no digits are lost."""
ROWS = 8 * BLOCK
"""Rows that a thread takes at a time."""


@dataclass(frozen=True)
class Columns:
    """Network inputs of n rows as the columns of a table.

    Attributes
    ----------
    slots : int32 (n, c)
        As in `Inputs`.
    columns : sequence of ndarray (n,)
        Numbers of any type; values that are not finite count as missing.
    replacement, sub, mul : float64 (m,)
        Inputs are ``(x - sub) * mul``, with `replacement` for a missing x; 0 where that is NaN.
    num_start : int
        The first numeric input.
    """

    slots: np.ndarray
    columns: Sequence[np.ndarray]
    replacement: np.ndarray
    sub: np.ndarray
    mul: np.ndarray
    num_start: int

    @property
    def nrow(self) -> int:
        """Number of rows."""
        return len(self.slots)

    @cached_property
    def source(self) -> _Source:
        """The columns as the kernel takes them."""
        where = addresses(self.columns)
        numbers = (np.ascontiguousarray(v, np.float64) for v in (self.replacement, self.sub, self.mul))
        slots, none = np.ascontiguousarray(self.slots, np.int32), np.zeros(0)
        rest = (np.zeros((self.nrow, 0)), np.zeros(0, np.int64), np.zeros(0, np.int32), none, int(self.num_start))
        return _Source((slots, *rest), _Table(where.address, where.kind, *numbers), where.alive)


class _Table(NamedTuple):
    """Columns as the kernel takes them; none: the inputs are in `Inputs`."""

    address: np.ndarray
    kind: np.ndarray
    replacement: np.ndarray
    sub: np.ndarray
    mul: np.ndarray


class _Source(NamedTuple):
    """The two ways for inputs to come, one of them empty, and what has to stay alive meanwhile."""

    x: Any
    table: _Table
    alive: Any


@njit(**INNER)
def _whole(read, address, start, count, sub, mul, line):  # type: ignore[no-untyped-def]
    for r in range(count):
        line[r] = (read(address, start + r) - sub) * mul


@njit(**INNER)
def _column(table, k, start, count, line):  # type: ignore[no-untyped-def]
    """Scaled values of column `k`, rows `start` and following, into ``line[:count]``."""
    address, sub, mul = table.address[k], table.sub[k], table.mul[k]
    kind = table.kind[k]
    if kind == 0:
        _whole(read_u8, address, start, count, sub, mul, line)
    elif kind == 1:
        _whole(read_i16, address, start, count, sub, mul, line)
    elif kind == 2:
        _whole(read_i32, address, start, count, sub, mul, line)
    elif kind == 3:
        _whole(read_i64, address, start, count, sub, mul, line)
    else:
        for r in range(count):
            v = read_f64(address, start + r)
            if not np.isfinite(v):
                v = table.replacement[k]
            scaled = (v - sub) * mul
            line[r] = 0.0 if np.isnan(scaled) else scaled


@njit(**INNER)
def _place(a, stride, k, line, scale, zero):  # type: ignore[no-untyped-def]
    """Input `k` of the rows in `line` into a block."""
    for g in range(len(line) // LANES):
        at = g * stride + k * LANES
        for r in range(LANES):
            a[at + r] = line[g * LANES + r] * scale - zero


@njit(**INNER)
def _load(x, table, start, count, scale, zero, stride, a, line):  # type: ignore[no-untyped-def]
    """Inputs of the rows from `start` on into a block; rows beyond `count` are zero."""
    slots, dense, indptr, indices, values, num_start = x
    for g in range(BLOCK // LANES):
        a[g * stride : g * stride + num_start * LANES] = 0.0
    for s in range(count):
        at = s // LANES * stride + s % LANES
        for j in range(slots.shape[1]):
            if slots[start + s, j] >= 0:
                a[at + slots[start + s, j] * LANES] += scale
    line[:] = 0.0
    for k in range(len(table.address)):
        _column(table, k, start, count, line)
        _place(a, stride, num_start + k, line, scale, zero[num_start + k])
    for k in range(dense.shape[1]):
        for s in range(count):
            line[s] = dense[start + s, k]
        _place(a, stride, num_start + k, line, scale, zero[num_start + k])
    if len(indptr) > 0:
        line[:] = 0.0
        for k in range(num_start, len(zero)):
            _place(a, stride, k, line, scale, zero[k])
        for s in range(count):
            at = s // LANES * stride + s % LANES
            for i in range(indptr[start + s], indptr[start + s + 1]):
                k = num_start + indices[i]
                a[at + k * LANES] = values[i] * scale - zero[k]


@njit(**INNER)
def _activations(h, z, at, units, bias, bb, last, shift, start, count, keep):  # type: ignore[no-untyped-def]
    """What the net inputs of a group become in place."""
    for u in range(units):
        line = z[at + u * LANES : at + (u + 1) * LANES]
        for r in range(LANES):
            line[r] += bias[bb + u]
        if not last and h.activation == RECTIFIER:
            for r in range(LANES):
                line[r] = 0.5 * (line[r] + abs(line[r])) * keep
        elif not last:
            for r in range(LANES):
                line[r] = activate(h.activation, line[r]) * keep
        elif h.output == AUTOENCODER:
            for r in range(LANES):
                line[r] = activate(h.activation, line[r])
        elif h.output != SOFTMAX and len(shift) > 0:
            for r in range(count):
                line[r] += shift[start + r]


@njit(**EXACT)
def _pack(weights, o, zero, packed, starts, base):  # type: ignore[no-untyped-def]
    """Weights in panels; to the biases in `base` the first layer adds what the inputs' zeros contribute."""
    for l in range(len(o.units) - 1):
        pack(weights, o.weights[l], o.units[l + 1], o.units[l], packed, starts[l])
    n = o.units[0]
    for u in range(o.units[1]):
        total = 0.0
        for k in range(n):
            total += f64(weights[o.weights[0] + u * n + k]) * zero[k]
        base[u] += total


@njit(**EXACT)
def _forward(h, w, starts, base, o, x, table, zero, shift, first, end, depth, out, work):  # type: ignore
    """Rows first..end-1 through the first `depth` layers; the last layer's values go to `out`."""
    last = len(o.units) - 2
    a, z, index, bounds, line, outputs = work
    stride = len(a) // (BLOCK // LANES)
    for start in range(first, end, BLOCK):
        count = min(BLOCK, end - start)
        groups = (count + LANES - 1) // LANES
        _load(x, table, start, count, h.input_scale, zero, stride, a, line)
        for l in range(depth):
            n, units = o.units[l], o.units[l + 1]
            source, target = (a, z) if l % 2 == 0 else (z, a)
            visited(source, n, groups, stride, index, bounds)
            multiply(source, n, groups, stride, w, starts[l], units, index, bounds, target)
            keep = 1.0
            if l < last and len(h.hidden_dropout) > 0:
                keep = 1.0 - h.hidden_dropout[l]
            for g in range(groups):
                here = start + g * LANES
                rows = min(LANES, end - here)
                _activations(h, target, g * stride, units, base, o.biases[l], l == last, shift, here, rows, keep)
        found, units = (a, z)[depth % 2], o.units[depth]
        for s in range(count):
            at = s // LANES * stride + s % LANES
            for u in range(units):
                outputs[u] = found[at + u * LANES]
            if depth == last + 1 and h.output == SOFTMAX:
                softmax(outputs, 0, units)
            for u in range(units):
                out[start + s, u] = outputs[u]


def _panels(o: Offsets) -> np.ndarray:
    """Where the panels of each layer begin; the last entry is the length of all."""
    sizes = [-(-int(units) // PANEL) * PANEL * int(n) for n, units in zip(o.units, o.units[1:])]
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


def _source(inputs: Any) -> _Source:
    if isinstance(inputs, Columns):
        return inputs.source
    none = np.zeros(0)
    x = Inputs.of(inputs)
    no_table = _Table(np.zeros(0, np.int64), np.zeros(0, np.int64), none, none, none)
    dense = x.number_rows(np.arange(x.nrow)) if x.packed.codes.shape[1] else x.dense
    return _Source((x.slots, dense, x.indptr, x.indices, x.values, x.num_start), no_table, None)


def zeros(sub: np.ndarray, mul: np.ndarray, num_start: int) -> np.ndarray:
    """From where each input counts: where its zero lies after scaling, unless that is far out; float64 (inputs,)."""
    with np.errstate(all="ignore"):
        scaled = (0.0 - sub) * mul
    return np.concatenate((np.zeros(num_start), np.where(np.abs(scaled) <= FARTHEST_ZERO, scaled, 0.0)))


def _run(
    network: Network, hyper: Hyper, inputs: Any, zero: np.ndarray | None, shift: np.ndarray, depth: int, threads: int
) -> np.ndarray:
    t = network.topology
    if t.maxout:
        raise ValueError("the fast forward pass knows units with one channel only")
    n = inputs.nrow
    if zero is None:
        zero = zeros(inputs.sub, inputs.mul, inputs.num_start) if isinstance(inputs, Columns) else np.zeros(t.units[0])
    zero = zero * hyper.input_scale
    x, table, alive = _source(inputs)
    where = offsets(t)
    starts = _panels(where)
    packed, base = np.zeros(int(starts[-1])), network.biases.copy()
    _pack(network.weights, where, zero, packed, starts, base)
    out = np.empty((n, t.units[depth]))
    pieces = iter(range(0, n, ROWS))

    def part() -> None:
        widest = max(t.units)
        groups = BLOCK // LANES
        length = groups * LANES * (widest + PANEL)
        work = (
            np.zeros(length),
            np.zeros(length),
            np.zeros((groups, widest + 1), np.int32),
            np.zeros((groups, widest // CHUNK + 2), np.int64),
            np.zeros(BLOCK),
            np.zeros(widest),
        )
        for first in pieces:
            end = min(n, first + ROWS)
            _forward(hyper, packed, starts, base, where, x, table, zero, shift, first, end, depth, out, work)

    threads = min(threads, -(-n // ROWS))
    if threads <= 1:
        part()
    else:
        with ThreadPoolExecutor(threads - 1) as pool:
            others = [pool.submit(part) for _ in range(threads - 1)]
            part()
            for job in others:
                job.result()
    del alive
    return out


def predict(
    network: Network,
    hyper: Hyper,
    inputs: Any,
    *,
    zero: np.ndarray | None = None,
    offsets: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Outputs of a network without Maxout units; see `heavywater.core.mlp.forward.predict`.

    A row has the same outputs, to the bit, whichever rows stand beside it, whatever the number of threads.

    Parameters
    ----------
    network : Network
    hyper : Hyper
    inputs : Columns, Inputs or anything with its attributes
    zero : float64 (inputs,), optional
        From where each numeric input counts, see `zeros`; that of the columns, or 0. It is 0 for one-hot inputs.
    offsets : float64 (n,), optional
        Added to a linear output.
    threads : int

    Returns
    -------
    float64 (n, outputs)
    """
    shift = np.zeros(0) if offsets is None else np.ascontiguousarray(offsets, np.float64)
    return _run(network, hyper, inputs, zero, shift, network.topology.layers, threads)


def hidden_activations(
    network: Network, hyper: Hyper, inputs: Any, layer: int, *, zero: np.ndarray | None = None, threads: int = 1
) -> np.ndarray:
    """Activations of hidden layer `layer` (0-based) when scoring; float64 (n, units)."""
    if not 0 <= layer < network.topology.layers - 1:
        raise ValueError(f"hidden layer {layer} of a network with {network.topology.layers - 1}")
    return _run(network, hyper, inputs, zero, np.zeros(0), layer + 1, threads)
