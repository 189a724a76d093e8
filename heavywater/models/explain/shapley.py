"""Shapley values by the library ``shap`` (Lundberg and Lee 2017), for models that read a frame."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import NotSupported
from heavywater.frame import Frame
from heavywater.models.explain.columns import check_has, predictors, sampled
from heavywater.models.explain.dependence import Answers, response
from heavywater.models.model import Model

BIAS = "BiasTerm"
_EXACT_UP_TO = 10
"""Below so many columns every coalition is looked at; above, orders are sampled."""


def contributions(
    model: Model,
    frame: Frame,
    background: Frame,
    answers: Answers,
    *,
    target: int | None = None,
    samples: int = 100,
    seed: int = 1,
) -> Frame:
    """How much each column moves the prediction of each row away from the mean over `background`.

    Parameters
    ----------
    model : Model
    frame : Frame
        Rows to explain.
    background : Frame
        Rows that stand for "nothing known"; at most `samples` of them are used.
    answers : callable
        Predictions of a model for a frame.
    target : int, optional
        Index of the class whose probability is explained.

    Returns
    -------
    Frame
        One column per predictor and ``BiasTerm``; the columns of a row sum to its prediction (a probability for
        classifiers).

    Raises
    ------
    NotSupported
        When ``shap`` is not installed.
    """
    try:
        with warnings.catch_warnings():  # the library and matplotlib warn about each other while they load
            warnings.simplefilter("ignore")
            import shap
    except ImportError:
        raise NotSupported("Shapley values need the library shap; install heavywater[shap]") from None
    names = predictors(model)
    for rows in (frame, background):
        check_has(rows, names)
    rebuild = _rebuilder(frame, names)
    reference = _matrix(sampled(background, samples, np.random.default_rng(seed)), names, frame)

    def predict(x: np.ndarray) -> np.ndarray:
        return response(model, answers(model, rebuild(x)), target)

    masker = shap.maskers.Independent(reference, max_samples=len(reference))
    kind = "exact" if len(names) <= _EXACT_UP_TO else "permutation"
    explainer = shap.Explainer(predict, masker, algorithm=kind, seed=seed)
    options: dict[str, Any] = {"silent": True} if kind == "permutation" else {}
    found = explainer(_matrix(frame, names, frame), **options)
    bias = np.broadcast_to(np.asarray(found.base_values, dtype=np.float64), (frame.nrow,))
    columns = {n: np.ascontiguousarray(found.values[:, i], dtype=np.float64) for i, n in enumerate(names)}
    return Frame.of(pl.DataFrame({**columns, BIAS: np.array(bias)}))


def _matrix(rows: Frame, names: list[str], like: Frame) -> np.ndarray:
    """Columns as numbers: level indices in the levels of `like`, milliseconds, NaN where missing."""
    columns = []
    for n in names:
        levels = like.levels(n)
        if levels is not None and rows.levels(n) not in (None, levels):
            own = rows.levels(n) or []
            places = np.array([*(levels.index(v) if v in levels else np.nan for v in own), np.nan])
            columns.append(places[rows.codes(n)])
        else:
            columns.append(rows.numeric(n))
    return np.stack(columns, axis=1)


def _rebuilder(like: Frame, names: list[str]) -> Callable[[np.ndarray], Frame]:
    """The way back from numbers to a frame with the column types of `like`."""
    types = {n: like.column(n).dtype for n in names}

    def column(name: str, x: np.ndarray) -> pl.Series:
        numbers = pl.Series(name, np.ascontiguousarray(x, dtype=np.float64)).fill_nan(None)
        kind = types[name]
        if isinstance(kind, pl.Enum):
            levels = pl.Series(kind.categories.to_list(), dtype=kind)
            return levels.gather(numbers.cast(pl.UInt32)).alias(name)
        return numbers.cast(pl.Int64).cast(kind) if isinstance(kind, pl.Datetime) else numbers

    return lambda x: Frame(pl.DataFrame([column(n, x[:, i]) for i, n in enumerate(names)]))
