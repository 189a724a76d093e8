"""The frame of every answer: ``__meta``, keys, and JSON in which numbers that are not finite are text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_KEYS = {
    "Frame": ("FrameKeyV3", "/3/Frames/"),
    "Model": ("ModelKeyV3", "/3/Models/"),
    "Job": ("JobKeyV3", "/3/Jobs/"),
    "Grid": ("GridKeyV3", None),
    "Keyed": ("KeyV3", None),
    "PartialDependence": ("PartialDependenceKeyV3", "/3/PartialDependence/"),
    "DecryptionTool": ("DecryptionToolKeyV3", None),
}


def meta(name: str, kind: str, version: int = 3) -> dict[str, Any]:
    return {"schema_version": version, "schema_name": name, "schema_type": kind}


def schema(
    name: str, kind: str, fields: Mapping[str, Any], *, version: int = 3, request: bool = False
) -> dict[str, Any]:
    """An object of the schema `name`; those that are also requests carry ``_exclude_fields``."""
    head: dict[str, Any] = {"__meta": meta(name, kind, version)}
    if request:
        head["_exclude_fields"] = ""
    return {**head, **fields}


def key(name: str | None, kind: str) -> dict[str, Any] | None:
    """A reference to a frame, model, job, … by its name; None for None."""
    if name is None:
        return None
    schema_name, url = _KEYS[kind]
    fields = {"name": name, "type": f"Key<{kind}>", "URL": None if url is None else url + name}
    return schema(schema_name, f"Key<{kind}>", fields)


def plain(value: Any) -> Any:
    """`value` with only what JSON has: NaN and infinities as text, arrays as lists, tuples as lists."""
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    return value


def dumps(value: Any) -> bytes:
    """JSON text of an answer."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")


def without(value: dict[str, Any], paths: str) -> dict[str, Any]:
    """`value` with null for the members that a comma-separated list of paths such as ``frames/columns/data`` names."""
    for path in filter(None, (p.strip() for p in paths.split(","))):
        if path != "__meta":
            _drop(value, path.split("/"))
    return value | ({"_exclude_fields": paths} if "_exclude_fields" in value else {})


def _drop(value: Any, path: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _drop(item, path)
    elif isinstance(value, dict) and path[0] in value:
        if len(path) == 1:
            value[path[0]] = None
        else:
            _drop(value[path[0]], path[1:])
