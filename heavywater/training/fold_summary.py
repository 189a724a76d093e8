"""The table "Cross-Validation Metrics Summary": every metric of every fold model on its holdout rows."""

from __future__ import annotations

import math

import numpy as np

from heavywater.display.table import Table
from heavywater.metrics import ConfusionMatrix, ModelMetrics, stopping_value

_NAMES = {
    "Binomial": (
        "accuracy", "aic", "auc", "err", "err_count", "f0point5", "f1", "f2", "lift_top_group", "loglikelihood",
        "logloss", "max_per_class_error", "mcc", "mean_per_class_accuracy", "mean_per_class_error", "mse", "pr_auc",
        "precision", "r2", "recall", "rmse", "specificity",
    ),
    "Multinomial": (
        "accuracy", "aic", "auc", "err", "err_count", "loglikelihood", "logloss", "max_per_class_error",
        "mean_per_class_accuracy", "mean_per_class_error", "mse", "pr_auc", "r2", "rmse",
    ),
    "Regression": (
        "aic", "loglikelihood", "mae", "mean_residual_deviance", "mse", "r2", "residual_deviance", "rmse", "rmsle",
    ),
}  # fmt: skip
_DIRECT = {"pr_auc": "AUCPR", "residual_deviance": "deviance", "mean_residual_deviance": "deviance"} | dict.fromkeys(
    ("auc", "logloss", "mse", "rmse", "mae", "rmsle", "lift_top_group")
)


def summary_table(metrics: list[ModelMetrics]) -> Table:
    """Mean, standard deviation and value per fold of every metric, in alphabetical order.

    Folds where a metric is not defined (NaN, infinite) count neither in the mean nor in the deviation; a deviation of
    fewer than two values is 0, as in H2O.
    """
    rows = []
    names = set(_NAMES[metrics[0].model_category])
    if "null_deviance" in metrics[0]:
        names |= {"null_deviance", "residual_deviance"}
    for name in sorted(names):
        values = [summary_value(m, name) for m in metrics]
        known = [v for v in values if math.isfinite(v)]
        mean = float(np.mean(known)) if known else math.nan
        sd = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
        rows.append([name, mean, sd, *values])
    columns = ["", "mean", "sd", *(f"cv_{k + 1}_valid" for k in range(len(metrics)))]
    return Table("Cross-Validation Metrics Summary", columns, ["string"] + ["float"] * (len(columns) - 1), rows)


def summary_value(m: ModelMetrics, name: str) -> float:
    """One metric by its name in the summary; NaN where it is not defined."""
    if name == "null_deviance" or (name == "residual_deviance" and name in m):
        return float(m[name])
    if name == "aic":
        return float(m.get("AIC", math.nan))
    if name == "loglikelihood":
        return math.nan
    if name == "r2":
        return float(m.r2())
    if name in _DIRECT:
        return float(stopping_value(m, _DIRECT[name] or name))
    cm = m["cm"]
    return math.nan if cm is None else _of_counts(cm, name)


def _of_counts(cm: ConfusionMatrix, name: str) -> float:
    """A metric of the predicted classes; two classes are predicted at the threshold of the best F1."""
    total = float(cm.counts.sum())
    match name:
        case "err":
            return cm.error
        case "accuracy":
            return 1.0 - cm.error
        case "err_count":
            return total - float(np.trace(cm.counts))
        case "mean_per_class_error":
            return cm.mean_per_class_error
        case "mean_per_class_accuracy":
            return 1.0 - cm.mean_per_class_error
        case "max_per_class_error":
            return float(cm.class_errors.max())
    (tn, fp), (fn, tp) = cm.counts.tolist()
    match name:
        case "precision":
            return _ratio(tp, tp + fp)
        case "recall":
            return _ratio(tp, tp + fn)
        case "specificity":
            return _ratio(tn, tn + fp)
        case "mcc":
            return _ratio(tp * tn - fp * fn, math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))
    beta = {"f0point5": 0.25, "f1": 1.0, "f2": 4.0}[name]
    return _ratio((1 + beta) * tp, (1 + beta) * tp + beta * fn + fp)


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan
