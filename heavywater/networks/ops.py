"""The operations a graph may hold: attributes, shapes and arrays of each. Nothing here computes; see ``layers``.

Shapes are those of one row, without the batch: ``(channels, height, width)`` or ``(features,)``. Axes count the batch as
axis 0, as MXNet and ONNX do. Every operation gives one value.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from heavywater.networks.attributes import Attribute, flag, number, optional, texts, whole, wholes, word

Shape = tuple[int, ...]
Attrs = Mapping[str, Any]

MAX_RANK = 5


class ArraySpec(NamedTuple):
    """One array of a network.

    Attributes
    ----------
    shape : tuple of int
    trainable : bool
        Whether training by gradient changes it.
    init : str
        How it starts: ``xavier`` (uniform, Glorot and Bengio 2010), ``he`` (normal, He et al. 2015), ``normal``
        (standard normal), ``narrow`` (normal of deviation 0.02), ``zeros``, ``ones``, ``small`` (1e-6).
    """

    shape: Shape
    trainable: bool
    init: str


INITS = ("xavier", "he", "normal", "narrow", "zeros", "ones", "small")
SCALARS: Mapping[str, Callable[[Any, float], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "rsub": lambda x, v: v - x,
    "rdiv": lambda x, v: v / x,
    "pow": operator.pow,
}
"""What ``scalar`` does with a value and a number, where operators say it in every library; max and min they do not."""

LAYOUTS = {"HWIO": (3, 2, 0, 1), "HWOI": (2, 3, 0, 1), "HWIM": (2, 3, 0, 1), "IO": (1, 0), "AS_IS": None}
"""Order of the axes in a file → the permutation that gives ours (output, input, height, width).

