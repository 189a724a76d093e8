"""Training with mini-batches: where weights, activations and errors lie.

Every layer is kept input by input: a row of the store holds the weights from one input to all units (Maxout: channels)
and, after them, the optimiser's arrays of these weights. One layout serves all three products of a training step, and
a row whose input is zero in the whole batch need not be touched.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from heavywater.core.mlp.layout import AUTOENCODER, MAXOUT, RECTIFIER, Hyper, Network
from heavywater.core.mlp.list_tiles import GROUP, LINE, MOST
from heavywater.core.mlp.loops import WIDE
from heavywater.core.mlp.plan import aligned, optimiser_parts
from heavywater.core.mlp.tiles import COLUMNS, ROWS
from heavywater.core.mlp.turn import by_inputs, by_units

BLOCK = 4 * ROWS
"""Inputs of a layer that are updated together, and by one thread; of layers that come as lists `GROUP`."""
BACK = 64
"""Rows of a batch whose errors are passed down together."""
FLOAT = 4
"""Bytes of a number."""
HELD = 1 << 20
"""Bytes of a layer's weights that every cache of the second level holds."""
DROPPED = 0.3
"""From this dropout ratio on, lists of the rectifiers that are on are worth making."""
FEWEST = 16
"""Rows of a batch for which they are: pieces of weights are brought into place once for all rows."""
ENOUGH = 1 << 22
"""Weights times rows of a batch, before or after a layer, for which they are."""


def listed_layers(network: Network, hyper: Hyper, batch: int, by_input: bool) -> np.ndarray:
    """Which unit layers are passed on as lists: bool, from the inputs to the outputs.

    Decided by the settings, so that the bits of a result depend on nothing else. The errors at few outputs are listed
    when the layer below is, although few are zero.
    """
    t = network.topology
    ratios = np.zeros(t.layers - 1)
    ratios[: len(hyper.hidden_dropout)] = hyper.hidden_dropout
    weights = np.array([n * m for n, m in zip(t.units, t.units[1:])])
    large = np.maximum(weights[:-1], weights[1:]) * batch >= ENOUGH
    hidden = (ratios >= DROPPED) & (hyper.activation == RECTIFIER) & (batch >= FEWEST) & large
    above = t.layers > 1 and bool(hidden[-1]) and t.units[-1] <= GROUP
    return np.concatenate(([by_input], hidden, [above])).astype(np.bool_)


