"""The number behind a stopping metric, and which way is better."""

from __future__ import annotations

import math

from heavywater.errors import H2OValueError, did_you_mean
from heavywater.metrics.base import ModelMetrics
from heavywater.metrics.binomial import BinomialMetrics

__all__ = ["STOPPING_METRICS", "bounded_by_zero", "more_is_better", "stopping_value"]

STOPPING_METRICS = (
    "AUTO", "deviance", "logloss", "MSE", "RMSE", "MAE", "RMSLE", "AUC", "AUCPR", "lift_top_group",
    "misclassification", "mean_per_class_error", "custom", "custom_increasing",
)  # fmt: skip
_SPELLINGS = {"lift_top_gain": "lift_top_group", "pr_auc": "aucpr", "anomaly_score": "mse"}
_MORE = ("auc", "aucpr", "lift_top_group", "custom_increasing")
_UNBOUNDED = ("deviance", "lift_top_group", "custom", "custom_increasing")
_AUTO = {"Binomial": "logloss", "Multinomial": "logloss", "Regression": "deviance", "AutoEncoder": "mse"}
_JSON = {"mse": "MSE", "rmse": "RMSE", "mae": "mae", "rmsle": "rmsle", "auc": "AUC", "aucpr": "pr_auc"}


def _canonical(name: str) -> str:
    lower = str(name).lower()
    lower = _SPELLINGS.get(lower, lower)
    if lower not in [s.lower() for s in STOPPING_METRICS]:
        raise H2OValueError(
            f"no stopping metric {name!r}{did_you_mean(name, STOPPING_METRICS)}; "
            f"known are {', '.join(STOPPING_METRICS)}"
        )
    return lower


def more_is_better(name: str) -> bool:
    """Whether larger values of stopping metric `name` are better."""
    return _canonical(name) in _MORE


def bounded_by_zero(name: str) -> bool:
    """Whether 0 is the best value that stopping metric `name` can reach (as H2O 3.46 has it: of AUC, too)."""
    return _canonical(name) not in _UNBOUNDED


def stopping_value(m: ModelMetrics, name: str) -> float:
    """Value of stopping metric `name` in `m`.

    Parameters
    ----------
    m : ModelMetrics
    name : str
        One of `STOPPING_METRICS` in any case; AUTO is logloss, deviance or (autoencoder) MSE. For classifiers the
        deviance is the logloss.

    Raises
    ------
    H2OValueError
        Unknown metric, or one that this kind of model does not have.
    """
    key = _canonical(name)
    if key == "auto":
        key = _AUTO[m.model_category]
    classifier = "logloss" in m
    if key == "deviance" and classifier:
        key = "logloss"
    if key in ("custom", "custom_increasing"):
        return m.custom_metric_value()
    if key == "deviance" and "mean_residual_deviance" in m:
        return float(m["mean_residual_deviance"])
    if key == "misclassification" and classifier:
        return math.nan if m["cm"] is None else float(m["cm"].error)
    if key == "lift_top_group" and isinstance(m, BinomialMetrics):
        return m.lift_top_group()
    found = _JSON.get(key, key)
    if found in m:
        return float(m[found])
    raise H2OValueError(f"stopping metric {name!r} does not exist for {m.model_category} models")
