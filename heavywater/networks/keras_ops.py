"""Each operation of a graph in Keras's own operations, which run on TensorFlow, JAX or PyTorch.

TensorFlow's convolutions on a CPU want the channels last. So a value of three axes per row, (channels, rows, columns), is
*stored* as (batch, rows, columns, channels); every other value as it is. Operations that look at single axes turn such
values back; those that take the time work on them as they are stored.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import ops

from heavywater.networks.ops import SCALARS, Attrs, Shape, pads

__all__ = ["Call", "compute", "ours", "stored"]


@dataclass(frozen=True)
class Call:
    """What an operation needs besides the values of its inputs.

    Attributes
    ----------
    attrs : mapping
        Of its node.
    inputs : sequence of tuple
        Shapes of its inputs for one row, as the graph counts them.
    output : tuple of int
        Shape of its value for one row.
    arrays : mapping
        Keras variables by role, in our layout.
    constants : sequence of bool
        Which inputs are arrays of the network, which have no batch.
    training : bool
    seeds : keras.random.SeedGenerator
        What dropout draws from.
    low : bool
        Whether products are computed in bfloat16.
    """

    attrs: Attrs
    inputs: Sequence[Shape]
    output: Shape
    arrays: Mapping[str, Any]
    constants: Sequence[bool]
    training: bool
    seeds: Any
    low: bool


def compute(op: str, c: Call, values: Sequence[Any]) -> Any:
    """The value of a node, stored, from the stored values of its inputs."""
    return _OPERATIONS[op](c, *values)


def ours(x: Any, shape: Shape) -> Any:
    """A stored value with the axes that the graph counts."""
    return ops.transpose(x, (0, 3, 1, 2)) if len(shape) == 3 else x


def stored(x: Any, shape: Shape) -> Any:
    """A value with the axes that the graph counts, as it is stored."""
    return ops.transpose(x, (0, 2, 3, 1)) if len(shape) == 3 else x


def _plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that is written for the axes that the graph counts."""

    def run(c: Call, *values: Any) -> Any:
        turned = [v if fixed else ours(v, s) for v, s, fixed in zip(values, c.inputs, c.constants)]
        return stored(function(c, *turned), c.output)

    return run


def _across(values: Any, shape: Shape) -> Any:
    """One number per channel, so that it spreads over a stored value."""
    return values if len(shape) in (1, 3) else ops.reshape(values, (-1, *(1,) * (len(shape) - 1)))


# -- products -----------------------------------------------------------------------------------------------------------


def _product(c: Call, function: Callable[..., Any], x: Any, kernel: Any) -> Any:
    if not c.low:
        return function(x, kernel)
    return ops.cast(function(ops.cast(x, "bfloat16"), ops.cast(kernel, "bfloat16")), "float32")


def _with_bias(c: Call, y: Any) -> Any:
    return y + c.arrays["bias"] if "bias" in c.arrays else y


