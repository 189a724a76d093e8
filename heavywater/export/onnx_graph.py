"""A model as an ONNX graph that takes the raw columns: one named input per column, text or numbers, all preprocessing inside.

Numbers are float64 throughout, so the graph agrees with the model to rounding; weights are stored as float32.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heavywater.algos import ALGORITHMS
from heavywater.errors import H2OTypeError, H2OValueError, NotSupported
from heavywater.export.steps import Steps, steps_of
from heavywater.frame.predictions import probability_names
from heavywater.models.model import Model
from heavywater.models.warrants import inputs_of, ranges_of

OPSET, ML_OPSET, IR = 17, 3, 8
_SLACK = 1e-12


def onnx_model(model: Model) -> Any:
    """The model as an ``onnx.ModelProto``.

    Inputs are named like the columns, each of shape ``(rows, 1)``: text for categorical columns (anything that is not a
    level of the training counts as missing, so does empty text), float64 for numbers (NaN is missing). Outputs are
    ``label`` (text) and ``probabilities`` (float64, a column per class), or ``prediction``, or ``reconstruction``.

    Raises
    ------
    NotSupported
        The model needs an offset, or the package onnx is not installed.
    """
    if model.algo not in ALGORITHMS:
        raise H2OTypeError(f"there is no ONNX graph of {model.algo} models")
    own = importlib.import_module(f"{ALGORITHMS[model.algo]}.export")
    if hasattr(own, "onnx_model"):
        return own.onnx_model(model)
    helper = _onnx().helper
    net = importlib.import_module(f"{ALGORITHMS[model.algo]}.export").portable(model)
    graph = _Graph(net, steps_of(net))
    graph.build()
    made = helper.make_model(
        helper.make_graph(graph.nodes, "heavywater", graph.inputs, graph.outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        producer_name="heavywater",
        ir_version=IR,
    )
    about = {"model": net.name, "category": net.category, "uuid": str(net.uuid())}
    helper.set_model_props(
        made, {**about, "columns": json.dumps(_columns(model)), "outputs": json.dumps(_outputs(net))}
    )
    return made


def _columns(model: Model) -> dict[str, dict[str, Any]]:
    """What a service may tell about each input: its levels, or the range of training."""
    names, levels = inputs_of(model)
    ranges = ranges_of(model)
    return {
        n: {"levels": list(levels[n])} if n in levels else {"range": ranges[n]} if n in ranges else {} for n in names
    }


def _outputs(net: Any) -> list[str]:
    """Names of the prediction's columns, as `predict` gives them."""
    if net.classes is not None:
        return ["predict", *probability_names(net.classes)]
    return ["predict"] if net.category == "Regression" else [f"reconstr_{n}" for n in net.design.coefficient_names()]


def write_onnx(model: Model, path: str | os.PathLike[str], *, force: bool = True) -> Path:
    """Write the model as an ONNX file.

    Raises
    ------
    NotSupported
        The model needs an offset, is too large for one ONNX file (2 GB), or the package onnx is not installed.
    H2OValueError
        The file exists and `force` is false, or cannot be written.
    """
    target = Path(os.path.abspath(os.fspath(path)))
    if target.is_dir():
        raise H2OValueError(f"{target} is a folder; name a file in it")
    if target.exists() and not force:
        raise H2OValueError(f"{target} exists; give another name, or force=True to replace it")
    if sum(a.nbytes for a in model.state.arrays.values()) > 1 << 31:
        raise NotSupported("an ONNX file holds at most 2 GB; use a MOJO or the reader bundle")
    data = onnx_model(model).SerializeToString(deterministic=True)
    try:
        target.write_bytes(data)
    except OSError as error:
        raise H2OValueError(f"cannot write {target}: {error.strerror or error}") from None
    return target


def _onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise NotSupported("ONNX export needs the package onnx: pip install 'heavywater[onnx]'") from None
    return onnx


