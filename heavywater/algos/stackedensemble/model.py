"""A stacked ensemble: base models and the metalearner that combines them, all in one state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from heavywater.algos.base import ALGORITHMS, algorithm
from heavywater.algos.glm.report import with_deviances
from heavywater.algos.stackedensemble.params import StackedEnsembleParams
from heavywater.algos.tabular.model import TabularModel
from heavywater.algos.tabular.result import check_manifest, need
from heavywater.errors import ModelFileError
from heavywater.frame import Frame
from heavywater.metrics import ModelMetrics
from heavywater.models.model import Model
from heavywater.models.state import ArraySpec, ModelState

_PART = {"key": str, "algo": str, "version": int, "params": dict, "schema": dict, "output": dict}
_TINY = 1e-9


class StackedEnsembleModel(TabularModel):
    """Predictions of base models are the columns that the metalearner sees."""

    @cached_property
    def base_models(self) -> list[Model]:
        """The models that are combined."""
        return [_model(part, f"{i}/", self.state) for i, part in enumerate(self.state.schema["bases"])]

    @cached_property
    def metalearner(self) -> TabularModel:
        """The model that combines them."""
        return _model(self.state.schema["metalearner"], "meta/", self.state)  # type: ignore[return-value]

    def _measured(
        self, answers: np.ndarray, actual: np.ndarray, weights: np.ndarray | None, options: dict[str, Any]
    ) -> ModelMetrics:
        found = super()._measured(answers, actual, weights, options)
        return of_metalearner(found, self.metalearner, options, actual, weights)

    def _answers(self, frame: Frame, threads: int) -> np.ndarray:
        answers = [m.answers(frame, threads=threads) for m in self.base_models]  # type: ignore[attr-defined]
        level = level_one(
            [m.key for m in self.base_models], answers, self.response.levels, self.state.schema["transform"]
        )
        return self.metalearner.answers(level, threads=threads)


def level_one(
    keys: Sequence[str], answers: Sequence[np.ndarray], levels: tuple[str, ...] | None, transform: str
) -> Frame:
    """What base models predict, as the metalearner's columns.

    Parameters
    ----------
    keys : sequence of str
        Names of the base models.
    answers : sequence of ndarray
        Their predictions: probabilities ``(n, classes)`` or numbers ``(n, 1)``.
    levels : tuple of str or None
        Classes; of two only the second one's probability is a column.
    transform : {"NONE", "Logit"}
    """
    columns: dict[str, np.ndarray] = {}
    for key, found in zip(keys, answers):
        if levels is not None and transform == "Logit":
            p = np.clip(found, _TINY, 1 - _TINY)
            found = np.log(p / (1 - p))
        if levels is None:
            columns[key] = found[:, 0]
        elif len(levels) == 2:
            columns[key] = found[:, 1]
        else:
            columns |= {f"{key}/{level}": found[:, i] for i, level in enumerate(levels)}
    return Frame.of(pl.DataFrame({k: np.ascontiguousarray(v) for k, v in columns.items()}))


def of_metalearner(
    metrics: ModelMetrics,
    metalearner: TabularModel,
    options: Mapping[str, Any],
    actual: np.ndarray,
    weights: np.ndarray | None,
) -> ModelMetrics:
    """The ensemble's metrics with deviances and degrees of freedom, where the metalearner is a linear model."""
    o = metalearner.output
    if "null_answer" not in o:
        return metrics
    return with_deviances(
        metrics,
        family=o["parameters"]["family"]["actual"],
        rank=o["rank"],
        intercept=o["parameters"]["intercept"]["actual"],
        null_answer=o["null_answer"],
        response=metalearner.response,
        options=options,
        actual=actual,
        weights=weights,
    )


def pack(prefix: str, model: Model) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A model as a part of a larger state: its description, and its arrays under names with `prefix`."""
    s = model.state
    part = {"key": model.key, "algo": s.algo, "version": s.version, "params": s.params, "schema": s.schema}
    return {**part, "output": s.output}, {f"{prefix}{name}": a for name, a in s.arrays.items()}


def _state(part: Mapping[str, Any], prefix: str, arrays: Mapping[str, np.ndarray]) -> ModelState:
    own = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
    return ModelState(part["algo"], part["version"], part["params"], part["schema"], part["output"], own)


def _model(part: Mapping[str, Any], prefix: str, state: ModelState) -> Model:
    inner = _state(part, prefix, state.arrays)
    model: Model = algorithm(inner.algo).build_model(inner, str(part["key"]))
    return model


def build_model(state: ModelState, key: str, params: Any = None) -> StackedEnsembleModel:
    """The model of a state; `params` are those it was just trained with, which may hold what no file can."""
    model = StackedEnsembleModel(state, key)
    model.custom_metric = None if params is None else params.custom_metric_func
    return model


def expected_arrays(state: Any) -> dict[str, ArraySpec]:
    """What the arrays of a model file must look like: those of every model inside, each checked by its algorithm."""
    schema = {"bases": [_PART], "metalearner": _PART, "transform": str}
    check_manifest(state, StackedEnsembleParams, schema, {})
    s = state.schema
    need(s["transform"] in ("NONE", "Logit"), "its transform is unknown")
    specs: dict[str, ArraySpec] = {}
    classes = len(s["response"]["levels"] or ())
    for prefix, part in [*((f"{i}/", b) for i, b in enumerate(s["bases"])), ("meta/", s["metalearner"])]:
        if part["algo"] not in ALGORITHMS or part["algo"] == "stackedensemble":
            raise ModelFileError(
                f"its part {part['key'][:80]!r} is of the algorithm {part['algo'][:40]!r}, which cannot be"
            )
        module = algorithm(part["algo"])
        need(part["version"] == 1, f"version {part['version']} of a part is unknown")
        inner = _state(part, prefix, {})
        specs |= {f"{prefix}{name}": spec for name, spec in module.expected_arrays(inner).items()}
        need(inner.schema["response"] is not None, "a part of it has no response")
        need(len(inner.schema["response"]["levels"] or ()) == classes, "the classes of its parts differ")
    return specs