def _convolution(c: Call, x: Any) -> Any:
    a, kernel = c.attrs, c.arrays["weight"]
    x = _padded(x, pads(a["pad"]), 0.0)
    if a["dilate"] != (1, 1) and a["stride"] != (1, 1):  # TensorFlow knows one or the other
        (rows, columns), every = a["stride"], replace(c, attrs={**a, "stride": (1, 1), "pad": (0, 0)})
        return _convolution(every, x)[:, ::rows, ::columns, :]
    options = {"strides": a["stride"], "padding": "valid", "data_format": "channels_last", "dilation_rate": a["dilate"]}
    groups, alike = a["groups"], a["stride"][0] == a["stride"][1]
    if groups > 1 and groups == c.inputs[0][0] and alike:
        each = ops.reshape(kernel, (groups, a["filters"] // groups, *a["kernel"]))
        run = functools.partial(ops.depthwise_conv, **options)
        return _with_bias(c, _product(c, run, x, ops.transpose(each, (2, 3, 0, 1))))
    run = functools.partial(ops.conv, **options)
    kernel = ops.transpose(kernel, (2, 3, 1, 0))
    if groups == 1:
        return _with_bias(c, _product(c, run, x, kernel))
    parts = zip(ops.split(x, groups, axis=-1), ops.split(kernel, groups, axis=-1))
    return _with_bias(c, ops.concatenate([_product(c, run, *part) for part in parts], axis=-1))


def _deconvolution(c: Call, x: Any) -> Any:
    """Every pixel of the input spreads its kernel over the result; then the padding is cut from it."""
    a, groups, (_, height, width) = c.attrs, c.attrs["groups"], c.output
    run = functools.partial(
        ops.conv_transpose,
        strides=a["stride"],
        padding="valid",
        data_format="channels_last",
        dilation_rate=a["dilate"],
    )
    kernel = ops.transpose(c.arrays["weight"], (2, 3, 1, 0))  # rows, columns, outputs of a group, inputs
    parts = zip(ops.split(x, groups, axis=-1), ops.split(kernel, groups, axis=-1))
    y = ops.concatenate([_product(c, run, *part) for part in parts], axis=-1)
    wanted = [n + p for n, p in zip((height, width), a["pad"])]
    have = [
        max((n - 1) * s + d * (k - 1) + 1, n * s)
        for n, s, d, k in zip(c.inputs[0][1:], a["stride"], a["dilate"], a["kernel"])
    ]
    y = _padded(y, (0, 0, *(max(w - h, 0) for w, h in zip(wanted, have))), 0.0)
    return _with_bias(c, y[:, a["pad"][0] : wanted[0], a["pad"][1] : wanted[1], :])


def _dense(c: Call, x: Any) -> Any:
    shape = c.inputs[0]
    if c.attrs["flatten"]:
        x = ops.reshape(ours(x, shape), (-1, math.prod(shape)))
        return _with_bias(c, _product(c, ops.matmul, x, ops.transpose(c.arrays["weight"])))
    y = _product(c, ops.matmul, ours(x, shape), ops.transpose(c.arrays["weight"]))
    return stored(_with_bias(c, y), c.output)


def _embedding(c: Call, x: Any) -> Any:
    return stored(ops.take(c.arrays["weight"], ops.cast(ours(x, c.inputs[0]), "int32"), axis=0), c.output)


# -- windows ------------------------------------------------------------------------------------------------------------


def _padded(x: Any, around: tuple[int, ...], value: float) -> Any:
    top, left, bottom, right = around
    if not any(around):
        return x
    return ops.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def _pooling(c: Call, x: Any) -> Any:
    a, kind = c.attrs, c.attrs["kind"]
    if a["global"]:
        reduce = {"max": ops.max, "avg": ops.mean, "sum": ops.sum}[kind]
        return reduce(x, axis=(1, 2), keepdims=True)
    (kh, kw), (sh, sw), (_, oh, ow) = a["kernel"], a["stride"], c.output
    top, left, bottom, right = pads(a["pad"])
    height, width = c.inputs[0][1:]
    # The last window may reach beyond the padding where sizes are rounded up.
    down, over = max((oh - 1) * sh + kh - height - top, bottom), max((ow - 1) * sw + kw - width - left, right)
    options = {"pool_size": a["kernel"], "strides": a["stride"], "padding": "valid", "data_format": "channels_last"}
    if kind == "max":
        y = ops.max_pool(_padded(x, (top, left, down, over), -math.inf), **options)
        return y[:, :oh, :ow, :]
    y = ops.average_pool(_padded(x, (top, left, down, over), 0.0), **options)[:, :oh, :ow, :]
    if kind == "sum":
        return y * (kh * kw)
    rows = _counted(oh, kh, sh, top, height, bottom if a["count_pad"] else 0, top if a["count_pad"] else 0)
    columns = _counted(ow, kw, sw, left, width, right if a["count_pad"] else 0, left if a["count_pad"] else 0)
    share = (kh * kw) / (rows[:, None] * columns[None, :])
    return y if (share == 1).all() else y * ops.convert_to_tensor(share[None, :, :, None].astype(np.float32))


def _counted(count: int, kernel: int, stride: int, pad: int, size: int, after: int, before: int) -> np.ndarray:
    """How many places of each window along an axis count for its average."""
    begin = np.arange(count) * stride - pad
    return np.minimum(begin + kernel, size + after) - np.maximum(begin, -before)


def _adaptive(c: Call, x: Any) -> Any:
    """Window i of n along an axis of size s reaches from floor(i·s/n) to ceil((i+1)·s/n)."""
    reduce = ops.mean if c.attrs["kind"] == "avg" else ops.max
    for axis, n, size in ((1, c.attrs["size"][0], c.inputs[0][1]), (2, c.attrs["size"][1], c.inputs[0][2])):
        parts = []
        for i in range(n):
            low, high = i * size // n, -(-(i + 1) * size // n)
            part = x[:, low:high] if axis == 1 else x[:, :, low:high]
            parts.append(reduce(part, axis=axis, keepdims=True))
        x = ops.concatenate(parts, axis=axis)
    return x


def _resize(c: Call, x: Any) -> Any:
    """Along each axis, pixel i of the result is read at a place between two pixels."""
    a = c.attrs
    for axis, size, old in ((1, a["size"][0], c.inputs[0][1]), (2, a["size"][1], c.inputs[0][2])):
        i = np.arange(size, dtype=np.float64)
        if a["kind"] == "nearest":
            at = i * old / size if a["align"] == "origin" else (i + 0.5) * old / size
            x = ops.take(x, np.minimum(at.astype(np.int32), old - 1), axis=axis)
            continue
        if a["align"] == "corners":
            at = i * ((old - 1) / max(size - 1, 1))
        else:
            at = i * (old / size) if a["align"] == "origin" else np.maximum((i + 0.5) * (old / size) - 0.5, 0)
        low = np.minimum(at.astype(np.int32), old - 1)
        part = ops.convert_to_tensor((at - low).astype(np.float32).reshape([-1 if n == axis else 1 for n in range(4)]))
        high = np.minimum(low + 1, old - 1)
        x = ops.take(x, low, axis=axis) * (1 - part) + ops.take(x, high, axis=axis) * part
    return x


# -- normalisation ------------------------------------------------------------------------------------------------------


def _batchnorm(c: Call, x: Any) -> Any:
    a, v, shape = c.attrs, c.arrays, c.inputs[0]
    mean, var = v["moving_mean"], v["moving_var"]
    if c.training:
        channel = 1 if len(shape) == 2 else len(shape)
        axes = [i for i in range(len(shape) + 1) if i != channel]
        mean, var = ops.moments(x, axes=axes)
        count = ops.cast(ops.prod(ops.convert_to_tensor(ops.shape(x))), "float32") / shape[0]
        kept = ops.stop_gradient(var) * (count / ops.maximum(count - 1, 1.0))
        for old, now in ((v["moving_mean"], ops.stop_gradient(mean)), (v["moving_var"], kept)):
            old.assign(old * a["momentum"] + now * (1 - a["momentum"]))
    scale = v["gamma"] * ops.rsqrt(var + a["eps"])
    return x * _across(scale, shape) + _across(v["beta"] - mean * scale, shape)


def _layernorm(c: Call, x: Any) -> Any:
    shape = c.inputs[0]
    # of three axes the channels are stored last, and the last axis is then the one before them
    axis = len(shape) if not c.attrs["last"] and len(shape) in (1, 3) else 2 if len(shape) == 3 else len(shape)
    axis = 1 if not c.attrs["last"] and len(shape) == 2 else axis
    mean, var = ops.moments(x, axes=[axis], keepdims=True)
    y = (x - mean) * ops.rsqrt(var + c.attrs["eps"])
    spread = [-1 if i == axis else 1 for i in range(len(shape) + 1)]
    return y * ops.reshape(c.arrays["gamma"], spread) + ops.reshape(c.arrays["beta"], spread)


def _lrn(c: Call, x: Any) -> Any:
    a, channels = c.attrs, c.inputs[0][0]
    size = a["nsize"]
    squares = ops.pad(ops.square(x), ((0, 0), (0, 0), (0, 0), (size // 2, (size - 1) // 2)))
    total = functools.reduce(ops.add, [squares[..., i : i + channels] for i in range(size)])
    return x / ops.power(a["knorm"] + (a["alpha"] / size) * total, a["beta"])


def _l2normalization(c: Call, x: Any) -> Any:
    axes = list(range(1, len(c.inputs[0]) + 1))
    return x / ops.sqrt(ops.sum(ops.square(x), axis=axes, keepdims=True) + c.attrs["eps"])


def _dropout(c: Call, x: Any) -> Any:
    return keras.random.dropout(x, c.attrs["p"], seed=c.seeds) if c.training and c.attrs["p"] else x


# -- shapes -------------------------------------------------------------------------------------------------------------


@_plainly
def _flat(c: Call, x: Any) -> Any:
    return ops.reshape(x, (-1, *c.output))


@_plainly
def _transpose(c: Call, x: Any) -> Any:
    return ops.transpose(x, c.attrs["axes"])


@_plainly
def _cut(c: Call, x: Any) -> Any:
    """`slice`, and `part` of equal parts."""
    a = c.attrs
    size = c.inputs[0][a["axis"] - 1] // a.get("count", 1)
    begin, end = (a["begin"], a["end"]) if "begin" in a else (a["index"] * size, (a["index"] + 1) * size)
    y = x[(slice(None),) * a["axis"] + (slice(begin, end),)]
    return ops.squeeze(y, a["axis"]) if a["squeeze"] else y


def _concat(c: Call, *x: Any) -> Any:
    axis = c.attrs["axis"]
    return ops.concatenate(x, axis={1: 3, 2: 1, 3: 2}[axis] if len(c.output) == 3 else axis)


def _batchpart(c: Call, x: Any) -> Any:
    """Rows of a batch that another tower of the network takes; the first parts are one row longer where it does not divide."""
    n, count, i = ops.shape(x)[0], c.attrs["count"], c.attrs["index"]
    share, rest = n // count, n % count
    begin = share * i + ops.minimum(i, rest)
    end = begin + share + ops.cast(i < rest, begin.dtype)
    if keras.backend.backend() == "tensorflow":
        return x[begin:end]
    return x[int(begin) : int(end)]


def _mean(c: Call, x: Any) -> Any:
    return stored(ops.mean(ours(x, c.inputs[0]), axis=c.attrs["axes"], keepdims=c.attrs["keep"]), c.output)


def _softmax(c: Call, x: Any) -> Any:
    axis = c.attrs["axis"]
    return ops.softmax(x, axis={1: 3, 2: 1, 3: 2}[axis] if len(c.output) == 3 else axis)


# -- arithmetic ---------------------------------------------------------------------------------------------------------

_PAIRWISE = {
    "add": ops.add,
    "sub": ops.subtract,
    "mul": ops.multiply,
    "div": ops.divide,
    "max": ops.maximum,
    "min": ops.minimum,
}
_SCALAR: Mapping[str, Callable[[Any, float], Any]] = {**SCALARS, "max": ops.maximum, "min": ops.minimum}
_ACTIVATIONS: dict[str, Callable[[Any, float], Any]] = {
    "relu": lambda x, slope: ops.relu(x),
    "tanh": lambda x, slope: ops.tanh(x),
    "sigmoid": lambda x, slope: ops.sigmoid(x),
    "softrelu": lambda x, slope: ops.softplus(x),
    "softsign": lambda x, slope: ops.softsign(x),
    "gelu": lambda x, slope: ops.gelu(x, approximate=False),
    "silu": lambda x, slope: ops.silu(x),
    "relu6": lambda x, slope: ops.relu6(x),
    "leaky": lambda x, slope: ops.leaky_relu(x, negative_slope=slope),
    "elu": lambda x, slope: ops.elu(x, alpha=slope),
    "exp": lambda x, slope: ops.exp(x),
    "erf": lambda x, slope: ops.erf(x),
    "identity": lambda x, slope: x,
}


def _elementwise(c: Call, *x: Any) -> Any:
    if len({len(s) for s in c.inputs}) == 1 and not any(c.constants):
        return functools.reduce(_PAIRWISE[c.attrs["kind"]], x)
    return _plainly(lambda c, *y: functools.reduce(_PAIRWISE[c.attrs["kind"]], y))(c, *x)


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "convolution": _convolution,
    "deconvolution": _deconvolution,
    "fullyconnected": _dense,
    "embedding": _embedding,
    "activation": lambda c, x: _ACTIVATIONS[c.attrs["kind"]](x, c.attrs["slope"]),
    "prelu": lambda c, x: ops.maximum(x, 0.0) + _across(c.arrays["gamma"], c.inputs[0]) * ops.minimum(x, 0.0),
    "pooling": _pooling,
    "adaptivepooling": _adaptive,
    "batchnorm": _batchnorm,
    "layernorm": _layernorm,
    "channelscale": lambda c, x: x * _across(c.arrays["gamma"], c.inputs[0]),
    "lrn": _lrn,
    "l2normalization": _l2normalization,
    "dropout": _dropout,
    "flatten": _flat,
    "reshape": _flat,
    "transpose": _transpose,
    "concat": _concat,
    "elementwise": _elementwise,
    "scalar": lambda c, x: _SCALAR[c.attrs["kind"]](x, c.attrs["value"]),
    "array": lambda c: c.arrays["value"],
    "slice": _cut,
    "part": _cut,
    "batchpart": _batchpart,
    "batchjoin": lambda c, *x: ops.concatenate(x, axis=0),
    "pad": lambda c, x: _padded(x, pads(c.attrs["pad"]), c.attrs["value"]),
    "resize": _resize,
    "mean": _mean,
    "softmax": _softmax,
    "output": lambda c, x: ops.sigmoid(x) if c.attrs["kind"] == "logistic" else x,
}
