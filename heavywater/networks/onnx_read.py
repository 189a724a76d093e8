"""ONNX models as graphs: a fixed list of operations; nothing in the file is run, and no other file is opened."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError, NotSupported
from heavywater.networks.graph import MAX_NODES, MAX_WEIGHTS, Builder, Graph
from heavywater.networks.onnx_write import GRAPH
from heavywater.networks.source import MAX_TEXT, as_float32, blaming, file_bytes

__all__ = ["parse_onnx", "read_onnx", "read_onnx_arrays"]

_MAX_FILE = (1 << 31) - 1


def read_onnx(path: str | os.PathLike[str]) -> Graph:
    """The network of an ONNX file; see :func:`parse_onnx`."""
    data = file_bytes(path, _MAX_FILE)
    with blaming(path, "an ONNX model"):
        return parse_onnx(data)[0]


def read_onnx_arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[np.float32]]:
    """The weights of an ONNX file by the names of the network that :func:`read_onnx` gives."""
    data = file_bytes(path, _MAX_FILE)
    with blaming(path, "an ONNX model"):
        return parse_onnx(data)[1]


def parse_onnx(data: bytes, *, own: bool = True) -> tuple[Graph, dict[str, NDArray[np.float32]]]:
    """The network and its weights.

    A file that this package wrote gives the network as it was, unless `own` is false. In other files the input becomes
    ``data`` (a second one ``table``), and the head is the first output, before a softmax; further outputs are left out.

    Raises
    ------
    ModelFileError
        It is no ONNX model, is damaged or hostile, or has an operation that is not known; the message names it.
    NotSupported
        The package onnx is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise NotSupported("reading ONNX needs the package onnx: pip install 'heavywater[onnx]'") from None
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's own kinds of errors differ between its versions
        raise ModelFileError(f"it is no ONNX model ({type(error).__name__})") from None
    graph = model.graph
    if not graph.node or len(graph.node) > MAX_NODES:
        raise ModelFileError(f"it has {len(graph.node):,} operations")
    if model.functions or any(o.domain not in ("", "ai.onnx") for o in graph.node):
        raise ModelFileError("it has operations or functions of its own, which are not known")
    reader = _Reader(onnx, graph)
    for entry in model.metadata_props:
        if own and entry.key == GRAPH:
            return _own(entry.value, reader.constants, graph)
    return reader.read()


def _own(text: str, constants: Mapping[str, NDArray[Any]], proto: Any) -> tuple[Graph, dict[str, NDArray[np.float32]]]:
    """The network that stands in the metadata, with the weights of the file in its shapes."""
    if len(text) > MAX_TEXT or text.count(",") > 50 * MAX_NODES:
        raise ModelFileError("the network in its metadata is too large")
    try:
        graph = Graph.from_json(json.loads(text))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ModelFileError(f"the network in its metadata is no JSON ({type(error).__name__})") from None
    shape = next((v.type.tensor_type.shape for v in proto.input if v.name == "data"), None)
    sizes = tuple(d.dim_value for d in shape.dim[1:]) if shape is not None else ()
    arrays = {}
    for name, spec in graph.arrays(sizes).items():
        values = constants.get(name)
        if values is None or values.size != math.prod(spec.shape):
            raise ModelFileError(f"the weights {name[:80]!a} are missing or do not have the shape {spec.shape}")
        arrays[name] = as_float32(values).reshape(spec.shape)
    return graph, arrays


