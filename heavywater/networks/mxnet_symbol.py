"""Graphs of MXNet in JSON ("symbols"): the dialect of 0.8 and before (``param``) and that of NNVM (``attr``, ``attrs``)."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from heavywater.errors import H2OValueError, ModelFileError
from heavywater.networks.graph import MAX_NODES, Builder, Graph
from heavywater.networks.source import blaming, file_bytes, text_of

__all__ = ["parse_symbol", "read_symbol"]

_MAX_JSON = 32 << 20
_MAX_VALUES = 2_000_000
_LOSSES: Mapping[str, tuple[str, dict[str, str]]] = {
    "SoftmaxOutput": ("softmax", {}),
    "Softmax": ("softmax", {}),
    "LinearRegressionOutput": ("output", {"kind": "linear"}),
    "MAERegressionOutput": ("output", {"kind": "linear"}),
    "LogisticRegressionOutput": ("output", {"kind": "logistic"}),
}


def read_symbol(path: str | os.PathLike[str], *, pooling_convention: str | None = None) -> Graph:
    """A network from a symbol file.

    Parameters
    ----------
    path : str or path-like
    pooling_convention : str, optional
        ``"valid"`` (sizes after pooling are rounded down) or ``"full"`` (up, as MXNet did before July 2016) for
        poolings that do not say; down by default.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is not a symbol file, is damaged or hostile, or has an operation that is not known.
    """
    data = file_bytes(path, _MAX_JSON)
    with blaming(path, "an MXNet symbol"):
        return parse_symbol(text_of(data, "the symbol"), pooling_convention=pooling_convention)


def parse_symbol(text: str, *, pooling_convention: str | None = None) -> Graph:
    """Like :func:`read_symbol`, from the text."""
    if text.count(",") > _MAX_VALUES or text.count("[") + text.count("{") > _MAX_VALUES:
        raise ModelFileError("it holds more values than a network needs")
    try:
        top = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ModelFileError(f"it is not JSON: {error.msg} at character {error.pos:,}") from None
    except ModelFileError:
        raise
    except (RecursionError, ValueError) as error:
        raise ModelFileError(f"it is no reasonable JSON ({type(error).__name__})") from None
    if not isinstance(top, dict) or not isinstance(top.get("nodes"), list):
        raise ModelFileError("it has no list of nodes")
    if not 0 < len(top["nodes"]) <= MAX_NODES * 4:
        raise ModelFileError(f"it has {len(top['nodes']):,} nodes")
    reader = _Reader(top["nodes"], pooling_convention or "valid")
    return reader.graph(top.get("heads"))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ModelFileError("a key is given twice")
    return made


class _Attrs:
    """Attributes of a node, all text; a missing one has the operation's default."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where, self.values = where, values

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if value is None:
            raise ModelFileError(f"{self.where}: the attribute {key} is missing")
        return str(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self.text(key, str(default)).lower()
        if value not in ("true", "false", "0", "1"):
            raise ModelFileError(f"{self.where}: {key} must be True or False; it is {value[:40]!a}")
        return value in ("true", "1")

    def number(self, key: str, default: float | None = None) -> float:
        text = self.text(key, None if default is None else repr(default))
        if not re.fullmatch(r"[+-]?(\d{1,30}\.?\d{0,30}|\.\d{1,30})([eE][+-]?\d{1,3})?", text, re.ASCII):
            raise ModelFileError(f"{self.where}: {key} must be a number; it is {text[:40]!a}")
        return float(text)

    def whole(self, key: str, default: int | None = None) -> int:
        value = self.number(key, default)
        if value != math.floor(value):
            raise ModelFileError(f"{self.where}: {key} must be a whole number; it is {value}")
        return int(value)

    def sizes(self, key: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        text = self.text(key, None if default is None else str(default))
        if not re.fullmatch(r"[(\[]\s*(-?\d{1,9}L?\s*,?\s*){1,8}[)\]]", text, re.ASCII):
            raise ModelFileError(f"{self.where}: {key} must be a tuple of whole numbers; it is {text[:40]!a}")
        return tuple(int(v) for v in re.findall(r"-?\d+", text))

    def pair(self, key: str, default: tuple[int, int] | None = None) -> tuple[int, ...]:
        found = self.sizes(key, default)
        if len(found) != 2:
            raise ModelFileError(f"{self.where}: {key} must have two numbers (only images of two dimensions are known)")
        return found


class _Reader:
    def __init__(self, items: list[Any], convention: str) -> None:
        if convention not in ("valid", "full"):
            raise H2OValueError(f"pooling_convention must be 'valid' or 'full'; it is {convention!r}")
        self.items, self.convention = items, convention
        self.builder = Builder()
        self.made: dict[tuple[int, int], int] = {}
        self.variables: dict[int, str] = {}
        self.names: set[str] = set()
        self.head = -1

    def graph(self, heads: Any) -> Graph:
        for i, item in enumerate(self.items):
            self._node(i, item)
        last = (len(self.items) - 1, 0)
        if isinstance(heads, list) and heads:
            if len(heads) > 1:
                raise ModelFileError(f"it has {len(heads)} heads; only networks with one are read")
            last = self._reference(heads[0], len(self.items))
        if last not in self.made:
            raise ModelFileError(f"its head {last} is no operation")
        return self.builder.finished(self.made[last])

    def _reference(self, value: Any, before: int) -> tuple[int, int]:
        if not isinstance(value, list) or len(value) not in (2, 3) or any(type(v) is not int for v in value):
            raise ModelFileError(f"an input must be [node, output]; it is {str(value)[:40]!a}")
        if not 0 <= value[0] < before or not 0 <= value[1] < 4096:
            raise ModelFileError(f"an input refers to {value[:2]}, which does not come before it")
        return value[0], value[1]

    def _node(self, i: int, item: Any) -> None:
        if (
            not isinstance(item, dict)
            or not isinstance(item.get("op"), str)
            or not isinstance(item.get("inputs"), list)
        ):
            raise ModelFileError(f"node {i} is not an object with op, name and inputs")
        op, name = item["op"], item.get("name", "")
        if not isinstance(name, str) or len(name) > 400:
            raise ModelFileError(f"node {i} has no proper name")
        given: dict[str, Any] = {}
        for key in ("attr", "attrs", "param"):
            part = item.get(key) or {}
            if not isinstance(part, dict):
                raise ModelFileError(f"node {i}: {key} is not an object")
            given |= part
        inputs = [self._reference(v, i) for v in item["inputs"]]
        if op == "null":
            self.variables[i] = name
            return
        name = self._fresh(name or op.lower().lstrip("_"))
        self._operation(i, op, name, _Attrs(f"{name!a:.60} ({op})", given), inputs)

    def _fresh(self, name: str) -> str:
        made, number = name, 0
        while made in self.names:
            number += 1
            made = f"{name}_{number}"
        self.names.add(made)
        return made

    def _value(self, reference: tuple[int, int]) -> int:
        """The node of our graph that an input means; a variable that is used as a value is an input of the network."""
        if reference not in self.made:
            if reference[0] not in self.variables or reference[1]:
                raise ModelFileError(
                    f"an input refers to output {reference[1]} of node {reference[0]}, which it does not have"
                )
            name = self._fresh(self.variables[reference[0]])
            self.made[reference] = self.builder.add(name, "input")
        return self.made[reference]

    def _roles(self, name: str, inputs: list[tuple[int, int]], *roles: str) -> dict[str, str]:
        """Names of the arrays, where they are not the usual ones."""
        if len(inputs) < len(roles) + 1:
            raise ModelFileError(f"{name!a:.60} lacks inputs: it needs {', '.join(roles)}")
        names = {}
        for role, (node, _) in zip(roles, inputs[1:]):
            if node not in self.variables:
                raise ModelFileError(f"{name!a:.60}: its {role} is computed; only stored arrays are known")
            if self.variables[node] != f"{name}_{role}":
                names[role] = self.variables[node]
        return names

    def _operation(self, i: int, op: str, name: str, a: _Attrs, inputs: list[tuple[int, int]]) -> None:
        if not inputs:
            raise ModelFileError(f"{a.where} has no input")
        if op in _LOSSES:
            loss, fixed = _LOSSES[op]
            self.made[i, 0] = self.builder.add(name, loss, self._value(inputs[0]), **fixed)
        elif op in ("SliceChannel", "split"):
            self._slices(i, name, a, inputs)
        elif op in _SEVERAL:
            kind, attrs = _SEVERAL[op](a)
            self.made[i, 0] = self.builder.add(name, kind, [self._value(v) for v in inputs], **attrs)
        elif op in _ONE:
            kind, attrs, roles = _ONE[op](a, self.convention)
            if op == "Embedding":
                inputs = inputs[:2]
            if roles:
                if op.startswith("BatchNorm") and len(inputs) == 5:
                    roles = (*roles, "moving_mean", "moving_var")
                attrs["names"] = self._roles(name, inputs, *roles)
            self.made[i, 0] = self.builder.add(name, kind, self._value(inputs[0]), **attrs)
        else:
            raise ModelFileError(
                f"node {i} ({name!a:.60}): the operation {op!a:.60} is not known; "
                f"known are {', '.join(sorted([*_LOSSES, *_ONE, *_SEVERAL, 'SliceChannel']))}"
            )

    def _slices(self, i: int, name: str, a: _Attrs, inputs: list[tuple[int, int]]) -> None:
        count, at = a.whole("num_outputs"), self._value(inputs[0])
        if not 1 <= count <= 4096:
            raise ModelFileError(f"{a.where}: num_outputs must lie from 1 to 4096; it is {count}")
        common = {"axis": a.whole("axis", 1), "count": count, "squeeze": a.flag("squeeze_axis", False)}
        for k in range(count):
            self.made[i, k] = self.builder.add(self._fresh(f"{name}_output{k}"), "part", at, index=k, **common)


_Made = tuple[str, dict[str, Any], tuple[str, ...]]


def _convolution(a: _Attrs, _: str) -> _Made:
    bias = not a.flag("no_bias", False)
    attrs = {
        "filters": a.whole("num_filter"),
        "kernel": a.pair("kernel"),
        "stride": a.pair("stride", (1, 1)),
        "pad": a.pair("pad", (0, 0)),
        "dilate": a.pair("dilate", (1, 1)),
        "groups": a.whole("num_group", 1),
        "bias": bias,
    }
    return "convolution", attrs, ("weight", "bias") if bias else ("weight",)


def _deconvolution(a: _Attrs, convention: str) -> _Made:
    if any(a.pair("target_shape", (0, 0))):
        raise ModelFileError(f"{a.where}: target_shape is not known; give pad and adj")
    made = {**a.values, "no_bias": str(a.flag("no_bias", True))}
    _, attrs, roles = _convolution(_Attrs(a.where, made), convention)
    return "deconvolution", {**attrs, "adj": a.pair("adj", (0, 0))}, roles


def _dense(a: _Attrs, _: str) -> _Made:
    bias = not a.flag("no_bias", False)
    attrs = {"hidden": a.whole("num_hidden"), "bias": bias, "flatten": a.flag("flatten", True)}
    return "fullyconnected", attrs, ("weight", "bias") if bias else ("weight",)


def _activation(a: _Attrs, _: str) -> _Made:
    kind = a.text("act_type")
    if kind not in ("relu", "tanh", "sigmoid", "softrelu", "softsign"):
        raise ModelFileError(f"{a.where}: the activation {kind[:40]!a} is not known")
    return "activation", {"kind": kind}, ()


def _leaky(a: _Attrs, _: str) -> _Made:
    kind = a.text("act_type", "leaky")
    if kind == "prelu":
        return "prelu", {}, ("gamma",)
    if kind == "gelu":
        return "activation", {"kind": "gelu"}, ()
    if kind not in ("leaky", "elu"):
        raise ModelFileError(f"{a.where}: the activation {kind[:40]!a} is not known")
    return "activation", {"kind": kind, "slope": a.number("slope", 0.25)}, ()


def _pooling(a: _Attrs, convention: str) -> _Made:
    kind = a.text("pool_type", "max")
    if kind not in ("max", "avg", "sum"):
        raise ModelFileError(f"{a.where}: the pooling {kind[:40]!a} is not known")
    if a.flag("global_pool", False):
        return "pooling", {"kind": kind, "global": True}, ()
    said = a.text("pooling_convention", convention)
    if said not in ("valid", "full"):
        raise ModelFileError(f"{a.where}: the pooling_convention {said[:40]!a} is not known")
    attrs = {
        "kind": kind,
        "kernel": a.pair("kernel"),
        "stride": a.pair("stride", (1, 1)),
        "pad": a.pair("pad", (0, 0)),
        "ceil": said == "full",
        "count_pad": a.flag("count_include_pad", True),
    }
    return "pooling", attrs, ()


def _batch_norm(a: _Attrs, _: str) -> _Made:
    if a.whole("axis", 1) != 1:
        raise ModelFileError(f"{a.where}: only axis 1 is known")
    attrs = {
        "eps": a.number("eps", 1e-3),
        "momentum": a.number("momentum", 0.9),
        "fix_gamma": a.flag("fix_gamma", True),
    }
    return "batchnorm", attrs, ("gamma", "beta")


def _lrn(a: _Attrs, _: str) -> _Made:
    attrs = {"nsize": a.whole("nsize"), "alpha": a.number("alpha", 1e-4), "beta": a.number("beta", 0.75)}
    return "lrn", {**attrs, "knorm": a.number("knorm", 2.0)}, ()


def _reshape(a: _Attrs, _: str) -> _Made:
    shape = a.sizes("shape")
    if len(shape) < 2 or shape[0] not in (0, -1) or any(n < 1 and n != -1 for n in shape[1:]):
        raise ModelFileError(
            f"{a.where}: a shape must begin with 0 or -1 for the rows, and give the rest; it is {shape}"
        )
    return "reshape", {"shape": shape[1:]}, ()


def _pad(a: _Attrs, _: str) -> _Made:
    width = a.sizes("pad_width")
    if len(width) != 8 or any(width[:4]) or a.text("mode", "constant") != "constant":
        raise ModelFileError(f"{a.where}: only constant padding of height and width is known")
    return "pad", {"pad": (width[4], width[6], width[5], width[7]), "value": a.number("constant_value", 0.0)}, ()


def _transpose(a: _Attrs, _: str) -> _Made:
    return "transpose", {"axes": a.sizes("axes")}, ()


def _mean(a: _Attrs, _: str) -> _Made:
    return "mean", {"axes": a.sizes("axis"), "keep": a.flag("keepdims", False)}, ()


def _slice_axis(a: _Attrs, _: str) -> _Made:
    return "slice", {"axis": a.whole("axis"), "begin": a.whole("begin"), "end": a.whole("end")}, ()


def _scalar(kind: str) -> Callable[[_Attrs, str], _Made]:
    return lambda a, _: ("scalar", {"kind": kind, "value": a.number("scalar")}, ())


def _named(op: str, **attrs: Any) -> Callable[[_Attrs, str], _Made]:
    return lambda a, _: (op, dict(attrs), ())


_ONE: Mapping[str, Callable[[_Attrs, str], _Made]] = {
    "Convolution": _convolution,
    "Convolution_v1": _convolution,
    "Deconvolution": _deconvolution,
    "FullyConnected": _dense,
    "Activation": _activation,
    "LeakyReLU": _leaky,
    "Pooling": _pooling,
    "Pooling_v1": _pooling,
    "BatchNorm": _batch_norm,
    "BatchNorm_v1": _batch_norm,
    "LRN": _lrn,
    "Dropout": lambda a, _: ("dropout", {"p": a.number("p", 0.5)}, ()),
    "Flatten": _named("flatten"),
    "flatten": _named("flatten"),
    "Reshape": _reshape,
    "reshape": _reshape,
    "transpose": _transpose,
    "mean": _mean,
    "slice_axis": _slice_axis,
    "Pad": _pad,
    "pad": _pad,
    "L2Normalization": lambda a, _: ("l2normalization", {"eps": a.number("eps", 1e-10)}, ()),
    "Embedding": lambda a, _: (
        "embedding",
        {"entries": a.whole("input_dim"), "width": a.whole("output_dim")},
        ("weight",),
    ),
    "softmax": lambda a, _: ("softmax", {"axis": max(a.whole("axis", -1), 1)}, ()),
    "SoftmaxActivation": _named("softmax"),
    "relu": _named("activation", kind="relu"),
    "sigmoid": _named("activation", kind="sigmoid"),
    "tanh": _named("activation", kind="tanh"),
    "identity": _named("activation", kind="identity"),
    "_copy": _named("activation", kind="identity"),
    "BlockGrad": _named("activation", kind="identity"),
    **{
        spelling: _scalar(kind)
        for kind, spellings in {
            "add": ("_PlusScalar", "_plus_scalar"),
            "sub": ("_MinusScalar", "_minus_scalar"),
            "rsub": ("_RMinusScalar", "_rminus_scalar"),
            "mul": ("_MulScalar", "_mul_scalar"),
            "div": ("_DivScalar", "_div_scalar"),
            "rdiv": ("_RDivScalar", "_rdiv_scalar"),
            "pow": ("_PowerScalar", "_power_scalar"),
            "max": ("_MaximumScalar", "_maximum_scalar"),
            "min": ("_MinimumScalar", "_minimum_scalar"),
        }.items()
        for spelling in spellings
    },
}

_SEVERAL: Mapping[str, Callable[[_Attrs], tuple[str, dict[str, Any]]]] = {
    "Concat": lambda a: ("concat", {"axis": a.whole("dim", 1)}),
    "concat": lambda a: ("concat", {"axis": a.whole("dim", 1)}),
    **{
        spelling: (lambda a, kind=kind: ("elementwise", {"kind": kind}))  # type: ignore[misc]
        for kind, spellings in {
            "add": ("_Plus", "_plus", "elemwise_add", "broadcast_add", "_add", "ElementWiseSum", "add_n"),
            "sub": ("_Minus", "_minus", "elemwise_sub", "broadcast_sub"),
            "mul": ("_Mul", "_mul", "elemwise_mul", "broadcast_mul"),
            "div": ("_Div", "_div", "elemwise_div", "broadcast_div"),
            "max": ("_Maximum", "_maximum", "broadcast_maximum"),
            "min": ("_Minimum", "_minimum", "broadcast_minimum"),
        }.items()
        for spelling in spellings
    },
}
