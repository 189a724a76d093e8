"""The messages that a graph of TensorFlow 1 is made of: nodes with their attributes, shapes, constants, collections."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError
from heavywater.networks.protobuf import Field, fields, float32, floats, signed, text, varints

__all__ = ["TFNode", "collection_of", "nodes_of", "shape_of", "tensor_of", "words_of"]

MAX_NODES = 200_000


@dataclass
class TFNode:
    """A node as it stands in the file."""

    name: str = ""
    op: str = ""
    inputs: list[str] = field(default_factory=list)
    attrs: dict[str, dict[int, Field]] = field(default_factory=dict)

    def sizes(self, key: str) -> list[int]:
        """A list of whole numbers, e.g. ``strides``."""
        found = self.attrs.get(key, {}).get(1)
        return [] if found is None else [n for f in fields(found.bytes) if f.number == 3 for n in varints(f)]

    def word(self, key: str, default: str = "") -> str:
        found = self.attrs.get(key, {}).get(2)
        return default if found is None else text(found.bytes)

    def flag(self, key: str) -> bool:
        found = self.attrs.get(key, {}).get(5)
        return found is not None and bool(found.int)

    def whole(self, key: str, default: int) -> int:
        found = self.attrs.get(key, {}).get(3)
        return default if found is None else signed(found.int)

    def function(self, key: str) -> str:
        """Name of the function that an attribute refers to."""
        found = self.attrs.get(key, {}).get(10)
        names = [] if found is None else [text(f.bytes) for f in fields(found.bytes) if f.number == 1]
        return names[0] if names else ""

    def shape(self, key: str) -> tuple[int, ...] | None:
        """A shape with -1 for unknown sizes; None where not even their number is known."""
        found = self.attrs.get(key, {}).get(7)
        unknown = found is None or any(f.number == 3 and f.value for f in fields(found.bytes))
        return None if found is None or unknown else shape_of(found.bytes)

    def number(self, key: str, default: float) -> float:
        found = self.attrs.get(key, {}).get(4)
        return default if found is None else float32(found.bytes)


def nodes_of(messages: Iterable[memoryview]) -> dict[str, TFNode]:
    """Nodes by name."""
    made: dict[str, TFNode] = {}
    for message in messages:
        node = _node_of(message)
        if node.name in made or len(made) >= MAX_NODES:
            raise ModelFileError(f"the node {node.name[:60]!a} is there twice, or there are too many")
        made[node.name] = node
    return made


def _node_of(message: memoryview) -> TFNode:
    node = TFNode()
    for f in fields(message):
        if f.number == 1:
            node.name = text(f.bytes)
        elif f.number == 2:
            node.op = text(f.bytes)
        elif f.number == 3:
            node.inputs.append(text(f.bytes))
        elif f.number == 5:
            entry = {e.number: e for e in fields(f.bytes)}
            if 1 in entry and 2 in entry:
                node.attrs[text(entry[1].bytes)] = {v.number: v for v in fields(entry[2].bytes)}
    node.inputs = [i for i in node.inputs if not i.startswith("^")]
    return node


def collection_of(message: memoryview) -> tuple[str, list[memoryview]]:
    name, values = "", []
    for f in fields(message):
        if f.number == 1:
            name = text(f.bytes)
        elif f.number == 2:
            for kind in fields(f.bytes):
                if kind.number in (1, 2):
                    values += [v.bytes for v in fields(kind.bytes) if v.number == 1]
    return name, values


_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 6: "i1", 9: "<i8", 10: "?"}


def shape_of(message: memoryview) -> tuple[int, ...]:
    """A TensorShapeProto; -1 for unknown sizes."""
    made = []
    for f in fields(message):
        if f.number == 2:
            sizes = [signed(d.int) for d in fields(f.bytes) if d.number == 1]
            made.append(sizes[0] if sizes else 0)
    return tuple(made)


def tensor_of(message: memoryview) -> NDArray[Any]:
    kind, content = 0, None
    shape: tuple[int, ...] = ()
    values: list[NDArray[Any]] = []
    for f in fields(message):
        if f.number == 1:
            kind = f.int
        elif f.number == 2:
            shape = shape_of(f.bytes)
        elif f.number == 4:
            content = f.bytes
        elif f.number == 5:
            values.append(floats(f.bytes))
        elif f.number in (7, 10, 11):
            values.append(np.array(varints(f), np.int64))
    if kind not in _TYPES or any(n < 0 for n in shape):
        return np.zeros(0)  # text and the like, which no network computes with
    count, dtype = math.prod(shape), np.dtype(_TYPES[kind])
    if content is not None:
        if len(content) != count * dtype.itemsize:
            raise ModelFileError(f"a constant of the shape {shape} has {len(content):,} bytes")
        return np.frombuffer(content, dtype).reshape(shape)
    found = np.concatenate(values) if values else np.zeros(1)
    if len(found) == count:
        return found.astype(dtype).reshape(shape)
    if len(found) != 1 or count > 1 << 20:
        raise ModelFileError(f"a constant of the shape {shape} has {len(found):,} numbers")
    return np.full(shape, found[0], dtype)


def words_of(message: memoryview) -> list[str]:
    """The texts of a constant of text."""
    return [text(f.bytes) for f in fields(message) if f.number == 8]
