"""From the columns of a frame to the network's inputs as tables: what every scorer in another language does.

Each encoding becomes look-up tables over the levels that a column had in training, with one more entry for a missing or
unseen level, so that a scorer needs no code for any of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from heavywater.core.hashing import murmur2_slot


@dataclass(frozen=True)
class Categorical:
    """A column that adds 1 to the input ``slots[level]``; -1 stands for none, the last entry for a missing level."""

    source: int
    slots: np.ndarray


@dataclass(frozen=True)
class Numeric:
    """An input ``(x - sub) * mul``.

    `x` is the number in the column `source`, or ``table[level]`` with the last entry for a missing level; where it is
    not finite, `missing` stands for it.
    """

    source: int
    table: np.ndarray | None
    missing: float
    sub: float
    mul: float


@dataclass(frozen=True)
class Steps:
    """All inputs in their order: the categorical block, then the numbers from `start` on."""

    categorical: tuple[Categorical, ...]
    numeric: tuple[Numeric, ...]
    start: int


def steps_of(net: Any) -> Steps:
    """The tables of a `heavywater.algos.deeplearning.export.Portable`."""
    d, e = net.design, net.encoding
    where = {c: i for i, c in enumerate(net.columns)}
    categorical = []
    for i, name in enumerate(d.cats):
        source, codes = name, list(range(len(d.levels[i])))
        if e is not None:
            source, codes = _reordered(e, name, d.levels[i])
        codes.append(-1)
        first, after = d.cat_offsets[i], d.cat_offsets[i + 1]
        slots = [after - 1 if c < 0 else first + c - (0 if d.all_levels else 1) for c in codes]
        slots = [-1 if c == 0 and not d.all_levels else s for c, s in zip(codes, slots)]
        if d.buckets:
            slots = [s if s < 0 else murmur2_slot(s, d.hash_seed, d.buckets) for s in slots]
        categorical.append(Categorical(where[source], np.array(slots, np.int32)))
    numeric = []
    for j, name in enumerate(d.nums):
        sub, mul = (0.0 if d.sub is None else d.sub[j]), (1.0 if d.mul is None else d.mul[j])
        missing = d.mean[j] if d.impute_when_scoring else sub
        source, table = (name, None) if e is None else _table(e, name)
        numeric.append(Numeric(where[source], table, missing, sub, mul))
    return Steps(tuple(categorical), tuple(numeric), d.num_start)


def _reordered(e: Any, name: str, levels: tuple[str, ...]) -> tuple[str, list[int]]:
    """The column from which `name` is made, and for each of its levels the index among the new ones."""
    source = next(c for c in e.levels if name in (c, f"{c}.top_10_levels"))
    index = {v: i for i, v in enumerate(levels)}
    other = index.get("other", -1) if e.kind == "EnumLimited" and source in e.order else -1
    return source, [index.get(v, other) for v in e.levels[source]]


def _table(e: Any, name: str) -> tuple[str, np.ndarray | None]:
    """The column from which the number `name` is made, and its value for each level."""
    for c, levels in e.levels.items():
        if e.kind == "Binary":
            for bit in range(1 + int(math.log2(len(levels)))):
                if name == f"{c}:{bit}":
                    return c, np.array([(v + 1) >> bit & 1 for v in range(len(levels))] + [0], np.float64)
        elif c in e.values and name in (c, f"{c}.Eigen"):
            return c, np.array([*e.values[c], math.nan])
    return name, None
