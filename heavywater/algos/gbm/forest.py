"""Trees as arrays: read from LightGBM's description of a tree, checked when they come from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from heavywater.core.trees import Trees
from heavywater.errors import ModelFileError
from heavywater.models.state import ArraySpec

_TYPES = {
    "feature": "I32", "threshold": "F64", "words": "I32", "missing_left": "U8", "left": "I32", "right": "I32",
    "sets": "I32", "roots": "I64", "outputs": "I32",
}  # fmt: skip
_DTYPES = dict(zip(_TYPES, ("i4", "f8", "i4", "u1", "i4", "i4", "u4", "i8", "i4")))


class Forest:
    """Trees that grow in number, and facts about them."""

    def __init__(self) -> None:
        self._nodes: list[list[Any]] = []
        self._sets: list[int] = []
        self._roots: list[int] = []
        self._outputs: list[int] = []
        self.depths: list[int] = []
        self.leaves: list[int] = []
        self._start = _empty()

    @classmethod
    def continued(cls, trees: Trees, depths: list[int], leaves: list[int]) -> Forest:
        """A forest that begins with the trees of another model."""
        forest = cls()
        forest._start, forest.depths, forest.leaves = trees, list(depths), list(leaves)
        return forest

    def __len__(self) -> int:
        return len(self._start.roots) + len(self._roots)

    def add(self, description: Mapping[str, Any], output: int) -> None:
        """Add a tree as LightGBM describes it (`Booster.dump_model`)."""
        self._roots.append(len(self._nodes))
        self._outputs.append(output)
        self.leaves.append(0)
        self.depths.append(0)
        self._grow(description, 0)

    def _grow(self, node: Mapping[str, Any], depth: int) -> int:
        me = len(self._nodes)
        self.depths[-1] = max(self.depths[-1], depth)
        if "split_feature" not in node:
            self.leaves[-1] += 1
            self._nodes.append([-1, float(node["leaf_value"]), 0, 0, 0, 0, 0])
            return me
        first, count, threshold = 0, 0, 0.0
        if node["decision_type"] == "==":
            bits = _bits([int(v) for v in str(node["threshold"]).split("||")])
            first, count = len(self._sets), len(bits)
            self._sets += bits
        else:
            threshold = float(node["threshold"])
        entry = [int(node["split_feature"]), threshold, first, count, 0, 0, 0]
        self._nodes.append(entry)
        entry[5] = self._grow(node["left_child"], depth + 1)
        entry[6] = self._grow(node["right_child"], depth + 1)
        entry[4] = int(_missing_left(node))
        return me

    def trees(self) -> Trees:
        """All trees."""
        columns = list(zip(*self._nodes)) or [()] * 7
        nodes, words = len(self._start.feature), len(self._start.sets)
        count = np.array(columns[3], "i4")
        first = np.where(count > 0, np.array(columns[2], "i4") + words, 0)
        inner = np.array(columns[0], "i4") >= 0
        grown = Trees(
            feature=np.array(columns[0], "i4"),
            threshold=np.array(columns[1], "f8"),
            words=np.column_stack([first, count]).astype("i4"),
            missing_left=np.array(columns[4], "u1"),
            left=np.where(inner, np.array(columns[5], "i4") + nodes, 0).astype("i4"),
            right=np.where(inner, np.array(columns[6], "i4") + nodes, 0).astype("i4"),
            sets=np.array(self._sets, "u4"),
            roots=np.array(self._roots, "i8") + nodes,
            outputs=np.array(self._outputs, "i4"),
        )
        return Trees(*(np.concatenate([a, b]) for a, b in zip(self._start, grown)))

    def latest(self, count: int) -> Trees:
        """The last `count` trees alone, to add to what the earlier ones gave."""
        trees = self.trees()
        return trees._replace(roots=trees.roots[-count:], outputs=trees.outputs[-count:])


def _empty() -> Trees:
    shapes = {"words": (0, 2)}
    return Trees(**{name: np.zeros(shapes.get(name, (0,)), dtype) for name, dtype in _DTYPES.items()})


def _bits(levels: list[int]) -> list[int]:
    words = [0] * (max(levels) // 32 + 1)
    for level in levels:
        words[level // 32] |= 1 << (level % 32)
    return words


def _missing_left(node: Mapping[str, Any]) -> bool:
    """Where rows without a value go: as learned where there were any, else with most rows, as in H2O."""
    if node["missing_type"] == "NaN":
        return bool(node["default_left"]) and node["decision_type"] != "=="
    return _rows(node["left_child"]) >= _rows(node["right_child"])


def _rows(node: Mapping[str, Any]) -> int:
    return int(node.get("internal_count", node.get("leaf_count", 0)))


def to_arrays(trees: Trees) -> dict[str, np.ndarray]:
    """Trees as the arrays of a model file."""
    return {**trees._asdict(), "sets": trees.sets.view("i4")}


def from_arrays(arrays: Mapping[str, np.ndarray], columns: int, outputs: int) -> Trees:
    """Trees from the arrays of a model file.

    Raises
    ------
    ModelFileError
        When an index points outside, or a node's children do not come after it (so that no walk could end).
    """
    trees = Trees(**{name: np.ascontiguousarray(arrays[name]).view(_DTYPES[name]) for name in _TYPES})
    n = len(trees.feature)
    inner = trees.feature >= 0
    me = np.arange(n)
    first, count = trees.words[:, 0].astype("i8"), trees.words[:, 1].astype("i8")
    sound = (
        bool((trees.feature >= -1).all() and (trees.feature < columns).all())
        and all(bool(((c > me) & (c < n))[inner].all()) for c in (trees.left, trees.right))
        and bool(((first >= 0) & (count >= 0) & (first + count <= len(trees.sets))).all())
        and bool(((trees.roots >= 0) & (trees.roots < n)).all())
        and bool(((trees.outputs >= 0) & (trees.outputs < outputs)).all())
        and bool(np.isfinite(trees.threshold).all())
    )
    if not sound:
        raise ModelFileError("its trees contradict themselves: an index is out of range")
    return trees


def specs(nodes: int, words: int, trees: int) -> dict[str, ArraySpec]:
    """What the arrays of a forest look like."""
    lengths = {"sets": words, "roots": trees, "outputs": trees}
    return {
        name: ArraySpec(kind, (nodes, 2) if name == "words" else (lengths.get(name, nodes),))
        for name, kind in _TYPES.items()
    }
