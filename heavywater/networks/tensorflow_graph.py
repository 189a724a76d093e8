"""Graphs of TensorFlow 1 (``.meta`` files) as ours, without TensorFlow: from the predictions back to the input.

TensorFlow keeps images as rows, columns, channels; here they stay channels, rows, columns, kernels are turned when
weights are read, and where an image becomes a vector it is turned first, so that the weights behind fit.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import H2OValueError, ModelFileError
from heavywater.networks.graph import Builder, Graph
from heavywater.networks.ops import OPS, Shape
from heavywater.networks.protobuf import fields, text
from heavywater.networks.source import MAX_TEXT, blaming, file_bytes
from heavywater.networks.tensorflow_messages import TFNode, collection_of, node_of, shape_of, tensor_of

__all__ = ["parse_metagraph", "read_metagraph"]

MAX_NODES = 200_000


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
            for f in fields(part.bytes):
                if f.number == 1:
                    node = node_of(f.bytes)
                    if node.name in nodes or len(nodes) >= MAX_NODES:
                        raise ModelFileError(f"the node {node.name[:60]!a} is there twice, or there are too many")
                    nodes[node.name] = node
        elif part.number == 4:
            name, values = collection_of(part.bytes)
            collections[name] = values
    if not nodes:
        raise ModelFileError("it holds no graph")
    return _Reader(nodes, collections, scrambled=compat == "deepwater").graph()


@dataclass(frozen=True)
class Value:
    """What an output of a node is: a node of ours with its shape, a constant, or a variable."""

    node: int = -1
    shape: Shape = ()
    constant: NDArray[Any] | None = None
    variable: str | None = None


class _Reader:
    def __init__(
        self, nodes: Mapping[str, TFNode], collections: Mapping[str, list[memoryview]], *, scrambled: bool
    ) -> None:
        self.nodes, self.scrambled = nodes, scrambled
        self.builder = Builder()
        self.values: dict[str, Value] = {}
        self.users: dict[str, int] = {}
        self.input = self._input(collections)
        self.target = self._target(collections)

    def _input(self, collections: Mapping[str, list[memoryview]]) -> str:
        with_meta = collections.get("meta", [])
        if with_meta:
            try:
                told = json.loads(bytes(with_meta[0]))["inputs"]["batch_image_input"]
            except (ValueError, LookupError, TypeError, RecursionError):
                told = None
            if isinstance(told, str):
                return told.split(":")[0]
        names = [n.name for n in self.nodes.values() if n.op == "Placeholder"]
        for usual in ("x", "data", "input", "Placeholder", *names):
            if usual in names:
                return usual
        raise ModelFileError("it has no Placeholder that could be the input")

    def _target(self, collections: Mapping[str, list[memoryview]]) -> str:
        for key in ("predictions", "logits"):
            for value in collections.get(key, []):
                name = text(value).split(":")[0]
                if name in self.nodes:
                    return name
        last = [n.name for n in self.nodes.values() if n.op == "Softmax"]
        if not last:
            raise ModelFileError("neither a collection 'predictions' nor a Softmax says what it predicts")
        return last[-1]

    def graph(self) -> Graph:
        order = self._order()
        for name in order:
            for reference in self.nodes[name].inputs:
                base = reference.split(":")[0]
                self.users[base] = self.users.get(base, 0) + 1
        for name in order:
            self._make(self.nodes[name])
        last = self.values[self.target].node
        if last < 0:
            raise ModelFileError(f"{self.target[:60]!a} is not computed from the input")
        head = last
        if self.builder.nodes[last].op == "softmax":
            head = self.builder.nodes[last].inputs[0]
        return self.builder.graph(head)

    def _order(self) -> list[str]:
        """Nodes that the predictions need, inputs first."""
        done: dict[str, bool] = {}
        order: list[str] = []
        stack = [self.target]
        while stack:
            name = stack[-1]
            if name not in self.nodes:
                raise ModelFileError(f"an input refers to {name[:60]!a}, which is not there")
            if name in done:
                stack.pop()
                if not done[name]:
                    done[name] = True
                    order.append(name)
                continue
            done[name] = False
            for reference in self.nodes[name].inputs:
                base = reference.split(":")[0]
                if base not in done:
                    stack.append(base)
                elif not done[base]:
                    raise ModelFileError(f"the nodes {name[:60]!a} and {base[:60]!a} need each other")
        return order

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
        if node.name == self.input:
            self.values[node.name] = Value(self.builder.add("data", "input"), (-1,))
            return
        if node.op == "Split":
            self._split(node)
            return
        if node.op not in _READ:
            raise ModelFileError(
                f"{node.name[:60]!a}: the operation {node.op[:60]!a} is not known; known are {', '.join(sorted(_READ))}, Split"
            )
        self.values[node.name] = _READ[node.op](self, node)

    def _split(self, node: TFNode) -> None:
        axis, x, count = int(self.constant(node, 0)), self.computed(node, 1), node.whole("num_split", 1)
        if axis != 0 or not 1 <= count <= 256:
            raise ModelFileError(f"Split {node.name[:60]!a}: only the rows of a batch can be split")
        for i in range(count):
            name = node.name if i == 0 else f"{node.name}:{i}"
            self.values[name] = self.add(name, "batchpart", [x], index=i, count=count)


# -- one operation each -----------------------------------------------------------------------------------------------


def _const(r: _Reader, node: TFNode) -> Value:
    stored = node.attrs.get("value", {}).get(8)
    return Value(constant=np.zeros(0) if stored is None else tensor_of(stored.bytes))


def _variable(r: _Reader, node: TFNode) -> Value:
    stored = node.attrs.get("shape", {}).get(7)
    shape = () if stored is None else shape_of(stored.bytes)
    if any(n < 1 for n in shape):
        raise ModelFileError(f"the variable {node.name[:60]!a} has the shape {shape}")
    return Value(shape=shape, variable=node.name)


def _second_input(r: _Reader, node: TFNode) -> Value:
    raise ModelFileError(f"the predictions depend on a second input, {node.name[:60]!a}")


def _pass(r: _Reader, node: TFNode) -> Value:
    return r.value(node, 0)


def _reshape(r: _Reader, node: TFNode) -> Value:
    x, shape = r.computed(node, 0), [int(v) for v in r.constant(node, 1).reshape(-1)[:8]]
    if x.shape == (-1,):  # the input itself
        if len(shape) == 2:
            return x
        if len(shape) != 4 or min(shape[1:]) < 1:
            raise ModelFileError(f"Reshape {node.name[:60]!a} of the input to {shape} is not known")
        height, width, channels = shape[1:]
        image = (channels, height, width)
        r.builder.nodes[x.node] = replace(r.builder.nodes[x.node], attrs={"shape": image})
        made = Value(x.node, image)
        if r.scrambled and channels > 1:
            made = r.add(f"{node.name}/pixels", "reshape", [made], shape=(height, width, channels))
            made = r.add(node.name, "transpose", [made], axes=(0, 3, 1, 2))
        return made
    if len(shape) != 2 or (shape[1] != -1 and shape[1] != math.prod(x.shape)):
        raise ModelFileError(f"Reshape {node.name[:60]!a} of {x.shape} to {shape} is not known")
    return _flattened(r, node.name, x)


def _flattened(r: _Reader, name: str, x: Value) -> Value:
    if len(x.shape) == 3 and x.shape[0] > 1 and x.shape[1:] != (1, 1):
        x = r.add(f"{name}/turned", "transpose", [x], axes=(0, 2, 3, 1))
    return r.add(name, "flatten", [x])


def _window(node: TFNode, key: str) -> tuple[int, int]:
    sizes = node.sizes(key)
    if node.word("data_format", "NHWC") != "NHWC" or len(sizes) != 4 or sizes[0] != 1 or sizes[3] != 1:
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: only NHWC with {key} of [1, rows, columns, 1] is known")
    return sizes[1], sizes[2]


def _padding(node: TFNode, shape: Shape, kernel: Sequence[int], stride: Sequence[int]) -> tuple[int, ...]:
    if node.word("padding") == "VALID":
        return (0, 0)
    if node.word("padding") != "SAME" or len(shape) != 3:
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: padding must be SAME or VALID, of an image")
    total = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(shape[1:], kernel, stride)]
    less = [t // 2 for t in total]
    more = [t - t // 2 for t in total]
    return tuple(less) if less == more else (*less, *more)


def _conv(r: _Reader, node: TFNode) -> Value:
    x, w = r.computed(node, 0), r.value(node, 1)
    if w.variable is None or len(w.shape) != 4:
        raise ModelFileError(f"Conv2D {node.name[:60]!a}: its kernel must be a variable of 4 dimensions")
    if any(n != 1 for n in node.sizes("dilations")):
        raise ModelFileError(f"Conv2D {node.name[:60]!a} with dilations is not known")
    kernel, stride = w.shape[:2], _window(node, "strides")
    attrs = {"filters": w.shape[3], "kernel": kernel, "stride": stride, "bias": False}
    attrs |= {"names": {"weight": w.variable}, "layouts": {"weight": "HWIO"}}
    return r.add(node.name, "convolution", [x], pad=_padding(node, x.shape, kernel, stride), **attrs)


def _matmul(r: _Reader, node: TFNode) -> Value:
    x, w = r.computed(node, 0), r.value(node, 1)
    if w.variable is None or len(w.shape) != 2 or node.flag("transpose_a"):
        raise ModelFileError(f"MatMul {node.name[:60]!a}: only a product with a variable is known")
    turned = node.flag("transpose_b")
    if x.shape == (-1,):  # a flat input: the weights say how long a row is
        x = Value(x.node, (w.shape[1 if turned else 0],))
    if len(x.shape) != 1:
        x = _flattened(r, f"{node.name}/flat", x)
    names = {"names": {"weight": w.variable}, "layouts": {"weight": "AS_IS" if turned else "IO"}}
    return r.add(node.name, "fullyconnected", [x], hidden=w.shape[0 if turned else 1], bias=False, **names)


def _bias(r: _Reader, node: TFNode, x: Value, variable: str) -> Value:
    """A bias joins the layer before it, which takes the name of the sum."""
    before = r.builder.nodes[x.node]
    free = r.users.get(before.name, 0) == 1
    if before.op not in ("convolution", "fullyconnected") or before.attrs["bias"] or not free:
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: a variable is added to what is no layer")
    names = {**before.attrs["names"], "bias": variable}
    r.builder.nodes[x.node] = replace(before, name=node.name, attrs={**before.attrs, "bias": True, "names": names})
    return x


def _pairwise(kind: str) -> Callable[[_Reader, TFNode], Value]:
    def made(r: _Reader, node: TFNode) -> Value:
        x, y = r.value(node, 0), r.value(node, 1)
        if kind == "add" and x.node >= 0 and y.variable is not None:
            return _bias(r, node, x, y.variable)
        if x.node >= 0 and y.node >= 0:
            return r.add(node.name, "elementwise", [x, y], kind=kind)
        for first, second, turned in ((x, y, False), (y, x, True)):
            if first.node >= 0 and second.constant is not None and second.constant.size == 1:
                word = {"sub": "rsub", "div": "rdiv"}.get(kind, kind) if turned else kind
                return r.add(node.name, "scalar", [first], kind=word, value=float(second.constant.reshape(-1)[0]))
        raise ModelFileError(f"{node.op} {node.name[:60]!a} of these inputs is not known")

    return made


def _pool(kind: str) -> Callable[[_Reader, TFNode], Value]:
    def made(r: _Reader, node: TFNode) -> Value:
        x, kernel, stride = r.computed(node, 0), _window(node, "ksize"), _window(node, "strides")
        pad = _padding(node, x.shape, kernel, stride)
        return r.add(node.name, "pooling", [x], kind=kind, kernel=kernel, stride=stride, pad=pad, count_pad=False)

    return made


def _lrn(r: _Reader, node: TFNode) -> Value:
    size = 2 * node.whole("depth_radius", 5) + 1
    if not 1 <= size < 4096:
        raise ModelFileError(f"LRN {node.name[:60]!a}: its depth_radius is unusable")
    attrs = {"alpha": node.number("alpha", 1.0) * size, "beta": node.number("beta", 0.5)}  # here alpha is divided by n
    return r.add(node.name, "lrn", [r.computed(node, 0)], nsize=size, knorm=node.number("bias", 1.0), **attrs)


def _activation(kind: str) -> Callable[[_Reader, TFNode], Value]:
    return lambda r, node: r.add(node.name, "activation", [r.computed(node, 0)], kind=kind, slope=1.0)


def _concat(r: _Reader, node: TFNode) -> Value:
    parts = [r.computed(node, i) for i in range(len(node.inputs) - 1)]
    axis = int(r.constant(node, len(node.inputs) - 1).reshape(-1)[0])
    if axis == 0:
        return r.add(node.name, "batchjoin", parts)
    image = len(parts[0].shape) == 3
    if axis not in ((3, -1) if image else (1, -1)):
        raise ModelFileError(f"ConcatV2 {node.name[:60]!a} along axis {axis} is not known")
    return r.add(node.name, "concat", parts, axis=1)


def _mean(r: _Reader, node: TFNode) -> Value:
    x, axes = r.computed(node, 0), sorted(int(v) for v in r.constant(node, 1).reshape(-1)[:8])
    if axes != [1, 2] or len(x.shape) != 3:
        raise ModelFileError(f"Mean {node.name[:60]!a} along {axes} is not known")
    return r.add(node.name, "mean", [x], axes=(2, 3), keep=node.flag("keep_dims"))


def _resize(r: _Reader, node: TFNode) -> Value:
    x, size = r.computed(node, 0), tuple(int(v) for v in r.constant(node, 1).reshape(-1)[:4])
    align = "corners" if node.flag("align_corners") else "origin"
    return r.add(node.name, "resize", [x], size=size, align=align)


def _norm(r: _Reader, node: TFNode) -> Value:
    names = [r.value(node, i).variable for i in range(1, 5)]
    if None in names:
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: its statistics must be variables")
    roles = dict(zip(("gamma", "beta", "moving_mean", "moving_var"), names))
    eps = max(node.number("epsilon", 1e-4), 0.0)
    return r.add(node.name, "batchnorm", [r.computed(node, 0)], eps=eps, names=roles)


_READ: Mapping[str, Callable[[_Reader, TFNode], Value]] = {
    "Const": _const,
    "Variable": _variable,
    "VariableV2": _variable,
    "Placeholder": _second_input,
    "PlaceholderWithDefault": _pass,
    "Identity": _pass,
    "StopGradient": _pass,
    "Reshape": _reshape,
    "Conv2D": _conv,
    "MatMul": _matmul,
    "BiasAdd": _pairwise("add"),
    "Add": _pairwise("add"),
    "AddV2": _pairwise("add"),
    "Sub": _pairwise("sub"),
    "Mul": _pairwise("mul"),
    "RealDiv": _pairwise("div"),
    "Maximum": _pairwise("max"),
    "Minimum": _pairwise("min"),
    "Relu": _activation("relu"),
    "Relu6": _activation("relu6"),
    "Elu": _activation("elu"),
    "Tanh": _activation("tanh"),
    "Sigmoid": _activation("sigmoid"),
    "Softplus": _activation("softrelu"),
    "Softsign": _activation("softsign"),
    "MaxPool": _pool("max"),
    "AvgPool": _pool("avg"),
    "LRN": _lrn,
    "ConcatV2": _concat,
    "Mean": _mean,
    "ResizeBilinear": _resize,
    "FusedBatchNorm": _norm,
    "Softmax": lambda r, node: r.add(node.name, "softmax", [r.computed(node, 0)]),
}
