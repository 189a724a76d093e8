"""Partial dependence: how predictions follow one or two columns."""

from __future__ import annotations

import secrets
from itertools import accumulate
from typing import Any

import numpy as np

from heavywater.engine.jobs import Job
from heavywater.frame import Frame
from heavywater.models.explain import dependence
from heavywater.models.model import Model
from heavywater.server.errors import bad_request, missing
from heavywater.server.hub import Hub
from heavywater.server.router import route
from heavywater.server.v3 import job as v3job
from heavywater.server.v3.schema import key, schema
from heavywater.server.v3.table import table

_KEPT = 1000
_MAX_BINS = 10_000


@route("POST", "/3/PartialDependence")
def start(
    hub: Hub,
    model_id: str,
    frame_id: str,
    cols: list[str] | None = None,
    nbins: int = 20,
    weight_column_index: int = -1,
    add_missing_na: bool = False,
    row_index: int = -1,
    user_splits: list[float] | None = None,
    user_cols: list[str] | None = None,
    num_user_splits: list[int] | None = None,
    col_pairs_2dpdp: list[list[str]] | None = None,
    targets: list[str] | None = None,
    destination_key: str | None = None,
) -> dict[str, Any]:
    """Work out partial dependence; a job."""
    model, frame = hub.model(model_id, "model_id"), hub.frame(frame_id, "frame_id")
    if model.category not in ("Binomial", "Multinomial", "Regression"):
        raise bad_request(f"partial dependence needs a model that predicts a response, not {model.category}")
    if not 1 <= nbins <= _MAX_BINS:
        raise bad_request(f"nbins must be between 1 and {_MAX_BINS}; got {nbins}")
    pairs = col_pairs_2dpdp or []
    if any(len(p) != 2 for p in pairs):
        raise bad_request(f"col_pairs_2dpdp needs pairs of columns; got {pairs}")
    held = [*([c] for c in cols or ()), *pairs]
    wanted = list(dict.fromkeys(c for columns in held for c in columns))
    for name in wanted:
        if name not in frame.names:
            raise missing(name, "cols")
    if not -1 <= row_index < frame.nrow or not -1 <= weight_column_index < frame.ncol:
        raise bad_request("row_index and weight_column_index must be positions in the frame, or -1")
    splits = _splits(frame, user_cols or [], num_user_splits or [], user_splits or [])
    grids = {
        c: dependence.grid_of(frame, c, max(nbins, len(frame.levels(c) or ())), add_missing_na, splits.get(c))
        for c in wanted
    }
    classes = [dependence.target_index(model, t) for t in (targets or (None,))]
    weights = frame.numeric(frame.names[weight_column_index]) if weight_column_index >= 0 else None
    rows = frame
    if row_index >= 0:
        rows, weights = frame.slice(row_index, 1), None
    dest = destination_key or f"_{secrets.token_hex(16)}"
    work_size = max(len(held) * len(classes), 1)

    def answers(m: Model, data: Frame) -> np.ndarray:
        return np.asarray(hub.engine.ask(m, "answers", data))

    def work(job: Job[Any]) -> list[dict[str, Any] | None]:
        tables: list[dict[str, Any] | None] = []
        for columns in held:
            for target in classes:
                if job.stop.is_set():
                    return tables
                made = dependence.partial_dependence(
                    model, rows, answers, [grids[c] for c in columns], weights=weights, target=target
                )
                tables.append(_shown(made.to_json(), len(columns)))
                job.update(len(tables) / work_size)
        hub.curves[dest] = {
            "model_id": key(model_id, "Model"),
            "frame_id": key(frame_id, "Frame"),
            "row_index": row_index,
            "cols": cols,
            "weight_column_index": weight_column_index,
            "add_missing_na": add_missing_na,
            "nbins": nbins,
            "user_splits": user_splits,
            "user_cols": user_cols,
            "num_user_splits": num_user_splits,
            "partial_dependence_data": tables,
            "col_pairs_2dpdp": col_pairs_2dpdp,
            "destination_key": None,
            "targets": targets,
        }
        while len(hub.curves) > _KEPT:
            hub.curves.popitem(last=False)
        return tables

    return v3job.job(hub.start(work, "PartialDependence", dest, "PartialDependence"))


def _splits(frame: Frame, columns: list[str], counts: list[int], values: list[float]) -> dict[str, list[Any]]:
    """The values to look at by column; levels come as their positions."""
    if len(columns) != len(counts) or sum(counts) != len(values) or any(n < 1 for n in counts):
        raise bad_request("user_splits must hold num_user_splits values for each of user_cols")
    out: dict[str, list[Any]] = {}
    for name, n, end in zip(columns, counts, accumulate(counts)):
        if name not in frame.names:
            raise missing(name, "user_cols")
        given: list[Any] = values[end - n : end]
        levels = frame.levels(name)
        if levels is not None:
            if any(v != int(v) or not 0 <= v < len(levels) for v in given):
                raise bad_request(
                    f"user_splits: column {name!r} has {len(levels)} levels, numbered from 0; got {given}"
                )
            given = [levels[int(v)] for v in given]
        out[name] = given
    return out


def _shown(stored: dict[str, Any], held: int) -> dict[str, Any] | None:
    """The table in H2O's form: the held columns' names in small letters, the original ones as headings."""
    columns = [dict(c) for c in stored["columns"]]
    for c in columns:
        c |= {"description": c["name"], "format": "%s" if c["type"] == "string" else "%5f"}
    for c in columns[:held]:
        c["name"] = c["name"].lower()
    text = stored["description"]
    return table({**stored, "columns": columns, "description": text if text.endswith(".") else f"{text}."})


@route("GET", "/3/PartialDependence/{name}")
def one(hub: Hub, name: str) -> dict[str, Any]:
    """Partial dependence that was worked out."""
    if name not in hub.curves:
        raise missing(name, "name")
    return schema("PartialDependenceV3", "PartialDependence", hub.curves[name])
