"""One way to score a model file, whatever its format: a model of heavywater, a MOJO, or an ONNX graph."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heavywater.errors import H2OValueError, ModelFileError, NotFound, NotSupported
from heavywater.models.container import read, read_manifest
from heavywater.models.state import ArraySpec, ModelState
from heavywater.models.warrants import joined, of_levels, of_numbers

_LAYERS = 1000
Rows = Mapping[str, Sequence[Any]]
"""Columns of equal length by name: numbers or text, None where missing."""


class Scorer(ABC):
    """A model that scores rows.

    Attributes
    ----------
    name : str
    category : str
        Binomial, Multinomial, Regression or AutoEncoder.
    columns : list of str
        Inputs, in the model's order.
    levels : dict of str to sequence of str
        Levels of the categorical inputs; all others are numbers.
    ranges : dict of str to (float, float)
        Smallest and largest number of training, where the file tells.
    format : str
    """

    name: str
    category: str
    columns: list[str]
    levels: dict[str, Sequence[str]]
    ranges: Mapping[str, Sequence[float]]
    format: str

    @abstractmethod
    def predict(self, rows: Rows) -> dict[str, np.ndarray]:
        """Predictions in H2O's columns."""

    def warrants(self, rows: Rows) -> dict[str, list[str]]:
        """For every row the inputs that are missing, unseen or out of the range of training."""
        n = max((len(v) for v in rows.values()), default=0)
        masks = {}
        for name in self.columns:
            cells = rows.get(name, [None] * n)
            missing = np.array([c is None or c == "" or c != c for c in cells], bool)
            if name in self.levels:
                known = set(self.levels[name])
                masks[name] = of_levels(missing, np.array([as_level(c) in known for c in cells], bool))
            else:
                values = np.array([np.nan if m else float(c) for m, c in zip(missing, cells)])
                masks[name] = of_numbers(values, self.ranges.get(name))
        return joined(masks, n)


def as_level(cell: Any) -> str | None:
    """A cell as the text of a level: whole numbers without a decimal point."""
    if cell is None:
        return None
    return str(int(cell)) if isinstance(cell, float) and cell % 1 == 0 else str(cell)


