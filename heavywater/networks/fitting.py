"""A network that somebody else made, fitted to a problem: its outputs to the response, and columns of a table joined in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import H2OValueError
from heavywater.networks.graph import Graph, Node, array_name

__all__ = ["as_number", "as_two_classes", "padded", "table_width", "with_table"]

_JOINED = "/features_and_table"
_BETWEEN = ("dropout", "activation", "scalar", "softmax", "output", "flatten")
"""What may stand between the last fully connected layer and the head."""


def as_two_classes(graph: Graph) -> Graph:
    """A network with one logit, of the second class, as one with two: the logit of the first class is 0.

    The softmax of both is the sigmoid of the one, so that weights and probabilities stay.
    """
    kept = graph.up_to(graph.nodes[graph.head].name)
    name, last = kept.nodes[kept.head].name, len(kept.nodes) - 1
    nodes = [
        *kept.nodes,
        Node(f"{name}/zero", "scalar", (last,), {"kind": "mul", "value": 0.0}),
        Node(f"{name}/both", "concat", (last + 1, last)),
        Node("softmax" if all(n.name != "softmax" for n in kept.nodes) else f"{name}/softmax", "softmax", (last + 2,)),
    ]
    return Graph(tuple(nodes), last + 2)


def as_number(graph: Graph) -> Graph:
    """A network that ends with a sigmoid as one whose result, for a regression, is that sigmoid's value."""
    kept = graph.up_to(graph.nodes[graph.head].name)
    name, last = kept.nodes[kept.head].name, len(kept.nodes) - 1
    made = [
        Node(f"{name}/sigmoid", "activation", (last,), {"kind": "sigmoid"}),
        Node(f"{name}/number", "output", (last + 1,), {"kind": "linear"}),
    ]
    return Graph((*kept.nodes, *made), last + 1)


def table_width(graph: Graph) -> int:
    """Columns that the network takes beside an image; 0 when it has no input for them, -1 when it takes any number."""
    for node in graph.nodes:
        if node.op == "input" and node.name == "table":
            return int(node.attrs["shape"][0]) if node.attrs["shape"] else -1
    return 0


def with_table(graph: Graph, shape: Sequence[int], width: int) -> Graph:
    """The network with `width` columns of a table joined to the input of its last fully connected layer.

    Parameters
    ----------
    graph : Graph
    shape : sequence of int
        Of one row of ``data``.
    width : int

    Raises
    ------
    H2OValueError
        There is no such layer before the head.
    """
    index = graph.head
    while graph.nodes[index].op in _BETWEEN:
        index = graph.nodes[index].inputs[0]
    last = graph.nodes[index]
    if last.op != "fullyconnected":
        raise H2OValueError(
            f"columns of a table cannot join the network: before its head stands {last.name!a} ({last.op}), no fully connected "
            "layer"
        )
    before = graph.nodes[last.inputs[0]]
    given = graph.shapes(shape)[before.name]
    if len(given) > 1 and not last.attrs["flatten"]:
        raise H2OValueError(
            f"columns of a table cannot join the network: {last.name!a} works on {given}, not on a row of numbers"
        )
    # The table stands first, then every node one place later, and before the last layer two or three of the joining.
    nodes = [Node("table", "input", (), {"shape": (width,)})]
    place: dict[int, int] = {}
    for i, node in enumerate(graph.nodes):
        inputs = tuple(place[j] for j in node.inputs)
        if i == index:
            nodes.append(Node(f"{last.name}/features", "flatten", inputs))
            nodes.append(Node(f"{last.name}{_JOINED}", "concat", (len(nodes) - 1, 0)))
            inputs = (len(nodes) - 1,)
        place[i] = len(nodes)
        nodes.append(replace(node, inputs=inputs))
    return Graph(tuple(nodes), place[graph.head])


def padded(
    graph: Graph,
    shape: Sequence[int],
    arrays: dict[str, NDArray[np.float32]],
    now: Callable[[], Mapping[str, NDArray[np.float32]]],
) -> dict[str, NDArray[np.float32]]:
    """`arrays` of the network before a table was joined; the columns for the table come from `now`.

    Parameters
    ----------
    graph : Graph
        The network, with a table or without.
    shape : sequence of int
        Of one row of ``data``.
    arrays : dict
        Weights from a file.
    now : callable
        Gives the weights that the network has.
    """
    for node in graph.nodes:
        source = graph.nodes[node.inputs[0]] if node.inputs else node
        if node.op != "fullyconnected" or not source.name.endswith(_JOINED):
            continue
        name, wide = array_name(node, "weight"), graph.shapes(shape)[graph.nodes[source.inputs[0]].name][0]
        found = arrays.get(name)
        if found is not None and found.shape == (node.attrs["hidden"], wide):
            return arrays | {name: np.concatenate([found, now()[name][:, wide:]], axis=1)}
    return arrays
