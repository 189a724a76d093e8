"""Grids: many models from lists of values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from heavywater.algos.base import algorithm
from heavywater.engine.jobs import Job
from heavywater.engine.request import TrainRequest
from heavywater.grid.results import value_of
from heavywater.models.model import Model
from heavywater.params.declare import infos
from heavywater.server.errors import Refused, bad_request, missing
from heavywater.server.grid_files import read_grid, write_grid
from heavywater.server.hub import Hub
from heavywater.server.router import route
from heavywater.server.routes.model_builders import _known, in_force, request_of, values_of
from heavywater.server.search import Grid, ranked, search
from heavywater.server.v3 import job as v3job
from heavywater.server.v3.metrics import metrics
from heavywater.server.v3.model import parameters_object
from heavywater.server.v3.schema import key, schema
from heavywater.server.v3.table import made, table
from heavywater.server.wire import loose_json
from heavywater.training.grid import SearchCriteria, check_hyper_params

_MAX_VALUES = 10_000
_SCORED = ("timestamp", "duration", "training_", "validation_")


@route("POST", "/99/Grid/{algo}")
def start(
    hub: Hub,
    algo: str,
    hyper_parameters: str,
    search_criteria: str | None = None,
    grid_id: str | None = None,
    parallelism: int = 1,
    recovery_dir: str | None = None,
    agent: str = "rest",
    **fields: str,
) -> dict[str, Any]:
    """Train a model for each combination of values; a job."""
    _known("POST", algo, "")
    module = algorithm(algo)
    known = infos(module.Params)
    hyper = _object(hyper_parameters, "hyper_parameters")
    hyper = {k: v if isinstance(v, list) else [v] for k, v in hyper.items()}
    check_hyper_params(hyper, {n for n, i in known.items() if i.gridable}, set(known))
    if sum(len(v) for v in hyper.values()) > _MAX_VALUES:
        raise Refused(f"hyper_parameters lists more than {_MAX_VALUES} values, the limit")
    if recovery_dir:
        raise Refused("recovery_dir is not supported by this server; leave it out")
    criteria = SearchCriteria.of(_object(search_criteria, "search_criteria") if search_criteria else None)
    if criteria.strategy == "Cartesian":
        hyper = dict(reversed(hyper.items()))  # the first parameter varies fastest, which decides the models' numbers
    values = values_of(module.Params, {k: v for k, v in fields.items() if k not in hyper}, module.LABEL)
    if values.get("training_frame") is None:
        raise Refused("training_frame is missing")
    request_of(hub, algo, values)
    name = grid_id or hub.new_model_key(f"Grid_{module.LABEL}_{values['training_frame']}", agent)
    grid = hub.grids.get(name)
    if grid is None:
        grid = Grid(name, algo, hyper, criteria)
    elif set(grid.hyper) != set(hyper):
        raise Refused(f"grid {name} varies {', '.join(grid.hyper)}, not {', '.join(hyper)}; give another grid_id")
    else:
        grid.hyper, grid.criteria = hyper, criteria
    hub.grids[name] = grid

    def request(point: Mapping[str, Any]) -> TrainRequest:
        return request_of(hub, algo, {**values, **point})

    def work(job: Job[Any]) -> Grid:
        return search(grid, hub.engine, request, job)

    record = hub.start(work, f"{module.LABEL} Grid Search", name, "Grid")
    fields_out = {
        "parameters": parameters_object(module.Params, module.LABEL, in_force(module.Params, values)),
        "hyper_parameters": None,
        "grid_id": key(name, "Grid"),
        "search_criteria": _criteria(criteria),
        "parallelism": parallelism,
        "recovery_dir": None,
        "job_id": None,
        "total_models": 0,
        "job": v3job.job(record),
    }
    return schema("GridSearchSchema", "Grid", fields_out, version=-1)


route("POST", "/99/Grid/{algo}/resume")(start)


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        value = loose_json(text)
    except (ValueError, RecursionError):
        raise bad_request(f"{what} is not a JSON object: {text[:200]}") from None
    if not isinstance(value, dict):
        raise bad_request(f"{what} must be a JSON object; got {text[:200]}")
    return value


def _criteria(c: SearchCriteria) -> dict[str, Any]:
    if c.strategy == "Cartesian":
        return schema("CartesianSearchCriteriaV99", "CartesianSearchCriteria", {"strategy": "Cartesian"}, version=99)
    names = [
        "strategy",
        "seed",
        "max_models",
        "max_runtime_secs",
        "stopping_rounds",
        "stopping_metric",
        "stopping_tolerance",
    ]
    kind = "RandomDiscreteValueSearchCriteria" if c.strategy == "RandomDiscrete" else "SequentialSearchCriteria"
    return schema(f"{kind}V99", kind, {n: getattr(c, n) for n in names}, version=99)


@route("GET", "/99/Grids")
def listed(hub: Hub) -> dict[str, Any]:
    """All grids."""
    return schema(
        "GridsV99", "Grids", {"grids": [_shown(hub, g, None, None) for g in list(hub.grids.values())]}, version=99
    )


@route("GET", "/99/Grids/{grid_id}")
def one(
    hub: Hub,
    grid_id: str,
    sort_by: str | None = None,
    decreasing: bool | None = None,
    model_ids: list[str] | None = None,
) -> dict[str, Any]:
    """A grid with its models in order."""
    grid = _grid(hub, grid_id)
    return _shown(hub, grid, sort_by or None, decreasing if sort_by else None)


def _shown(hub: Hub, grid: Grid, sort_by: str | None, decreasing: bool | None) -> dict[str, Any]:
    found = [hub.store.get(k) for k in list(grid.models)]
    name, down, models = ranked([m for m in found if isinstance(m, Model)], sort_by, decreasing)
    label = {"deviance": "residual_deviance"}.get(name, name.lower())
    failed = list(grid.failures)
    fields = {
        "grid_id": key(grid.key, "Grid"),
        "sort_by": label,
        "decreasing": down,
        "model_ids": [key(m.key, "Model") for m in models],
        "hyper_names": sorted(grid.hyper),
        "failed_params": [None for _ in failed],
        "warning_details": [],
        "failure_details": [f["error"] for f in failed],
        "failure_stack_traces": [f["error"] for f in failed],
        "failed_raw_params": [[_text(f["params"].get(n)) for n in sorted(grid.hyper)] for f in failed],
        "training_metrics": [metrics(m.metrics("train")) for m in models],
        "validation_metrics": [metrics(m.metrics("valid")) for m in models],
        "cross_validation_metrics": [metrics(m.metrics("xval")) for m in models],
        "cross_validation_metrics_summary": [
            table(m.output.get("cross_validation_metrics_summary"), labels=True) for m in models
        ],
        "export_checkpoints_dir": None,
        "summary_table": _summary(grid, models, name, label, down) if models else None,
        "scoring_history": _history(models),
    }
    return schema("GridSchemaV99", "Grid", fields, version=99)


def _summary(grid: Grid, models: list[Model], name: str, label: str, down: bool) -> dict[str, Any]:
    numeric = {n: all(isinstance(v, (int, float)) for v in grid.hyper[n]) for n in sorted(grid.hyper)}
    columns: list[tuple[str, ...]] = [("", "string", "%s", "")]
    columns += [(n, "double", "%.5f", n) if numeric[n] else (n, "string", "%s", n) for n in numeric]
    columns += [("model_ids", "string", "%s", "model_ids"), (label, "double", "%.5f", label)]
    rows = []
    for m in models:
        point = grid.points[m.key]
        shown = [float(point[n]) if numeric[n] else _text(point[n]) for n in numeric]
        rows.append(["", *shown, m.key, value_of(m, name)])
    order = "decreasing" if down else "increasing"
    return made("Hyper-Parameter Search Summary", columns, rows, f"ordered by {order} {label}")


def _history(models: list[Model]) -> dict[str, Any] | None:
    """The last scoring of each model."""
    rows: list[list[Any]] = []
    columns: list[dict[str, Any]] = []
    for m in models:
        stored = m.output.get("scoring_history")
        if not stored or not stored["rowcount"]:
            continue
        listed = {c["name"]: (c, cells[-1]) for c, cells in zip(stored["columns"], stored["data"])}
        kept = [n for n in listed if n.startswith(_SCORED) and n != "training_speed"]
        columns = columns or [listed[n][0] for n in kept]
        rows.append([listed[c["name"]][1] if c["name"] in listed else None for c in columns])
    if not rows:
        return None
    stored = {
        "name": "Scoring History", "description": "", "columns": columns, "rowcount": len(rows),
        "data": [list(c) for c in zip(*rows)],
    }  # fmt: skip
    return table(stored, labels=True)


# -- files ----------------------------------------------------------------------------------------------------------------


@route("POST", "/3/Grid.bin/{grid_id}/export")
def save(
    hub: Hub,
    grid_id: str,
    grid_directory: str,
    save_params_references: bool = False,
    export_cross_validation_predictions: bool = False,
) -> dict[str, Any]:
    """Save a grid and its models in a folder of its own, in a folder under those open to clients."""
    grid = _grid(hub, grid_id)
    if save_params_references:
        raise Refused("save_params_references is not supported by this server; leave it out")
    safe = re.sub(r"[^A-Za-z0-9_.$-]", "_", grid_id)
    folder = hub.roots.resolve(f"{grid_directory.rstrip('/')}/{safe}")
    write_grid(grid, [hub.model(k) for k in grid.models], folder)
    return key(grid_id, "Grid") or {}


@route("POST", "/3/Grid.bin/import")
def load(hub: Hub, grid_path: str, load_params_references: bool = False) -> dict[str, Any]:
    """Load a grid and its models from a folder under those open to clients."""
    if load_params_references:
        raise Refused("load_params_references is not supported by this server; leave it out")
    grid, models = read_grid(hub.roots.resolve(grid_path))
    for m in models:
        hub.engine.put(m.key, m)
    hub.grids[grid.key] = grid
    return key(grid.key, "Grid") or {}


def _grid(hub: Hub, grid_id: str) -> Grid:
    grid = hub.grids.get(grid_id)
    if grid is None:
        raise missing(grid_id, "grid_id")
    return grid


def _text(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)
