"""`H2OGridSearch`: many models from lists of parameter values, ranked by a metric (booklet section 6.4)."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heavywater.engine import session
from heavywater.engine.jobs import Job
from heavywater.errors import Cancelled, H2OTypeError, H2OValueError, HeavywaterError, did_you_mean
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.grid.live import LiveTable
from heavywater.grid.results import GridResults, _is_halted, decreasing_by, metric_name, value_of
from heavywater.metrics import bounded_by_zero
from heavywater.models.model import Model
from heavywater.params import infos
from heavywater.training.grid import Budget, SearchCriteria, check_hyper_params, combinations

_LOOK_SECONDS = 0.05


class H2OGridSearch(GridResults):
    """Train a model for each combination of parameter values.

    Parameters
    ----------
    model : estimator or estimator class
        What to train; parameters set on an instance hold for all models.
    hyper_params : mapping of str to list
        The values to try for each parameter.
    grid_id : str, optional
        Name of the grid.
    search_criteria : mapping, optional
        ``{"strategy": "RandomDiscrete", "max_models": ..., "max_runtime_secs": ..., "seed": ..., "stopping_rounds":
        ..., "stopping_metric": ..., "stopping_tolerance": ...}``; all combinations in turn when None.
    export_checkpoints_dir, recovery_dir : str, optional
        Folder in which the grid is saved after every model, as `save_grid` does.
    parallelism : int
        Models trained at the same time; 0 for as many as there are threads.  The threads are shared out.

    Attributes
    ----------
    models : list of estimators
        In the order in which they were trained, or sorted (see `get_grid`).
    failures : list of dict
        ``params``, ``type`` and ``error`` of the combinations that failed.
    why_stopped : str
        Why the search ended before all combinations were trained; empty otherwise.

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.grid.grid_search import H2OGridSearch
    >>> from heavywater.estimators.deeplearning import H2ODeepLearningEstimator
    >>> frame = h2o.H2OFrame({"x": list(range(60)), "y": [3 * i for i in range(60)]})
    >>> grid = H2OGridSearch(H2ODeepLearningEstimator(epochs=1, seed=1), {"hidden": [[4], [8]]})
    >>> len(grid.train(x="x", y="y", training_frame=frame))
    2
    """

    def __init__(
        self,
        model: H2OEstimator | type[H2OEstimator],
        hyper_params: Mapping[str, Sequence[Any]],
        grid_id: str | None = None,
        search_criteria: Mapping[str, Any] | None = None,
        export_checkpoints_dir: str | os.PathLike[str] | None = None,
        recovery_dir: str | os.PathLike[str] | None = None,
        parallelism: int = 1,
    ) -> None:
        self.model = model() if isinstance(model, type) else model
        if not isinstance(self.model, H2OEstimator):
            raise H2OTypeError(f"model must be an estimator or its class; got {type(self.model).__name__}")
        known = infos(type(self.model))
        if not isinstance(hyper_params, Mapping):
            raise H2OTypeError(f"hyper_params must map names to lists of values; got {type(hyper_params).__name__}")
        check_hyper_params(hyper_params, {n for n, i in known.items() if i.gridable}, set(known))
        if isinstance(parallelism, bool) or not isinstance(parallelism, int) or parallelism < 0:
            raise H2OValueError(f"parallelism must be a number of models, or 0 for automatic; got {parallelism!r}")
        self.hyper_params = {k: list(v) for k, v in hyper_params.items()}
        self.search_criteria = SearchCriteria.of(search_criteria)
        metric_name(self.search_criteria.stopping_metric, [])
        self.parallelism = parallelism
        self.grid_id = grid_id or session.current().new_key("Grid_DeepLearning")
        self.models: list[H2OEstimator] = []
        self.points: dict[str, dict[str, Any]] = {}
        self.failures: list[dict[str, Any]] = []
        self.why_stopped = ""
        self._folder = export_checkpoints_dir or recovery_dir
        self._shared: dict[str, Any] = {}
        self._sorting: tuple[str | None, bool | None] = (None, None)

    @property
    def key(self) -> str:
        """The same as `grid_id`."""
        return self.grid_id

    def train(
        self,
        x: Any = None,
        y: Any = None,
        training_frame: Any = None,
        offset_column: str | None = None,
        fold_column: str | None = None,
        weights_column: str | None = None,
        validation_frame: Any = None,
        **params: Any,
    ) -> H2OGridSearch:
        """Train the combinations that are not trained yet.

        A combination that fails is recorded in `failures` and the search goes on.  Ctrl-C ends the search and keeps
        the models as trained so far.  Calling `train` again continues: it trains what is missing, what failed and what
        was interrupted.

        Parameters
        ----------
        x, y, training_frame, validation_frame
            As for an estimator.
        offset_column, fold_column, weights_column, **params
            Parameters that hold for all models.

        Raises
        ------
        HeavywaterError
            When no combination could be trained.
        """
        roles = {"offset_column": offset_column, "fold_column": fold_column, "weights_column": weights_column}
        self._shared = self._checked({**{k: v for k, v in roles.items() if v is not None}, **params})
        for halted in [m for m in self.models if _is_halted(m)]:
            self.models.remove(halted)
            del self.points[str(halted.key)]
        self.failures, self.why_stopped = [], ""
        session.current().put(self.grid_id, self)
        data = (x, y, training_frame, validation_frame)
        _Search(self, lambda point, **more: self.model.request(*data, **{**self._shared, **point, **more})).run()
        if not self.models and self.failures:
            first = self.failures[0]
            raise HeavywaterError(f"all {len(self.failures)} models of the grid failed; the first: {first['error']}")
        return self

    def resume(self, recovery_dir: str | None = None, **data: Any) -> H2OGridSearch:
        """Continue an interrupted search; the same as calling `train` again with the same data."""
        return self.train(**data)

    def fixed(self) -> dict[str, Any]:
        """Parameters that hold for all models: those set on the estimator, then those given to `train`."""
        own = {k: v for k, v in self.model._values().items() if v != infos(type(self.model))[k].default}
        return {k: v for k, v in {**own, **self._shared}.items() if k not in ("model_id", *self.hyper_params)}

    def add(self, estimator: H2OEstimator, point: Mapping[str, Any]) -> None:
        """Take in a trained model with its values."""
        self.models.append(estimator)
        self.points[str(estimator.key)] = dict(point)

    def _checked(self, params: dict[str, Any]) -> dict[str, Any]:
        known = infos(type(self.model))
        problems = [f"there is no parameter {k!r}{did_you_mean(k, known)}" for k in params if k not in known]
        problems += [
            f"{k} is given both as a hyper-parameter and as a fixed value" for k in params if k in self.hyper_params
        ]
        if problems:
            raise H2OValueError("; ".join(problems))
        return params

    def save_progress(self) -> None:
        """Save the grid into ``export_checkpoints_dir``, when there is one."""
        if self._folder is not None:
            from heavywater.grid.files import save_grid

            save_grid(self._folder, self)


@dataclass
class _Running:
    number: int
    point: dict[str, Any]
    job: Job[Model]


class _Search:
    """One call of `train`: starts models, watches them, collects what comes out."""

    def __init__(self, grid: H2OGridSearch, request: Callable[..., Any]) -> None:
        self.grid, self.request = grid, request
        engine = session.current()
        self.width = grid.parallelism or engine.nthreads
        self.engine = engine.narrowed(self.width)
        self.budget = Budget(grid.search_criteria)
        self.seen = {_fingerprint(p) for p in grid.points.values()}
        self.started = len(self.seen)
        self.numbers = {k.rpartition("_")[2] for k in grid.points}
        self.running: list[_Running] = []
        self.warnings: list[str] = []
        for m in grid.models:
            self._judge(m)
        metric = metric_name(grid.search_criteria.stopping_metric, grid.models)
        shown = engine.show_progress
        self.live = LiveTable(f"grid {grid.grid_id}", list(grid.hyper_params), metric, enabled=shown)

    def run(self) -> None:
        points = combinations(self.grid.hyper_params, self.grid.search_criteria)
        exhausted = False
        with self.live:
            while self.running or not exhausted:
                try:
                    while not exhausted and not self.grid.why_stopped and len(self.running) < self.width:
                        exhausted = not self._start_next(points)
                    exhausted = exhausted or bool(self.grid.why_stopped)
                    self._look()
                except KeyboardInterrupt:
                    if self.grid.why_stopped == _STOPPED:
                        raise
                    self.grid.why_stopped = _STOPPED
                    for r in self.running:
                        r.job.cancel()
        for text in self.warnings:
            warnings.warn(text, stacklevel=4)

    def _start_next(self, points: Any) -> bool:
        """Start the next combination that is still to be trained; False when there is none."""
        for point in points:
            mark = _fingerprint(point)
            if mark in self.seen:
                continue
            self.grid.why_stopped = self.budget.spent(self.started)
            if self.grid.why_stopped:
                return False
            self.seen.add(mark)
            self.started += 1
            self._start(point)
            return True
        return False

    def _start(self, point: dict[str, Any]) -> None:
        number = next(n for n in range(1, self.started + len(self.numbers) + 2) if str(n) not in self.numbers)
        self.numbers.add(str(number))
        more: dict[str, Any] = {"model_id": f"{self.grid.grid_id}_model_{number}"}
        limit = self.budget.remaining_secs()
        if limit:
            fixed = {**self.grid.fixed(), **point}.get("max_runtime_secs")
            more["max_runtime_secs"] = min(limit, float(fixed or limit))
        try:
            job = self.engine.submit(self.request(point, **more))
        except Exception as e:
            self._fail(number, point, e)
        else:
            self.running.append(_Running(number, point, job))

    def _look(self) -> None:
        """Wait a moment for one of the models; collect those that ended."""
        if self.running:
            self.running[0].job.wait(_LOOK_SECONDS)
        for r in list(self.running):
            if r.job.wait(0):
                self.running.remove(r)
                self._collect(r)
            else:
                self.live.show(r.number, r.point, f"{100 * r.job.progress:.0f}%", r.job.text)

    def _collect(self, r: _Running) -> None:
        error = r.job.exception
        self.warnings += [w for w in r.job.warnings if w not in self.warnings]
        if isinstance(error, Cancelled):
            self.live.show(r.number, r.point, "stopped")
            return
        if isinstance(error, Exception):
            self._fail(r.number, r.point, error)
            return
        if error is not None:
            raise error
        model = r.job.result()
        estimator = type(self.grid.model)(**{**self.grid.model._values(), **self.grid._shared, **r.point})
        estimator._model = model
        self.grid.add(estimator, r.point)
        value = self._judge(estimator)
        self.live.show(r.number, r.point, "done", f"{value:.5g}")
        self.grid.save_progress()

    def _judge(self, estimator: H2OEstimator) -> float:
        """Tell the budget how good a model is."""
        name = metric_name(self.grid.search_criteria.stopping_metric, self.grid.models)
        value = value_of(estimator._trained(), name)
        bounded = name != "r2" and bounded_by_zero(name)
        self.budget.add(value, more_is_better=decreasing_by(name), bounded_by_zero=bounded)
        return value

    def _fail(self, number: int, point: dict[str, Any], error: Exception) -> None:
        self.grid.failures.append({"params": point, "error": str(error), "type": type(error).__name__})
        self.live.show(number, point, "failed", str(error).splitlines()[0] if str(error) else type(error).__name__)


_STOPPED = "it was stopped by the user"


def _fingerprint(point: Mapping[str, Any]) -> str:
    return json.dumps({k: point[k] for k in sorted(point)}, default=lambda v: str(getattr(v, "key", None) or id(v)))


__all__ = ["H2OGridSearch"]
