"""Estimators under H2O's names."""

from typing import Any

from heavywater.errors import NotSupported
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from heavywater.estimators.deepwater import H2ODeepWaterEstimator

__all__ = ["H2OAutoEncoderEstimator", "H2ODeepLearningEstimator", "H2ODeepWaterEstimator"]

_ELSEWHERE = {
    "glm": "H2OGeneralizedLinearEstimator", "gbm": "H2OGradientBoostingEstimator",
    "random_forest": "H2ORandomForestEstimator", "xgboost": "H2OXGBoostEstimator", "kmeans": "H2OKMeansEstimator",
    "naive_bayes": "H2ONaiveBayesEstimator", "pca": "H2OPrincipalComponentAnalysisEstimator",
    "stackedensemble": "H2OStackedEnsembleEstimator",
    "isolation_forest": "H2OIsolationForestEstimator", "word2vec": "H2OWord2vecEstimator",
}  # fmt: skip
"""Modules of H2O's estimators that this version lacks, with their classes."""


class MissingAlgorithm(NotSupported, AttributeError):
    """An algorithm of H2O that this version does not have."""


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE or name in _ELSEWHERE.values():
        raise MissingAlgorithm(
            f"{name}: this algorithm of H2O is not part of this version of heavywater, which has deeplearning"
        )
    raise AttributeError(f"module 'heavywater.estimators' has no attribute {name!r}")
