"""Where the fast trainer keeps weights and optimiser state, and the way from and to a `Network`.

The units of every layer are divided into as many shares as there are threads. A thread only ever writes the weights of
its share, so no cache line of weights travels between processors.

One flat float32 array, the store, holds everything. Unit by unit (all layers but perhaps the first): the rows of a
unit follow each other, weights first, then each optimiser array, every row padded to whole cache lines. Input by input
(the first layer when few inputs are non-zero): per share, the rows of an input hold one entry per unit of the share.
Maxout channels have rows of their own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from heavywater.core.mlp.layout import Hyper, Network

LINE = 16
"""float32 entries of a cache line."""


class Plan(NamedTuple):
    """Layout of the store, for kernels.

    Attributes
    ----------
    units, channels : int64
        Units per layer from the inputs on; channels per weight layer.
    bounds : int64 (layers, shares + 1)
        Units of each share.
    base, width : int64 (layers, shares)
        Start of each share in the store and (padded) length of its rows.
    parts : int
        Rows per unit or input: the weights and 0 to 2 optimiser arrays.
    by_input : bool
        Whether the first layer is kept input by input.
    places : int64 (layers + 1,)
        Start of each layer in a flat buffer of activations.
    total : int
        Length of that buffer.
    """

    units: np.ndarray
    channels: np.ndarray
    bounds: np.ndarray
    base: np.ndarray
    width: np.ndarray
    parts: int
    by_input: bool
    places: np.ndarray
    total: int


def padded(n: int) -> int:
    """`n` rounded up to whole cache lines."""
    return -(-n // LINE) * LINE


def optimiser_parts(hyper: Hyper) -> tuple[str, ...]:
    """Arrays of a `Network` that are kept beside each weight."""
    if hyper.adaptive:
        return ("weights", "ada_weight_d", "ada_weight_g")
    if hyper.momentum_start != 0 or hyper.momentum_stable != 0:
        return ("weights", "velocity_weights")
    return ("weights",)


def make_plan(network: Network, hyper: Hyper, shares: int, by_input: bool) -> tuple[Plan, int]:
    """The plan and the length of its store."""
    t = network.topology
    parts = len(optimiser_parts(hyper))
    bounds = np.zeros((t.layers, shares + 1), np.int64)
    base = np.zeros((t.layers, shares), np.int64)
    width = np.zeros((t.layers, shares), np.int64)
    at = 0
    for l in range(t.layers):
        bounds[l] = np.linspace(0, t.units[l + 1], shares + 1).round()
        for s in range(shares):
            units = int(bounds[l, s + 1] - bounds[l, s]) * t.channels[l]
            base[l, s] = at
            if l == 0 and by_input:
                width[l, s] = padded(units)
                at += t.units[0] * parts * int(width[l, s])
            else:
                width[l, s] = padded(t.units[l])
                at += units * parts * int(width[l, s])
    places = np.concatenate(([0], np.cumsum([padded(u) for u in t.units]))).astype(np.int64)
    plan = Plan(
        units=np.array(t.units, np.int64),
        channels=np.array(t.channels, np.int64),
        bounds=bounds,
        base=base,
        width=width,
        parts=parts,
        by_input=by_input,
        places=places,
        total=int(places[-1]),
    )
    return plan, at


def aligned(n: int) -> np.ndarray:
    """Float32 zeros that start at a cache line."""
    raw = np.zeros(n + LINE, np.float32)
    skip = (-raw.ctypes.data // 4) % LINE
    return raw[skip : skip + n]


def _views(plan: Plan, store: np.ndarray, network: Network, flat: np.ndarray, part: int):  # type: ignore[no-untyped-def]
    """Pairs (view of the store, view of a network's array) of equal shape, one per layer and share."""
    t = network.topology
    for l in range(t.layers):
        n, ch = t.units[l], t.channels[l]
        matrix = flat[t.weight_offsets[l] : t.weight_offsets[l + 1]].reshape(t.units[l + 1], n, ch)
        for s in range(plan.bounds.shape[1] - 1):
            lo, hi = plan.bounds[l, s], plan.bounds[l, s + 1]
            rows = int(hi - lo) * ch
            width, base = int(plan.width[l, s]), int(plan.base[l, s])
            theirs = matrix[lo:hi].transpose(0, 2, 1).reshape(rows, n) if ch == 1 else matrix[lo:hi].transpose(0, 2, 1)
            if l == 0 and plan.by_input:
                block = store[base : base + n * plan.parts * width].reshape(n, plan.parts, width)
                ours = block[:, part, :rows].T
            else:
                block = store[base : base + rows * plan.parts * width].reshape(rows, plan.parts, width)
                ours = block[:, part, :n]
            yield (ours if ch == 1 else _by_channel(ours, ch)), theirs


def _by_channel(rows: np.ndarray, channels: int) -> np.ndarray:
    """View (units, channels, n) of rows that alternate between channels."""
    step = rows.strides[0]
    return np.lib.stride_tricks.as_strided(
        rows,
        (len(rows) // channels, channels, rows.shape[1]),
        (step * channels, step, rows.strides[1]),
    )


def load(plan: Plan, store: np.ndarray, network: Network, hyper: Hyper) -> None:
    """Fill the store from the network."""
    for part, name in enumerate(optimiser_parts(hyper)):
        for ours, theirs in _views(plan, store, network, getattr(network, name), part):
            ours[...] = theirs


def unload(plan: Plan, store: np.ndarray, network: Network, hyper: Hyper, *, weights_only: bool = False) -> None:
    """Write the store back to the network."""
    for part, name in enumerate(optimiser_parts(hyper)[: 1 if weights_only else None]):
        for ours, theirs in _views(plan, store, network, getattr(network, name), part):
            theirs[...] = ours
