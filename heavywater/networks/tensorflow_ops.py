"""Operations of TensorFlow, each as nodes of a network of ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from heavywater.errors import ModelFileError
from heavywater.networks.ops import Shape
from heavywater.networks.tensorflow_messages import TFNode, tensor_of
from heavywater.networks.tensorflow_norms import applied, formula_of, scaled, shifted
from heavywater.networks.tensorflow_reader import Reader, Value
from heavywater.networks.tensorflow_shapes import concat_of_sizes, pack, shape, strided_slice

__all__ = ["READ"]


def _const(r: Reader, node: TFNode) -> Value:
    stored = node.attrs.get("value", {}).get(8)
    return Value(constant=np.zeros(0) if stored is None else tensor_of(stored.bytes))


def _variable(r: Reader, node: TFNode) -> Value:
    sizes = node.shape("shape") or ()
    if any(n < 1 for n in sizes):
        raise ModelFileError(f"the variable {node.name[:60]!a} has the shape {sizes}")
    return Value(shape=sizes, variable=node.name)


def _second_input(r: Reader, node: TFNode) -> Value:
    raise ModelFileError(f"the predictions depend on a second input, {node.name[:60]!a}")


def _pass(r: Reader, node: TFNode) -> Value:
    found = r.value(node, 0)
    if found.node >= 0:  # who uses this node uses the value
        name = r.builder.nodes[found.node].name
        r.users[name] = r.users.get(name, 1) + r.users.get(node.name, 1) - 1
    return found


def _pass_all(r: Reader, node: TFNode) -> Value:
    for i in range(1, len(node.inputs)):
        r.values[f"{node.name}:{i}"] = r.value(node, i)
    return _pass(r, node)


def _same_numbers(r: Reader, node: TFNode) -> Value:
    """A change of shape that keeps the order of the numbers, of something that is no image."""
    found = r.value(node, 0)
    if found.variable is not None and len([n for n in found.shape if n != 1]) <= 1:  # a bias, spread over images
        return found
    if found.constant is not None:
        return Value(constant=found.constant.reshape(-1))
    if (
        found.node >= 0
        and node.op == "Squeeze"
        and found.shape[1:] == (1, 1)
        and set(node.sizes("squeeze_dims")) == {1, 2}
    ):
        return r.add(node.name, "flatten", [found])
    raise ModelFileError(f"{node.op} {node.name[:60]!a} of this input is not known")


def _reshape(r: Reader, node: TFNode) -> Value:
    if r.value(node, 0).node < 0:
        return _same_numbers(r, node)
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
    if len(shape) == 4 and len(x.shape) == 1 and min(shape[1:]) >= 1:
        x = r.add(f"{node.name}/pixels", "reshape", [x], shape=shape[1:])
        return r.add(node.name, "transpose", [x], axes=(0, 3, 1, 2))
    if len(shape) != 2 or (shape[1] != -1 and shape[1] != math.prod(x.shape)):
        raise ModelFileError(f"Reshape {node.name[:60]!a} of {x.shape} to {shape} is not known")
    return _flattened(r, node.name, x)


def _flattened(r: Reader, name: str, x: Value) -> Value:
    if len(x.shape) == 3 and x.shape[0] > 1 and x.shape[1:] != (1, 1):
        x = r.add(f"{name}/turned", "transpose", [x], axes=(0, 2, 3, 1))
    return r.add(name, "flatten", [x])


def _window(node: TFNode, key: str) -> tuple[int, int]:
    sizes = node.sizes(key)
    if node.word("data_format", "NHWC") != "NHWC" or len(sizes) != 4 or sizes[0] != 1 or sizes[3] != 1:
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: only NHWC with {key} of [1, rows, columns, 1] is known")
    return sizes[1], sizes[2]


def _padding(
    node: TFNode, shape: Shape, kernel: Sequence[int], stride: Sequence[int], dilate: Sequence[int] = (1, 1)
) -> tuple[int, ...]:
    if node.word("padding") == "VALID":
        return (0, 0)
    if node.word("padding") != "SAME" or len(shape) != 3:
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: padding must be SAME or VALID, of an image")
    wide = [d * (k - 1) + 1 for k, d in zip(kernel, dilate)]
    total = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(shape[1:], wide, stride)]
    less = [t // 2 for t in total]
    more = [t - t // 2 for t in total]
    return tuple(less) if less == more else (*less, *more)


def _conv(r: Reader, node: TFNode) -> Value:
    x, w, each = r.computed(node, 0), r.value(node, 1), node.op == "DepthwiseConv2dNative"
    if w.variable is None or len(w.shape) != 4 or len(x.shape) != 3 or x.shape[0] % w.shape[2]:
        raise ModelFileError(
            f"{node.op} {node.name[:60]!a}: its kernel must be a variable of 4 dimensions that fits its image"
        )
    kernel, stride = w.shape[:2], _window(node, "strides")
    dilate = _window(node, "dilations") if node.sizes("dilations") else (1, 1)
    attrs: dict[str, Any] = {
        "kernel": kernel,
        "stride": stride,
        "dilate": dilate,
        "pad": _padding(node, x.shape, kernel, stride, dilate),
    }
    if each:
        attrs |= {"filters": w.shape[2] * w.shape[3], "groups": w.shape[2], "layouts": {"weight": "HWIM"}}
    else:
        attrs |= {"filters": w.shape[3], "groups": x.shape[0] // w.shape[2], "layouts": {"weight": "HWIO"}}
    return r.add(node.name, "convolution", [x], bias=False, names={"weight": w.variable}, **attrs)


def _matmul(r: Reader, node: TFNode) -> Value:
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


def _bias(r: Reader, node: TFNode, x: Value, variable: str) -> Value:
    """A bias joins the layer before it, which takes the name of the sum."""
    before = r.builder.nodes[x.node]
    free = r.users.get(before.name, 0) == 1
    if before.op not in ("convolution", "fullyconnected") or before.attrs["bias"] or not free:
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: a variable is added to what is no layer")
    names = {**before.attrs["names"], "bias": variable}
    r.builder.nodes[x.node] = replace(before, name=node.name, attrs={**before.attrs, "bias": True, "names": names})
    return x


def _pairwise(kind: str) -> Callable[[Reader, TFNode], Value]:
    def made(r: Reader, node: TFNode) -> Value:
        x, y = r.value(node, 0), r.value(node, 1)
        first, second = formula_of(x), formula_of(y)
        if x.constant is not None and y.constant is not None:
            return Value(constant=np.asarray(_NUMPY[kind](x.constant, y.constant)))
        if first is not None and second is not None:
            return applied(node, kind, first, second)
        if kind == "add" and x.node in r.unfinished:
            return shifted(r, node, x, second)
        if kind == "mul" and y.formula is not None:
            return scaled(r, node, x, y.formula)
        if kind == "add" and x.node >= 0 and y.variable is not None:
            return _bias(r, node, x, y.variable)
        if x.node >= 0 and y.node >= 0:
            return r.add(node.name, "elementwise", [x, y], kind=kind)
        for one, other, turned in ((x, y, False), (y, x, True)):
            if one.node >= 0 and other.constant is not None and other.constant.size == 1:
                word = {"sub": "rsub", "div": "rdiv"}.get(kind, kind) if turned else kind
                return r.add(node.name, "scalar", [one], kind=word, value=float(other.constant.reshape(-1)[0]))
        raise ModelFileError(f"{node.op} {node.name[:60]!a} of these inputs is not known")

    return made


_NUMPY: Mapping[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "max": np.maximum, "min": np.minimum,
}  # fmt: skip


def _alone(word: str, kind: str, number: float) -> Callable[[Reader, TFNode], Value]:
    """A function of one value that is arithmetic with a number, also as a part of a formula."""

    def made(r: Reader, node: TFNode) -> Value:
        x = r.value(node, 0)
        if x.node >= 0:
            return r.add(node.name, "scalar", [x], kind=kind, value=number)
        found = formula_of(x)
        if found is None or isinstance(found, float):
            raise ModelFileError(f"{node.op} {node.name[:60]!a} of a constant is not known")
        return applied(node, word, found)

    return made


def _pool(kind: str) -> Callable[[Reader, TFNode], Value]:
    def made(r: Reader, node: TFNode) -> Value:
        x, kernel, stride = r.computed(node, 0), _window(node, "ksize"), _window(node, "strides")
        pad = _padding(node, x.shape, kernel, stride)
        return r.add(node.name, "pooling", [x], kind=kind, kernel=kernel, stride=stride, pad=pad, count_pad=False)

    return made


def _lrn(r: Reader, node: TFNode) -> Value:
    size = 2 * node.whole("depth_radius", 5) + 1
    if not 1 <= size < 4096:
        raise ModelFileError(f"LRN {node.name[:60]!a}: its depth_radius is unusable")
    attrs = {"alpha": node.number("alpha", 1.0) * size, "beta": node.number("beta", 0.5)}  # here alpha is divided by n
    return r.add(node.name, "lrn", [r.computed(node, 0)], nsize=size, knorm=node.number("bias", 1.0), **attrs)


def _activation(kind: str) -> Callable[[Reader, TFNode], Value]:
    return lambda r, node: r.add(node.name, "activation", [r.computed(node, 0)], kind=kind, slope=1.0)


def _erfc(r: Reader, node: TFNode) -> Value:
    x = r.add(f"{node.name}/erf", "activation", [r.computed(node, 0)], kind="erf")
    return r.add(node.name, "scalar", [x], kind="rsub", value=1.0)


def _leaky(r: Reader, node: TFNode) -> Value:
    return r.add(node.name, "activation", [r.computed(node, 0)], kind="leaky", slope=node.number("alpha", 0.2))


def _concat(r: Reader, node: TFNode) -> Value:
    if all(r.value(node, i).constant is not None for i in range(len(node.inputs))):
        return concat_of_sizes(r, node)
    parts = [r.computed(node, i) for i in range(len(node.inputs) - 1)]
    axis = int(r.constant(node, len(node.inputs) - 1).reshape(-1)[0])
    if axis == 0:
        return r.add(node.name, "batchjoin", parts)
    image = len(parts[0].shape) == 3
    if axis not in ((3, -1) if image else (1, -1)):
        raise ModelFileError(f"ConcatV2 {node.name[:60]!a} along axis {axis} is not known")
    return r.add(node.name, "concat", parts, axis=1)


def _mean(r: Reader, node: TFNode) -> Value:
    x, axes = r.computed(node, 0), sorted(int(v) % 4 for v in r.constant(node, 1).reshape(-1)[:8])
    if axes != [1, 2] or len(x.shape) != 3:
        raise ModelFileError(f"{node.op} {node.name[:60]!a} along {axes} is not known")
    if node.op == "Mean":
        return r.add(node.name, "mean", [x], axes=(2, 3), keep=node.flag("keep_dims"))
    if node.flag("keep_dims"):
        return r.add(node.name, "pooling", [x], kind="max", **{"global": True})
    return r.add(node.name, "flatten", [r.add(f"{node.name}/max", "pooling", [x], kind="max", **{"global": True})])


def _pad(r: Reader, node: TFNode) -> Value:
    x, sizes = r.computed(node, 0), r.constant(node, 1)
    value = float(r.constant(node, 2).reshape(-1)[0]) if node.op == "PadV2" else 0.0
    if len(x.shape) != 3 or sizes.shape != (4, 2) or sizes[[0, 3]].any():
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: only rows and columns of images can be padded")
    (top, bottom), (left, right) = sizes[1:3].astype(int).tolist()
    return r.add(node.name, "pad", [x], pad=(top, left, bottom, right), value=value)


def _resize(r: Reader, node: TFNode) -> Value:
    x, size = r.computed(node, 0), tuple(int(v) for v in r.constant(node, 1).reshape(-1)[:4])
    align = "corners" if node.flag("align_corners") else "half_pixel" if node.flag("half_pixel_centers") else "origin"
    kind = "bilinear" if node.op == "ResizeBilinear" else "nearest"
    return r.add(node.name, "resize", [x], size=size, align=align, kind=kind)


def _norm(r: Reader, node: TFNode) -> Value:
    if node.flag("is_training") or node.word("data_format", "NHWC") != "NHWC":
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: only with stored statistics, and with the channels last")
    roles, names = ("gamma", "beta", "moving_mean", "moving_var"), {}
    for i, role in enumerate(roles, 1):
        found = r.value(node, i)
        usual = {"gamma": 1.0, "beta": 0.0}.get(role)
        if found.variable is not None:
            names[role] = found.variable
        elif usual is None or found.constant is None or (found.constant != usual).any():
            raise ModelFileError(f"{node.op} {node.name[:60]!a}: its statistics must be variables")
    eps = max(node.number("epsilon", 1e-4), 0.0)
    return r.add(node.name, "batchnorm", [r.computed(node, 0)], eps=eps, names=names, fix_gamma="gamma" not in names)


READ: Mapping[str, Callable[[Reader, TFNode], Value]] = {
    "Const": _const,
    "Variable": _variable,
    "VariableV2": _variable,
    "VarHandleOp": _variable,
    "ReadVariableOp": _pass,
    "Placeholder": _second_input,
    "PlaceholderWithDefault": _pass,
    "Identity": _pass,
    "IdentityN": _pass_all,
    "StopGradient": _pass,
    "Cast": _pass,
    "EnsureShape": _pass,
    "Shape": shape,
    "StridedSlice": strided_slice,
    "Pack": pack,
    "Reshape": _reshape,
    "Squeeze": _same_numbers,
    "ExpandDims": _same_numbers,
    "Conv2D": _conv,
    "DepthwiseConv2dNative": _conv,
    "MatMul": _matmul,
    "BiasAdd": _pairwise("add"),
    "Add": _pairwise("add"),
    "AddV2": _pairwise("add"),
    "Sub": _pairwise("sub"),
    "Mul": _pairwise("mul"),
    "RealDiv": _pairwise("div"),
    "Maximum": _pairwise("max"),
    "Minimum": _pairwise("min"),
    "Rsqrt": _alone("rsqrt", "pow", -0.5),
    "Sqrt": _alone("sqrt", "pow", 0.5),
    "Square": _alone("square", "pow", 2.0),
    "Neg": _alone("neg", "mul", -1.0),
    "Relu": _activation("relu"),
    "Relu6": _activation("relu6"),
    "Elu": _activation("elu"),
    "LeakyRelu": _leaky,
    "Erf": _activation("erf"),
    "Erfc": _erfc,
    "Exp": _activation("exp"),
    "Tanh": _activation("tanh"),
    "Sigmoid": _activation("sigmoid"),
    "Softplus": _activation("softrelu"),
    "Softsign": _activation("softsign"),
    "MaxPool": _pool("max"),
    "AvgPool": _pool("avg"),
    "LRN": _lrn,
    "ConcatV2": _concat,
    "Mean": _mean,
    "Max": _mean,
    "Pad": _pad,
    "PadV2": _pad,
    "ResizeBilinear": _resize,
    "ResizeNearestNeighbor": _resize,
    "FusedBatchNorm": _norm,
    "FusedBatchNormV3": _norm,
    "Softmax": lambda r, node: r.add(node.name, "softmax", [r.computed(node, 0)]),
}
