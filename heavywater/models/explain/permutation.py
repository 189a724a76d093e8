"""Permutation importance: how much worse a model becomes when one column is shuffled (Breiman 2001)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import numpy as np

from heavywater.display.table import Table
from heavywater.errors import H2OValueError, did_you_mean
from heavywater.frame import Frame
from heavywater.metrics import ModelMetrics, more_is_better, stopping_value
from heavywater.models.explain.columns import check_has, chosen_predictors, sampled, with_column
from heavywater.models.model import Model

METRICS = ("AUTO", "AUC", "MAE", "MSE", "RMSE", "logloss", "mean_per_class_error", "PR_AUC")
_AUTO = {"Binomial": "AUC", "Multinomial": "logloss", "Regression": "RMSE", "AutoEncoder": "MSE"}
TITLE = "Variable Importances"


def permutation_importance(
    model: Model,
    frame: Frame,
    performance: Callable[[Model, Frame], ModelMetrics],
    *,
    metric: str = "AUTO",
    n_samples: int = 10_000,
    n_repeats: int = 1,
    features: Any = None,
    seed: int = -1,
) -> Table:
    """Importance of columns by the loss of quality when each is shuffled.

    Parameters
    ----------
    model : Model
    frame : Frame
        Rows with the response.
    performance : callable
        Metrics of a model on a frame.
    metric : str
        One of `METRICS`; AUTO is AUC, logloss (several classes), RMSE or (autoencoder) MSE.
    n_samples : int
        Rows used, drawn at random; -1 for all.
    n_repeats : int
        Times each column is shuffled.
    features : str or sequence of str, optional
        Columns; all predictors when None.
    seed : int
        Of sample and shuffles; -1: a new one each time.

    Returns
    -------
    Table
        Most important first.  One repeat: ``Variable``, ``Relative Importance`` (the loss of quality, negative when
        shuffling helps), ``Scaled Importance`` (its share of the largest), ``Percentage`` (of the sum of the positive
        ones).  Several: ``Variable`` and a column ``Run k`` of relative importances for each.
    """
    name = _metric(metric, model)
    names = chosen_predictors(model, features, "features")
    for what, value, low in (("n_samples", n_samples, -1), ("n_repeats", n_repeats, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise H2OValueError(f"{what} must be a whole number >= {low}; got {value!r}")
    check_has(frame, names)
    if frame.nrow < 2 or n_samples in (0, 1):
        raise H2OValueError("permutation importance needs at least two rows")
    random = np.random.default_rng(secrets.randbits(62) if seed == -1 else seed)
    rows = sampled(frame, n_samples, random)
    sign = -1.0 if more_is_better(name) else 1.0
    base = stopping_value(performance(model, rows), name)
    losses = np.empty((len(names), n_repeats))
    for i, column in enumerate(names):
        for k in range(n_repeats):
            mixed = rows.column(column).gather(random.permutation(rows.nrow))
            losses[i, k] = sign * (stopping_value(performance(model, with_column(rows, mixed)), name) - base)
    order = np.argsort(-losses.mean(axis=1), kind="stable")
    return _table([names[i] for i in order], losses[order])


def _metric(metric: str, model: Model) -> str:
    known = {m.lower(): m for m in METRICS}
    if not isinstance(metric, str) or metric.lower() not in known:
        hint = did_you_mean(str(metric), METRICS)
        raise H2OValueError(f"metric must be one of {', '.join(METRICS)}; got {metric!r}{hint}")
    found = known[metric.lower()]
    return _AUTO[model.category] if found == "AUTO" else found


def _table(names: list[str], losses: np.ndarray) -> Table:
    if losses.shape[1] > 1:
        runs = [f"Run {k + 1}" for k in range(losses.shape[1])]
        rows = [[n, *values] for n, values in zip(names, losses.tolist())]
        return Table(TITLE, ["Variable", *runs], ["string", *["double"] * len(runs)], rows)
    relative = losses[:, 0]
    largest, total = relative.max(initial=0.0), np.maximum(relative, 0).sum()
    rows = [
        [n, v, v / largest if largest > 0 else 0.0, max(v, 0.0) / total if total > 0 else 0.0]
        for n, v in zip(names, relative.tolist())
    ]
    columns = ["Variable", "Relative Importance", "Scaled Importance", "Percentage"]
    return Table(TITLE, columns, ["string", "double", "double", "double"], rows)
