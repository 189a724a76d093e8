"""SavedModels: folders with a graph of TensorFlow, its functions and its variables, read without TensorFlow.

The network is what the signature ``serving_default`` computes. Which array of the checkpoint a variable begins with is told
by the function that restores it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError
from heavywater.networks.graph import Graph, array_name
from heavywater.networks.protobuf import Field, fields, text
from heavywater.networks.source import MAX_TEXT, blaming, file_bytes
from heavywater.networks.tensorflow_checkpoint import read_checkpoint
from heavywater.networks.tensorflow_functions import CALLS, Function, Inliner, function_of
from heavywater.networks.tensorflow_messages import TFNode, nodes_of, words_of
from heavywater.networks.tensorflow_ops import READ
from heavywater.networks.tensorflow_reader import Reader

__all__ = ["FILE", "read_saved_arrays", "read_saved_model"]

FILE = "saved_model.pb"
_SIGNATURES = ("serving_default", "serve")


def read_saved_model(path: str | os.PathLike[str]) -> Graph:
    """The network of a SavedModel.

    Parameters
    ----------
    path : str or path-like
        Its folder, or the file ``saved_model.pb`` in it.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is none, is damaged or hostile, or has an operation that is not known; the message names it.
    """
    return _read(path)[0]


def read_saved_arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[np.float32]]:
    """The arrays of the network of a SavedModel, by the network's names and in the layout of the file."""
    graph, keys = _read(path)
    found = read_checkpoint(_folder(path) / "variables" / "variables", set(keys.values()))
    arrays = {name: found[key] for name, key in keys.items() if key in found}
    for node in graph.nodes:
        if node.op == "batchnorm" and (size := _size_of(arrays, array_name(node, "moving_var"))):
            # A normalisation without gamma or beta has nothing stored for it.
            arrays.setdefault(array_name(node, "gamma"), np.ones(size, np.float32))
            arrays.setdefault(array_name(node, "beta"), np.zeros(size, np.float32))
    return arrays


def _size_of(arrays: dict[str, NDArray[np.float32]], name: str) -> int:
    return arrays[name].size if name in arrays else 0


def _folder(path: str | os.PathLike[str]) -> Path:
    return Path(path).parent if Path(path).name == FILE else Path(path)


def _read(path: str | os.PathLike[str]) -> tuple[Graph, dict[str, str]]:
    """The network, and for each variable that it uses the name of its array in the checkpoint."""
    file = _folder(path) / FILE
    data = file_bytes(file, MAX_TEXT)
    with blaming(file, "a SavedModel of TensorFlow"):
        return _Saved(_served(data)).network()


def _served(data: bytes) -> list[Field]:
    """The fields of the MetaGraph for serving."""
    graphs = [list(fields(f.bytes)) for f in fields(data) if f.number == 2]
    if not graphs:
        raise ModelFileError("it holds no graph")
    for graph in graphs:
        tags = [text(t.bytes) for f in graph if f.number == 1 for t in fields(f.bytes) if t.number == 4]
        if "serve" in tags:
            return graph
    return graphs[0]


