"""Graphs of TensorFlow 1 (``.meta`` files) as ours, without TensorFlow: from the predictions back to the input.

TensorFlow keeps images as rows, columns, channels; here they stay channels, rows, columns, kernels are turned when
weights are read, and where an image becomes a vector it is turned first, so that the weights behind fit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from heavywater.errors import H2OValueError, ModelFileError
from heavywater.networks.graph import Graph
from heavywater.networks.protobuf import fields, text
from heavywater.networks.source import MAX_TEXT, blaming, file_bytes
from heavywater.networks.tensorflow_messages import TFNode, collection_of, nodes_of
from heavywater.networks.tensorflow_ops import READ
from heavywater.networks.tensorflow_reader import Reader

__all__ = ["parse_metagraph", "read_metagraph"]


def read_metagraph(path: str | os.PathLike[str], *, compat: str | None = None) -> Graph:
    """The network of a ``.meta`` file.

    Parameters
    ----------
    path : str or path-like
    compat : str, optional
        ``"deepwater"``: the graph reads the pixels as Deep Water handed them over, channel by channel, as if they came
        pixel by pixel, which scrambles images of three channels; weights that were trained so need it. Otherwise
        images are read properly.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is no graph of TensorFlow 1, is damaged or hostile, or has an operation that is not known.
    """
    data = file_bytes(path, MAX_TEXT)
    with blaming(path, "a TensorFlow graph"):
        return parse_metagraph(data, compat=compat)


def parse_metagraph(data: bytes, *, compat: str | None = None) -> Graph:
    """Like :func:`read_metagraph`, from bytes."""
    if compat not in (None, "deepwater"):
        raise H2OValueError(f"compat must be None or 'deepwater'; it is {compat!r}")
    nodes: dict[str, TFNode] = {}
    collections: dict[str, list[memoryview]] = {}
    for part in fields(data):
        if part.number == 2:
            nodes |= nodes_of(f.bytes for f in fields(part.bytes) if f.number == 1)
        elif part.number == 4:
            name, values = collection_of(part.bytes)
            collections[name] = values
    if not nodes:
        raise ModelFileError("it holds no graph")
    reader = Reader(nodes, {_input(nodes, collections): "data"}, READ, scrambled=compat == "deepwater")
    return reader.graph(_target(nodes, collections))


def _input(nodes: Mapping[str, TFNode], collections: Mapping[str, list[memoryview]]) -> str:
    with_meta = collections.get("meta", [])
    if with_meta:
        try:
            told = json.loads(bytes(with_meta[0]))["inputs"]["batch_image_input"]
        except (ValueError, LookupError, TypeError, RecursionError):
            told = None
        if isinstance(told, str):
            return told.split(":")[0]
    names = [n.name for n in nodes.values() if n.op == "Placeholder"]
    for usual in ("x", "data", "input", "Placeholder", *names):
        if usual in names:
            return usual
    raise ModelFileError("it has no Placeholder that could be the input")


def _target(nodes: Mapping[str, TFNode], collections: Mapping[str, list[memoryview]]) -> str:
    for key in ("predictions", "logits"):
        for value in collections.get(key, []):
            name = text(value).split(":")[0]
            if name in nodes:
                return name
    last = [n.name for n in nodes.values() if n.op == "Softmax"]
    if not last:
        raise ModelFileError("neither a collection 'predictions' nor a Softmax says what it predicts")
    return last[-1]
