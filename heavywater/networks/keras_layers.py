"""Layers of Keras as operations of ours: a fixed table from the name of a class to what it means.

Keras keeps images as rows, columns, channels unless a layer says otherwise; here they stay channels, rows, columns.
A :class:`Value` remembers which of both a tensor is, layers that look at channels get them where they are, and all others
get the axes as Keras has them. Kernels are turned when weights are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from heavywater.errors import ModelFileError, did_you_mean
from heavywater.networks.graph import Builder
from heavywater.networks.ops import OPS, Shape

__all__ = ["Layers", "Value", "snake_case"]


@dataclass(frozen=True)
class Value:
    """A tensor of Keras.

    Attributes
    ----------
    node : int
        Our node that gives it.
    shape : tuple of int
        Of one row, as our node gives it.
    turned : bool
        Whether it is an image that is channels, rows, columns here and rows, columns, channels in Keras.
    """

    node: int
    shape: Shape
    turned: bool = False


Config = Mapping[str, Any]


class Layers:
    """Adds the operations of layers to a growing graph.

    Parameters
    ----------
    builder : Builder
    """

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def layer(self, kind: str, path: str, config: Config, inputs: Sequence[Value]) -> Value:
        """The result of a layer.

        Parameters
        ----------
        kind : str
            Name of its class.
        path : str
            Its name, with the names of the models around it; the node that gives its result gets it.
        config : mapping
        inputs : sequence of Value

        Raises
        ------
        ModelFileError
            The layer is not known, or has a setting that is not.
        """
        if kind not in KNOWN:
            hint = _HINTS.get(kind) or (_HINTS["Random"] if kind.startswith("Random") else "")
            raise ModelFileError(
                f"the layer {path[:80]!a} is a {kind[:60]}{did_you_mean(kind[:60], KNOWN)}, which is not known"
                f"{hint}; known are {', '.join(sorted(KNOWN))}"
            )
        low, high = (2, 64) if kind in _SEVERAL else (1, 1)
        if not low <= len(inputs) <= high:
            raise ModelFileError(f"the layer {path[:80]!a} ({kind}) has {len(inputs)} inputs")
        try:
            return KNOWN[kind](self, path, config, inputs)
        except _Wrong as wrong:
            raise ModelFileError(f"the layer {path[:80]!a} ({kind}): {wrong}") from None

    def operator(self, kind: str, path: str, given: Sequence[Value | float]) -> Value:
        """The result of an operator of Python between two tensors, or a tensor and a number.

        Raises
        ------
        ModelFileError
            The operator is not known, or the operands do not fit.
        """
        if kind not in _OPERATORS or len(given) != 2:
            raise ModelFileError(
                f"{path[:80]!a} is the operation {kind[:60]} outside of layers; known are {', '.join(_OPERATORS)} of two "
                "operands; use layers instead"
            )
        word, (x, y) = _OPERATORS[kind], given
        try:
            if isinstance(x, Value) and isinstance(y, Value):
                return self.add(path, "elementwise", _alike(self, path, [x, y]), kind=word)
            if isinstance(x, Value) and not isinstance(y, Value):
                return self.add(path, "scalar", x, kind=word, value=float(y))
            if isinstance(y, Value) and not isinstance(x, Value):
                word = {"sub": "rsub", "div": "rdiv"}.get(word, word)
                return self.add(path, "scalar", y, kind=word, value=float(x))
        except _Wrong as wrong:
            raise ModelFileError(f"the operation {path[:80]!a}: {wrong}") from None
        raise ModelFileError(f"the operation {path[:80]!a} is computed from numbers alone")

    def add(
        self, name: str, op: str, inputs: Value | Sequence[Value], *, turned: bool | None = None, **attrs: Any
    ) -> Value:
        """Append a node; it is turned when its first input is, unless `turned` says otherwise."""
        given = [inputs] if isinstance(inputs, Value) else list(inputs)
        filled = {k: a.default for k, a in OPS[op].attributes.items()} | attrs
        try:
            filled |= {k: OPS[op].attributes[k].check(v) for k, v in attrs.items() if k in OPS[op].attributes}
            shape = OPS[op].shape(filled, [v.shape for v in given])
        except ValueError as error:
            raise _Wrong(f"it does not fit: {error}") from None
        return Value(
            self.builder.add(name, op, [v.node for v in given], **attrs),
            shape,
            given[0].turned if turned is None else turned,
        )

    def as_in_keras(self, name: str, x: Value) -> Value:
        """`x` with the axes as Keras has them."""
        return self.add(name, "transpose", x, turned=False, axes=(0, 2, 3, 1)) if x.turned else x

    def as_image(self, name: str, x: Value, *, channels_first: bool = False) -> Value:
        """`x` as channels, rows, columns."""
        if len(x.shape) != 3:
            raise _Wrong(f"it needs an image; its input has the shape {x.shape}")
        if channels_first:
            return self.as_in_keras(name, x)
        return x if x.turned else self.add(name, "transpose", x, turned=True, axes=(0, 3, 1, 2))

    def activated(self, path: str, function: Any, make: Callable[[str], Value]) -> Value:
        """The result of `make`, followed by the layer's activation function."""
        if isinstance(function, Mapping):  # a function among objects: {"class_name": "function", "config": "relu", ...}
            function = function.get("config")
            function = function.get("name") if isinstance(function, Mapping) else function
        if function in (None, "linear"):
            return make(path)
        if function not in _FUNCTIONS:
            known = ", ".join(sorted(_FUNCTIONS))
            raise _Wrong(f"the activation {function!a:.60} is not known; known are linear, {known}")
        return _FUNCTIONS[function](self, path, make(f"{path}/linear"))


