"""Estimators under H2O's names."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from heavywater.errors import NotSupported

if TYPE_CHECKING:
    from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
    from heavywater.estimators.deepwater import H2ODeepWaterEstimator
    from heavywater.estimators.gbm import H2OGradientBoostingEstimator
    from heavywater.estimators.generic import H2OGenericEstimator
    from heavywater.estimators.glm import H2OGeneralizedLinearEstimator
    from heavywater.estimators.naive_bayes import H2ONaiveBayesEstimator
    from heavywater.estimators.random_forest import H2ORandomForestEstimator
    from heavywater.estimators.stackedensemble import H2OStackedEnsembleEstimator

__all__ = [
    "H2OAutoEncoderEstimator", "H2ODeepLearningEstimator", "H2ODeepWaterEstimator", "H2OGeneralizedLinearEstimator",
    "H2OGenericEstimator", "H2OGradientBoostingEstimator", "H2ONaiveBayesEstimator", "H2ORandomForestEstimator",
    "H2OStackedEnsembleEstimator",
]  # fmt: skip

_MODULES = {
    "H2OAutoEncoderEstimator": "deeplearning", "H2ODeepLearningEstimator": "deeplearning",
    "H2ODeepWaterEstimator": "deepwater", "H2OGradientBoostingEstimator": "gbm",
    "H2OGeneralizedLinearEstimator": "glm", "H2OGenericEstimator": "generic", "H2ONaiveBayesEstimator": "naive_bayes",
    "H2ORandomForestEstimator": "random_forest",
    "H2OStackedEnsembleEstimator": "stackedensemble",
}  # fmt: skip
"""Where each estimator stands; imported when it is asked for."""

_ELSEWHERE = {
    "xgboost": "H2OXGBoostEstimator", "kmeans": "H2OKMeansEstimator",
    "pca": "H2OPrincipalComponentAnalysisEstimator",
    "isolation_forest": "H2OIsolationForestEstimator", "word2vec": "H2OWord2vecEstimator",
}  # fmt: skip
"""Modules of H2O's estimators that this version lacks, with their classes."""


class MissingAlgorithm(NotSupported, AttributeError):
    """An algorithm of H2O that this version does not have."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"heavywater.estimators.{_MODULES[name]}"), name)
    if name in _MODULES.values():
        return import_module(f"heavywater.estimators.{name}")
    if name in _ELSEWHERE or name in _ELSEWHERE.values():
        raise MissingAlgorithm(
            f"{name}: this algorithm of H2O is not part of this version of heavywater, which has deeplearning, deepwater, "
            "drf, gbm, glm, naivebayes and stackedensemble"
        )
    raise AttributeError(f"module 'heavywater.estimators' has no attribute {name!r}")
