"""Sums over decision trees that are stored as flat arrays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba as nb
import numpy as np

_ROWS = 4096
"""Fewest rows that are worth a thread."""


class Trees(NamedTuple):
    """Trees of any number, node after node; a node's children come after it.

    Attributes
    ----------
    feature : int32 (nodes,)
        Column that a node looks at; -1 for a leaf.
    threshold : float64 (nodes,)
        Rows whose value is not larger go left; of a leaf: its value.
    words : int32 (nodes, 2)
        For a categorical column where its set of levels lies in `sets`, first word and number of words; 0 words for a
        numeric column.
    missing_left : uint8 (nodes,)
        Whether rows without a value go left.
    left, right : int32 (nodes,)
        Children.
    sets : uint32 (words,)
        Sets of levels as bits; rows with a level in the set go left.
    roots : int64 (trees,)
        First node of each tree.
    outputs : int32 (trees,)
        Output (class) to which a tree adds.
    """

    feature: np.ndarray
    threshold: np.ndarray
    words: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    sets: np.ndarray
    roots: np.ndarray
    outputs: np.ndarray


def sum_of_trees(trees: Trees, x: np.ndarray, outputs: int, threads: int = 1) -> np.ndarray:
    """For every row the sum of the leaves it falls into.

    Parameters
    ----------
    x : float64 (n, columns), C-contiguous
        Numbers and level indices; NaN is missing.
    outputs : int
        Number of outputs.

    Returns
    -------
    float64 (n, outputs)
    """
    out = np.zeros((len(x), outputs))
    cuts = np.linspace(0, len(x), max(1, min(threads, len(x) // _ROWS)) + 1).astype(int).tolist()
    if len(cuts) == 2:
        _add(*trees, x, out)
        return out
    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        for done in [pool.submit(_add, *trees, x[a:b], out[a:b]) for a, b in zip(cuts, cuts[1:])]:
            done.result()
    return out


@nb.njit(nogil=True, cache=True)
def _add(feature, threshold, words, missing_left, left, right, sets, roots, outputs, x, out):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        for t in range(roots.shape[0]):
            node = roots[t]
            while feature[node] >= 0:
                value = x[i, feature[node]]
                if np.isnan(value):
                    go = missing_left[node] != 0
                elif words[node, 1] == 0:
                    go = value <= threshold[node]
                else:
                    level = int(value)
                    word = level >> 5
                    go = word < words[node, 1] and (sets[words[node, 0] + word] >> np.uint32(level & 31)) & 1 != 0
                node = left[node] if go else right[node]
            out[i, outputs[t]] += threshold[node]
