"""What a fitted linear model tells: deviances, tables of coefficients, its history."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heavywater.algos.deeplearning.response import Response
from heavywater.algos.deeplearning.scoring import measured
from heavywater.algos.glm.solve import Fit
from heavywater.algos.tabular.history import history_table
from heavywater.display.table import Table
from heavywater.metrics import ModelMetrics, stopping_value


def loss(metrics: ModelMetrics) -> float:
    """What a fit makes small: logloss or mean deviance."""
    return float(stopping_value(metrics, "AUTO"))


def deviance(metrics: ModelMetrics) -> float:
    """Mean deviance: for classes twice the logloss."""
    factor = 1.0 if metrics.model_category == "Regression" else 2.0
    return factor * loss(metrics)


def with_deviances(
    metrics: ModelMetrics,
    *,
    family: str,
    rank: int,
    intercept: bool,
    null_answer: Sequence[float],
    response: Response,
    options: Mapping[str, Any],
    actual: np.ndarray,
    weights: np.ndarray | None,
) -> ModelMetrics:
    """The metrics with deviances, degrees of freedom and Akaike's criterion.

    Parameters
    ----------
    metrics : ModelMetrics
        Of the model.
    family : str
    rank : int
        Coefficients other than 0, the intercept included.
    intercept : bool
        Whether there is one.
    null_answer : sequence of float
        What the model of the mean alone answers: shares of the classes, or one number.
    response, options, actual, weights
        As in `measured`.
    """
    answers = np.tile(np.asarray(null_answer, float), (len(actual), 1))
    null = measured(metrics.model_category, response, options, answers, actual, weights)
    known = (actual >= 0) if response.levels is not None else ~np.isnan(actual)
    rows = float(known.sum() if weights is None else weights[known].sum())
    residual = deviance(metrics) * rows
    return metrics.of_linear_model(
        residual_deviance=residual,
        null_deviance=deviance(null) * rows,
        null_degrees_of_freedom=int(rows) - int(intercept),
        residual_degrees_of_freedom=int(rows) - rank,
        AIC=_aic(family, residual, rows, rank),
    )


def _aic(family: str, deviance: float, rows: float, rank: int) -> float:
    """Akaike's information criterion where the likelihood follows from the deviance."""
    if family in ("binomial", "multinomial"):
        return deviance + 2.0 * rank
    if family == "gaussian" and deviance > 0 and rows > 0:
        return rows * (float(np.log(2.0 * np.pi * deviance / rows)) + 1.0) + 2.0 * (rank + 1)
    return math.nan


def history_entry(fit: Fit, rows: float, mean_deviance: float) -> dict[str, Any]:
    """How far a fit came; the likelihood is told up to what depends on the response alone."""
    squares, sizes = float((fit.beta**2).sum()), float(np.abs(fit.beta).sum())
    penalty = fit.strength * (fit.alpha * sizes + (1.0 - fit.alpha) / 2.0 * squares)
    return {
        "iterations": fit.iterations,
        "negative_log_likelihood": mean_deviance * rows / 2.0,
        "objective": mean_deviance / 2.0 + penalty,
        "alpha": fit.alpha,
        "lambda": fit.strength,
        "deviance_train": mean_deviance,
    }


def null_entry(rows: float, null_deviance: float) -> dict[str, Any]:
    """The history's first row: the mean alone."""
    objective = null_deviance / 2.0 / rows if rows else math.nan
    return {"iterations": 0, "negative_log_likelihood": null_deviance / 2.0, "objective": objective}


def history(entries: Sequence[Mapping[str, Any]], category: str, valid: bool, whole: bool) -> Table:
    """The table "Scoring History"; with `whole` each tried strength has its row, else there are beginning and end."""
    steps = {"iterations": "int", "negative_log_likelihood": "double", "objective": "double"}
    if whole:
        steps |= {"alpha": "double", "lambda": "double", "deviance_train": "double"}
    return history_table(entries, steps, category, valid)


def magnitudes(names: Sequence[str], beta: np.ndarray) -> Table:
    """Sizes of the standardised coefficients, the largest first, and their signs (of the sum over classes)."""
    sizes, signs = np.abs(beta).sum(axis=0), beta.sum(axis=0)
    order = np.argsort(-sizes, kind="stable")
    rows = [[names[i], float(sizes[i]), "NEG" if signs[i] < 0 else "POS"] for i in order]
    return Table(
        "Standardized Coefficient Magnitudes", ["names", "coefficients", "sign"], ["string", "double", "string"], rows,
        "standardized coefficient magnitudes",
    )  # fmt: skip
