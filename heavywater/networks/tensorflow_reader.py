"""From the nodes of a TensorFlow graph to a network of ours, beginning with what it predicts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from heavywater.errors import ModelFileError
from heavywater.networks.graph import Builder, Graph
from heavywater.networks.ops import OPS, Shape
from heavywater.networks.tensorflow_messages import TFNode

__all__ = ["Formula", "Reader", "Value", "ordered"]

Formula = tuple[Any, ...]
"""What is computed from variables alone: ``("variable", name)``, or a word and what it is applied to, formulas or numbers."""


@dataclass(frozen=True)
class Value:
    """What an output of a node is: a node of ours with its shape, a constant, a variable, or a formula of variables."""

    node: int = -1
    shape: Shape = ()
    constant: NDArray[Any] | None = None
    variable: str | None = None
    formula: Formula | None = None


class Reader:
    """Reads one graph.

    Parameters
    ----------
    nodes : mapping of str to TFNode
    inputs : mapping of str to str
        Names of the nodes that are fed, and what they are here: ``data`` or ``table``.
    operations : mapping of str to callable
        Name of an operation → what makes its value.
    sized : bool
        Whether the inputs say what they take; otherwise the first operations do.
    scrambled : bool
        See ``tensorflow_graph.read_metagraph``.

    Attributes
    ----------
    unfinished : dict of int to Formula
        Nodes of ours that stand for the first half of a normalisation, and by what it multiplies.
    """

    def __init__(
        self,
        nodes: Mapping[str, TFNode],
        inputs: Mapping[str, str],
        operations: Mapping[str, Callable[[Reader, TFNode], Value]],
        *,
        sized: bool = False,
        scrambled: bool = False,
    ) -> None:
        self.nodes, self.inputs, self.operations = nodes, inputs, operations
        self.sized, self.scrambled = sized, scrambled
        self.builder = Builder()
        self.values: dict[str, Value] = {}
        self.users: dict[str, int] = {}
        self.unfinished: dict[int, Formula] = {}

    def graph(self, target: str) -> Graph:
        """The network whose predictions are the first value of the node `target`."""
        order = ordered(self.nodes, [target])
        for name in order:
            for reference in self.nodes[name].inputs:
                base = reference.split(":")[0]
                self.users[base] = self.users.get(base, 0) + 1
        self._check_known(order)
        for name in order:
            self._make(self.nodes[name])
        last = self.values[target].node
        if last < 0:
            raise ModelFileError(f"{target[:60]!a} is not computed from the input")
        for index in self.unfinished:
            raise ModelFileError(f"{self.builder.nodes[index].name[:60]!a}: such a product with variables is not known")
        node = self.builder.nodes[last]
        if node.op == "activation" and node.attrs["kind"] == "sigmoid":
            self.builder.nodes[last] = replace(node, op="output", attrs={"kind": "logistic"})
        return self.builder.finished(last)

    # -- values -------------------------------------------------------------------------------------------------------

    def value(self, node: TFNode, position: int) -> Value:
        if position >= len(node.inputs):
            raise ModelFileError(f"{node.op} {node.name[:60]!a} lacks its input {position}")
        base, _, output = node.inputs[position].partition(":")
        if output not in ("", "0"):
            base = f"{base}:{output}"
        if base not in self.values:
            raise ModelFileError(f"{node.op} {node.name[:60]!a}: {base[:60]!a} is not known")
        return self.values[base]

    def computed(self, node: TFNode, position: int) -> Value:
        found = self.value(node, position)
        if found.node < 0:
            raise ModelFileError(f"{node.op} {node.name[:60]!a}: its input {position} must be computed from the input")
        return found

    def constant(self, node: TFNode, position: int) -> NDArray[Any]:
        found = self.value(node, position).constant
        if found is None:
            raise ModelFileError(f"{node.op} {node.name[:60]!a}: its input {position} must be a constant")
        return found

    def add(self, name: str, op: str, inputs: Sequence[Value], **attrs: Any) -> Value:
        index = self.builder.add(name, op, [v.node for v in inputs], **attrs)
        filled = {k: a.default for k, a in OPS[op].attributes.items()} | attrs
        try:
            shape = OPS[op].shape(filled, [v.shape for v in inputs])
        except ValueError as error:
            raise ModelFileError(f"{name[:60]!a} ({op}) does not fit: {error}") from None
        return Value(index, shape)

    def _make(self, node: TFNode) -> None:
        if node.name in self.inputs:
            self.values[node.name] = self._input(node)
            return
        if node.op == "Split":
            self._split(node)
            return
        self.values[node.name] = self.operations[node.op](self, node)

    def _check_known(self, names: Iterable[str]) -> None:
        unknown: dict[str, str] = {}
        for name in names:
            if name not in self.inputs and self.nodes[name].op not in (*self.operations, "Split"):
                unknown.setdefault(self.nodes[name].op, name)
        if unknown:
            listed = [f"the operation {op[:60]!a} is not known ({name[:60]!a})" for op, name in unknown.items()]
            more = f"; and {len(listed) - 8} more" if len(listed) > 8 else ""
            raise ModelFileError(
                f"{'; '.join(listed[:8])}{more}. Known are {', '.join(sorted(self.operations))}, Split"
            )

    def _input(self, node: TFNode) -> Value:
        name = self.inputs[node.name]
        if not self.sized:
            return Value(self.builder.add(name, "input"), (-1,))
        sizes = node.shape("shape")
        if sizes is None or len(sizes) not in (2, 4) or any(n < 1 for n in sizes[1:]):
            told = "without a shape" if sizes is None else f"of the shape {sizes}"
            raise ModelFileError(
                f"it takes an input {told}; known are images (rows, height, width, channels) and rows of numbers, of fixed sizes"
            )
        shape = (sizes[3], *sizes[1:3]) if len(sizes) == 4 else sizes[1:]
        return Value(self.builder.add(name, "input", shape=shape), shape)

    def _split(self, node: TFNode) -> None:
        axis, x, count = int(self.constant(node, 0)), self.computed(node, 1), node.whole("num_split", 1)
        if axis != 0 or not 1 <= count <= 256:
            raise ModelFileError(f"Split {node.name[:60]!a}: only the rows of a batch can be split")
        for i in range(count):
            name = node.name if i == 0 else f"{node.name}:{i}"
            self.values[name] = self.add(name, "batchpart", [x], index=i, count=count)


def ordered(nodes: Mapping[str, TFNode], targets: Iterable[str], given: Collection[str] = ()) -> list[str]:
    """Names of the nodes that `targets` need, inputs first; `given` are names of values that are no nodes."""
    done: dict[str, bool] = {}
    order: list[str] = []
    stack = list(targets)
    while stack:
        name = stack[-1]
        if name not in nodes:
            raise ModelFileError(f"an input refers to {name[:60]!a}, which is not there")
        if name in done:
            stack.pop()
            if not done[name]:
                done[name] = True
                order.append(name)
            continue
        done[name] = False
        for reference in nodes[name].inputs:
            base = reference.split(":")[0]
            if base in given:
                continue
            if base not in done:
                stack.append(base)
            elif not done[base]:
                raise ModelFileError(f"the nodes {name[:60]!a} and {base[:60]!a} need each other")
    return order