class _Reader:
    def __init__(self, onnx: Any, graph: Any) -> None:
        self.onnx, self.proto = onnx, graph
        self.builder = Builder()
        self.values: dict[str, int] = {}
        self.constants: dict[str, NDArray[Any]] = {}
        self.arrays: dict[str, NDArray[np.float32]] = {}
        self.names: set[str] = set()
        self.total = 0
        for tensor in graph.initializer:
            self.constants[tensor.name] = self.tensor(tensor)

    def tensor(self, t: Any) -> NDArray[Any]:
        if t.data_location == self.onnx.TensorProto.EXTERNAL or t.external_data:
            raise ModelFileError(f"the weights {t.name[:80]!a} lie in another file; save the model as one file")
        if len(t.dims) > 8 or any(n < 0 for n in t.dims):
            raise ModelFileError(f"the array {t.name[:80]!a} has the impossible shape {list(t.dims)[:9]}")
        count = math.prod(t.dims)
        self.total += count
        if count > 16 * t.ByteSize() or self.total > MAX_WEIGHTS:
            raise ModelFileError(f"the array {t.name[:80]!a} claims {count:,} numbers, which it does not hold")
        if t.data_type == self.onnx.TensorProto.STRING:
            return np.zeros(0, object)
        return np.asarray(self.onnx.numpy_helper.to_array(t))

    def read(self) -> tuple[Graph, dict[str, NDArray[np.float32]]]:
        inputs = [v for v in self.proto.input if v.name not in self.constants]
        if not 1 <= len(inputs) <= 2:
            raise ModelFileError(
                f"it has {len(inputs)} inputs; networks with one, or with an image and a table, are read"
            )
        for value, name in zip(inputs, ("data", "table")):
            shape = [d.dim_value for d in value.type.tensor_type.shape.dim][1:]
            known = tuple(shape) if 1 <= len(shape) <= 3 and min(shape) > 0 else None
            if name == "table" and known is None:
                raise ModelFileError("the size of its second input is not given")
            self.names.add(name)
            self.values[value.name] = self.builder.add(name, "input", shape=known)
        labels = {o.name for o in self.proto.output[1:]}
        for node in self.proto.node:
            if set(node.output) & labels and node.op_type in ("Gather", "ArgMax"):
                continue
            self._node(node)
        if not self.proto.output or self.proto.output[0].name not in self.values:
            raise ModelFileError("its first output is not computed from its input")
        return self.builder.finished(self.values[self.proto.output[0].name]), self.arrays

    # -- building -----------------------------------------------------------------------------------------------------

    def fresh(self, wanted: str) -> str:
        base = "".join(c if c.isprintable() else "_" for c in wanted[:200]) or "node"
        name, number = base, 0
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names.add(name)
        return name

    def constant(self, node: Any, position: int) -> NDArray[Any] | None:
        if position >= len(node.input) or not node.input[position]:
            return None
        if node.input[position] not in self.constants:
            raise ModelFileError(f"{node.op_type} {node.name[:60]!a}: input {position} must be a constant")
        return self.constants[node.input[position]]

    def need(self, node: Any, position: int) -> NDArray[Any]:
        found = self.constant(node, position)
        if found is None:
            raise ModelFileError(f"{node.op_type} {node.name[:60]!a} lacks its input {position}")
        return found

    def value(self, node: Any, position: int) -> int:
        name = node.input[position] if position < len(node.input) else ""
        if name in self.values:
            return self.values[name]
        if name in self.constants:
            return self.stored(name, self.constants[name])
        raise ModelFileError(f"{node.op_type} {node.name[:60]!a}: its input {name[:60]!a} is not computed before it")

    def stored(self, name: str, values: NDArray[Any]) -> int:
        """An array as a value beside the rows."""
        shape = values.shape[1:] if values.ndim > 1 and values.shape[0] == 1 else values.shape
        own = self.fresh(name)
        self.arrays[f"{own}_value"] = as_float32(values).reshape(shape or (1,))
        return self.builder.add(own, "array", shape=tuple(shape or (1,)), init="zeros")

    def make(self, node: Any, op: str, inputs: Any, arrays: Mapping[str, Any] | None = None, **attrs: Any) -> int:
        name = self.fresh(node.name or (node.output[0] if node.output[0] else op))
        for role, values in (arrays or {}).items():
            self.arrays[f"{name}_{role}"] = as_float32(values)
        return self.builder.add(name, op, inputs, **attrs)

    def _node(self, node: Any) -> None:
        attrs: dict[str, Any] = {}
        for a in node.attribute:
            if a.type in (self.onnx.AttributeProto.GRAPH, self.onnx.AttributeProto.GRAPHS):
                raise ModelFileError(f"{node.op_type} {node.name[:60]!a} holds a graph, which is not known")
            if a.type == self.onnx.AttributeProto.TENSOR:
                attrs[a.name] = self.tensor(a.t)
                continue
            value = self.onnx.helper.get_attribute_value(a)
            attrs[a.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        op = node.op_type
        if op == "Constant":
            values = [
                v for k, v in attrs.items() if k in ("value", "value_float", "value_int", "value_floats", "value_ints")
            ]
            if len(values) != 1:
                raise ModelFileError(f"the constant {node.name[:60]!a} is not one array of numbers")
            self.constants[node.output[0]] = np.asarray(values[0])
            return
        if op not in _READ:
            raise ModelFileError(
                f"the operation {op[:60]!a} is not known; known are {', '.join(sorted(_READ))}, Constant"
            )
        if op in ("Identity", "Dropout", "Cast") and node.input[0] in self.constants:
            self.constants[node.output[0]] = self.constants[node.input[0]]
            return
        self.values[node.output[0]] = _READ[op](self, node, attrs)


def _sides(values: Any, node: Any) -> tuple[int, ...]:
    """Padding (top, left, bottom, right), as two numbers where the sides are equal."""
    p = tuple(int(v) for v in values)
    if len(p) != 4:
        raise ModelFileError(f"{node.op_type} {node.name[:60]!a}: only images of two dimensions are known")
    return p[:2] if p[:2] == p[2:] else p


def _auto(node: Any, a: Mapping[str, Any], kernel: tuple[int, ...]) -> tuple[int, ...]:
    how = a.get("auto_pad", "NOTSET")
    if how in ("NOTSET", "VALID"):
        return _sides(a.get("pads", [0] * 4), node)
    if any(s != 1 for s in a.get("strides", [1, 1])) or how not in ("SAME_UPPER", "SAME_LOWER"):
        raise ModelFileError(f"{node.op_type} {node.name[:60]!a}: auto_pad={how[:20]} with a stride is not known")
    total = [(k - 1) * d for k, d in zip(kernel, a.get("dilations", [1, 1]))]
    less, more = [t // 2 for t in total], [t - t // 2 for t in total]
    return _sides((*less, *more) if how == "SAME_UPPER" else (*more, *less), node)


def _conv(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    w, b = r.need(node, 1), r.constant(node, 2)
    if w.ndim != 4:
        raise ModelFileError(f"{node.op_type} {node.name[:60]!a}: only images of two dimensions are known")
    groups = int(a.get("group", 1))
    turned = node.op_type == "ConvTranspose"
    kernel = tuple(int(n) for n in w.shape[2:])
    attrs = {
        "filters": int(w.shape[1] * groups if turned else w.shape[0]),
        "kernel": kernel,
        "stride": tuple(a.get("strides", (1, 1))),
        "dilate": tuple(a.get("dilations", (1, 1))),
        "pad": _auto(node, a, kernel),
        "groups": groups,
        "bias": b is not None,
    }
    if turned:
        if "output_shape" in a:
            raise ModelFileError("ConvTranspose with output_shape is not known")
        attrs["adj"] = tuple(a.get("output_padding", (0, 0)))
    arrays = {"weight": w} | ({} if b is None else {"bias": b})
    return r.make(node, "deconvolution" if turned else "convolution", r.value(node, 0), arrays, **attrs)


def _gemm(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    if a.get("alpha", 1.0) != 1.0 or a.get("beta", 1.0) != 1.0 or a.get("transA", 0):
        raise ModelFileError(f"Gemm {node.name[:60]!a} with alpha, beta or transA is not known")
    w, b = r.need(node, 1), r.constant(node, 2)
    w = w if a.get("transB", 0) else w.T
    if w.ndim != 2:
        raise ModelFileError(f"Gemm {node.name[:60]!a} has no matrix of weights")
    arrays = {"weight": w} | ({} if b is None else {"bias": np.broadcast_to(b, (w.shape[0],))})
    attrs = {"hidden": int(w.shape[0]), "bias": b is not None, "flatten": False}
    return r.make(node, "fullyconnected", r.value(node, 0), arrays, **attrs)


def _matmul(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    w = r.need(node, 1)
    if w.ndim != 2:
        raise ModelFileError(f"MatMul {node.name[:60]!a}: only a product with a stored matrix is known")
    attrs = {"hidden": int(w.shape[1]), "bias": False, "flatten": False}
    return r.make(node, "fullyconnected", r.value(node, 0), {"weight": w.T}, **attrs)


def _norm(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    roles = dict(zip(("gamma", "beta", "moving_mean", "moving_var"), (r.need(node, i) for i in range(1, 5))))
    attrs = {"eps": float(a.get("epsilon", 1e-5)), "momentum": float(a.get("momentum", 0.9))}
    return r.make(node, "batchnorm", r.value(node, 0), roles, **attrs)


def _layer_norm(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    if a.get("axis", -1) != -1:
        raise ModelFileError("LayerNormalization is known along the last axis only")
    scale = r.need(node, 1)
    bias = r.constant(node, 2)
    roles = {"gamma": scale, "beta": np.zeros_like(scale) if bias is None else bias}
    return r.make(node, "layernorm", r.value(node, 0), roles, eps=float(a.get("epsilon", 1e-5)), last=True)


def _pool(kind: str) -> Callable[[_Reader, Any, Mapping[str, Any]], int]:
    def made(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
        if any(d != 1 for d in a.get("dilations", (1, 1))) or len(node.output) > 1:
            raise ModelFileError(f"{node.op_type} {node.name[:60]!a} with dilations or indices is not known")
        kernel = tuple(a.get("kernel_shape", ()))
        attrs: dict[str, Any] = {"kind": kind, "kernel": kernel, "stride": tuple(a.get("strides", (1, 1)))}
        attrs |= {"ceil": bool(a.get("ceil_mode", 0)), "count_pad": bool(a.get("count_include_pad", 0))}
        return r.make(node, "pooling", r.value(node, 0), pad=_auto(node, a, kernel), **attrs)

    return made


def _simple(op: str, **fixed: Any) -> Callable[[_Reader, Any, Mapping[str, Any]], int]:
    return lambda r, node, a: r.make(node, op, r.value(node, 0), **fixed)


def _pairwise(kind: str) -> Callable[[_Reader, Any, Mapping[str, Any]], int]:
    def made(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
        stored = [i for i, n in enumerate(node.input) if n in r.constants]
        if len(node.input) == 2 and stored and r.constants[node.input[stored[0]]].size == 1:
            value = float(r.constants[node.input[stored[0]]].reshape(-1)[0])
            first = stored[0] == 0
            word = {"sub": "rsub", "div": "rdiv"}.get(kind, kind) if first else kind
            if kind == "pow" and first:
                raise ModelFileError("Pow with a constant base is not known")
            return r.make(node, "scalar", r.value(node, 1 if first else 0), kind=word, value=value)
        if kind == "pow" or len(stored) == len(node.input):
            raise ModelFileError(f"{node.op_type} {node.name[:60]!a} of these inputs is not known")
        if len(node.input) == 1:
            return r.value(node, 0)
        return r.make(node, "elementwise", [r.value(node, i) for i in range(len(node.input))], kind=kind)

    return made


def _clip(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    low, high = r.constant(node, 1), r.constant(node, 2)
    at = r.value(node, 0)
    if low is not None and high is not None and float(low) == 0 and float(high) == 6:
        return r.make(node, "activation", at, kind="relu6")
    if low is not None:
        at = r.make(node, "scalar", at, kind="max", value=float(low))
    return at if high is None else r.make(node, "scalar", at, kind="min", value=float(high))


def _reshape(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    shape = [int(v) for v in r.need(node, 1).reshape(-1)[:16]]
    if len(shape) < 2 or 0 in shape[1:] or len(shape) > 6:
        raise ModelFileError(f"Reshape {node.name[:60]!a} to {shape} is not known")
    if shape[0] not in (0, -1, 1):
        raise ModelFileError(f"Reshape {node.name[:60]!a} to {shape} changes the number of rows")
    return r.make(node, "reshape", r.value(node, 0), shape=tuple(shape[1:]))


def _flatten(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    if a.get("axis", 1) != 1:
        raise ModelFileError("Flatten is known with axis 1 only")
    return r.make(node, "flatten", r.value(node, 0))


def _pad(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    width = [int(v) for v in r.need(node, 1).reshape(-1)[:16]]
    fill = r.constant(node, 2)
    if a.get("mode", "constant") != "constant" or len(width) != 8 or width[0] or width[1] or width[4] or width[5]:
        raise ModelFileError("Pad is known for height and width, with a constant, only")
    value = 0.0 if fill is None else float(fill.reshape(-1)[0])
    return r.make(node, "pad", r.value(node, 0), pad=(width[2], width[3], width[6], width[7]), value=value)


def _mean(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    axes = a.get("axes") or [int(v) for v in r.need(node, 1).reshape(-1)[:8]]
    if min(axes) < 1:
        raise ModelFileError("ReduceMean is known along positive axes only")
    return r.make(node, "mean", r.value(node, 0), axes=tuple(axes), keep=bool(a.get("keepdims", 1)))


def _axis(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    axis = int(a.get("axis", -1))
    op = "softmax" if node.op_type == "Softmax" else "concat"
    axis = 1 if axis == -1 and op == "softmax" else axis
    inputs = [r.value(node, i) for i in range(len(node.input))] if op == "concat" else r.value(node, 0)
    return r.make(node, op, inputs, axis=axis)


def _lrn(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    attrs: dict[str, Any] = {
        "alpha": float(a.get("alpha", 1e-4)),
        "beta": float(a.get("beta", 0.75)),
        "knorm": float(a.get("bias", 1.0)),
    }
    return r.make(node, "lrn", r.value(node, 0), nsize=int(a["size"]), **attrs)


def _slice(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    begin, end, axes = (r.need(node, i).reshape(-1) for i in (1, 2, 3))
    steps = r.constant(node, 4)
    if len(begin) != 1 or len(end) != 1 or len(axes) != 1 or (steps is not None and steps.reshape(-1)[0] != 1):
        raise ModelFileError("Slice is known along one axis, without steps, only")
    return r.make(node, "slice", r.value(node, 0), axis=int(axes[0]), begin=int(begin[0]), end=int(end[0]))


def _resize(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    sizes, axes = r.constant(node, 3), tuple(a.get("axes", (0, 1, 2, 3)))
    if sizes is None or axes not in ((2, 3), (0, 1, 2, 3)) or sizes.size != len(axes):
        raise ModelFileError("Resize is known with the sizes of images given, only")
    size = tuple(int(n) for n in sizes.reshape(-1)[-2:])
    words = {"half_pixel": "half_pixel", "pytorch_half_pixel": "half_pixel", "align_corners": "corners"}
    align = (words | {"asymmetric": "origin"}).get(a.get("coordinate_transformation_mode", "half_pixel"))
    kind = {"linear": "bilinear", "nearest": "nearest"}.get(a.get("mode", "nearest"))
    if align is None or kind is None:
        raise ModelFileError("Resize is known with the modes linear and nearest, only")
    return r.make(node, "resize", r.value(node, 0), size=size, kind=kind, align=align)


def _prelu(r: _Reader, node: Any, a: Mapping[str, Any]) -> int:
    return r.make(node, "prelu", r.value(node, 0), {"gamma": r.need(node, 1).reshape(-1)})


_READ: Mapping[str, Callable[[_Reader, Any, Mapping[str, Any]], int]] = {
    "Conv": _conv,
    "ConvTranspose": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _norm,
    "LayerNormalization": _layer_norm,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("avg"),
    "GlobalMaxPool": _simple("pooling", kind="max", **{"global": True}),
    "GlobalAveragePool": _simple("pooling", kind="avg", **{"global": True}),
    "Relu": _simple("activation", kind="relu"),
    "Tanh": _simple("activation", kind="tanh"),
    "Sigmoid": _simple("activation", kind="sigmoid"),
    "Softplus": _simple("activation", kind="softrelu"),
    "Softsign": _simple("activation", kind="softsign"),
    "Gelu": _simple("activation", kind="gelu"),
    "Exp": _simple("activation", kind="exp"),
    "Erf": _simple("activation", kind="erf"),
    "Identity": _simple("activation", kind="identity"),
    "Dropout": lambda r, node, a: r.make(node, "dropout", r.value(node, 0), p=min(float(a.get("ratio", 0.5)), 0.999)),
    "Sqrt": _simple("scalar", kind="pow", value=0.5),
    "LeakyRelu": lambda r, node, a: r.make(
        node, "activation", r.value(node, 0), kind="leaky", slope=float(a.get("alpha", 0.01))
    ),
    "Elu": lambda r, node, a: r.make(
        node, "activation", r.value(node, 0), kind="elu", slope=float(a.get("alpha", 1.0))
    ),
    "PRelu": _prelu,
    "Clip": _clip,
    "Add": _pairwise("add"),
    "Sum": _pairwise("add"),
    "Sub": _pairwise("sub"),
    "Mul": _pairwise("mul"),
    "Div": _pairwise("div"),
    "Max": _pairwise("max"),
    "Min": _pairwise("min"),
    "Pow": _pairwise("pow"),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": lambda r, node, a: r.make(node, "transpose", r.value(node, 0), axes=tuple(a["perm"])),
    "Pad": _pad,
    "ReduceMean": _mean,
    "Softmax": _axis,
    "Concat": _axis,
    "LRN": _lrn,
    "Slice": _slice,
    "Resize": _resize,
}
