"""Caffe's networks (prototxt), read without Caffe.

A prototxt is text of ``key: value`` and ``key { ... }``. A solver that names its network in ``net`` is followed to a
file of that name beside it. Pooling rounds sizes up, as Caffe does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from heavywater.errors import ModelFileError
from heavywater.networks.caffe_text import Message, parse_text
from heavywater.networks.graph import MAX_NODES, Builder, Graph, Node
from heavywater.networks.source import blaming, file_bytes, text_of

__all__ = ["caffe_lenet", "parse_prototxt", "read_prototxt", "solver_network"]

_MAX_TEXT = 8 << 20


def read_prototxt(path: str | os.PathLike[str]) -> Graph:
    """The network of a prototxt file, or of the file beside it that a solver names.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is no prototxt, is damaged or hostile, has a layer that is not known, or is a solver whose network is not
        beside it.
    """
    data = file_bytes(path, _MAX_TEXT)
    with blaming(path, "a Caffe network"):
        message = parse_text(text_of(data, "the prototxt"))
        named = message.get("net") or message.get("train_net")
        if "layer" not in message and "layers" not in message and named:
            beside = Path(path).with_name(os.path.basename(str(named[0])))
            if not beside.is_file():
                raise ModelFileError(
                    f"it is a solver, which only names its network {str(named[0])[:80]!a}; put a file {beside.name!a} beside it"
                )
            message = parse_text(text_of(file_bytes(beside, _MAX_TEXT), "the prototxt"))
        return _Reader(message).graph()


def parse_prototxt(source: str) -> Graph:
    """Like :func:`read_prototxt`, from the text of a network."""
    return _Reader(parse_text(source)).graph()


def caffe_lenet(classes: int = 10, channels: int = 3, side: int = 28) -> Graph:
    """Caffe's LeNet, whose definition Deep Water's models name and do not hold."""
    pool = "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"
    return parse_prototxt(f"""
        layer {{ name: "data" type: "Input" top: "data"
          input_param {{ shape {{ dim: 1 dim: {channels} dim: {side} dim: {side} }} }} }}
        layer {{ name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
          convolution_param {{ num_output: 20 kernel_size: 5 }} }}
        layer {{ name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" {pool} }}
        layer {{ name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
          convolution_param {{ num_output: 50 kernel_size: 5 }} }}
        layer {{ name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2" {pool} }}
        layer {{ name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1" inner_product_param {{ num_output: 500 }} }}
        layer {{ name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }}
        layer {{ name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
          inner_product_param {{ num_output: {classes} }} }}
        layer {{ name: "loss" type: "Softmax" bottom: "ip2" top: "loss" }}
    """)


def solver_network(solver: str, classes: int, shape: Sequence[int]) -> Graph:
    """The network that a solver of Deep Water's Caffe names; it knew its own LeNet and no other.

    Raises
    ------
    ModelFileError
        It names another network, whose definition is not at hand.
    """
    named_file = parse_text(solver).get("net") or [""]
    if os.path.basename(str(named_file[0])) != "lenet.prototxt" or len(shape) != 3 or shape[1] != shape[2]:
        raise ModelFileError(f"it names the network {str(named_file[0])[:80]!a} of Caffe and does not hold it")
    return caffe_lenet(classes, shape[0], shape[1])


# -- the network ------------------------------------------------------------------------------------------------------


class _Layer:
    """One layer of a prototxt."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.name, self.type = str(self.one(message, "name", "")), str(self.one(message, "type", ""))
        self.bottoms = [str(v) for v in message.get("bottom", [])]
        self.tops = [str(v) for v in message.get("top", [])]

    @staticmethod
    def one(message: Message, key: str, default: Any) -> Any:
        return message.get(key, [default])[-1]

    def part(self, key: str) -> Message:
        found = self.one(self.message, key, {})
        if not isinstance(found, dict):
            raise ModelFileError(f"{self.name[:60]!a}: {key} is no message")
        return found

    def whole(self, message: Message, key: str, default: int | None = None) -> int:
        value = self.one(message, key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ModelFileError(f"{self.name[:60]!a} ({self.type}): {key} must be a whole number; it is {value!a:.40}")
        return value

    def number(self, message: Message, key: str, default: float) -> float:
        value = self.one(message, key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ModelFileError(f"{self.name[:60]!a} ({self.type}): {key} must be a number; it is {value!a:.40}")
        return float(value)

    def pair(self, message: Message, key: str, short: str, default: int | None) -> tuple[int, int]:
        """Rows and columns of e.g. ``kernel_size``, which one number, two, or ``kernel_h`` and ``kernel_w`` give."""
        if f"{short}_h" in message or f"{short}_w" in message:
            return self.whole(message, f"{short}_h", default), self.whole(message, f"{short}_w", default)
        if len(message.get(key, [])) == 2:
            first, second = message[key]
            return self.whole({key: [first]}, key), self.whole({key: [second]}, key)
        both = self.whole(message, key, default)
        return both, both


class _Reader:
    def __init__(self, message: Message) -> None:
        if "layers" in message:
            raise ModelFileError("it is of Caffe's first format (layers); upgrade_net_proto_text of Caffe renews it")
        layers = message.get("layer", [])
        if not layers or len(layers) > MAX_NODES or not all(isinstance(v, dict) for v in layers):
            raise ModelFileError("it has no layers")
        self.layers = [_Layer(v) for v in layers if not self._only_training(v)]
        self.builder = Builder()
        self.at: dict[str, int] = {}
        self.names: set[str] = set()
        for name, shape in zip_longest(message.get("input", []), self._shapes(message), fillvalue=()):
            if isinstance(name, str):
                self._input(name, shape)

    @staticmethod
    def _only_training(layer: Message) -> bool:
        rules = [r for r in layer.get("include", []) if isinstance(r, dict)]
        return bool(rules) and all("TRAIN" in r.get("phase", []) for r in rules) and layer.get("type") != ["Data"]

    @staticmethod
    def _shapes(message: Message) -> list[Sequence[int]]:
        shapes = [s.get("dim", []) for s in message.get("input_shape", []) if isinstance(s, dict)]
        dims = message.get("input_dim", [])
        return shapes or [dims[i : i + 4] for i in range(0, len(dims), 4)]

    def _input(self, name: str, dims: Sequence[Any]) -> None:
        shape = tuple(dims[1:])
        known = shape if shape and all(type(n) is int and n > 0 for n in shape) and len(shape) <= 3 else None
        if not any(n.op == "input" for n in self.builder.nodes):
            self.at[name] = self.builder.add("data", "input", shape=known)
            self.names.add("data")

    def graph(self) -> Graph:
        for layer in self.layers:
            self._layer(layer)
        nodes = self.builder.nodes
        if not any(n.op not in ("input",) for n in nodes):
            raise ModelFileError("it has no layer that computes")
        return self.builder.finished(len(nodes) - 1)

    def _layer(self, layer: _Layer) -> None:
        if layer.type in ("Data", "ImageData", "HDF5Data", "MemoryData", "Input", "DummyData"):
            if layer.tops and layer.tops[0] not in self.at:
                shapes = [s for s in layer.part("input_param").get("shape", []) if isinstance(s, dict)]
                self._input(layer.tops[0], shapes[0].get("dim", []) if shapes else [])
            return
        if layer.type in ("Accuracy", "Silence", "LabelIndex"):
            return
        if layer.type not in _LAYERS:
            raise ModelFileError(
                f"the layer {layer.name[:60]!a} is of the type {layer.type[:40]!a}, which is not known; "
                f"known are {', '.join(sorted(_LAYERS))}"
            )
        inputs = []
        for bottom in layer.bottoms:
            if bottom in self.at:
                inputs.append(self.at[bottom])
            elif not inputs:
                raise ModelFileError(
                    f"the layer {layer.name[:60]!a} takes {bottom[:60]!a}, which no layer before it gives"
                )
        if not inputs or not layer.tops:
            raise ModelFileError(f"the layer {layer.name[:60]!a} has no bottom or no top")
        op, attrs = _LAYERS[layer.type](layer)
        if op == "scale":
            self.at[layer.tops[0]] = self._scale(layer, inputs[0], attrs["bias"])
            return
        several = op in ("concat", "elementwise")
        made = self.builder.add(self._fresh(layer.name), op, inputs if several else inputs[0], **attrs)
        for top in layer.tops:
            self.at[top] = made

    def _scale(self, layer: _Layer, at: int, bias: bool) -> int:
        """A Scale layer holds gamma and beta of the normalisation before it."""
        before = self.builder.nodes[at]
        if before.op != "batchnorm" or not before.attrs.get("fix_gamma") or not bias:
            raise ModelFileError(f"the layer {layer.name[:60]!a}: Scale is known after BatchNorm, with a bias, only")
        names = {**before.attrs["names"], "gamma": f"{layer.name}_weight", "beta": f"{layer.name}_bias"}
        self.builder.nodes[at] = Node(
            before.name, before.op, before.inputs, {**before.attrs, "fix_gamma": False, "names": names}
        )
        return at

    def _fresh(self, name: str) -> str:
        base = "".join(c if c.isprintable() else "_" for c in name[:200]) or "layer"
        made, number = base, 0
        while made in self.names:
            number += 1
            made = f"{base}_{number}"
        self.names.add(made)
        return made


_Made = tuple[str, dict[str, Any]]


def _conv(layer: _Layer) -> _Made:
    p = layer.part("convolution_param")
    dilation = layer.pair(p, "dilation", "dilation", 1)
    attrs = {
        "filters": layer.whole(p, "num_output"),
        "kernel": layer.pair(p, "kernel_size", "kernel", None),
        "stride": layer.pair(p, "stride", "stride", 1),
        "pad": layer.pair(p, "pad", "pad", 0),
        "dilate": dilation,
        "groups": layer.whole(p, "group", 1),
        "bias": layer.one(p, "bias_term", True) is True,
    }
    return "deconvolution" if layer.type == "Deconvolution" else "convolution", attrs


def _dense(layer: _Layer) -> _Made:
    p = layer.part("inner_product_param")
    if layer.whole(p, "axis", 1) != 1 or layer.one(p, "transpose", False):
        raise ModelFileError(f"{layer.name[:60]!a}: InnerProduct is known along axis 1, not transposed, only")
    return "fullyconnected", {"hidden": layer.whole(p, "num_output"), "bias": layer.one(p, "bias_term", True) is True}


def _pool(layer: _Layer) -> _Made:
    p = layer.part("pooling_param")
    kind = {"MAX": "max", "AVE": "avg", 0: "max", 1: "avg"}.get(layer.one(p, "pool", "MAX"))
    if kind is None:
        raise ModelFileError(f"{layer.name[:60]!a}: the pooling {layer.one(p, 'pool', '')!a:.40} is not known")
    if layer.one(p, "global_pooling", False) is True:
        return "pooling", {"kind": kind, "global": True}
    attrs = {
        "kernel": layer.pair(p, "kernel_size", "kernel", None),
        "stride": layer.pair(p, "stride", "stride", 1),
        "pad": layer.pair(p, "pad", "pad", 0),
        "ceil": layer.one(p, "round_mode", "CEIL") == "CEIL",
    }
    return "pooling", {"kind": kind, **attrs}


def _relu(layer: _Layer) -> _Made:
    slope = layer.number(layer.part("relu_param"), "negative_slope", 0.0)
    return "activation", {"kind": "leaky", "slope": slope} if slope else {"kind": "relu"}


def _lrn(layer: _Layer) -> _Made:
    p = layer.part("lrn_param")
    if layer.one(p, "norm_region", "ACROSS_CHANNELS") != "ACROSS_CHANNELS":
        raise ModelFileError(f"{layer.name[:60]!a}: LRN is known across channels only")
    attrs = {"alpha": layer.number(p, "alpha", 1.0), "beta": layer.number(p, "beta", 0.75)}
    return "lrn", {"nsize": layer.whole(p, "local_size", 5), "knorm": layer.number(p, "k", 1.0), **attrs}


def _concat(layer: _Layer) -> _Made:
    p = layer.part("concat_param")
    return "concat", {"axis": layer.whole(p, "axis", layer.whole(p, "concat_dim", 1))}


def _eltwise(layer: _Layer) -> _Made:
    p = layer.part("eltwise_param")
    kind = {"SUM": "add", "PROD": "mul", "MAX": "max", 0: "mul", 1: "add", 2: "max"}.get(
        layer.one(p, "operation", "SUM")
    )
    if kind is None or any(c != 1 for c in p.get("coeff", [])):
        raise ModelFileError(f"{layer.name[:60]!a}: Eltwise with this operation or coefficients is not known")
    return "elementwise", {"kind": kind}


def _batch_norm(layer: _Layer) -> _Made:
    eps = layer.number(layer.part("batch_norm_param"), "eps", 1e-5)
    return "batchnorm", {"eps": eps, "fix_gamma": True, "names": {}}


def _power(layer: _Layer) -> _Made:
    p = layer.part("power_param")
    scale, shift, power = (layer.number(p, k, d) for k, d in (("scale", 1.0), ("shift", 0.0), ("power", 1.0)))
    if power != 1.0 or shift != 0.0:
        raise ModelFileError(f"{layer.name[:60]!a}: Power is known as a scale only")
    return "scalar", {"kind": "mul", "value": scale}


def _fixed(op: str, **attrs: Any) -> Callable[[_Layer], _Made]:
    return lambda layer: (op, dict(attrs))


_LAYERS: Mapping[str, Callable[[_Layer], _Made]] = {
    "Convolution": _conv,
    "Deconvolution": _conv,
    "InnerProduct": _dense,
    "Pooling": _pool,
    "ReLU": _relu,
    "TanH": _fixed("activation", kind="tanh"),
    "Sigmoid": _fixed("activation", kind="sigmoid"),
    "ELU": lambda layer: (
        "activation",
        {"kind": "elu", "slope": layer.number(layer.part("elu_param"), "alpha", 1.0)},
    ),
    "LRN": _lrn,
    "Dropout": lambda layer: ("dropout", {"p": layer.number(layer.part("dropout_param"), "dropout_ratio", 0.5)}),
    "Concat": _concat,
    "Eltwise": _eltwise,
    "Flatten": _fixed("flatten"),
    "BatchNorm": _batch_norm,
    "Scale": lambda layer: ("scale", {"bias": layer.one(layer.part("scale_param"), "bias_term", False) is True}),
    "Power": _power,
    "Softmax": _fixed("softmax"),
    "SoftmaxWithLoss": _fixed("softmax"),
    "EuclideanLoss": _fixed("output", kind="linear"),
    "SigmoidCrossEntropyLoss": _fixed("output", kind="logistic"),
}
