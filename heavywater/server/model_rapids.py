"""Rapids primitives that ask models: permutation importance, leaderboards, the threshold of two classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import polars as pl

from heavywater.algos.base import algorithm
from heavywater.engine.session import LocalSession
from heavywater.errors import H2OTypeError, H2OValueError, did_you_mean
from heavywater.frame import Frame
from heavywater.metrics import ModelMetrics, more_is_better
from heavywater.models.explain.permutation import permutation_importance
from heavywater.models.model import Model
from heavywater.rapids.node import Items
from heavywater.rapids.table import Table

_COLUMNS = {
    "Binomial": {
        "auc": "AUC", "logloss": "logloss", "aucpr": "pr_auc", "mean_per_class_error": "mean_per_class_error", "rmse": "RMSE",
        "mse": "MSE",
    },
    "Multinomial": {
        "mean_per_class_error": "mean_per_class_error", "logloss": "logloss", "rmse": "RMSE", "mse": "MSE",
    },
    "Regression": {
        "rmse": "RMSE", "mse": "MSE", "mae": "mae", "rmsle": "rmsle", "mean_residual_deviance": "mean_residual_deviance",
    },
    "AutoEncoder": {"rmse": "RMSE", "mse": "MSE"},
}  # fmt: skip
_EXTRA = ("training_time_ms", "algo")


def model_acts(engine: LocalSession) -> dict[str, Callable[..., Any]]:
    """The primitives by name, over the models of a session."""

    def performance(m: Model, frame: Frame) -> ModelMetrics:
        return engine.performance(m, frame)

    def importance(
        model: Any, frame: Any, metric: str, n_samples: float, n_repeats: float, features: Any = None, seed: float = -1
    ) -> Table:
        names = list(features.values) if isinstance(features, Items) and features.values else None
        found = permutation_importance(
            _model(model), _frame(frame), performance, metric=metric, n_samples=int(n_samples), n_repeats=int(n_repeats),
            features=names, seed=int(seed),
        )  # fmt: skip
        return Table.of(dict(zip(found.col_header, found.data)))

    def leaderboard(
        models: Items, frame: Any = "", metric: str = "AUTO", extra: Any = None, scoring: str = "AUTO"
    ) -> Table:
        data = (
            None if frame is None or frame == "" else engine.frame(frame) if isinstance(frame, str) else _frame(frame)
        )
        extra_names = [str(v) for v in extra.values] if isinstance(extra, Items) else []
        return _leaderboard(
            [engine.model(str(k)) for k in models.values], data, performance, metric, extra_names, scoring
        )

    def reset(model: Any, threshold: float) -> float:
        m = _model(model)
        if m.category != "Binomial":
            raise H2OTypeError(f"a threshold is for models of two classes; this one is {m.category}")
        if not 0 <= threshold <= 1:
            raise H2OValueError(f"the threshold lies between 0 and 1; got {threshold:g}")
        old = float(m.output["default_threshold"])
        state = m.state.with_output(**{**dict(m.output), "default_threshold": float(threshold)})
        engine.put(m.key, algorithm(m.algo).build_model(state, m.key))
        return old

    return {"PermutationVarImp": importance, "makeLeaderboard": leaderboard, "model.reset.threshold": reset}


def _leaderboard(
    models: list[Model], frame: Frame | None, performance: Callable[[Model, Frame], ModelMetrics], metric: str,
    extra: list[str], scoring: str,
) -> Table:  # fmt: skip
    if not models:
        raise H2OValueError("a leaderboard needs at least one model")
    kinds = {m.category for m in models}
    if len(kinds) > 1:
        raise H2OValueError(f"a leaderboard compares models of one kind; these are {', '.join(sorted(kinds))}")
    columns = _COLUMNS[models[0].category]
    wrong = [e for e in extra if e not in (*_EXTRA, "ALL")]
    if wrong:
        raise H2OValueError(f"there is no extra column {wrong[0]!r}{did_you_mean(wrong[0], _EXTRA)}")
    found = [_scored(m, frame, performance, scoring) for m in models]
    first = next(iter(columns)) if metric.upper() == "AUTO" else metric.lower()
    if first not in columns:
        raise H2OValueError(f"the models cannot be sorted by {metric!r}{did_you_mean(metric, columns)}")
    table = {
        "model_id": [m.key for m in models],
        first: [_value(s, columns[first]) for s in found],
        **{name: [_value(s, member) for s in found] for name, member in columns.items() if name != first},
    }
    if "training_time_ms" in extra or "ALL" in extra:
        table["training_time_ms"] = [int(m.output["run_time"]) for m in models]
    if "algo" in extra or "ALL" in extra:
        table["algo"] = [m.algo for m in models]
    data = pl.DataFrame(table)
    return Table.of(data.sort(first, descending=more_is_better(columns[first]), nulls_last=True, maintain_order=True))


def _scored(
    m: Model, frame: Frame | None, performance: Callable[[Model, Frame], ModelMetrics], scoring: str
) -> ModelMetrics:
    if frame is not None:
        return performance(m, frame)
    parts: tuple[Literal["xval", "valid", "train"], ...] = ("xval", "valid", "train")
    for which in [p for p in parts if p == scoring.lower()] or parts:
        stored = m.metrics(which)
        if stored is not None:
            return stored
    raise H2OValueError(f"model {m.key} has no metrics of {scoring}; give a leaderboard_frame")


def _value(s: ModelMetrics, member: str) -> float | None:
    value = s.to_json().get(member)
    return None if value is None or value != value else float(value)


def _model(value: Any) -> Model:
    if not isinstance(value, Model):
        raise H2OTypeError("the first argument must be a model")
    return value


def _frame(value: Any) -> Frame:
    if isinstance(value, Frame):
        return value
    if not isinstance(value, Table):
        raise H2OTypeError("the second argument must be a frame")
    return value.frame()