class _Wrong(Exception):
    """A setting that is not known; says which."""


# -- settings ---------------------------------------------------------------------------------------------------------


def snake_case(name: str) -> str:
    """The name of a class as Keras spells it in paths, e.g. ``max_pooling2d``."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _whole(config: Config, key: str, default: int | None = None) -> int:
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _Wrong(f"{key} must be a whole number above 0; it is {value!a:.60}")
    return value


def _number(config: Config, key: str, default: float) -> float:
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Wrong(f"{key} must be a number; it is {value!a:.60}")
    return float(value)


def _pair(config: Config, key: str, default: Any = None) -> tuple[int, int]:
    value = config.get(key)
    value = default if value is None else value
    value = [value, value] if isinstance(value, int) else value
    if (
        not isinstance(value, (list, tuple))
        or len(value) != 2
        or not all(type(v) is int and 0 < v < 1 << 24 for v in value)
    ):
        raise _Wrong(f"{key} must be one whole number above 0, or two; it is {value!a:.60}")
    return value[0], value[1]


def _default_only(config: Config, **allowed: Any) -> None:
    for key, value in allowed.items():
        if config.get(key, value) != value:
            raise _Wrong(f"{key}={config[key]!a:.60} is not known; known is {value!a}")


def _channels_first(config: Config) -> bool:
    value = config.get("data_format") or "channels_last"
    if value not in ("channels_first", "channels_last"):
        raise _Wrong(f"data_format {value!a:.60} is not known")
    return bool(value == "channels_first")


def _padding(config: Config, shape: Shape, kernel: Sequence[int], stride: Sequence[int]) -> tuple[int, ...]:
    if config.get("padding", "valid") == "valid":
        return (0, 0)
    if config["padding"] != "same":
        raise _Wrong(f"padding {config['padding']!a:.60} is not known; known are valid and same")
    total = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(shape[1:], kernel, stride)]
    before, after = [t // 2 for t in total], [t - t // 2 for t in total]
    return tuple(before) if before == after else (*before, *after)


# -- layers with weights ----------------------------------------------------------------------------------------------


def _dense(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    x, bias = inputs[0], config.get("use_bias", True) is not False
    if len(x.shape) > 1:
        x = r.as_in_keras(f"{path}/turned", x)
    attrs: dict[str, Any] = {
        "hidden": _whole(config, "units"),
        "bias": bias,
        "flatten": len(x.shape) == 1,
        "layouts": {"weight": "IO"},
    }
    names = {"weight": f"{path}/kernel"} | ({"bias": f"{path}/bias"} if bias else {})
    return r.activated(
        path, config.get("activation"), lambda name: r.add(name, "fullyconnected", x, names=names, **attrs)
    )


def _convolution(
    r: Layers, name: str, x: Value, config: Config, names: dict[str, str], *, layout: str, filters: int, groups: int
) -> Value:
    kernel, stride = _pair(config, "kernel_size"), _pair(config, "strides", 1)
    dilate = _pair(config, "dilation_rate", 1)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilate)]
    pad = _padding(config, x.shape, reach, stride)
    attrs: dict[str, Any] = {
        "filters": filters,
        "kernel": kernel,
        "stride": stride,
        "dilate": dilate,
        "groups": groups,
        "pad": pad,
    }
    return r.add(name, "convolution", x, bias="bias" in names, names=names, layouts={"weight": layout}, **attrs)


def _conv(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    x = r.as_image(f"{path}/image", inputs[0], channels_first=_channels_first(config))
    names = {"weight": f"{path}/kernel"} | ({"bias": f"{path}/bias"} if config.get("use_bias", True) else {})
    filters, groups = _whole(config, "filters"), _whole(config, "groups", 1)
    return r.activated(
        path,
        config.get("activation"),
        lambda name: _convolution(r, name, x, config, names, layout="HWIO", filters=filters, groups=groups),
    )


def _depthwise(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    x = r.as_image(f"{path}/image", inputs[0], channels_first=_channels_first(config))
    names = {"weight": f"{path}/kernel"} | ({"bias": f"{path}/bias"} if config.get("use_bias", True) else {})
    groups = x.shape[0]
    filters = groups * _whole(config, "depth_multiplier", 1)
    return r.activated(
        path,
        config.get("activation"),
        lambda name: _convolution(r, name, x, config, names, layout="HWIM", filters=filters, groups=groups),
    )


def _separable(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    x = r.as_image(f"{path}/image", inputs[0], channels_first=_channels_first(config))
    groups = x.shape[0]
    wide = groups * _whole(config, "depth_multiplier", 1)
    each = {"weight": f"{path}/depthwise_kernel"}
    x = _convolution(r, f"{path}/depthwise", x, config, each, layout="HWIM", filters=wide, groups=groups)
    names = {"weight": f"{path}/pointwise_kernel"} | ({"bias": f"{path}/bias"} if config.get("use_bias", True) else {})
    filters, point = _whole(config, "filters"), {"kernel_size": 1}
    return r.activated(
        path,
        config.get("activation"),
        lambda name: _convolution(r, name, x, point, names, layout="HWIO", filters=filters, groups=1),
    )


def _transposed(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    """Keras gives n·stride pixels for ``same``, and n·stride + max(kernel - stride, 0) for ``valid``."""
    _default_only(config, output_padding=None)
    x = r.as_image(f"{path}/image", inputs[0], channels_first=_channels_first(config))
    kernel, stride, filters = _pair(config, "kernel_size"), _pair(config, "strides", 1), _whole(config, "filters")
    if _pair(config, "dilation_rate", 1) != (1, 1):
        raise _Wrong("dilation_rate is not known here")
    if config.get("padding", "valid") not in ("same", "valid"):
        raise _Wrong(f"padding {config['padding']!a:.60} is not known; known are valid and same")
    less = [max(k - s, 0) if config.get("padding") == "same" else 0 for k, s in zip(kernel, stride)]
    names = {"weight": f"{path}/kernel"} | ({"bias": f"{path}/bias"} if config.get("use_bias", True) else {})
    attrs: dict[str, Any] = {"filters": filters, "kernel": kernel, "stride": stride, "pad": tuple(n // 2 for n in less)}
    attrs |= {"adj": tuple(max(s - k, 0) for k, s in zip(kernel, stride)), "layouts": {"weight": "HWIO"}}
    attrs |= {"names": names, "bias": "bias" in names}
    odd = [i for i, n in enumerate(less) if n % 2]

    def make(name: str) -> Value:
        y = r.add(f"{name}/whole" if odd else name, "deconvolution", x, **attrs)
        for i in odd:  # one pixel more is cut at the end than at the beginning
            end = f"{name}/rows" if i != odd[-1] else name
            y = r.add(end, "slice", y, axis=i + 2, begin=0, end=y.shape[i + 1] - 1)
        return y

    return r.activated(path, config.get("activation"), make)


def _batchnorm(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    x = _with_channels(r, path, config, inputs[0])
    scale, centre = config.get("scale", True) is not False, config.get("center", True) is not False
    names = {"gamma": "gamma"} if scale else {}
    names |= {"beta": "beta"} if centre else {}
    names |= {"moving_mean": "moving_mean", "moving_var": "moving_variance"}
    attrs: dict[str, Any] = {"eps": _number(config, "epsilon", 1e-3), "momentum": _number(config, "momentum", 0.99)}
    named = {role: f"{path}/{name}" for role, name in names.items()}
    return r.add(path, "batchnorm", x, fix_gamma=not scale, names=named, **attrs)


def _layernorm(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    _default_only(config, scale=True, center=True, rms_scaling=False)
    x = inputs[0]
    if config.get("axis", -1) not in (-1, [-1], len(x.shape), [len(x.shape)]):
        raise _Wrong(f"axis {config['axis']!a:.60} is not known; known is the last")
    names = {"gamma": f"{path}/gamma", "beta": f"{path}/beta"}
    return r.add(path, "layernorm", x, eps=_number(config, "epsilon", 1e-3), last=not x.turned, names=names)


def _with_channels(r: Layers, path: str, config: Config, x: Value) -> Value:
    """`x` so that the axis that the layer names is our axis of channels."""
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    rank = len(x.shape)
    if rank in (1, 3) and axis in (-1, rank):
        return x if rank == 1 else r.as_image(f"{path}/image", x)
    if rank == 3 and axis == 1:
        return r.as_in_keras(f"{path}/turned", x)
    raise _Wrong(f"axis {axis!a:.60} of an input of the shape {x.shape} is not known")


# -- layers without weights -------------------------------------------------------------------------------------------


def _pool(kind: str) -> Callable[[Layers, str, Config, Sequence[Value]], Value]:
    def made(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
        x = r.as_image(f"{path}/image", inputs[0], channels_first=_channels_first(config))
        kernel = _pair(config, "pool_size", 2)
        stride = _pair(config, "strides", kernel)
        pad = _padding(config, x.shape, kernel, stride)
        return r.add(path, "pooling", x, kind=kind, kernel=kernel, stride=stride, pad=pad, count_pad=False)

    return made


_WHOLE: dict[str, Any] = {"global": True}


def _global_pool(kind: str) -> Callable[[Layers, str, Config, Sequence[Value]], Value]:
    def made(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
        x = r.as_image(f"{path}/image", inputs[0], channels_first=_channels_first(config))
        if config.get("keepdims"):
            return r.add(path, "pooling", x, kind=kind, **_WHOLE)
        x = r.add(f"{path}/pooled", "pooling", x, kind=kind, **_WHOLE)
        return r.add(path, "flatten", x, turned=False)

    return made


def _flatten(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    """Keras makes rows, columns, channels of an image first, whatever its format."""
    x = inputs[0]
    if _channels_first(config) and len(x.shape) == 3 and not x.turned:
        x = replace(x, turned=True)
    if x.turned and (x.shape[0] == 1 or x.shape[1:] == (1, 1)):
        x = replace(x, turned=False)  # the order of the numbers is the same
    return r.add(path, "flatten", r.as_in_keras(f"{path}/turned", x))


def _dropout(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    _default_only(config, noise_shape=None)
    return r.add(path, "dropout", inputs[0], p=_number(config, "rate", 0.5))


def _activation(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    if config.get("activation") in (None, "linear"):
        return _simple("identity")(r, path, inputs[0])
    return r.activated(path, config["activation"], lambda name: inputs[0])


def _relu(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    _default_only(config, threshold=0.0)
    slope, most = config.get("negative_slope") or 0.0, config.get("max_value")
    kind: dict[str, Any] = {"kind": "leaky", "slope": slope} if slope else {"kind": "relu"}
    if most is None:
        return r.add(path, "activation", inputs[0], **kind)
    x = r.add(f"{path}/relu", "activation", inputs[0], **kind)
    return r.add(path, "scalar", x, kind="min", value=_number(config, "max_value", 6.0))


def _leaky(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    slope = _number(config, "alpha" if "alpha" in config else "negative_slope", 0.3)
    return r.add(path, "activation", inputs[0], kind="leaky", slope=slope)


def _elu(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    return r.add(path, "activation", inputs[0], kind="elu", slope=_number(config, "alpha", 1.0))


def _softmax_layer(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    if config.get("axis", -1) not in (-1, [-1], len(inputs[0].shape)):
        raise _Wrong(f"axis {config['axis']!a:.60} is not known; known is the last")
    return _softmax(r, path, inputs[0])


def _softmax(r: Layers, path: str, x: Value) -> Value:
    return r.add(path, "softmax", x, axis=1 if x.turned else len(x.shape))


def _simple(kind: str, slope: float = 1.0) -> Callable[[Layers, str, Value], Value]:
    return lambda r, path, x: r.add(path, "activation", x, kind=kind, slope=slope)


def _selu(r: Layers, path: str, x: Value) -> Value:
    """Klambauer et al. 2017."""
    x = r.add(f"{path}/elu", "activation", x, kind="elu", slope=1.6732632423543772)
    return r.add(path, "scalar", x, kind="mul", value=1.0507009873554805)


def _merge(kind: str, *, average: bool = False) -> Callable[[Layers, str, Config, Sequence[Value]], Value]:
    def made(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
        same = _alike(r, path, inputs)
        if not average:
            return r.add(path, "elementwise", same, kind=kind)
        total = r.add(f"{path}/sum", "elementwise", same, kind=kind)
        return r.add(path, "scalar", total, kind="div", value=float(len(inputs)))

    return made


def _alike(r: Layers, path: str, inputs: Sequence[Value]) -> list[Value]:
    """Inputs of which all are turned, or none is."""
    if len({v.turned for v in inputs}) == 1 and (not inputs[0].turned or len({len(v.shape) for v in inputs}) == 1):
        return list(inputs)
    return [r.as_in_keras(f"{path}/turned_{i}", v) for i, v in enumerate(inputs)]


def _concatenate(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    same, axis = _alike(r, path, inputs), config.get("axis", -1)
    rank = len(same[0].shape)
    if isinstance(axis, bool) or not isinstance(axis, int) or not (1 <= axis <= rank or -rank <= axis < 0):
        raise _Wrong(f"axis {axis!a:.60} is not known")
    axis = axis if axis > 0 else rank + 1 + axis
    return r.add(path, "concat", same, axis={1: 2, 2: 3, 3: 1}[axis] if same[0].turned else axis)


def _zero_padding(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    x = r.as_image(f"{path}/image", inputs[0], channels_first=_channels_first(config))
    (top, bottom), (left, right) = _sides(config, "padding")
    return r.add(path, "pad", x, pad=(top, left, bottom, right))


def _cropping(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    x = r.as_image(f"{path}/image", inputs[0], channels_first=_channels_first(config))
    rows, columns = _sides(config, "cropping")
    x = r.add(f"{path}/rows", "slice", x, axis=2, begin=rows[0], end=max(x.shape[1] - rows[1], 0))
    return r.add(path, "slice", x, axis=3, begin=columns[0], end=max(x.shape[2] - columns[1], 0))


def _sides(config: Config, key: str) -> list[list[int]]:
    value = config.get(key, 1)
    value = [value, value] if isinstance(value, int) else value
    if isinstance(value, (list, tuple)) and len(value) == 2:
        sides = [[v, v] if isinstance(v, int) else list(v) for v in value]
        if all(len(s) == 2 and all(type(n) is int and 0 <= n < 1 << 24 for n in s) for s in sides):
            return sides
    raise _Wrong(f"{key} must be a whole number, two, or two pairs; it is {value!a:.60}")


def _upsampling(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    x = r.as_image(f"{path}/image", inputs[0], channels_first=_channels_first(config))
    kind = config.get("interpolation", "nearest")
    if kind not in ("nearest", "bilinear"):
        raise _Wrong(f"interpolation {kind!a:.60} is not known; known are nearest and bilinear")
    by = _pair(config, "size", 2)
    return r.add(path, "resize", x, size=(x.shape[1] * by[0], x.shape[2] * by[1]), kind=kind)


def _rescaling(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    x = r.add(f"{path}/scaled", "scalar", inputs[0], kind="mul", value=_number(config, "scale", 1.0))
    return r.add(path, "scalar", x, kind="add", value=_number(config, "offset", 0.0))


def _reshape(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    shape = config.get("target_shape")
    return r.add(path, "reshape", r.as_in_keras(f"{path}/turned", inputs[0]), shape=shape)


def _permute(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    dims = config.get("dims")
    if not isinstance(dims, (list, tuple)) or not all(type(d) is int for d in dims):
        raise _Wrong(f"dims must be whole numbers; they are {dims!a:.60}")
    return r.add(path, "transpose", r.as_in_keras(f"{path}/turned", inputs[0]), axes=(0, *dims))


def _identity(r: Layers, path: str, config: Config, inputs: Sequence[Value]) -> Value:
    return _simple("identity")(r, path, inputs[0])


_FUNCTIONS: Mapping[str, Callable[[Layers, str, Value], Value]] = {
    "relu": _simple("relu"),
    "tanh": _simple("tanh"),
    "sigmoid": _simple("sigmoid"),
    "softplus": _simple("softrelu"),
    "softsign": _simple("softsign"),
    "gelu": _simple("gelu"),
    "silu": _simple("silu"),
    "swish": _simple("silu"),
    "relu6": _simple("relu6"),
    "elu": _simple("elu"),
    "exponential": _simple("exp"),
    "leaky_relu": _simple("leaky", 0.2),
    "selu": _selu,
    "softmax": _softmax,
}
"""Activation functions by Keras's names."""