def open_scorer(path: str | os.PathLike[str]) -> Scorer:
    """Open a model file by what it holds.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is none of the three formats, damaged or hostile.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise NotFound(f"there is no model file {str(file)!r}")
    with open(file, "rb") as stream:
        head = stream.read(16)
    if head[:2] == b"PK":
        return MojoScorer(file)
    if len(head) >= 9 and head[8:9] == b"{":
        return ModelScorer(file)
    if file.suffix == ".onnx" or head[:1] == b"\x08":
        return OnnxScorer(file)
    raise ModelFileError(f"{file} is neither a model of heavywater, nor a MOJO, nor an ONNX graph")


class _NumpyScorer(Scorer):
    """A network, scored by the reader that also comes with a bundle."""

    def _use(self, path: Path, parts: tuple[Any, Any, Any]) -> None:
        """Take the schema, output and arrays of a state, and score two rows, so that a faulty file fails here."""
        from heavywater.export.reader import Scorer as Reader

        try:
            self._reader = Reader(str(path), parts)
            self._reader.predict({c: [None, "?" if c in self._reader.levels else 0.0] for c in self._reader.columns})
            output = self._reader.output
            self.name, self.category = str(output["model_id"]), self._reader.category
            self.columns, self.levels = self._reader.columns, dict(self._reader.levels)
            self.ranges = {k: (float(v[0]), float(v[1])) for k, v in (output.get("ranges") or {}).items()}
        except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as e:
            raise ModelFileError(f"{path} cannot be scored: {type(e).__name__}: {str(e)[:200]}") from None

    def predict(self, rows: Rows) -> dict[str, np.ndarray]:
        return self._reader.predict({c: rows[c] for c in self.columns if c in rows} or dict(rows))


class MojoScorer(_NumpyScorer):
    """A Deep Learning MOJO of H2O or heavywater."""

    format = "MOJO"

    def __init__(self, path: Path) -> None:
        from heavywater.export.mojo import read_mojo

        state = read_mojo(path)
        self._use(path, (state.schema, state.output, state.arrays))


class ModelScorer(_NumpyScorer):
    """A model file of heavywater; networks are scored by numpy, other models by the whole library."""

    format = "heavywater"

    def __init__(self, path: Path) -> None:
        if read_manifest(path)[0].algo == "deeplearning":
            self._whole = None
            state = read(path, validators={"deeplearning": _network_arrays})
            self._use(path, (state.schema, state.output, state.arrays))
            return
        from heavywater.engine.session import LocalSession
        from heavywater.models.warrants import inputs_of, ranges_of

        self._whole = LocalSession().load_model(path)
        self.name, self.category = self._whole.key, self._whole.category
        self.columns, levels = inputs_of(self._whole)
        self.levels, self.ranges = dict(levels), ranges_of(self._whole)

    def predict(self, rows: Rows) -> dict[str, np.ndarray]:
        if self._whole is None:
            return super().predict(rows)
        import polars as pl

        from heavywater.frame import Frame

        n = max((len(v) for v in rows.values()), default=0)
        data = {}
        for name in self.columns:
            cells = rows.get(name, [None] * n)
            text = name in self.levels
            values = [as_level(c) if text else None if c is None or c == "" else float(c) for c in cells]
            data[name] = pl.Series(values, dtype=pl.String if text else pl.Float64)
        found = self._whole.predict(Frame.of(pl.DataFrame(data)))
        return {c: np.array(found.data[c].to_list(), None) for c in found.names}


_FLAT = {
    "F32": ("ada_weight_d", "ada_weight_g", "velocity_weights", "best_weights"),
    "F64": ("ada_bias_d", "ada_bias_g", "velocity_biases", "best_biases", "mean_activation"),
}
"""Arrays of a training that may go on; scoring does not read them."""


def _network_arrays(state: ModelState) -> dict[str, ArraySpec]:
    """The arrays of a network from the sizes of its layers, which every number that becomes a length is compared with."""
    try:
        units, design = state.schema["units"], state.schema["design"]
        maxout = state.output["parameters"]["activation"]["actual"].startswith("Maxout")
        if not all(type(u) is int and 0 < u < 1 << 31 for u in units) or not 2 <= len(units) <= _LAYERS:
            raise ModelFileError("its layers must have 1 or more units")
        if not 0 <= design["buckets"] <= units[0] or len(design["nums"]) > units[0]:
            raise ModelFileError("its recipe for the inputs does not fit the network")
        specs = {n: ArraySpec(kind, (None,), optional=True) for kind, names in _FLAT.items() for n in names}
        for i, (width, rows) in enumerate(zip(units, units[1:])):
            channels = rows * 2 if maxout and i < len(units) - 2 else rows
            specs |= {f"W{i}": ArraySpec("F32", (channels, width)), f"b{i}": ArraySpec("F64", (channels,))}
    except (LookupError, TypeError, AttributeError) as e:
        raise ModelFileError(f"its manifest lacks what scoring needs ({type(e).__name__}: {e})") from None
    return specs


class OnnxScorer(Scorer):
    """An ONNX graph that heavywater wrote, run by onnxruntime."""

    format = "ONNX"

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise NotSupported("an ONNX graph needs onnxruntime; install heavywater[onnx]") from None
        try:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as e:  # onnxruntime's exceptions have no common base
            raise ModelFileError(f"{path} cannot be read as an ONNX graph: {str(e)[:200]}") from None
        told = self._session.get_modelmeta().custom_metadata_map
        if "columns" not in told:
            raise ModelFileError(f"{path} was not written by heavywater, or by a version that did not note its columns")
        facts = json.loads(told["columns"])
        self.name, self.category = told["model"], told["category"]
        self.columns = [i.name for i in self._session.get_inputs()]
        self.levels = {c: facts[c]["levels"] for c in self.columns if "levels" in facts[c]}
        self.ranges = {c: facts[c]["range"] for c in self.columns if "range" in facts[c]}
        self._names: list[str] = json.loads(told["outputs"])

    def predict(self, rows: Rows) -> dict[str, np.ndarray]:
        n = max((len(v) for v in rows.values()), default=0)
        feed = {}
        for name in self.columns:
            cells = rows.get(name, [None] * n)
            if name in self.levels:
                column = np.array([as_level(c) or "" for c in cells], object)
            else:
                column = np.array([np.nan if c is None or c == "" else float(c) for c in cells], np.float64)
            feed[name] = column[:, None]
        parts = [np.asarray(p) for p in self._session.run(None, feed)]
        flat = [p[:, i] for p in parts for i in range(p.shape[1])]
        if len(flat) != len(self._names):
            raise H2OValueError(f"the graph gives {len(flat)} columns, its description names {len(self._names)}")
        return dict(zip(self._names, flat))
