"""A network as data: named operations in topological order, with shapes and arrays known before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import H2OValueError, ModelFileError, NotFound, did_you_mean
from heavywater.networks.attributes import Attribute, completed
from heavywater.networks.ops import LAYOUTS, MAX_RANK, NAMED, OPS, ArraySpec, Shape

__all__ = ["ArraySpec", "Graph", "Node", "array_name"]

MAX_NODES = 20_000
MAX_WEIGHTS = 1 << 30
"""Most numbers in all arrays of a network together (4 GB)."""
MAX_VALUES = 1 << 28
"""Most numbers that one operation may give for one row."""


@dataclass(frozen=True)
class Node:
    """One operation of a graph.

    Parameters
    ----------
    name : str
        Unique in the graph.
    op : str
        A key of ``ops.OPS``.
    inputs : tuple of int
        Indices of earlier nodes.
    attrs : mapping
        Attributes of the operation; what is left out takes the operation's default.
    """

    name: str
    op: str
    inputs: tuple[int, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A network.

    Parameters
    ----------
    nodes : tuple of Node
        Every node after its inputs. The inputs of the network are nodes of the operation ``input``: ``data``, and
        ``table`` for columns beside an image.
    head : int
        Index of the node that gives the logits (before softmax) or the result of a regression.

    Raises
    ------
    H2OValueError
        Something does not fit; the message lists every problem.
    """

    nodes: tuple[Node, ...]
    head: int

    def __post_init__(self) -> None:
        if not 0 < len(self.nodes) <= MAX_NODES:
            raise H2OValueError(f"a network has from 1 to {MAX_NODES:,} nodes; this one has {len(self.nodes):,}")
        problems: list[str] = []
        whole = tuple(self._checked(i, node, problems) for i, node in enumerate(self.nodes))
        seen: set[str] = set()
        for node in whole:
            if node.name in seen:
                problems.append(f"the name {node.name!a:.60} is given to two nodes")
            seen.add(node.name)
        if not isinstance(self.head, int) or not 0 <= self.head < len(whole):
            problems.append(f"the head must be the index of one of {len(whole):,} nodes; it is {self.head!a:.40}")
        if not any(n.op == "input" for n in whole):
            problems.append("it has no input")
        if problems:
            more = f"\n  and {len(problems) - 20:,} more" if len(problems) > 20 else ""
            raise H2OValueError("the network does not hold together:\n  " + "\n  ".join(problems[:20]) + more)
        object.__setattr__(self, "nodes", whole)
        self._check_batchless()

    @staticmethod
    def _checked(index: int, node: Node, problems: list[str]) -> Node:
        where = f"node {index} ({node.name!a:.60})"
        if not isinstance(node.name, str) or not 0 < len(node.name) <= 500 or not node.name.isprintable():
            problems.append(f"{where}: its name must be printable text of 1 to 500 characters")
        op = OPS.get(node.op) if isinstance(node.op, str) else None
        if op is None:
            problems.append(f"{where}: there is no operation {node.op!a:.60}{did_you_mean(str(node.op)[:60], OPS)}")
            return node
        low, high = op.inputs
        if not low <= len(node.inputs) <= high:
            problems.append(
                f"{where}: {node.op} takes {low if low == high else f'{low} to {high}'} inputs, not {len(node.inputs)}"
            )
        if not all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i < index for i in node.inputs):
            problems.append(f"{where}: its inputs must be indices of earlier nodes; they are {node.inputs!a:.60}")
        known: dict[str, Attribute] = {**op.attributes, **NAMED}
        attrs, found = completed(where, node.attrs, known)
        for layout in attrs["layouts"].values():
            if layout not in LAYOUTS:
                found.append(f"{where}: there is no layout {layout!a:.20}; known are {', '.join(LAYOUTS)}")
        problems += found
        return Node(node.name, node.op, tuple(node.inputs), attrs)

    def _check_batchless(self) -> None:
        for node in self.nodes:
            arrays = [i for i in node.inputs if self.nodes[i].op == "array"]
            if arrays and (node.op != "elementwise" or len(arrays) == len(node.inputs)):
                raise H2OValueError(
                    f"{node.name!a}: an array of the network can only be an operand beside a value; {node.op} cannot use it"
                )

    # -- looking at it ------------------------------------------------------------------------------------------------

    def layers(self) -> list[str]:
        """Names of the layers whose values can be asked for, ``<node>_output``, in the order of computation."""
        return [f"{n.name}_output" for n in self.nodes if n.op not in ("input", "array")]

    def find(self, layer: str) -> int:
        """Index of the node that is meant by a layer's name, with or without ``_output``.

        Raises
        ------
        NotFound
            There is no such layer; the message lists all of them, one per line.
        """
        by_name = {n.name: i for i, n in enumerate(self.nodes) if n.op != "array"}
        name = str(layer)
        for spelling in (name, name.removesuffix("_output"), name.removesuffix(":0")):
            if spelling in by_name:
                return by_name[spelling]
        known = self.layers()
        raise NotFound(
            f"the network has no layer {name!a:.80}{did_you_mean(name[:80], known)}; its layers are\n"
            + "\n".join(known)
        )

    @property
    def loss(self) -> str:
        """What follows the head: ``softmax``, ``linear`` or ``logistic``; ``softmax`` when nothing does."""
        for node in self.nodes:
            if self.head in node.inputs:
                if node.op == "softmax":
                    return "softmax"
                if node.op == "output":
                    return str(node.attrs["kind"])
        return "softmax"

    def shapes(self, input_shape: Sequence[int]) -> dict[str, Shape]:
        """Shape of the value of every node for one row.

        Parameters
        ----------
        input_shape : sequence of int
            (channels, height, width) or (features,) of the input ``data``; other inputs bring their own.

        Raises
        ------
        H2OValueError
            The operations do not fit this input; says which and why.
        """
        return dict(zip((n.name for n in self.nodes), self._shapes(input_shape)))

    def arrays(self, input_shape: Sequence[int]) -> dict[str, ArraySpec]:
        """Every array of the network by name, in the order of computation.

        Raises
        ------
        H2OValueError
            The operations do not fit this input, two arrays share a name, or there are more than ``MAX_WEIGHTS``
            numbers.
        """
        made: dict[str, ArraySpec] = {}
        for node, roles in zip(self.nodes, self.roles(input_shape)):
            for role, spec in roles.items():
                name = array_name(node, role)
                if made.setdefault(name, spec) is not spec:
                    raise H2OValueError(f"two arrays have the name {name!a:.80}")
        total = sum(math.prod(s.shape) for s in made.values())
        if total > MAX_WEIGHTS:
            raise H2OValueError(f"the network has {total:,} weights; at most {MAX_WEIGHTS:,} are allowed")
        return made

    def roles(self, input_shape: Sequence[int]) -> list[dict[str, ArraySpec]]:
        """For each node its arrays by role (``weight``, ``bias``, ``gamma``, ...)."""
        shapes = self._shapes(input_shape)
        return [OPS[n.op].arrays(n.attrs, [shapes[i] for i in n.inputs]) for n in self.nodes]

    def weights(self, input_shape: Sequence[int]) -> int:
        """Number of weights that training changes, with the gammas that are held at 1."""
        return sum(
            math.prod(s.shape) for name, s in self.arrays(input_shape).items() if s.trainable or name in self._fixed
        )

    @cached_property
    def _fixed(self) -> frozenset[str]:
        return frozenset(array_name(n, "gamma") for n in self.nodes if n.op == "batchnorm")

    def _shapes(self, input_shape: Sequence[int]) -> list[Shape]:
        given = tuple(int(v) for v in input_shape)
        if not 1 <= len(given) <= 3 or min(given) < 1:
            raise H2OValueError(
                f"the shape of the input must be (features,) or (channels, height, width); got {input_shape!r}"
            )
        shapes: list[Shape] = []
        for node in self.nodes:
            fixed = node.attrs.get("shape") if node.op == "input" and node.name == "data" else None
            if fixed is not None and fixed != given:
                raise H2OValueError(f"the network takes rows of the shape {fixed}; the data have {given}")
            try:
                shape = OPS[node.op].shape(node.attrs, [shapes[i] for i in node.inputs]) or given
            except ValueError as error:
                raise H2OValueError(f"the layer {node.name!a} ({node.op}) does not fit: {error}") from None
            if len(shape) > MAX_RANK or math.prod(shape) > MAX_VALUES:
                raise H2OValueError(
                    f"the layer {node.name!a} ({node.op}) would give {shape}, {math.prod(shape):,} numbers per row; "
                    f"at most {MAX_VALUES:,} are allowed"
                )
            shapes.append(shape)
        return shapes

    def from_file(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """`arrays` with the axes of those that the network stores in another layout in our order."""
        made = dict(arrays)
        for node in self.nodes:
            for role, layout in node.attrs["layouts"].items():
                name, axes = array_name(node, role), LAYOUTS[layout]
                if axes is not None and name in made and made[name].ndim == len(axes):
                    made[name] = np.ascontiguousarray(made[name].transpose(axes))
                    if layout == "HWIM":
                        made[name] = made[name].reshape(-1, 1, *made[name].shape[2:])
        return made

    # -- changing it --------------------------------------------------------------------------------------------------

    def needed(self, index: int) -> list[int]:
        """Indices of the nodes that node `index` depends on and itself, in order."""
        wanted = {index}
        for i in range(index, -1, -1):
            if i in wanted:
                wanted.update(self.nodes[i].inputs)
        return sorted(wanted)

    def up_to(self, layer: str) -> Graph:
        """The part of the network that ends with `layer`, which becomes its head."""
        return self._kept(self.needed(self.find(layer)))

    def with_head(self, classes: int) -> Graph:
        """The same network with `classes` outputs: the last fully connected layer before the head is replaced.

        Raises
        ------
        H2OValueError
            Between the last fully connected layer and the head stands something that would not survive the change.
        """
        index = self.head
        while self.nodes[index].op in ("dropout", "activation", "scalar", "softmax", "output", "flatten"):
            index = self.nodes[index].inputs[0]
        node = self.nodes[index]
        if node.op != "fullyconnected":
            raise H2OValueError(
                f"the head of the network cannot be replaced: {node.name!a} ({node.op}) is no fully connected layer"
            )
        nodes = list(self.nodes)
        nodes[index] = replace(node, attrs={**node.attrs, "hidden": classes})
        return Graph(tuple(nodes), self.head)

    def _kept(self, keep: Sequence[int], head: int | None = None) -> Graph:
        place = {old: new for new, old in enumerate(keep)}
        nodes = tuple(replace(self.nodes[i], inputs=tuple(place[j] for j in self.nodes[i].inputs)) for i in keep)
        return Graph(nodes, len(nodes) - 1 if head is None else place[head])

    # -- as JSON ------------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The graph as plain lists and dictionaries; attributes that have their default are left out."""
        return {"nodes": [_node_json(n) for n in self.nodes], "head": self.head}

    @classmethod
    def from_json(cls, value: object) -> Graph:
        """The graph that :meth:`to_json` gave; nothing in `value` is trusted.

        Raises
        ------
        ModelFileError
            It is not such a value.
        """
        if not isinstance(value, dict) or set(value) != {"nodes", "head"} or not isinstance(value["nodes"], list):
            raise ModelFileError("a network is {nodes: [...], head: index}")
        if len(value["nodes"]) > MAX_NODES:
            raise ModelFileError(f"the network has {len(value['nodes']):,} nodes; at most {MAX_NODES:,} are read")
        nodes = []
        for i, item in enumerate(value["nodes"]):
            if not isinstance(item, list) or list(map(type, item)) != [str, str, list, dict]:
                raise ModelFileError(f"node {i} of the network is not [name, operation, inputs, attributes]")
            nodes.append(Node(item[0], item[1], tuple(item[2]), item[3]))
        if isinstance(value["head"], bool) or not isinstance(value["head"], int):
            raise ModelFileError("the head of the network is not an index")
        try:
            return cls(tuple(nodes), value["head"])
        except H2OValueError as error:
            raise ModelFileError(str(error)) from None


def array_name(node: Node, role: str) -> str:
    """Name of the array that has `role` in `node`, e.g. ``convolution0_weight``."""
    return str(node.attrs["names"].get(role, f"{node.name}_{role}"))


def _node_json(node: Node) -> list[Any]:
    known = {**OPS[node.op].attributes, **NAMED}
    attrs = {k: list(v) if isinstance(v, tuple) else v for k, v in node.attrs.items() if v != known[k].default}
    return [node.name, node.op, list(node.inputs), attrs]


class Builder:
    """Grows a graph node by node; every method returns the index of the node it made."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(self, name: str, op: str, inputs: int | Iterable[int] = (), **attrs: Any) -> int:
        """Append a node; `inputs` is one index or several."""
        self.nodes.append(Node(name, op, (inputs,) if isinstance(inputs, int) else tuple(inputs), attrs))
        return len(self.nodes) - 1

    def graph(self, head: int) -> Graph:
        return Graph(tuple(self.nodes), head)

    def finished(self, last: int) -> Graph:
        """The graph of what node `last` needs; the head lies before a softmax or another output there."""
        head = self.nodes[last].inputs[0] if self.nodes[last].op in ("softmax", "output") else last
        full = self.graph(head)
        return full._kept(full.needed(last), head)
