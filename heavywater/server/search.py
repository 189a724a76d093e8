"""Grid search as a job: one model after the other, each of them a job of the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from heavywater.engine.jobs import Job
from heavywater.engine.request import TrainRequest
from heavywater.engine.session import LocalSession
from heavywater.errors import Cancelled, HeavywaterError
from heavywater.grid.results import decreasing_by, metric_name, value_of
from heavywater.metrics import bounded_by_zero, more_is_better
from heavywater.models.model import Model
from heavywater.server.errors import Refused
from heavywater.training.grid import Budget, SearchCriteria, combinations

_LOOK_SECONDS = 0.05


@dataclass
class Grid:
    """A grid and what came of it.

    Attributes
    ----------
    key, algo : str
    hyper : mapping of str to list
        Values to try, by parameter.
    criteria : SearchCriteria
    models : list of str
        Keys of the models, in the order of training.
    points : dict
        For each model its values.
    failures : list of dict
        ``params``, ``error`` for the combinations that failed.
    """

    key: str
    algo: str
    hyper: Mapping[str, list[Any]]
    criteria: SearchCriteria
    models: list[str] = field(default_factory=list)
    points: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def done(self, point: Mapping[str, Any]) -> bool:
        """Whether there is a model for these values."""
        return any(dict(point) == p for p in self.points.values())


def search(
    grid: Grid, engine: LocalSession, request: Callable[[Mapping[str, Any]], TrainRequest], job: Job[Any]
) -> Grid:
    """Train the combinations that have no model yet; a combination that fails is recorded and the search goes on."""
    budget = Budget(grid.criteria)
    total = 1
    for values in grid.hyper.values():
        total *= len(values)
    total = min(total, grid.criteria.max_models or total)
    for point in combinations(grid.hyper, grid.criteria):
        if job.stop.is_set() or budget.spent(len(grid.models)):
            break
        if grid.done(point):
            continue
        grid.count += 1
        key = f"{grid.key}_model_{grid.count}"
        try:
            model = _train(engine, request({**point, "model_id": key}), job)
        except (HeavywaterError, Cancelled) as e:
            grid.failures.append({"params": dict(point), "error": e.text if isinstance(e, Refused) else str(e)})
            continue
        if model is None:
            break
        grid.models.append(model.key)
        grid.points[model.key] = dict(point)
        name = metric_of(grid, model)
        budget.add(value_of(model, name), more_is_better=decreasing_by(name), bounded_by_zero=_bounded(name))
        job.update(len(grid.models) / total, f"{len(grid.models)} of at most {total} models")
    return grid


def metric_of(grid: Grid, model: Model) -> str:
    """The metric by which a search ends."""
    asked = grid.criteria.stopping_metric
    default = {"Regression": "deviance", "AutoEncoder": "MSE"}.get(model.category, "logloss")
    return default if asked.upper() == "AUTO" else metric_name(asked, [])


def _bounded(name: str) -> bool:
    return name != "r2" and bounded_by_zero(name)


def _train(engine: LocalSession, request: TrainRequest, job: Job[Any]) -> Model | None:
    """The trained model; None when the search was cancelled."""
    inner = engine.submit(request)
    job.stop.on_set(inner.cancel)
    while not inner.wait(_LOOK_SECONDS):
        if job.stop.is_set():
            inner.cancel()
    if job.stop.is_set():
        return None
    for text in inner.warnings:
        job.warn(text)
    return inner.result()


def ranked(models: list[Model], sort_by: str | None, decreasing: bool | None) -> tuple[str, bool, list[Model]]:
    """Metric, whether the largest comes first, and the models in that order."""
    default = {"Regression": "deviance", "AutoEncoder": "MSE"}
    if sort_by is None:
        name = default.get(models[0].category, "logloss") if models else "logloss"
    else:
        name = metric_name(sort_by, [])
    down = (name == "r2" or more_is_better(name)) if decreasing is None else decreasing

    def place(m: Model) -> tuple[bool, float]:
        v = value_of(m, name)
        return v != v, -v if down else v

    return name, down, sorted(models, key=place)


def stamp() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)
