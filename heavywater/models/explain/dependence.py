"""Partial dependence and individual conditional expectation (Friedman 2001; Goldstein et al. 2015)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heavywater.display.table import Table
from heavywater.errors import H2OTypeError, H2OValueError, did_you_mean
from heavywater.frame import Frame
from heavywater.models.explain.columns import with_value
from heavywater.models.model import Model

Answers = Callable[[Model, Frame], np.ndarray]
"""Predictions of a model for a frame: ``(n, classes)`` probabilities, or ``(n, 1)`` numbers."""
NA_LABEL = ".missing(NA)"


@dataclass(frozen=True)
class Grid:
    """The values at which one column is held: `values` for the model (None: missing), `labels` for people."""

    column: str
    values: list[Any]
    labels: list[Any]
    categorical: bool


def grid_of(frame: Frame, column: str, nbins: int, include_na: bool, given: Sequence[Any] | None) -> Grid:
    """Values of a column at which to look: all levels, or `nbins` numbers from its smallest to its largest.

    Raises
    ------
    H2OValueError
        More levels than bins, no value at all, or `given` values that the column cannot have.
    """
    levels = frame.levels(column)
    kind = frame.kind(column)
    if kind in ("string", "uuid"):
        raise H2OTypeError(f"column {column!r} is {kind}; dependence needs numbers, categories or times")
    if levels is not None:
        if given is not None:
            wrong = [v for v in given if v not in levels]
            if wrong:
                raise H2OValueError(f"column {column!r} has no level {wrong[0]!r}{did_you_mean(str(wrong[0]), levels)}")
            levels = list(given)
        elif len(levels) > nbins:
            raise H2OValueError(f"column {column!r} has {len(levels)} levels; nbins must be at least that; got {nbins}")
        values: list[Any] = list(levels)
    elif given is not None:
        if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in given):
            raise H2OTypeError(f"column {column!r} holds numbers; the splits are {list(given)!r}")
        values = [float(v) for v in given]
    else:
        values = _numbers(frame, column, nbins)
    if kind == "time":
        values = [None if v is None else round(v) for v in values]
    labels = list(values)
    if include_na:
        values, labels = [*values, None], [*labels, NA_LABEL if levels is not None else math.nan]
    return Grid(column, values, labels, levels is not None)


def _numbers(frame: Frame, column: str, nbins: int) -> list[float]:
    x = frame.numeric(column)
    x = x[np.isfinite(x)]
    if not len(x):
        raise H2OValueError(f"column {column!r} has no values")
    low, high = float(x.min()), float(x.max())
    if low == high:
        return [low]
    if frame.kind(column) == "int" and high - low + 1 <= nbins:
        return [low + i for i in range(int(high - low) + 1)]
    return [float(v) for v in np.linspace(low, high, nbins)]


def partial_dependence(
    model: Model,
    frame: Frame,
    answers: Answers,
    grids: Sequence[Grid],
    *,
    weights: np.ndarray | None = None,
    target: int | None = None,
) -> Table:
    """Mean prediction over the rows of `frame` while one or two columns are held at each of their values.

    Parameters
    ----------
    model : Model
    frame : Frame
    answers : callable
    grids : sequence of one or two Grid
    weights : ndarray of float64, optional
        A weight per row.
    target : int, optional
        Index of the class whose probability is averaged; the second of two classes, or the number, when None.

    Returns
    -------
    Table
        The held values, ``mean_response``, ``stddev_response`` (over the rows), ``std_error_mean_response``.
    """
    rows = []
    outer = grids[0]
    for value, label in zip(outer.values, outer.labels):
        held = with_value(frame, outer.column, value)
        if len(grids) == 1:
            rows.append([label, *_moments(response(model, answers(model, held), target), weights)])
            continue
        inner = grids[1]
        for second, second_label in zip(inner.values, inner.labels):
            both = with_value(held, inner.column, second)
            rows.append([label, second_label, *_moments(response(model, answers(model, both), target), weights)])
    names = [g.column for g in grids]
    types = ["string" if g.categorical else "double" for g in grids]
    columns = [*names, "mean_response", "stddev_response", "std_error_mean_response"]
    where = f"column{'s' * (len(names) - 1)} {' and '.join(map(repr, names))}"
    text = f"Partial Dependence Plot of model {model.key} on {where}"
    if target is not None:
        text += f" for class {model_classes(model)[target]!r}"
    return Table("PartialDependence", columns, [*types, "double", "double", "double"], rows, description=text)


def individual_curves(
    model: Model, frame: Frame, answers: Answers, grid: Grid, *, target: int | None = None
) -> np.ndarray:
    """The prediction for every row at each value of a column; ``(rows, values)``."""
    curves = [response(model, answers(model, with_value(frame, grid.column, v)), target) for v in grid.values]
    return np.stack(curves, axis=1)


def response(model: Model, answers: np.ndarray, target: int | None) -> np.ndarray:
    """The column of a model's answers that is looked at."""
    if target is not None:
        return answers[:, target]
    return answers[:, 1] if model.category == "Binomial" else answers[:, 0]


def model_classes(model: Model) -> list[str]:
    """Classes of a classifier."""
    return list(model.output["domains"][-1] or [])


def target_index(model: Model, target: str | None) -> int | None:
    """Index of the class called `target`; several classes need one.

    Raises
    ------
    H2OValueError
        No such class, or none given for a model with several.
    """
    classes = model_classes(model) if model.category in ("Binomial", "Multinomial") else []
    if target is None:
        if model.category == "Multinomial":
            raise H2OValueError(f"a model of several classes needs targets=, one or more of {', '.join(classes[:20])}")
        return None
    if not classes:
        raise H2OValueError(f"targets are for classifiers; this model is {model.category}")
    if target not in classes:
        raise H2OValueError(f"there is no class {target!r}{did_you_mean(str(target), classes)}")
    return classes.index(target)


def splits_of(given: Mapping[str, Sequence[Any]] | None, columns: Sequence[str]) -> dict[str, Sequence[Any]]:
    """The values asked for by column, checked."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise H2OTypeError(f"user_splits must map columns to lists of values; got {type(given).__name__}")
    for name, values in given.items():
        if name not in columns:
            raise H2OValueError(f"user_splits names {name!r}, which is not among the columns {', '.join(columns)}")
        if isinstance(values, (str, bytes)) or not isinstance(values, Sequence) or not values:
            raise H2OValueError(f"user_splits[{name!r}] needs a list of at least one value; got {values!r}")
    return dict(given)


def _moments(values: np.ndarray, weights: np.ndarray | None) -> tuple[float, float, float]:
    """Weighted mean, standard deviation (n - 1) and standard error of the mean, over rows of weight > 0."""
    w = np.ones(len(values)) if weights is None else weights
    n, total = int((w > 0).sum()), float(w.sum())
    if not n:
        return math.nan, math.nan, math.nan
    mean = float((w * values).sum() / total)
    if n == 1:
        return mean, 0.0, 0.0
    deviation = math.sqrt(float((w * (values - mean) ** 2).sum() / total) * n / (n - 1))
    return mean, deviation, deviation / math.sqrt(n)
