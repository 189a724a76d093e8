"""Partial dependence: how predictions follow one column."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import polars as pl

from heavywater.engine.jobs import Job
from heavywater.frame import Frame
from heavywater.models.model import Model
from heavywater.server.errors import Refused, bad_request, missing
from heavywater.server.hub import Hub
from heavywater.server.router import route
from heavywater.server.v3 import job as v3job
from heavywater.server.v3.schema import key, schema
from heavywater.server.v3.table import made

_KEPT = 1000


@route("POST", "/3/PartialDependence")
def start(
    hub: Hub,
    model_id: str,
    frame_id: str,
    cols: list[str],
    nbins: int = 20,
    weight_column_index: int = -1,
    add_missing_na: bool = False,
    row_index: int = -1,
    destination_key: str | None = None,
    targets: list[str] | None = None,
    **others: str,
) -> dict[str, Any]:
    """Work out partial dependence; a job."""
    for name, text in others.items():
        known = name in ("user_splits", "user_cols", "num_user_splits", "col_pairs_2dpdp", "custom_metric_func")
        if not known:
            raise Refused(f"Unknown parameter: {name}", values={"parameter": name})
        if text.strip() not in ("", "null", "[]"):
            raise Refused(f"{name} is not supported by this server; leave it out")
    model, frame = hub.model(model_id, "model_id"), hub.frame(frame_id, "frame_id")
    if model.category not in ("Binomial", "Multinomial", "Regression"):
        raise bad_request(f"partial dependence needs a model that predicts a response, not {model.category}")
    for name in cols:
        if name not in frame.names:
            raise missing(name, "cols")
    classes = _classes(model, targets)
    if not 2 <= nbins <= 10_000:
        raise bad_request(f"nbins must be between 2 and 10000; got {nbins}")
    dest = destination_key or f"_{secrets.token_hex(16)}"
    weights = frame.numeric(frame.names[weight_column_index]) if 0 <= weight_column_index < frame.ncol else None
    rows = frame if row_index < 0 else Frame(frame.data.slice(row_index, 1), frame.uuids)
    wanted = weights if row_index < 0 or weights is None else weights[row_index : row_index + 1]

    def work(job: Job[Any]) -> list[dict[str, Any]]:
        tables = []
        for i, name in enumerate(cols):
            if job.stop.is_set():
                break
            splits = points(frame, name, nbins, add_missing_na)
            for target in classes:
                tables.append(_table(hub, model, rows, name, splits, target, wanted))
            job.update((i + 1) / len(cols))
        hub.curves[dest] = {
            "model_id": key(model_id, "Model"),
            "frame_id": key(frame_id, "Frame"),
            "row_index": row_index,
            "cols": cols,
            "weight_column_index": weight_column_index,
            "add_missing_na": add_missing_na,
            "nbins": nbins,
            "user_splits": None,
            "user_cols": None,
            "num_user_splits": None,
            "partial_dependence_data": tables,
        }
        while len(hub.curves) > _KEPT:
            hub.curves.popitem(last=False)
        return tables

    return v3job.job(hub.start(work, "PartialDependence", dest, "PartialDependence"))


@route("GET", "/3/PartialDependence/{name}")
def one(hub: Hub, name: str) -> dict[str, Any]:
    """Partial dependence that was worked out."""
    if name not in hub.curves:
        raise missing(name, "name")
    return schema("PartialDependenceV3", "PartialDependence", hub.curves[name])


def _classes(model: Model, targets: list[str] | None) -> list[str | None]:
    """Classes whose probability is averaged; None: the number predicted, or the second of two classes."""
    if model.category != "Multinomial":
        return [None]
    domain = model.output["domains"][model.output["names"].index(model.output["response_column"])]
    if not targets:
        raise bad_request("targets must name classes of the response")
    unknown = [t for t in targets if t not in domain]
    if unknown:
        raise bad_request(f"targets: the response has no class {unknown[0]!r}; it has {', '.join(domain[:20])}")
    return list(targets)


def points(frame: Frame, name: str, nbins: int, add_na: bool) -> list[Any]:
    """Values that the column is set to: its levels, or `nbins` numbers from its smallest to its largest."""
    levels = frame.levels(name)
    if levels is not None:
        out: list[Any] = list(levels)
    else:
        x = frame.numeric(name)
        x = x[np.isfinite(x)]
        if not len(x):
            raise bad_request(f"column {name!r} holds no numbers")
        whole = frame.kind(name) == "int" and x.max() - x.min() + 1 <= nbins
        out = np.unique(x).tolist() if whole else np.linspace(x.min(), x.max(), nbins).tolist()
    return [*out, None] if add_na else out


def _table(
    hub: Hub, model: Model, frame: Frame, name: str, splits: list[Any], target: str | None, weights: np.ndarray | None
) -> dict[str, Any]:
    dtype = frame.column(name).dtype
    enum = frame.levels(name) is not None
    rows = []
    for value in splits:
        column = pl.lit(value, dtype=pl.Float64 if not enum else dtype).alias(name)
        predicted = hub.engine.predict(model, Frame.of(frame.data.with_columns(column)))
        p = predicted.numeric(_answer_column(predicted, target))
        mean = float(np.average(p, weights=weights))
        sd = float(np.sqrt(np.average((p - mean) ** 2, weights=weights) * len(p) / max(len(p) - 1, 1)))
        shown = ("missing(NA)" if enum else float("nan")) if value is None else value
        rows.append([shown, mean, sd, sd / np.sqrt(len(p))])
    columns = [
        (name.lower(), "string" if enum else "double"), ("mean_response", "double"), ("stddev_response", "double"),
        ("std_error_mean_response", "double"),
    ]  # fmt: skip
    about = f"Partial Dependence Plot of model {model.key} on column '{name}'"
    return made("PartialDependence", columns, rows, about + (f" for class '{target}'." if target else "."))


def _answer_column(predicted: Frame, target: str | None) -> str:
    if target is None:
        return predicted.names[-1]
    return target if target in predicted.names else f"p{target}"
