"""The scoring history: one row per scoring event, and the values that early stopping looks at."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from heavywater.display.table import Table
from heavywater.metrics import ModelMetrics, stopping_value

MEASURES = {
    "Regression": {"rmse": "RMSE", "deviance": "deviance", "mae": "MAE", "r2": "r2"},
    "Binomial": {
        "rmse": "RMSE", "logloss": "logloss", "r2": "r2", "auc": "AUC", "pr_auc": "AUCPR", "lift": "lift_top_group",
        "classification_error": "misclassification",
    },
    "Multinomial": {
        "rmse": "RMSE", "logloss": "logloss", "r2": "r2", "classification_error": "misclassification", "auc": "AUC",
        "pr_auc": "AUCPR",
    },
    "AutoEncoder": {"rmse": "RMSE", "mse": "MSE"},
}  # fmt: skip
"""History column → metric, for each kind of model."""


@dataclass(frozen=True)
class Event:
    """One scoring.

    ``seconds`` is the time since training began, ``training_seconds`` the part of it that was spent on training.
    """

    timestamp: float
    seconds: float
    training_seconds: float
    epochs: float
    iterations: int
    samples: int
    train: ModelMetrics | None
    valid: ModelMetrics | None

    @property
    def judged(self) -> ModelMetrics | None:
        """The metrics that decide: those of the validation frame where there is one."""
        return self.valid or self.train


_STOPPING = {
    "Regression": ("deviance", "MSE", "RMSE", "MAE", "RMSLE"),
    "AutoEncoder": ("MSE", "RMSE"),
    "Binomial": (
        "logloss", "MSE", "RMSE", "AUC", "AUCPR", "lift_top_group", "misclassification", "mean_per_class_error",
    ),
    "Multinomial": ("logloss", "MSE", "RMSE", "AUC", "AUCPR", "misclassification", "mean_per_class_error"),
}  # fmt: skip
"""Metrics by which each kind of model may be stopped early."""


def stopping_values(event: Event, category: str) -> dict[str, float]:
    """Every stopping metric of the metrics that decide; empty for the row of an untrained model."""
    if event.judged is None:
        return {}
    own = ("custom", "custom_increasing") if event.judged.custom_metric_name() is not None else ()
    return {name: value_of(event.judged, name) for name in (*_STOPPING[category], *own)}


def value_of(metrics: ModelMetrics | None, name: str) -> float:
    """A metric by its stopping name; NaN where it does not exist."""
    if metrics is None:
        return math.nan
    if name == "r2":
        return float(metrics.r2())
    return float(stopping_value(metrics, name))


def history_table(events: list[dict[str, Any]], category: str, with_validation: bool, custom: bool = False) -> Table:
    """The table "Scoring History"; `custom`: with a column for the user's own metric."""
    blocks = ["training", *(["validation"] if with_validation else [])]
    measures = [*MEASURES[category], *(["custom"] if custom else [])]
    head = ["timestamp", "duration", "training_speed", "epochs", "iterations", "samples"]
    columns = head + [f"{b}_{m}" for b in blocks for m in measures]
    types = ["string", "string", "string", "double", "int", "double"] + ["double"] * (len(columns) - len(head))
    return Table("Scoring History", columns, types, [[e.get(c) for c in columns] for e in events])


def history_row(event: Event, category: str) -> dict[str, Any]:
    """An event as a row of the table."""
    speed = event.samples / max(event.training_seconds, 1e-9)
    row: dict[str, Any] = {
        "timestamp": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.timestamp)),
        "duration": pretty_seconds(event.seconds),
        "training_speed": None
        if event.samples == 0
        else f"{int(speed)} obs/sec"
        if speed > 10
        else f"{speed:g} obs/sec",
        "epochs": event.epochs,
        "iterations": event.iterations,
        "samples": float(event.samples),
    }
    for block, metrics in (("training", event.train), ("validation", event.valid)):
        for column, metric in MEASURES[category].items():
            row[f"{block}_{column}"] = value_of(metrics, metric)
        if metrics is not None and metrics.custom_metric_name() is not None:
            row[f"{block}_custom"] = metrics.custom_metric_value()
    return row


def pretty_seconds(s: float) -> str:
    """``0.253 sec``, ``2 min 3.1 sec``, ``1 h 2 min``."""
    if s < 60:
        return f"{s:.3f} sec"
    if s < 3600:
        return f"{int(s // 60)} min {s % 60:.1f} sec"
    return f"{int(s // 3600)} h {int(s % 3600 // 60)} min"
