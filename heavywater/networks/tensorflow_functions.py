"""The functions of TensorFlow 2 written out where they are called, which leaves a graph as TensorFlow 1 had it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heavywater.errors import ModelFileError
from heavywater.networks.protobuf import fields, text
from heavywater.networks.tensorflow_messages import MAX_NODES, TFNode, nodes_of
from heavywater.networks.tensorflow_reader import ordered

__all__ = ["CALLS", "Function", "Inliner", "function_of"]

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
MAX_CALLS = 10_000
MAX_DEPTH = 50


@dataclass(frozen=True)
class Function:
    """A FunctionDef: names of its arguments, for each result a reference to a value, and its nodes by name."""

    name: str
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    nodes: Mapping[str, TFNode]


def function_of(message: memoryview) -> Function:
    parts = list(fields(message))
    name = ""
    arguments: list[str] = []
    outputs: list[str] = []
    for f in (s for p in parts if p.number == 1 for s in fields(p.bytes)):
        if f.number == 1:
            name = text(f.bytes)
        elif f.number in (2, 3):
            names = [text(a.bytes) for a in fields(f.bytes) if a.number == 1]
            (arguments if f.number == 2 else outputs).append(names[0] if names else "")
    returned = {}
    for p in parts:
        if p.number == 4:
            entry = {e.number: text(e.bytes) for e in fields(p.bytes)}
            returned[entry.get(1, "")] = entry.get(2, "")
    if not set(outputs) <= set(returned):
        raise ModelFileError(f"the function {name[:60]!a} does not say where its results come from")
    nodes = nodes_of(p.bytes for p in parts if p.number == 3)
    return Function(name, tuple(arguments), tuple(returned[o] for o in outputs), nodes)


class Inliner:
    """Writes functions out.

    Parameters
    ----------
    functions : mapping of str to Function

    Attributes
    ----------
    nodes : dict of str to TFNode
        What was written. A node of a function keeps its name where it is free.
    """

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.functions = functions
        self.nodes: dict[str, TFNode] = {}
        self._calls = 0

    def write(
        self,
        nodes: Mapping[str, TFNode],
        wanted: tuple[str, ...],
        given: Mapping[str, str],
        within: tuple[str, ...] = (),
    ) -> list[str]:
        """Write what some values need, and give references to them.

        Parameters
        ----------
        nodes : mapping of str to TFNode
            Of a graph, or of a function.
        wanted : tuple of str
            References to values.
        given : mapping of str to str
            Names of a function's arguments, and the references that were given for them.
        within : tuple of str
            The functions that are being written.
        """
        made: dict[str, str | list[str]] = {}

        def found(reference: str) -> str:
            base, *rest = reference.split(":")
            if base in given:
                return given[base]
            output = rest[-1] if rest else "0"
            if not output.isdecimal() or len(output) > 5:
                raise ModelFileError(f"the reference {reference[:60]!a} cannot be read")
            place = made[base]
            if isinstance(place, list):
                if int(output) >= len(place):
                    raise ModelFileError(f"the call {base[:60]!a} has no result {output}")
                return place[int(output)]
            # The first of several outputs of a normalisation, by name, is the only one that can be used.
            named = len(rest) == 2 and nodes[base].op.startswith("FusedBatchNorm") and rest[0] != "y"
            return f"{place}:{rest[0]}" if named else place if output == "0" else f"{place}:{output}"

        bases = [w.split(":")[0] for w in wanted]
        for name in ordered(nodes, [b for b in bases if b not in given], given):
            node = nodes[name]
            inputs = [found(i) for i in node.inputs]
            made[name] = self._call(node, inputs, within) if node.op in CALLS else self._copy(node, inputs)
        return [found(w) for w in wanted]

    def _call(self, node: TFNode, inputs: list[str], within: tuple[str, ...]) -> list[str]:
        name = node.function("f")
        self._calls += 1
        if name not in self.functions:
            raise ModelFileError(f"the function {name[:60]!a}, which is called, is not there")
        if name in within or len(within) >= MAX_DEPTH or self._calls > MAX_CALLS:
            raise ModelFileError(f"the function {name[:60]!a} calls itself, or functions are nested too deep")
        function = self.functions[name]
        if len(inputs) != len(function.arguments):
            raise ModelFileError(f"the function {name[:60]!a} is called with {len(inputs)} arguments")
        given = dict(zip(function.arguments, inputs))
        return self.write(function.nodes, function.results, given, (*within, name))

    def _copy(self, node: TFNode, inputs: list[str]) -> str:
        name, tries = node.name, 1
        while name in self.nodes:
            name, tries = f"{node.name}_{tries}", tries + 1
        if len(self.nodes) >= MAX_NODES:
            raise ModelFileError(f"its functions written out have more than {MAX_NODES:,} nodes")
        self.nodes[name] = TFNode(name, node.op, inputs, node.attrs)
        return name
