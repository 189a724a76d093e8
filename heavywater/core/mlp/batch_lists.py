"""Training with mini-batches: lists of what is not zero in a layer, row by row and input by input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from heavywater.core.jit import njit
from heavywater.core.mlp.functions import INNER
from heavywater.core.mlp.list_tiles import GROUP, LINE, ask

f32 = np.float32


class Lists(NamedTuple):
    """Lists of the entries of a matrix that are not zero, one per row, cut into groups of `GROUP` places.

    Row b's entries begin at ``at + b * row``; where its groups begin, counted from there, and where the last one ends,
    stands at ``cut_at + b * cut_row``.
    """

    index: np.ndarray  # type: ignore[assignment]
    value: np.ndarray
    cuts: np.ndarray
    at: int
    row: int
    cut_at: int
    cut_row: int


@njit(**INNER)
def layer_lists(plan, work, value, l):  # type: ignore[no-untyped-def]
    """The lists of unit layer `l`, one per row of the batch; `value` holds activations, or errors at the same places."""
    return Lists(work.index, value, work.cuts, plan.list_at[l], plan.longest[l], plan.cut_at[l], plan.groups[l] + 1)


@njit(**INNER)
def cut(index, at, count, cuts, cut_at, groups):  # type: ignore[no-untyped-def]
    """Cut a list into groups by its places, which ascend; a smaller one that follows a larger one goes with that one."""
    cuts[cut_at] = 0
    group = 0
    for k in range(count):
        while group < index[at + k] // GROUP:
            group += 1
            cuts[cut_at + group] = k
    for g in range(group + 1, groups + 1):
        cuts[cut_at + g] = count


@njit(**INNER)
def list_row(plan, work, l, b, row):  # type: ignore[no-untyped-def]
    """Make the list of row `b` of unit layer `l` from all entries of the row."""
    index, value, at = work.index, work.value, plan.list_at[l] + b * plan.longest[l]
    # Every entry is written where the next one that counts belongs: no branch, so nothing to predict wrongly.
    k = at
    for u in range(len(row)):
        index[k] = u
        value[k] = row[u]
        k += 1 if row[u] != f32(0) else 0
    cut(index, at, k - at, work.cuts, plan.cut_at[l] + b * (plan.groups[l] + 1), plan.groups[l])


@njit(**INNER)
def list_errors(plan, work, l, b, row):  # type: ignore[no-untyped-def]
    """Take the errors in `row` for the places in the list of row `b` of unit layer `l`."""
    at = plan.list_at[l] + b * plan.longest[l]
    count = work.cuts[plan.cut_at[l] + b * (plan.groups[l] + 1) + plan.groups[l]]
    for k in range(at, at + count):
        work.error[k] = row[work.index[k]]


@njit(**INNER)
def list_rows(plan, work, own, l, group, size):  # type: ignore[no-untyped-def]
    """Turn the rows' lists of unit layer `l` into lists of rows, one for each unit of a group."""
    cuts, row = own.cuts, -(-size // GROUP) + 1
    counts, step = own.starts, size + LINE  # batches of 128 rows would compete for the same places of a cache
    for i in range(GROUP):
        counts[i] = 0
    for b in range(size):
        if b % GROUP == 0:
            for i in range(GROUP):
                cuts[i * row + b // GROUP] = counts[i]
        at, cut = plan.list_at[l] + b * plan.longest[l], plan.cut_at[l] + b * (plan.groups[l] + 1) + group
        # The row's next group, which is needed next time; rows are too far apart for processors to notice.
        stop = at + work.cuts[cut + 1]
        for k in range(stop, stop + GROUP // 2, LINE):
            ask(work.index, k)
            ask(work.value, k)
        for k in range(at + work.cuts[cut], stop):
            i = work.index[k] - group * GROUP
            place = i * step + counts[i]
            own.rows[place] = b
            own.values[place] = work.value[k]
            counts[i] += 1
    for i in range(GROUP):
        cuts[i * row + row - 1] = counts[i]
    return Lists(own.rows, own.values, cuts, 0, step, 0, row)


@njit(**INNER)
def by_input(plan, work, own, size, lo, hi):  # type: ignore[no-untyped-def]
    """Turn the rows' lists of network inputs `lo` to `hi` into lists of rows per input, one after the other."""
    starts, at, row = own.starts, plan.list_at[0], plan.longest[0]
    for i in range(lo, hi + 1):
        starts[i] = 0
    for b in range(size):
        for k in range(at + b * row, at + b * row + work.length[b]):
            i = work.index[k]
            if lo <= i < hi:
                starts[i] += 1
    total = 0
    for i in range(lo, hi + 1):
        count = starts[i]
        starts[i] = total
        total += count
    for b in range(size):
        for k in range(at + b * row, at + b * row + work.length[b]):
            i = work.index[k]
            if lo <= i < hi:
                own.rows[starts[i]] = b
                own.values[starts[i]] = work.value[k]
                starts[i] += 1