class _Graph:
    """A graph that grows; names of its own begin with ``.`` and a number, which no other name is given."""

    def __init__(self, net: Any, steps: Steps) -> None:
        onnx = _onnx()
        self.helper, self.numpy, self.kinds = onnx.helper, onnx.numpy_helper, onnx.TensorProto
        self.net, self.steps = net, steps
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.constants: list[Any] = []
        self._count = 0
        self._codes: dict[int, str] = {}

    def name(self) -> str:
        """A name that is not taken."""
        while True:
            self._count += 1
            if f".{self._count}" not in self.net.columns:
                return f".{self._count}"

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator; returns the name of its output."""
        out = self.name()
        self.nodes.append(self.helper.make_node(kind, list(inputs), [out], domain=domain, **attributes))
        return out

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """Add a constant array; float32 is widened to float64 when the graph runs."""
        out = self.name()
        self.constants.append(self.numpy.from_array(np.ascontiguousarray(values, dtype), out))
        return self.node("Cast", out, to=self.kinds.DOUBLE) if dtype == np.float32 else out

    def build(self) -> None:
        net = self.net
        for c in net.columns:
            kind = self.kinds.STRING if c in net.levels else self.kinds.DOUBLE
            self.inputs.append(self.helper.make_tensor_value_info(c, kind, ["rows", 1]))
        last, a = len(net.weights) - 1, self._numbers()
        for i in range(last + 1):
            z = self._layer(i, a)
            if i < last or net.category == "AutoEncoder":
                z = self._activated(z)
            if i < last and net.keep[i] != 1.0:
                # one number per unit: onnxruntime would fuse a single number into the next product, as float32
                z = self.node("Mul", z, self.constant(np.full(net.units[i + 1], net.keep[i])))
            a = z
        self._finish(a)

    def _code(self, column: int) -> str:
        """Indices of a column's levels, ``(rows,)``; the number of levels for anything else."""
        if column not in self._codes:
            name = self.net.columns[column]
            levels = self.net.levels[name]
            code = self.node(
                "LabelEncoder", name, domain="ai.onnx.ml",
                keys_strings=list(levels), values_int64s=list(range(len(levels))), default_int64=len(levels),
            )  # fmt: skip
            self._codes[column] = self.node("Squeeze", code, self.constant([1], np.int64))
        return self._codes[column]

    def _numbers(self) -> str:
        """Scaled numbers, ``(rows, nums)``; empty text when there are none."""
        parts = []
        for n in self.steps.numeric:
            if n.table is None:
                parts.append(self.net.columns[n.source])
            else:
                parts.append(self.node("Gather", self.constant(n.table[:, None]), self._code(n.source)))
        if not parts:
            return ""
        x = self.node("Concat", *parts, axis=1)
        bad = self.node("Or", self.node("IsNaN", x), self.node("IsInf", x))
        x = self.node("Where", bad, self.constant([n.missing for n in self.steps.numeric]), x)
        x = self.node("Sub", x, self.constant([n.sub for n in self.steps.numeric]))
        return self.node("Mul", x, self.constant([n.mul * self.net.input_scale for n in self.steps.numeric]))

    def _layer(self, i: int, a: str) -> str:
        """Values of layer `i` before the activation; of Maxout's two channels the larger."""
        net, rows, cols = self.net, self.net.units[i + 1], self.net.units[i]
        w, b = net.weights[i], net.biases[i]
        if net.activation == "Maxout" and i < len(net.weights) - 1:
            w, b = w.reshape(rows, cols, 2), b.reshape(rows, 2)
            return self.node("Max", *(self._product(i, w[:, :, k], b[:, k], a) for k in range(2)))
        return self._product(i, w.reshape(rows, cols), b, a)

    def _product(self, i: int, w: np.ndarray, b: np.ndarray, a: str) -> str:
        if i > 0:
            return self.node("Add", self._times(a, w), self.constant(b))
        start, scale, terms = self.steps.start, self.net.input_scale, []
        if a:
            terms.append(self._times(a, w[:, start:]))
        for c in self.steps.categorical:
            rows = np.where(c.slots[:, None] >= 0, w[:, np.maximum(c.slots, 0)].T, np.float32(0))
            table = self.constant(rows, np.float32) if scale == 1.0 else self.constant(rows.astype(np.float64) * scale)
            terms.append(self.node("Gather", table, self._code(c.source)))
        z = terms[0]
        for term in terms[1:]:
            z = self.node("Add", z, term)
        return self.node("Add", z, self.constant(b))

    def _times(self, a: str, w: np.ndarray) -> str:
        kind = "MatMul" if w.shape[1] > 1 else "Mul"  # a column times a row, which nothing is fused with
        return self.node(kind, a, self.constant(w.T, np.float32))

    def _activated(self, z: str) -> str:
        kind, zero, one = self.net.activation, self.constant(0.0), self.constant(1.0)
        if kind == "Maxout":
            return z
        if kind == "Rectifier":
            return self.node("Max", z, zero)
        if kind == "Tanh":
            e = self.node("Exp", self.node("Mul", z, self.constant(2.0)))
            return self.node("Sub", one, self.node("Div", self.constant(2.0), self.node("Add", one, e)))
        below = self.node("Sub", self.node("Exp", self.node("Min", z, zero)), one)
        return self.node("Where", self.node("GreaterOrEqual", z, zero), z, below)

    def _finish(self, a: str) -> None:
        net, d = self.net, self.net.design
        if net.category == "AutoEncoder":
            if d.mul is not None and d.nums:
                ones, start = np.ones(net.units[-1]), self.steps.start
                sub = np.zeros(net.units[-1])
                ones[start:], sub[start:] = d.mul, d.sub
                a = self.node("Add", self.node("Div", a, self.constant(ones)), self.constant(sub))
            self._output("reconstruction", a, self.kinds.DOUBLE, net.units[-1])
        elif net.category == "Regression":
            if net.response_mul is not None and net.response_sub is not None:
                a = self.node(
                    "Add", self.node("Div", a, self.constant(net.response_mul)), self.constant(net.response_sub)
                )
            if net.log_link:
                a = self.node("Min", self.node("Exp", a), self.constant(1e19))
            self._output("prediction", a, self.kinds.DOUBLE, 1)
        else:
            self._classes(self.node("Softmax", a, axis=1))

    def _classes(self, p: str) -> None:
        net = self.net
        if net.correction is not None:
            p = self.node("Mul", p, self.constant(net.correction))
            p = self.node("Div", p, self.node("ReduceSum", p, self.constant([1], np.int64), keepdims=1))
        if net.category == "Binomial":
            second = self.node("Gather", p, self.constant([1], np.int64), axis=1)
            reached = self.node("GreaterOrEqual", second, self.constant(net.threshold * (1.0 - _SLACK)))
            index = self.node("Cast", reached, to=self.kinds.INT64)
        else:
            index = self.node("ArgMax", p, axis=1, keepdims=1)
        domain = self.name()
        values = [v.encode("utf-8") for v in net.classes]
        self.constants.append(self.helper.make_tensor(domain, self.kinds.STRING, [len(values)], values))
        self._output("label", self.node("Gather", domain, index), self.kinds.STRING, 1)
        self._output("probabilities", p, self.kinds.DOUBLE, len(values))

    def _output(self, name: str, value: str, kind: int, width: int) -> None:
        if name in self.net.columns:
            name = f"{name}:output"
        self.nodes.append(self.helper.make_node("Identity", [value], [name]))
        self.outputs.append(self.helper.make_tensor_value_info(name, kind, ["rows", width]))


def onnx_inputs(model: Model, columns: dict[str, Sequence[Any]]) -> dict[str, np.ndarray]:
    """Columns as the graph's inputs: text with "" for missing, float64 with NaN, each ``(rows, 1)``."""
    net = importlib.import_module(f"{ALGORITHMS[model.algo]}.export").portable(model)
    return {
        c: np.array([["" if v is None else str(v)] for v in columns[c]], object)
        if c in net.levels
        else np.array([[np.nan if v is None else float(v)] for v in columns[c]], np.float64)
        for c in net.columns
    }
