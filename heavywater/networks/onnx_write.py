"""A network as an ONNX model: preprocessing, network and labels in one file that needs no PyTorch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import H2OValueError, NotSupported
from heavywater.networks.graph import Graph, Node, array_name
from heavywater.networks.ops import Shape, pads

__all__ = ["GRAPH", "to_onnx"]

OPSET, IR = 18, 8
GRAPH = "heavywater.graph"
"""Key of the metadata that hold the network as it was, with the names of its layers and its dropout."""


def to_onnx(
    graph: Graph,
    arrays: Mapping[str, NDArray[Any]],
    input_shape: Sequence[int],
    *,
    mean_image: NDArray[np.float32] | None = None,
    sub: Sequence[float] | None = None,
    mul: Sequence[float] | None = None,
    labels: Sequence[str] = (),
    output_mul: float = 1.0,
    output_sub: float = 0.0,
) -> bytes:
    """The network as bytes of an ONNX file.

    Parameters
    ----------
    graph : Graph
    arrays : mapping
        Its arrays by name.
    input_shape : sequence of int
        (channels, height, width) or (features,).
    mean_image, sub, mul
        What is done to the input ``data``: ``(x - mean_image - sub) * mul``; `sub` and `mul` have a number per channel
        (per feature).
    labels : sequence of str
        Names of the classes; kept in the file's metadata, and the output ``label`` gives one per row.
    output_mul, output_sub : float
        A regression's result is ``output * output_mul + output_sub``.

    Returns
    -------
    bytes
        A model with the inputs ``data`` (rows, *input_shape) and, where the network has it, ``table``, both float32,
        and the outputs ``probabilities`` (and ``label``), or ``prediction``.

    Raises
    ------
    NotSupported
        An operation cannot be written, or the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise NotSupported("ONNX export needs the package onnx: pip install 'heavywater[onnx]'") from None
    shape = tuple(input_shape)
    missing = [n for n in graph.arrays(shape) if n not in arrays]
    if missing:
        raise H2OValueError(f"arrays of the network are missing: {', '.join(missing[:12])}")
    w = _Writer(graph, arrays, shape, onnx)
    w.prepare(mean_image, sub, mul)
    for i in graph.needed(graph.head):
        w.write(i)
    w.finish(labels, output_mul, output_sub)
    return w.model(labels)