class _Saved:
    def __init__(self, parts: Iterable[Field]) -> None:
        messages: list[memoryview] = []
        self.functions: dict[str, Function] = {}
        self.signatures: dict[str, list[Field]] = {}
        self.restore = ""
        for part in parts:
            if part.number == 2:
                for f in fields(part.bytes):
                    if f.number == 1:
                        messages.append(f.bytes)
                    elif f.number == 2:
                        made = [function_of(v.bytes) for v in fields(f.bytes) if v.number == 1]
                        self.functions |= {function.name: function for function in made}
            elif part.number == 3:
                named = [text(f.bytes) for f in fields(part.bytes) if f.number == 3]
                self.restore = named[0] if named else ""
            elif part.number == 5:
                entry = {e.number: e for e in fields(part.bytes)}
                if 1 in entry and 2 in entry:
                    self.signatures[text(entry[1].bytes)] = list(fields(entry[2].bytes))
        self.nodes = nodes_of(messages)

    def network(self) -> tuple[Graph, dict[str, str]]:
        inputs, output = self._signature()
        inliner = Inliner(self.functions)
        stops = {name: TFNode(name, "Placeholder", [], self.nodes[name].attrs) for name in inputs}
        target = inliner.write(self.nodes | stops, (output,), {})[0]
        if ":" in target:
            raise ModelFileError(f"its result {target[:60]!a} is not the first one of an operation")
        reader = Reader(inliner.nodes, self._roles(inputs), READ, sized=True)
        graph, stored = reader.graph(target), self._stored()
        keys = {}
        for node in graph.nodes:
            for name in node.attrs["names"].values():
                variable = self.nodes[name]
                keys[name] = stored.get(name) or variable.word("shared_name") or name
        return graph, keys

    def _signature(self) -> tuple[list[str], str]:
        """Names of the nodes that are fed, and a reference to the result."""
        names = [n for n in (*_SIGNATURES, *self.signatures) if n in self.signatures and not n.startswith("__")]
        if not names:
            raise ModelFileError(
                "no signature says what it takes and gives; TensorFlow writes them with model.export(folder)"
            )
        given, made = ([_tensor(f) for f in self.signatures[names[0]] if f.number == i] for i in (1, 2))
        inputs = sorted({reference.split(":")[0] for reference in given})
        if len(made) != 1 or not 1 <= len(inputs) <= 2:
            raise ModelFileError(
                f"its signature {names[0][:60]!a} has {len(given)} inputs and {len(made)} results; known are an image, a row of "
                "numbers, or one of each, and one result"
            )
        for name in inputs:
            if name not in self.nodes:
                raise ModelFileError(f"its input {name[:60]!a} is not there")
        return inputs, made[0]

    def _roles(self, inputs: list[str]) -> dict[str, str]:
        if len(inputs) == 1:
            return {inputs[0]: "data"}
        ranks = {name: len(self.nodes[name].shape("shape") or ()) for name in inputs}
        if sorted(ranks.values()) != [2, 4]:
            raise ModelFileError("its two inputs are not an image and a row of numbers")
        return {name: "data" if rank == 4 else "table" for name, rank in ranks.items()}

    def _stored(self) -> dict[str, str]:
        """For each variable of the graph the name of its array, as the function that restores them tells."""
        call = self.nodes.get(self.restore.split(":")[0])
        function = None if call is None or call.op not in CALLS else self.functions.get(call.function("f"))
        if call is None or function is None:
            return {}
        variables = dict(zip(function.arguments, call.inputs))
        found: dict[str, str] = {}
        for node in function.nodes.values():
            if node.op == "AssignVariableOp" and len(node.inputs) == 2 and node.inputs[0] in variables:
                key = _restored(function, node.inputs[1])
                if key is not None:
                    found[variables[node.inputs[0]].split(":")[0]] = key
        return found


def _restored(function: Function, reference: str) -> str | None:
    """Name of the array in the checkpoint that a value is."""
    for _ in range(10):
        base, *rest = reference.split(":")
        node = function.nodes.get(base)
        if node is None or not node.inputs:
            return None
        if node.op == "RestoreV2":
            names = function.nodes.get(node.inputs[1].split(":")[0]) if len(node.inputs) > 1 else None
            stored: Any = None if names is None else names.attrs.get("value", {}).get(8)
            words = [] if stored is None else words_of(stored.bytes)
            at = int(rest[-1]) if rest and rest[-1].isdecimal() else 0
            return words[at] if at < len(words) else None
        if node.op != "Identity":
            return None
        reference = node.inputs[0]
    return None


def _tensor(entry: Field) -> str:
    """The name of the tensor of an entry of a signature's inputs or results."""
    found = {e.number: e for e in fields(entry.bytes)}
    names = [text(f.bytes) for f in fields(found[2].bytes) if f.number == 1] if 2 in found else []
    if not names:
        raise ModelFileError("a signature does not say which tensor it means")
    return names[0]