def spaced(n: int, least: int) -> int:
    """Width of rows of `n` numbers: whole vectors, at least `least` numbers, and no multiple of 4096 bytes.

    Rows at such distances compete for the same places of a cache.
    """
    width = max(least, -(-n // WIDE) * WIDE)
    return width + WIDE if width % 1024 == 0 else width


class BatchPlan(NamedTuple):
    """Layout, for kernels; entries of `act`, `z` and `sums` lie at a layer's place plus row times width.

    Attributes
    ----------
    units, channels, width, base, block, blocks : int64 per layer
        Units (from the inputs on); per weight layer channels, padded columns, start in the store, inputs that are
        updated together, how often.
    act_at, act_width : int64 (layers,)
        Activations below each weight layer.
    z_at : int64 (layers,)
        Net inputs of each weight layer, later the errors there.
    sums_at : int64 (layers,)
        Sums of squared gradients per block and column.
    column_at : int64 (layers,)
        Start in arrays with one entry per column.
    bias_at, seen_at : int64 (layers,)
        Biases and mean activations.
    parts : int
    by_input : bool
        The first layer's inputs come as lists.
    large : bool
        The first layer's weights do not stay in a cache for one row after the other.
    listed : bool (layers + 1,)
        Whether the entries of a unit layer that are not zero are listed, or its errors.
    list_at, longest, cut_at, groups : int64 (layers + 1,)
        Lists of each unit layer: start, longest one, start of the cuts, groups.
    batch : int
        Rows of a batch.
    """

    units: np.ndarray
    channels: np.ndarray
    width: np.ndarray
    base: np.ndarray
    block: np.ndarray
    blocks: np.ndarray
    act_at: np.ndarray
    act_width: np.ndarray
    z_at: np.ndarray
    sums_at: np.ndarray
    column_at: np.ndarray
    bias_at: np.ndarray
    seen_at: np.ndarray
    parts: int
    by_input: bool
    large: bool
    listed: np.ndarray
    list_at: np.ndarray
    longest: np.ndarray
    cut_at: np.ndarray
    groups: np.ndarray
    batch: int


class Work(NamedTuple):
    """Buffers of all threads."""

    act: np.ndarray
    z: np.ndarray
    winner: np.ndarray
    live: np.ndarray
    alive: np.ndarray
    sums: np.ndarray
    index: np.ndarray  # type: ignore[assignment]
    value: np.ndarray
    error: np.ndarray
    cuts: np.ndarray
    length: np.ndarray
    target: np.ndarray
    shift: np.ndarray


class Own(NamedTuple):
    """Buffers of one thread."""

    grads: np.ndarray
    errors: np.ndarray
    block: np.ndarray
    coefficients: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    values: np.ndarray
    cuts: np.ndarray
    total: np.ndarray
    moved: np.ndarray
    squares: np.ndarray
    unused: np.ndarray


def make_batch_plan(network: Network, hyper: Hyper, batch: int, by_input: bool, longest: int) -> tuple[BatchPlan, int]:
    """The plan and the length of its store."""
    t = network.topology
    units, channels = np.array(t.units, np.int64), np.array(t.channels, np.int64)
    parts = len(optimiser_parts(hyper))
    width = np.array([spaced(n, COLUMNS) for n in (units[1:] * channels).tolist()])
    act_width = np.array([0 if by_input and l == 0 else spaced(n, WIDE) for l, n in enumerate(t.units[:-1])])
    sizes = units[:-1] * parts * width
    listed = listed_layers(network, hyper, batch, by_input)
    block = np.where(listed[:-1] & (np.arange(t.layers) > 0), GROUP, BLOCK)
    blocks = -(-units[:-1] // block)
    lists = np.array([spaced(n, WIDE) if on else 0 for n, on in zip(t.units, listed)])
    lists[0] = longest
    groups = np.where(listed, -(-units // GROUP), 0)
    plan = BatchPlan(
        units=units,
        channels=channels,
        width=width,
        base=_starts(sizes),
        block=block,
        blocks=blocks,
        act_at=_starts(act_width * batch),
        act_width=act_width,
        z_at=_starts(width * batch),
        sums_at=_starts(blocks * width),
        column_at=_starts(width),
        bias_at=t.bias_offsets[:-1].astype(np.int64),
        seen_at=np.concatenate(([0], np.cumsum(t.units[1:-1]), [0]))[: t.layers].astype(np.int64),
        parts=parts,
        by_input=by_input,
        large=int(units[0] * width[0]) * FLOAT > HELD,
        listed=listed,
        list_at=_starts(lists * batch),
        longest=lists,
        cut_at=_starts((groups + 1) * batch),
        groups=groups,
        batch=batch,
    )
    return plan, int(sizes.sum())


def _starts(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)


def make_work(plan: BatchPlan, hyper: Hyper) -> Work:
    """Buffers for a plan."""
    b, n = plan.batch, int(plan.units[0])
    hidden = int(plan.width.sum()) * b
    entries = int(plan.longest.sum()) * b
    return Work(
        act=aligned(int((plan.act_width * b).sum()) + COLUMNS),
        z=aligned(hidden),
        winner=np.zeros(hidden if hyper.activation == MAXOUT else 0, np.uint8),
        live=np.ones(hidden, np.bool_),
        alive=np.ones(int(plan.width.sum()), np.float32),
        sums=aligned(int((plan.blocks * plan.width).sum())),
        index=np.zeros(entries, np.int32),
        value=np.zeros(entries, np.float32),
        error=np.zeros(entries, np.float32),
        cuts=np.zeros(int((plan.groups + 1).sum()) * b, np.int64),
        length=np.zeros(b, np.int64),
        target=np.zeros((b, n if hyper.output == AUTOENCODER else 0), np.float32),
        shift=np.zeros(0, np.int64),
    )


def make_own(plan: BatchPlan) -> Own:
    """Buffers of one more thread."""
    hidden = bool(plan.listed[1:].any())
    entries = max(
        plan.batch * int(plan.longest[0]) if plan.by_input else 0, (plan.batch + LINE) * GROUP if hidden else 0
    )
    widest = int(plan.width.max())
    return Own(
        grads=aligned(int((plan.block * plan.width).max())),
        errors=aligned(min(plan.batch, BACK) * int(plan.units[1:-1].max(initial=0))),
        block=aligned(GROUP * MOST * WIDE if hidden else 0),
        coefficients=np.zeros(5, np.float32),
        starts=np.zeros(max(int(plan.units[0]) + 1 if plan.by_input else 0, GROUP), np.int64),
        rows=np.zeros(entries, np.int32),
        values=np.zeros(entries, np.float32),
        cuts=np.zeros((-(-plan.batch // GROUP) + 1) * GROUP if hidden else 0, np.int64),
        total=aligned(widest),
        moved=aligned(widest),
        squares=aligned(widest),
        unused=aligned(widest),
    )


def _parts(plan: BatchPlan, network: Network, hyper: Hyper) -> list[tuple[np.ndarray, int, int, int, int, int]]:
    """For each optimiser array and layer: the network's numbers, units, inputs, channels, start in the store, step."""
    t = network.topology
    parts = []
    for part, name in enumerate(optimiser_parts(hyper)):
        for l in range(t.layers):
            flat = getattr(network, name)[t.weight_offsets[l] : t.weight_offsets[l + 1]]
            width = int(plan.width[l])
            start, step = int(plan.base[l]) + part * width, plan.parts * width
            parts.append((flat, t.units[l + 1], t.units[l], t.channels[l], start, step))
    return parts


def load_batch(plan: BatchPlan, store: np.ndarray, network: Network, hyper: Hyper, threads: int = 1) -> None:
    """Fill the store from the network."""

    def copy(flat: np.ndarray, units: int, n: int, channels: int, start: int, step: int) -> None:
        by_inputs(flat, units, n, channels, store, start, step)

    _each(_parts(plan, network, hyper), copy, threads)


def unload_batch(
    plan: BatchPlan,
    store: np.ndarray,
    network: Network,
    hyper: Hyper,
    threads: int = 1,
    *,
    weights_only: bool = False,
) -> None:
    """Write the store back to the network."""

    def copy(flat: np.ndarray, units: int, n: int, channels: int, start: int, step: int) -> None:
        by_units(store, start, step, flat, units, n, channels)

    _each(_parts(plan, network, hyper)[: network.topology.layers if weights_only else None], copy, threads)


def _each(parts: list[Any], copy: Callable[..., None], threads: int) -> None:
    """Copy parts, the largest first, on several threads where that is worth it."""
    parts = sorted(parts, key=lambda part: -len(part[0]))
    if threads <= 1 or sum(len(part[0]) for part in parts) < HELD:
        for part in parts:
            copy(*part)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: copy(*part), parts))