class _Writer:
    def __init__(self, graph: Graph, arrays: Mapping[str, NDArray[Any]], shape: Shape, onnx: Any) -> None:
        self.graph, self.arrays, self.onnx = graph, arrays, onnx
        self.shapes = list(graph.shapes(shape).values())
        self.shape = shape
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.values: dict[int, str] = {}
        self.count = 0

    def add(self, op: str, *inputs: str, output: str | None = None, **attrs: Any) -> str:
        if output is None:
            self.count += 1
            output = f".{self.count}"
        self.nodes.append(self.onnx.helper.make_node(op, list(inputs), [output], **attrs))
        return output

    def constant(self, value: Any, kind: Any = np.float32, name: str | None = None) -> str:
        if name is None:
            self.count += 1
            name = f".{self.count}"
        array = np.ascontiguousarray(np.asarray(value, kind)).reshape(np.shape(value))
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def prepare(
        self, mean_image: NDArray[np.float32] | None, sub: Sequence[float] | None, mul: Sequence[float] | None
    ) -> None:
        kind = self.onnx.TensorProto.FLOAT
        for i, node in enumerate(self.graph.nodes):
            if node.op != "input":
                continue
            sizes = ["rows", *self.shapes[i]]
            self.inputs.append(self.onnx.helper.make_tensor_value_info(node.name, kind, sizes))
            self.values[i] = node.name
            if node.name == "table":
                continue
            if mean_image is not None:
                self.values[i] = self.add("Sub", self.values[i], self.constant(mean_image))
            for op, numbers in (("Sub", sub), ("Mul", mul)):
                if numbers is not None:
                    tall = np.asarray(numbers, np.float32).reshape(-1, *(1,) * (len(self.shape) - 1))
                    self.values[i] = self.add(op, self.values[i], self.constant(tall))

    def finish(self, labels: Sequence[str], output_mul: float, output_sub: float) -> None:
        kinds, make = self.onnx.TensorProto, self.onnx.helper.make_tensor_value_info
        head = self.values[self.graph.head]
        width = math.prod(self.shapes[self.graph.head])
        if len(self.shapes[self.graph.head]) > 1:
            head = self.add("Flatten", head)
        if width == 1 and not labels:
            if output_mul != 1.0:
                head = self.add("Mul", head, self.constant(output_mul))
            if output_sub != 0.0:
                head = self.add("Add", head, self.constant(output_sub))
            self.add("Identity", head, output="prediction")
            self.outputs.append(make("prediction", kinds.FLOAT, ["rows", 1]))
            return
        op = {"softmax": "Softmax", "logistic": "Sigmoid", "linear": "Identity"}[self.graph.loss]
        made = self.add(op, head, output="probabilities", **({"axis": 1} if op == "Softmax" else {}))
        self.outputs.append(make("probabilities", kinds.FLOAT, ["rows", width]))
        if labels:
            if len(labels) != width:
                raise H2OValueError(f"there are {len(labels)} labels for {width} classes")
            best = self.add("ArgMax", made, axis=1, keepdims=0)
            values = [v.encode("utf-8") for v in labels]
            self.constants.append(self.onnx.helper.make_tensor(".labels", kinds.STRING, [len(values)], values))
            self.add("Gather", ".labels", best, output="label")
            self.outputs.append(make("label", kinds.STRING, ["rows"]))

    def model(self, labels: Sequence[str]) -> bytes:
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, "heavywater", self.inputs, self.outputs, self.constants)
        made = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="heavywater", ir_version=IR
        )
        props = {GRAPH: json.dumps(self.graph.to_json(), separators=(",", ":"))}
        helper.set_model_props(made, props | ({"labels": json.dumps(list(labels))} if labels else {}))
        if made.ByteSize() > (1 << 31) - 1:
            raise NotSupported("an ONNX file holds at most 2 GB; save the model, or write MXNet's files")
        return bytes(made.SerializeToString(deterministic=True))

    # -- one node -----------------------------------------------------------------------------------------------------

    def write(self, i: int) -> None:
        node = self.graph.nodes[i]
        if node.op == "input":
            return
        x = [self.values[j] for j in node.inputs]
        shapes = [self.shapes[j] for j in node.inputs]
        self.values[i] = self._written(node, x, shapes, self.shapes[i])

    def _array(self, node: Node, role: str, shape: Shape | None = None) -> str:
        values = np.asarray(self.arrays[array_name(node, role)], np.float32)
        if role == "gamma" and node.attrs.get("fix_gamma"):
            values = np.ones_like(values)
        return self.constant(values if shape is None else values.reshape(shape), name=array_name(node, role))

    def _written(self, node: Node, x: list[str], s: list[Shape], made: Shape) -> str:
        a = node.attrs
        match node.op:
            case "convolution" | "deconvolution":
                names = [self._array(node, "weight"), *([self._array(node, "bias")] if a["bias"] else [])]
                common = {"kernel_shape": a["kernel"], "strides": a["stride"], "dilations": a["dilate"]}
                common |= {"pads": pads(a["pad"]), "group": a["groups"]}
                if node.op == "deconvolution":
                    return self.add("ConvTranspose", x[0], *names, output_padding=a["adj"], **common)
                return self.add("Conv", x[0], *names, **common)
            case "fullyconnected" if a["flatten"] or len(s[0]) == 1:
                flat = self.add("Flatten", x[0]) if len(s[0]) > 1 else x[0]
                bias = [self._array(node, "bias")] if a["bias"] else []
                return self.add("Gemm", flat, self._array(node, "weight"), *bias, transB=1)
            case "fullyconnected":
                out = self.add("MatMul", x[0], self.add("Transpose", self._array(node, "weight"), perm=[1, 0]))
                return self.add("Add", out, self._array(node, "bias")) if a["bias"] else out
            case "activation":
                return self._activation(a, x[0])
            case "prelu":
                return self.add("PRelu", x[0], self._array(node, "gamma", shape=(-1, *(1,) * (len(s[0]) - 1))))
            case "pooling":
                return self._pooling(node, x[0], s[0], made)
            case "adaptivepooling":
                return self._adaptive(node, x[0], s[0])
            case "batchnorm":
                roles = [self._array(node, r) for r in ("gamma", "beta", "moving_mean", "moving_var")]
                return self.add("BatchNormalization", x[0], *roles, epsilon=a["eps"])
            case "layernorm":
                axes = list(range(len(s[0]) + 1))
                if a["last"]:
                    roles = [self._array(node, r) for r in ("gamma", "beta")]
                    return self.add("LayerNormalization", x[0], *roles, epsilon=a["eps"])
                there, back = [0, *axes[2:], 1], [0, axes[-1], *axes[1:-1]]
                y = self.add("Transpose", x[0], perm=there)
                y = self.add(
                    "LayerNormalization", y, self._array(node, "gamma"), self._array(node, "beta"), epsilon=a["eps"]
                )
                return self.add("Transpose", y, perm=back)
            case "channelscale":
                return self.add("Mul", x[0], self._array(node, "gamma", shape=(-1, *(1,) * (len(s[0]) - 1))))
            case "lrn":
                return self.add("LRN", x[0], size=a["nsize"], alpha=a["alpha"], beta=a["beta"], bias=a["knorm"])
            case "l2normalization":
                axes_in = self.constant(list(range(1, len(s[0]) + 1)), np.int64)
                total = self.add("ReduceSum", self.add("Mul", x[0], x[0]), axes_in, keepdims=1)
                return self.add("Div", x[0], self.add("Sqrt", self.add("Add", total, self.constant(a["eps"]))))
            case "dropout":
                return x[0]
            case "flatten":
                return self.add("Flatten", x[0])
            case "reshape":
                return self.add("Reshape", x[0], self.constant([0, *made], np.int64))
            case "transpose":
                return self.add("Transpose", x[0], perm=a["axes"])
            case "concat":
                return self.add("Concat", *x, axis=a["axis"])
            case "elementwise":
                op = a["kind"].capitalize()
                if op in ("Max", "Min"):
                    return self.add(op, *x)
                out = x[0]
                for other in x[1:]:
                    out = self.add(op, out, other)
                return out
            case "scalar":
                value = self.constant(a["value"])
                kind = a["kind"].capitalize()
                return self.add(kind[1:].capitalize(), value, x[0]) if kind[0] == "R" else self.add(kind, x[0], value)
            case "array":
                return self._array(node, "value")
            case "slice" | "part":
                size = s[0][a["axis"] - 1] // a["count"] if node.op == "part" else 0
                begin, end = (
                    (a["index"] * size, (a["index"] + 1) * size) if node.op == "part" else (a["begin"], a["end"])
                )
                ends = [self.constant([n], np.int64) for n in (begin, end, a["axis"])]
                out = self.add("Slice", x[0], *ends)
                return self.add("Squeeze", out, self.constant([a["axis"]], np.int64)) if a["squeeze"] else out
            case "pad":
                top, left, bottom, right = pads(a["pad"])
                width = self.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
                return self.add("Pad", x[0], width, self.constant(a["value"]))
            case "resize":
                return self._resize(a, x[0])
            case "mean":
                return self.add("ReduceMean", x[0], self.constant(a["axes"], np.int64), keepdims=int(a["keep"]))
            case "embedding":
                index = self.add("Cast", x[0], to=self.onnx.TensorProto.INT64)
                return self.add("Gather", self._array(node, "weight"), index)
            case "softmax":
                return self.add("Softmax", x[0], axis=a["axis"])
            case "output":
                return self.add("Sigmoid" if a["kind"] == "logistic" else "Identity", x[0])
        raise NotSupported(f"{node.name!a} ({node.op}) cannot be written as ONNX")

    def _activation(self, a: Mapping[str, Any], x: str) -> str:
        plain = {
            "relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softrelu": "Softplus", "softsign": "Softsign",
            "exp": "Exp", "identity": "Identity", "erf": "Erf",
        }  # fmt: skip
        match a["kind"]:
            case "gelu":
                y = self.add("Erf", self.add("Mul", x, self.constant(math.sqrt(0.5))))
                return self.add("Mul", self.add("Mul", x, self.constant(0.5)), self.add("Add", y, self.constant(1.0)))
            case "silu":
                return self.add("Mul", x, self.add("Sigmoid", x))
            case "relu6":
                return self.add("Clip", x, self.constant(0.0), self.constant(6.0))
            case "leaky":
                return self.add("LeakyRelu", x, alpha=a["slope"])
            case "elu":
                return self.add("Elu", x, alpha=a["slope"])
        return self.add(plain[a["kind"]], x)

    def _pooling(self, node: Node, x: str, shape: Shape, made: Shape) -> str:
        a = node.attrs
        if a["global"]:
            if a["kind"] == "sum":
                return self.add("ReduceSum", x, self.constant([2, 3], np.int64), keepdims=1)
            return self.add("GlobalMaxPool" if a["kind"] == "max" else "GlobalAveragePool", x)
        around = list(pads(a["pad"]))
        extra = [
            max(0, (made[i + 1] - 1) * a["stride"][i] + a["kernel"][i] - shape[i + 1] - around[i] - around[i + 2])
            for i in (0, 1)
        ]
        count = a["count_pad"]
        if any(extra):  # sizes rounded up: the last window reaches beyond the image, and what lies there never counts
            if a["kind"] == "sum" or (a["kind"] == "avg" and count and any(around)):
                raise NotSupported(f"{node.name!a}: this pooling with sizes rounded up cannot be written as ONNX")
            around, count = [around[0], around[1], around[2] + extra[0], around[3] + extra[1]], False
        common = {"kernel_shape": a["kernel"], "strides": a["stride"], "pads": around}
        if a["kind"] == "max":
            return self.add("MaxPool", x, **common)
        out = self.add("AveragePool", x, count_include_pad=int(count or a["kind"] == "sum"), **common)
        return self.add("Mul", out, self.constant(float(math.prod(a["kernel"])))) if a["kind"] == "sum" else out

    def _adaptive(self, node: Node, x: str, shape: Shape) -> str:
        a = node.attrs
        if a["size"] == (1, 1):
            return self.add("GlobalMaxPool" if a["kind"] == "max" else "GlobalAveragePool", x)
        if all(n % m == 0 for n, m in zip(shape[1:], a["size"])):
            kernel = [n // m for n, m in zip(shape[1:], a["size"])]
            op = "MaxPool" if a["kind"] == "max" else "AveragePool"
            return self.add(op, x, kernel_shape=kernel, strides=kernel)
        if a["kind"] == "max":
            raise NotSupported(f"{node.name!a}: {shape} cannot be pooled to {a['size']} in ONNX")
        rows, columns = (_averaging(n, m) for n, m in zip(shape[1:], a["size"]))
        return self.add("MatMul", self.add("MatMul", self.constant(rows), x), self.constant(columns.T))

    def _resize(self, a: Mapping[str, Any], x: str) -> str:
        words = {"half_pixel": "half_pixel", "corners": "align_corners", "origin": "asymmetric"}
        attrs: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": words[a["align"]], "axes": [2, 3]}
        if a["kind"] == "nearest":
            attrs |= {"mode": "nearest", "nearest_mode": "floor" if a["align"] == "origin" else "round_prefer_ceil"}
        return self.add("Resize", x, "", "", self.constant(a["size"], np.int64), **attrs)


def _averaging(size: int, parts: int) -> NDArray[np.float32]:
    """The matrix (parts, size) that averages adaptive windows."""
    made = np.zeros((parts, size), np.float32)
    for i in range(parts):
        low, high = i * size // parts, -(-(i + 1) * size // parts)
        made[i, low:high] = 1 / (high - low)
    return made