HWIM: a kernel of so many outputs for each input alone, which are joined to one axis of outputs."""


@dataclass(frozen=True)
class Op:
    """One operation: how many inputs it takes, its attributes, and functions that give its shape and arrays."""

    inputs: tuple[int, int]
    shape: Callable[[Attrs, Sequence[Shape]], Shape]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    arrays: Callable[[Attrs, Sequence[Shape]], dict[str, ArraySpec]] = lambda a, s: {}


def _image(shape: Shape) -> Shape:
    if len(shape) != 3:
        raise ValueError(f"an image of (channels, height, width) is needed; its input has the shape {shape}")
    return shape


def _same(a: Attrs, s: Sequence[Shape]) -> Shape:
    return s[0]


def pads(pad: Sequence[int]) -> tuple[int, int, int, int]:
    """Padding as (top, left, bottom, right), from two numbers or four."""
    if len(pad) == 2:
        return pad[0], pad[1], pad[0], pad[1]
    return pad[0], pad[1], pad[2], pad[3]


def _window(size: int, kernel: int, stride: int, before: int, after: int, dilate: int = 1, ceil: bool = False) -> int:
    reach = dilate * (kernel - 1) + 1
    free = size + before + after - reach
    if free < 0:
        raise ValueError(
            f"its window of {reach} pixels is larger than its input of {size + before + after} (padding included)"
        )
    count = (-(-free // stride) if ceil else free // stride) + 1
    if ceil and (count - 1) * stride >= size + before:  # a last window that would see nothing but padding
        count -= 1
    return count


def _convolution(a: Attrs, s: Sequence[Shape]) -> Shape:
    c, h, w = _image(s[0])
    if c % a["groups"] or a["filters"] % a["groups"]:
        raise ValueError(f"{a['groups']} groups do not divide {c} channels and {a['filters']} filters")
    top, left, bottom, right = pads(a["pad"])
    return (
        a["filters"],
        _window(h, a["kernel"][0], a["stride"][0], top, bottom, a["dilate"][0]),
        _window(w, a["kernel"][1], a["stride"][1], left, right, a["dilate"][1]),
    )


def _convolution_arrays(a: Attrs, s: Sequence[Shape]) -> dict[str, ArraySpec]:
    made = {"weight": ArraySpec((a["filters"], s[0][0] // a["groups"], *a["kernel"]), True, a["init"])}
    return made | ({"bias": ArraySpec((a["filters"],), True, "zeros")} if a["bias"] else {})


def _deconvolution(a: Attrs, s: Sequence[Shape]) -> Shape:
    c, h, w = _image(s[0])
    if c % a["groups"] or a["filters"] % a["groups"]:
        raise ValueError(f"{a['groups']} groups do not divide {c} channels and {a['filters']} filters")
    if any(x >= max(y, d) for x, y, d in zip(a["adj"], a["stride"], a["dilate"])):
        raise ValueError("adj must be smaller than the stride")
    grown = [
        (size - 1) * a["stride"][i] - 2 * a["pad"][i] + a["dilate"][i] * (a["kernel"][i] - 1) + a["adj"][i] + 1
        for i, size in enumerate((h, w))
    ]
    if min(grown) < 1:
        raise ValueError("its padding leaves nothing of the result")
    return (a["filters"], grown[0], grown[1])


def _deconvolution_arrays(a: Attrs, s: Sequence[Shape]) -> dict[str, ArraySpec]:
    made = {"weight": ArraySpec((s[0][0], a["filters"] // a["groups"], *a["kernel"]), True, a["init"])}
    return made | ({"bias": ArraySpec((a["filters"],), True, "zeros")} if a["bias"] else {})


def _dense(a: Attrs, s: Sequence[Shape]) -> Shape:
    return (a["hidden"],) if a["flatten"] else (*s[0][:-1], a["hidden"])


def _dense_arrays(a: Attrs, s: Sequence[Shape]) -> dict[str, ArraySpec]:
    width = math.prod(s[0]) if a["flatten"] else s[0][-1]
    made = {"weight": ArraySpec((a["hidden"], width), True, a["init"])}
    bias = "normal" if a["init"] == "normal" else "zeros"
    return made | ({"bias": ArraySpec((a["hidden"],), True, bias)} if a["bias"] else {})


def _pooling(a: Attrs, s: Sequence[Shape]) -> Shape:
    c, h, w = _image(s[0])
    if a["global"]:
        return (c, 1, 1)
    (kh, kw), (top, left, bottom, right) = a["kernel"], pads(a["pad"])
    if max(top, bottom) >= kh or max(left, right) >= kw:
        raise ValueError("its padding must be smaller than its kernel")
    return (
        c,
        _window(h, kh, a["stride"][0], top, bottom, ceil=a["ceil"]),
        _window(w, kw, a["stride"][1], left, right, ceil=a["ceil"]),
    )


def _norm_arrays(a: Attrs, s: Sequence[Shape]) -> dict[str, ArraySpec]:
    c = (s[0][0],)
    return {
        "gamma": ArraySpec(c, not a["fix_gamma"], "ones"),
        "beta": ArraySpec(c, True, "zeros"),
        "moving_mean": ArraySpec(c, False, "zeros"),
        "moving_var": ArraySpec(c, False, "ones"),
    }


def _layer_norm_arrays(a: Attrs, s: Sequence[Shape]) -> dict[str, ArraySpec]:
    c = (s[0][-1 if a["last"] else 0],)
    return {"gamma": ArraySpec(c, True, "ones"), "beta": ArraySpec(c, True, "zeros")}


def _concat(a: Attrs, s: Sequence[Shape]) -> Shape:
    axis = a["axis"] - 1
    rest = {(*x[:axis], *x[axis + 1 :]) for x in s}
    if any(axis >= len(x) for x in s) or len(rest) > 1:
        raise ValueError(f"inputs of the shapes {', '.join(map(str, s))} cannot be joined along axis {a['axis']}")
    return (*s[0][:axis], sum(x[axis] for x in s), *s[0][axis + 1 :])


def _broadcast(a: Attrs, s: Sequence[Shape]) -> Shape:
    rank = max(map(len, s))
    made = []
    for sizes in zip(*((1,) * (rank - len(x)) + x for x in s)):
        wide = {n for n in sizes if n != 1}
        if len(wide) > 1:
            raise ValueError(f"inputs of the shapes {', '.join(map(str, s))} do not fit each other")
        made.append(wide.pop() if wide else 1)
    return tuple(made)


def _reshape(a: Attrs, s: Sequence[Shape]) -> Shape:
    want, total = a["shape"], math.prod(s[0])
    known = math.prod(n for n in want if n > 0)
    if want.count(-1) > 1 or 0 in want or (total % known if -1 in want else total != known):
        raise ValueError(f"{s[0]} cannot be given the shape {want}")
    return tuple(total // known if n == -1 else n for n in want)


def _transpose(a: Attrs, s: Sequence[Shape]) -> Shape:
    axes = a["axes"]
    if axes[0] != 0 or sorted(axes) != list(range(len(s[0]) + 1)):
        raise ValueError(f"axes must begin with 0 and name the {len(s[0]) + 1} axes once each")
    return tuple(s[0][i - 1] for i in axes[1:])


def _mean(a: Attrs, s: Sequence[Shape]) -> Shape:
    if any(not 1 <= i <= len(s[0]) for i in a["axes"]):
        raise ValueError(f"axes must lie from 1 to {len(s[0])}")
    kept = [1 if i in a["axes"] else n for i, n in enumerate(s[0], 1)]
    return tuple(kept if a["keep"] else [n for i, n in enumerate(s[0], 1) if i not in a["axes"]])


def _slice(a: Attrs, s: Sequence[Shape]) -> Shape:
    axis = a["axis"] - 1
    if axis >= len(s[0]) or not a["begin"] < a["end"] <= s[0][axis]:
        raise ValueError(f"axis {a['axis']} of {s[0]} has no part from {a['begin']} to {a['end']}")
    size = a["end"] - a["begin"]
    if a["squeeze"] and size != 1:
        raise ValueError("only an axis of size 1 can be left out")
    return (*s[0][:axis], *(() if a["squeeze"] else (size,)), *s[0][axis + 1 :])


def _part(a: Attrs, s: Sequence[Shape]) -> Shape:
    axis = a["axis"] - 1
    if axis >= len(s[0]) or s[0][axis] % a["count"] or a["index"] >= a["count"]:
        raise ValueError(f"axis {a['axis']} of {s[0]} cannot be split into {a['count']} equal parts")
    size = s[0][axis] // a["count"]
    if a["squeeze"] and size != 1:
        raise ValueError("only an axis of size 1 can be left out")
    return (*s[0][:axis], *(() if a["squeeze"] else (size,)), *s[0][axis + 1 :])


def _joined(a: Attrs, s: Sequence[Shape]) -> Shape:
    if len(set(s)) > 1:
        raise ValueError(f"rows of the shapes {', '.join(map(str, s))} cannot be put below each other")
    return s[0]


def _pad(a: Attrs, s: Sequence[Shape]) -> Shape:
    c, h, w = _image(s[0])
    top, left, bottom, right = pads(a["pad"])
    return (c, h + top + bottom, w + left + right)


def _embedding_arrays(a: Attrs, s: Sequence[Shape]) -> dict[str, ArraySpec]:
    return {"weight": ArraySpec((a["entries"], a["width"]), True, "xavier")}


def _softmax(a: Attrs, s: Sequence[Shape]) -> Shape:
    if a["axis"] > len(s[0]):
        raise ValueError(f"its input {s[0]} has no axis {a['axis']}")
    return s[0]


_PAIR = wholes(1, counts=(2,))
_PAD = wholes(0, counts=(2, 4))
_ONES, _ZEROS = (1, 1), (0, 0)
_INIT = Attribute(word(*INITS), "xavier")
NAMED = {"names": Attribute(texts, {}), "layouts": Attribute(texts, {})}
"""Attributes of every operation with arrays: their names where they are not ``<node>_<role>``, and their layout in a file."""

ACTIVATIONS = (
    "relu",
    "tanh",
    "sigmoid",
    "softrelu",
    "softsign",
    "gelu",
    "silu",
    "relu6",
    "leaky",
    "elu",
    "exp",
    "erf",
    "identity",
)

OPS: Mapping[str, Op] = {
    "input": Op(
        (0, 0),
        lambda a, s: a["shape"] or (),
        {"shape": Attribute(optional(wholes(1, counts=(1, 2, 3))), None)},
    ),
    "convolution": Op(
        (1, 1),
        _convolution,
        {
            "filters": Attribute(whole(1)),
            "kernel": Attribute(_PAIR),
            "stride": Attribute(_PAIR, _ONES),
            "pad": Attribute(_PAD, _ZEROS),
            "dilate": Attribute(_PAIR, _ONES),
            "groups": Attribute(whole(1), 1),
            "bias": Attribute(flag, True),
            "init": _INIT,
        },
        _convolution_arrays,
    ),
    "deconvolution": Op(
        (1, 1),
        _deconvolution,
        {
            "filters": Attribute(whole(1)),
            "kernel": Attribute(_PAIR),
            "stride": Attribute(_PAIR, _ONES),
            "pad": Attribute(wholes(0, counts=(2,)), _ZEROS),
            "dilate": Attribute(_PAIR, _ONES),
            "adj": Attribute(wholes(0, counts=(2,)), _ZEROS),
            "groups": Attribute(whole(1), 1),
            "bias": Attribute(flag, True),
            "init": _INIT,
        },
        _deconvolution_arrays,
    ),
    "fullyconnected": Op(
        (1, 1),
        _dense,
        {
            "hidden": Attribute(whole(1)),
            "bias": Attribute(flag, True),
            "flatten": Attribute(flag, True),
            "init": _INIT,
        },
        _dense_arrays,
    ),
    "activation": Op(
        (1, 1), _same, {"kind": Attribute(word(*ACTIVATIONS)), "slope": Attribute(number(-1e6, 1e6), 0.25)}
    ),
    "prelu": Op((1, 1), _same, {}, lambda a, s: {"gamma": ArraySpec((s[0][0],), True, "ones")}),
    "pooling": Op(
        (1, 1),
        _pooling,
        {
            "kind": Attribute(word("max", "avg", "sum")),
            "kernel": Attribute(_PAIR, _ONES),
            "stride": Attribute(_PAIR, _ONES),
            "pad": Attribute(_PAD, _ZEROS),
            "global": Attribute(flag, False),
            "ceil": Attribute(flag, False),
            "count_pad": Attribute(flag, True),
        },
    ),
    "adaptivepooling": Op(
        (1, 1),
        lambda a, s: (_image(s[0])[0], *a["size"]),
        {"kind": Attribute(word("max", "avg")), "size": Attribute(_PAIR)},
    ),
    "batchnorm": Op(
        (1, 1),
        _same,
        {
            "eps": Attribute(number(0, 1), 1e-3),
            "momentum": Attribute(number(0, 1), 0.9),
            "fix_gamma": Attribute(flag, False),
        },
        _norm_arrays,
    ),
    "layernorm": Op(
        (1, 1),
        _same,
        {"eps": Attribute(number(0, 1), 1e-6), "last": Attribute(flag, False)},
        _layer_norm_arrays,
    ),
    "channelscale": Op((1, 1), _same, {}, lambda a, s: {"gamma": ArraySpec((s[0][0],), True, "small")}),
    "lrn": Op(
        (1, 1),
        lambda a, s: _image(s[0]),
        {
            "nsize": Attribute(whole(1, 1 << 12)),
            "alpha": Attribute(number(0, 1e6), 1e-4),
            "beta": Attribute(number(0, 100), 0.75),
            "knorm": Attribute(number(0, 1e6), 2.0),
        },
    ),
    "l2normalization": Op((1, 1), _same, {"eps": Attribute(number(0, 1), 1e-10)}),
    "dropout": Op((1, 1), _same, {"p": Attribute(number(0, 0.999999), 0.5)}),
    "flatten": Op((1, 1), lambda a, s: (math.prod(s[0]),)),
    "reshape": Op((1, 1), _reshape, {"shape": Attribute(wholes(-1, counts=(1, 2, 3, 4, 5)))}),
    "transpose": Op((1, 1), _transpose, {"axes": Attribute(wholes(0, counts=(2, 3, 4, 5), high=5))}),
    "concat": Op((1, 4096), _concat, {"axis": Attribute(whole(1, MAX_RANK), 1)}),
    "elementwise": Op((2, 64), _broadcast, {"kind": Attribute(word("add", "sub", "mul", "div", "max", "min"))}),
    "scalar": Op(
        (1, 1),
        _same,
        {
            "kind": Attribute(word("add", "sub", "mul", "div", "rsub", "rdiv", "pow", "max", "min")),
            "value": Attribute(number()),
        },
    ),
    "array": Op(
        (0, 0),
        lambda a, s: a["shape"],
        {"shape": Attribute(wholes(1, counts=(1, 2, 3, 4))), "trainable": Attribute(flag, True), "init": _INIT},
        lambda a, s: {"value": ArraySpec(a["shape"], a["trainable"], a["init"])},
    ),
    "slice": Op(
        (1, 1),
        _slice,
        {
            "axis": Attribute(whole(1, MAX_RANK)),
            "begin": Attribute(whole(0)),
            "end": Attribute(whole(1)),
            "squeeze": Attribute(flag, False),
        },
    ),
    "part": Op(
        (1, 1),
        _part,
        {
            "axis": Attribute(whole(1, MAX_RANK)),
            "index": Attribute(whole(0, 4096)),
            "count": Attribute(whole(1, 4096)),
            "squeeze": Attribute(flag, False),
        },
    ),
    "batchpart": Op((1, 1), _same, {"index": Attribute(whole(0, 255)), "count": Attribute(whole(1, 256))}),
    "batchjoin": Op((1, 256), _joined),
    "pad": Op((1, 1), _pad, {"pad": Attribute(_PAD), "value": Attribute(number(), 0.0)}),
    "resize": Op(
        (1, 1),
        lambda a, s: (_image(s[0])[0], *a["size"]),
        {
            "size": Attribute(_PAIR),
            "kind": Attribute(word("bilinear", "nearest"), "bilinear"),
            "align": Attribute(word("half_pixel", "corners", "origin"), "half_pixel"),
        },
    ),
    "mean": Op(
        (1, 1), _mean, {"axes": Attribute(wholes(1, counts=(1, 2, 3), high=MAX_RANK)), "keep": Attribute(flag, False)}
    ),
    "embedding": Op(
        (1, 1),
        lambda a, s: (*s[0], a["width"]),
        {"entries": Attribute(whole(1)), "width": Attribute(whole(1))},
        _embedding_arrays,
    ),
    "softmax": Op((1, 1), _softmax, {"axis": Attribute(whole(1, MAX_RANK), 1)}),
    "output": Op((1, 1), _same, {"kind": Attribute(word("linear", "logistic"))}),
}
