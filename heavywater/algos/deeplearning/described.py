"""What H2O says about a model beside its network, ``experimental/modelDetails.json`` of a MOJO: parameters, tables, metrics.

It comes from anybody and nothing depends on it: what is not as expected is left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heavywater.display.table import Table
from heavywater.errors import HeavywaterError
from heavywater.metrics import ModelMetrics
from heavywater.models import strict_json

_FAULTS = (HeavywaterError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_SPELLED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_TABLES = ("variable_importances", "scoring_history")
_METRICS = ("training_metrics", "validation_metrics", "cross_validation_metrics")
_MAX_ITEMS = 1_000_000


@dataclass
class Described:
    """H2O's description of a model.

    Attributes
    ----------
    parameters : dict
        Values as the user gave them, by name.
    samples, iterations, epochs : int, int, float
        How far the model was trained.
    tables, metrics : dict
        As a model's output holds them, by their name there.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    samples: int = 0
    iterations: int = 0
    epochs: float = 0.0
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)


def described(text: str | None, levels: Sequence[str] | None) -> Described:
    """What the JSON text says; `levels` are those of the response."""
    found = Described()
    if text is None:
        return found
    try:
        raw = text.encode("utf-8")
        strict_json.measure(raw, "modelDetails.json", max_items=_MAX_ITEMS)
        tree = json.loads(raw)  # H2O repeats keys, which strict_json.parse refuses
        output = dict(tree["output"])
        found.parameters = {
            str(e["name"]): e["input_value"] for e in tree["parameters"] if e["input_value"] is not None
        }
    except _FAULTS:
        return found
    for name in _TABLES:
        table = _table(output.get(name))
        if table is not None:
            found.tables[name] = table.to_json()
    for name in _METRICS:
        metrics = _metrics(output.get(name), levels)
        if metrics is not None:
            found.metrics[name] = metrics.to_json()
    _count(found)
    return found


def _count(found: Described) -> None:
    history = found.tables.get("scoring_history")
    if history is None or not history["rowcount"]:
        return
    last = {c["name"]: values[-1] for c, values in zip(history["columns"], history["data"])}
    numbers = {k: v for k, v in last.items() if isinstance(v, (int, float)) and 0 <= v < 2**53}  # NaN is not
    found.samples, found.iterations = (int(numbers.get(k, 0)) for k in ("samples", "iterations"))
    found.epochs = float(numbers.get("epochs", 0.0))


def _table(stored: Any) -> Table | None:
    """A table of H2O's JSON, without its column of empty row labels."""
    try:
        columns, data = list(stored["columns"]), list(stored["data"])
        if columns[0]["name"] == "":
            columns, data = columns[1:], data[1:]
        types = [str(c["type"]) for c in columns]
        cells = [[_cell(v, t) for v in column] for t, column in zip(types, data, strict=True)]
        names = [str(c["name"]) for c in columns]
        formats = [str(c["format"]) for c in columns]
        return Table.from_columns(
            str(stored["name"]), names, types, cells, str(stored.get("description") or ""), formats
        )
    except _FAULTS:
        return None


def _cell(value: Any, kind: str) -> Any:
    if value is None or kind == "string":
        return None if value is None else str(value)
    value = _SPELLED.get(value, value) if isinstance(value, str) else value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None  # an empty cell
    return float(value) if kind in ("float", "double") else value


def _metrics(stored: Any, levels: Sequence[str] | None) -> ModelMetrics | None:
    """Metrics of H2O's JSON; None when they are not all there."""
    try:
        values = {k: _value(v) for k, v in stored.items()}
        if "domain" not in values and levels is not None:
            values["domain"] = list(levels)
        if isinstance(stored.get("cm"), Mapping):
            table = _table(stored["cm"]["table"])
            values["cm"] = None if table is None else {"table": table.to_json()}
        for key, name in (("model", "model_id"), ("frame", "frame_id")):
            values[name] = stored[key]["name"] if isinstance(stored.get(key), Mapping) else None
        wanted = ModelMetrics.members(str(stored["model_category"]))
        made = ModelMetrics.from_json({k: values.get(k) for k in wanted})
        repr(made)  # what the report prints must print
        return made
    except _FAULTS:
        return None


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        table = _table(value)
        return None if table is None else table.to_json()
    return _SPELLED.get(value, value) if isinstance(value, str) else value
