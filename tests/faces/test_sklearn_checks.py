"""scikit-learn's own checks of estimators."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from heavywater.sklearn import DeepLearningAutoencoder, DeepLearningClassifier, DeepLearningRegressor

SMALL = {"hidden": (10,), "epochs": 30, "seed": 1, "reproducible": True}
ORDER = "rows are learned one by one, so a repeated row comes at another time than a row of double weight"
EXPECTED = {
    "DeepLearningClassifier": {
        "check_sample_weight_equivalence_on_dense_data": ORDER,
        "check_sample_weight_equivalence_on_sparse_data": ORDER,
    },
    "DeepLearningRegressor": {
        "check_sample_weight_equivalence_on_dense_data": ORDER,
        "check_sample_weight_equivalence_on_sparse_data": ORDER,
    },
    "DeepLearningAutoencoder": {},
}
"""Checks that fail, and why they have to."""


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        DeepLearningClassifier(**SMALL),
        DeepLearningRegressor(**SMALL),
        DeepLearningAutoencoder(**SMALL, activation="Tanh"),
    ],
    expected_failed_checks=lambda estimator: EXPECTED[type(estimator).__name__],
)
def test_checks(estimator, check):
    check(estimator)
