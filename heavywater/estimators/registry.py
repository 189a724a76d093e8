"""Which estimator belongs to which algorithm; classes are imported when they are asked for."""

from __future__ import annotations

import dataclasses
import importlib

from heavywater.errors import NotFound, did_you_mean
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.models.model import Model

ESTIMATORS: dict[str, tuple[str, str]] = {
    "deeplearning": ("heavywater.estimators.deeplearning", "H2ODeepLearningEstimator"),
    "deepwater": ("heavywater.estimators.deepwater", "H2ODeepWaterEstimator"),
    "drf": ("heavywater.estimators.random_forest", "H2ORandomForestEstimator"),
    "gbm": ("heavywater.estimators.gbm", "H2OGradientBoostingEstimator"),
    "glm": ("heavywater.estimators.glm", "H2OGeneralizedLinearEstimator"),
    "naivebayes": ("heavywater.estimators.naive_bayes", "H2ONaiveBayesEstimator"),
    "stackedensemble": ("heavywater.estimators.stackedensemble", "H2OStackedEnsembleEstimator"),
}
"""Algorithm → module and class of its estimator."""


def estimator_class(algo: str) -> type[H2OEstimator]:
    """The estimator of an algorithm by its H2O name."""
    if algo not in ESTIMATORS:
        raise NotFound(f"there is no algorithm {algo!r}{did_you_mean(algo, ESTIMATORS)}")
    module, name = ESTIMATORS[algo]
    kind: type[H2OEstimator] = getattr(importlib.import_module(module), name)
    return kind


def estimator_of(model: object) -> H2OEstimator:
    """The estimator around a model that was loaded or found in the session."""
    assert isinstance(model, Model)
    kind = estimator_class(model.algo)
    if model.category == "AutoEncoder":
        from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator as kind  # noqa: N813
    known = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    estimator = kind(**{k: v for k, v in model.state.params.items() if k in known})
    estimator._model = model
    return estimator
