"""When training should stop: the rules on scores, and what other settings of early stopping would have done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from heavywater.algos.deeplearning.history import Event, value_of
from heavywater.errors import H2OValueError, did_you_mean
from heavywater.metrics import bounded_by_zero, more_is_better
from heavywater.metrics.early_stopping import has_converged, moving_averages

_AUTOMATIC = {"AutoEncoder": "MSE", "Regression": "deviance"}


def stopping_metric(p: Any, category: str) -> str:
    """The metric that decides, with AUTO replaced by what it stands for."""
    automatic = _AUTOMATIC.get(category, "logloss")
    return automatic if p.stopping_metric in (None, "AUTO") else str(p.stopping_metric)


def reason_to_stop(p: Any, category: str, event: Event, history: Sequence[Mapping[str, float]]) -> str:
    """The rule by which training ends after this scoring, as a sentence with its numbers; empty when it goes on.

    Parameters
    ----------
    p : DeepLearningParams
        Parameters in force.
    category : str
        Binomial, Multinomial, Regression or AutoEncoder.
    event : Event
        The scoring.
    history : sequence of mapping
        Stopping metrics of all scorings, this one included (``stopping_history`` of the model).
    """
    if category in ("Binomial", "Multinomial"):
        error = value_of(event.train, "misclassification")
        if error <= p.classification_stop:
            return f"the training error {error:.6g} reached classification_stop={p.classification_stop:g}"
    else:
        mse = value_of(event.train, "MSE")
        if mse <= p.regression_stop:
            return f"the training MSE {mse:.6g} reached regression_stop={p.regression_stop:g}"
    name = stopping_metric(p, category)
    values = [v.get(name, math.nan) for v in history]
    if _converged(values, p.stopping_rounds, name, p.stopping_tolerance):
        where = "validation" if event.valid is not None else "training"
        return f"early stopping: {_sentence(values, p.stopping_rounds, f'{where} {name}', p.stopping_tolerance)}"
    return ""


def would_stop(
    history: Sequence[Mapping[str, float]],
    rounds: int,
    metric: str = "AUTO",
    tolerance: float = 0.0,
    epochs: Sequence[float] | None = None,
) -> str:
    """What early stopping with other settings would have done, in a sentence with its numbers.

    Parameters
    ----------
    history : sequence of mapping
        ``stopping_history`` of a model: for every scoring the stopping metrics by name; empty for an untrained network.
    rounds, metric, tolerance
        As the parameters ``stopping_rounds``, ``stopping_metric`` and ``stopping_tolerance``.
    epochs : sequence of float, optional
        Epochs at each scoring, to say when.

    Raises
    ------
    H2OValueError
        The metric is not in the history, or a setting is out of range.
    """
    if rounds < 0 or not 0 <= tolerance < 1:
        raise H2OValueError(
            f"stopping_rounds must be >= 0 and stopping_tolerance in [0, 1); got {rounds} and {tolerance}"
        )
    known = list(dict.fromkeys(k for v in history for k in v))
    name = _known_metric(metric, known)
    if rounds == 0:
        return "stopping_rounds=0 turns early stopping off"
    values = [float(v.get(name, math.nan)) for v in history]
    settings = f"stopping_rounds={rounds}, stopping_metric={name}, stopping_tolerance={tolerance:g}"
    for n in range(2 * rounds + 1, len(values) + 1):
        if _converged(values[:n], rounds, name, tolerance):
            when = f"scoring {n - 1} of {len(values) - 1}"
            when += "" if epochs is None else f", at {epochs[n - 1]:.2f} epochs"
            found = _sentence(values[:n], rounds, name, tolerance)
            return f"with {settings} training would have stopped at {when}: {found}"
    if len(values) - 1 < 2 * rounds:
        there = f"that takes {2 * rounds} scorings, there are {len(values) - 1}"
        return f"with {settings} training would not have stopped: {there}"
    reference, *recent = moving_averages(values, rounds)
    if any(math.isnan(a) for a in (reference, *recent)):
        return f"with {settings} training would not have stopped: {name} is not known for every scoring"
    best = max(recent) if more_is_better(name) else min(recent)
    return (
        f"with {settings} training would not have stopped: at the end the best of the last {rounds} moving averages of "
        f"{name}, {best:.6g}, was better than the one before them, {reference:.6g}"
    )


def _converged(values: Sequence[float], rounds: int, name: str, tolerance: float) -> bool:
    return has_converged(
        values, rounds, tolerance, more_is_better=more_is_better(name), bounded_by_zero=bounded_by_zero(name)
    )


def _sentence(values: Sequence[float], rounds: int, what: str, tolerance: float) -> str:
    return (
        f"the moving average of the {what} over {rounds} scorings has not improved by more than {tolerance:g} in "
        f"{rounds} scorings (now {values[-1]:.6g})"
    )


def _known_metric(metric: str, known: Sequence[str]) -> str:
    asked = str(metric).lower()
    if asked == "auto":
        return next((m for m in ("logloss", "deviance", "MSE") if m in known), known[0] if known else "MSE")
    asked = {"lift_top_gain": "lift_top_group"}.get(asked, asked)
    for name in known:
        if name.lower() == asked:
            return name
    raise H2OValueError(
        f"the model's history has no {metric!r}{did_you_mean(metric, known)}; it has {', '.join(known)}"
    )