_OPERATORS = {
    "Add": "add", "Subtract": "sub", "Multiply": "mul", "Divide": "div", "TrueDivide": "div", "Maximum": "max",
    "Minimum": "min",
}  # fmt: skip
_SEVERAL = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
KNOWN: Mapping[str, Callable[[Layers, str, Config, Sequence[Value]], Value]] = {
    "Dense": _dense,
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "Conv2DTranspose": _transposed,
    "BatchNormalization": _batchnorm,
    "LayerNormalization": _layernorm,
    "MaxPooling2D": _pool("max"),
    "AveragePooling2D": _pool("avg"),
    "GlobalMaxPooling2D": _global_pool("max"),
    "GlobalAveragePooling2D": _global_pool("avg"),
    "Flatten": _flatten,
    "Dropout": _dropout,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "ELU": _elu,
    "Softmax": _softmax_layer,
    "Add": _merge("add"),
    "Subtract": _merge("sub"),
    "Multiply": _merge("mul"),
    "Average": _merge("add", average=True),
    "Maximum": _merge("max"),
    "Minimum": _merge("min"),
    "Concatenate": _concatenate,
    "ZeroPadding2D": _zero_padding,
    "Cropping2D": _cropping,
    "UpSampling2D": _upsampling,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "Permute": _permute,
    "Identity": _identity,
}
"""Name of a class → what adds its operations."""

_HINTS = {
    "Lambda": " and never will be: it holds code",
    "TFOpLambda": ": an operation outside of layers; use layers, e.g. Add() for +",
    "Random": ": leave it out of the saved model; the parameter augmentation changes training images",
    "Normalization": ": use Rescaling, or BatchNormalization",
}
