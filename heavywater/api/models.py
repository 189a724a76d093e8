"""Models: `deeplearning`, `save_model`, `load_model`, `predict`, `make_metrics`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heavywater.api.objects import get_model
from heavywater.engine import session
from heavywater.errors import H2OTypeError, H2OValueError, did_you_mean
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.estimators.registry import estimator_class, estimator_of
from heavywater.frame import Frame
from heavywater.h2oframe import H2OFrame
from heavywater.metrics import ModelMetrics, binomial, multinomial, regression


def deeplearning(
    x: Any = None,
    y: Any = None,
    training_frame: H2OFrame | None = None,
    validation_frame: H2OFrame | None = None,
    **params: Any,
) -> H2ODeepLearningEstimator:
    """Train a Deep Learning model in one call, as in the booklet's first edition.

    Parameters
    ----------
    x, y, training_frame, validation_frame
        As in `H2OEstimator.train`.
    **params
        Parameters of `H2ODeepLearningEstimator`; ``autoencoder=True`` for an autoencoder.
    """
    kind = H2OAutoEncoderEstimator if params.pop("autoencoder", False) else H2ODeepLearningEstimator
    model = kind(**params)
    model.train(x=x, y=y, training_frame=training_frame, validation_frame=validation_frame)
    return model


def gbm(
    x: Any = None,
    y: Any = None,
    training_frame: H2OFrame | None = None,
    validation_frame: H2OFrame | None = None,
    **params: Any,
) -> H2OEstimator:
    """Train gradient boosted trees in one call; the parameters are those of `H2OGradientBoostingEstimator`."""
    model = estimator_class("gbm")(**params)
    return model.train(x=x, y=y, training_frame=training_frame, validation_frame=validation_frame)


def glm(
    x: Any = None,
    y: Any = None,
    training_frame: H2OFrame | None = None,
    validation_frame: H2OFrame | None = None,
    **params: Any,
) -> H2OEstimator:
    """Fit a generalised linear model in one call; the parameters are those of `H2OGeneralizedLinearEstimator`."""
    model = estimator_class("glm")(**params)
    return model.train(x=x, y=y, training_frame=training_frame, validation_frame=validation_frame)


def save_model(
    model: H2OEstimator,
    path: str | os.PathLike[str] = "",
    force: bool = False,
    filename: str | None = None,
    **ignored: Any,
) -> str:
    """Save a model into the folder `path` as one file, named after the model unless `filename` is given.

    Returns
    -------
    str
        Absolute path of the file.

    Raises
    ------
    H2OValueError
        When the file exists and `force` is False.
    """
    target = Path(path or ".") / str(filename or _estimator(model).key)
    return str(session.current().save_model(_estimator(model)._trained(), target, force=force, parents=True))


def load_model(path: str | os.PathLike[str]) -> H2OEstimator:
    """Load a model saved by `save_model`.

    Raises
    ------
    ModelFileError
        When the file is damaged, hostile or of an unknown version.
    """
    return estimator_of(session.current().load_model(path))


def download_model(
    model: H2OEstimator, path: str | os.PathLike[str] = "", filename: str | None = None, **ignored: Any
) -> str:
    """Save a model to this machine; the same as `save_model` with ``force=True`` where the engine is in this process."""
    target = Path(path or ".") / str(filename or _estimator(model).key)
    return str(session.current().download_model(_estimator(model)._trained(), target, force=True, parents=True))


def upload_model(path: str | os.PathLike[str]) -> H2OEstimator:
    """Load a model from this machine; the same as `load_model` where the engine is in this process."""
    return estimator_of(session.current().upload_model(path))


def predict(model: H2OEstimator, frame: H2OFrame) -> H2OFrame:
    """Predictions of `model` for every row of `frame`."""
    return _estimator(model).predict(frame)


def make_metrics(
    predicted: H2OFrame,
    actual: H2OFrame,
    domain: Sequence[str] | None = None,
    distribution: str | None = None,
    weights: H2OFrame | None = None,
    auc_type: str = "NONE",
) -> ModelMetrics:
    """Metrics of predictions made by anything.

    Parameters
    ----------
    predicted : H2OFrame
        One column of numbers for regression; the probability of the second class for two classes; one probability per
        class otherwise.
    actual : H2OFrame
        The response as one column; numbers together with a `domain` are class indices.
    domain : sequence of str, optional
        Class names in the order of the probabilities; by default the levels of a categorical `actual`.
    distribution : str, optional
        For regression: whose deviance is computed; gaussian when None.
    weights : H2OFrame, optional
        A weight per row.
    auc_type : str
        AUC of more than two classes: MACRO_OVR, WEIGHTED_OVR, MACRO_OVO or WEIGHTED_OVO.

    Raises
    ------
    H2OValueError
        Frames that do not fit together.
    """
    truth, guess = _only_frame(actual, "actual"), _only_frame(predicted, "predicted")
    if truth.ncol != 1:
        raise H2OValueError(f"actual must be one column; it has {truth.ncol}")
    if truth.nrow != guess.nrow:
        raise H2OValueError(f"actual has {truth.nrow} rows, predicted {guess.nrow}")
    w = None if weights is None else _only_frame(weights, "weights").numeric(weights.names[0])
    levels = list(domain) if domain is not None else truth.levels(truth.names[0])
    numbers = np.stack([guess.numeric(n) for n in guess.names], axis=1)
    if levels is None:
        if guess.ncol != 1:
            raise H2OValueError(f"a numeric actual column needs one column of predictions; got {guess.ncol}")
        kind = (distribution or "gaussian").lower()
        if kind not in _DISTRIBUTIONS:
            raise H2OValueError(f"no distribution {distribution!r}{did_you_mean(kind, _DISTRIBUTIONS)}")
        return regression(truth.numeric(truth.names[0]), numbers[:, 0], distribution=kind, weights=w)
    codes = _class_indices(truth, levels)
    if len(levels) == 2 and guess.ncol == 1:
        return binomial(codes, numbers[:, 0], domain=levels, weights=w)
    if guess.ncol != len(levels):
        raise H2OValueError(f"{len(levels)} classes need {len(levels)} columns of probabilities; got {guess.ncol}")
    return multinomial(codes, numbers, domain=levels, weights=w, auc_type=auc_type)


_DISTRIBUTIONS = ("gaussian", "poisson", "gamma", "laplace", "tweedie", "quantile", "huber")


def _class_indices(truth: Frame, levels: list[str]) -> np.ndarray:
    """Index of every row's class in `levels`, -1 where missing."""
    name = truth.names[0]
    own = truth.levels(name)
    if own is None:
        values = truth.numeric(name)
        known = np.isin(values, range(len(levels))) | np.isnan(values)
        if not known.all():
            raise H2OValueError(f"actual holds {values[~known][0]:g}, which is no class index of {len(levels)} classes")
        return np.nan_to_num(values, nan=-1.0).astype(np.int64)
    strange = [v for v in own if v not in levels]
    if strange:
        raise H2OValueError(f"actual holds the class {strange[0]!r}, which is not in the domain {levels}")
    places = np.array([*(levels.index(v) for v in own), -1])
    return places[truth.codes(name)]


def _only_frame(value: Any, what: str) -> Frame:
    if not isinstance(value, H2OFrame):
        raise H2OTypeError(f"{what} must be an H2OFrame; got {type(value).__name__}")
    return value._frame()


def _estimator(model: Any) -> H2OEstimator:
    if isinstance(model, str):
        return get_model(model)
    if isinstance(model, H2OEstimator):
        return model
    raise H2OTypeError(f"a trained model or its key is needed; got {type(model).__name__}")
