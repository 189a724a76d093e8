"""The description that H2O puts beside the network of a MOJO: parameters, tables and metrics, for people and for H2O's
generic models. Scoring does not read it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from heavywater.algos.base import algorithm
from heavywater.models.model import Model, Part
from heavywater.params.metadata import metadata

DETAILS, README = "experimental/modelDetails.json", "experimental/README.md"
README_TEXT = (
    "modelDetails.json describes the model: parameters, tables and metrics, in the layout of H2O-3.\n"
    "Scoring does not need this folder.\n"
)
_TABLES = ("model_summary", "scoring_history", "cross_validation_metrics_summary", "variable_importances")
_LABELLED = _TABLES[:3]
_PARTS: dict[str, Part] = {
    "training_metrics": "train", "validation_metrics": "valid", "cross_validation_metrics": "xval",
}  # fmt: skip
_KINDS = {"int": "Numeric", "real": "Numeric", "enum": "Enum", "time": "Time"}
_LONG = ("model_checksum", "frame_checksum", "scoring_time")


def details_text(model: Model) -> str:
    """``experimental/modelDetails.json`` of a model."""
    o, module = model.output, algorithm(model.algo)
    stored = o["parameters"]
    given, actual = ({k: v[which] for k, v in stored.items()} for which in ("input", "actual"))
    tree = {
        "__meta": _meta(f"{module.LABEL}ModelV3", f"{module.LABEL}Model"),
        "model_id": _key(model.key, "Model"),
        "algo": model.algo,
        "algo_full_name": o["algo_full_name"],
        "response_column_name": o["response_column"],
        "data_frame": _key(o["training_frame"], "Frame"),
        "timestamp": o["end_time"],
        "have_pojo": True,
        "have_mojo": True,
        "parameters": [_parameter(e) for e in metadata(module.Params, given=given, actual=actual)],
        "output": {
            "__meta": _meta(f"{module.LABEL}ModelOutputV3", f"{module.LABEL}ModelOutput"),
            "names": o["names"],
            "original_names": o["original_names"],
            "column_types": [_KINDS.get(t, t) for t in o["column_types"]],
            "domains": o["domains"],
            "model_category": model.category,
            **{name: _table(o.get(name), labelled=name in _LABELLED) for name in _TABLES},
            **{name: _metrics(model, part) for name, part in _PARTS.items()},
            "start_time": o["start_time"],
            "end_time": o["end_time"],
            "run_time": o["run_time"],
            "default_threshold": o["default_threshold"],
        },
    }
    return json.dumps(_plain(tree), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _parameter(entry: Mapping[str, Any]) -> dict[str, Any]:
    out = {"__meta": _meta("ModelParameterSchemaV3", "Iced"), **entry}
    for which in ("default_value", "actual_value", "input_value"):
        value, kind = entry[which], str(entry["type"])
        if value is not None and kind.startswith("Key<"):
            inner = kind.removeprefix("Key<").partition(">")[0]
            out[which] = [_key(v, inner) for v in value] if kind.endswith("[]") else _key(value, inner)
        elif value is not None and kind == "VecSpecifier":
            meta = _meta("ColSpecifierV3", "VecSpecifier")
            out[which] = {"__meta": meta, "column_name": value, "is_member_of_frames": None}
    return out


def _metrics(model: Model, part: Part) -> dict[str, Any] | None:
    found = model.metrics(part)
    if found is None:
        return None
    stored = found.to_json()
    kind = f"ModelMetrics{stored['model_category']}"
    out = {
        "__meta": _meta(f"{kind}V3", kind),
        "model": _key(stored.pop("model_id"), "Model"),
        "frame": _key(stored.pop("frame_id"), "Frame"),
        **{name: stored.pop(name) or 0 for name in _LONG},
    }
    stored.pop("duration_ms")
    for name, value in stored.items():
        if name == "cm" and value is not None:
            out[name] = {"__meta": _meta("ConfusionMatrixV3", "ConfusionMatrix"), "table": _table(value["table"])}
        else:
            out[name] = _table(value) if isinstance(value, Mapping) and "columns" in value else value
    return out


def _table(stored: Mapping[str, Any] | None, *, labelled: bool = False) -> dict[str, Any] | None:
    """A table as H2O writes it; `labelled` ones begin with a column of empty row labels."""
    if stored is None:
        return None
    columns, data = [dict(c) for c in stored["columns"]], list(stored["data"])
    if labelled:
        columns.insert(0, {"name": "", "type": "string", "format": "%s"})
        data.insert(0, [""] * stored["rowcount"])
    meta = _meta("ColumnSpecsBase", "Iced", -1)
    return {
        "__meta": _meta("TwoDimTableV3", "TwoDimTable"),
        "name": stored["name"],
        "description": stored.get("description") or "",
        "columns": [{"__meta": meta, **c, "description": c["name"]} for c in columns],
        "rowcount": stored["rowcount"],
        "data": data,
    }


def _key(name: Any, kind: str) -> dict[str, Any] | None:
    if name is None:
        return None
    return {"__meta": _meta(f"{kind}KeyV3", f"Key<{kind}>"), "name": str(name), "type": f"Key<{kind}>", "URL": None}


def _meta(name: str, kind: str, version: int = 3) -> dict[str, Any]:
    return {"schema_version": version, "schema_name": name, "schema_type": kind}


def _plain(value: Any) -> Any:
    """Numbers that JSON cannot hold, as H2O spells them."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
