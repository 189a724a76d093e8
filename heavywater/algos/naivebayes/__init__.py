"""Naive Bayes (H2O's `naivebayes`).

Reading order: `params`, `train`, `model`.
"""

from heavywater.algos.naivebayes.model import NaiveBayesModel, build_model, expected_arrays
from heavywater.algos.naivebayes.params import NaiveBayesParams as Params
from heavywater.algos.naivebayes.train import check_data, train

FULL_NAME = "Naive Bayes"
LABEL = "NaiveBayes"

__all__ = ["FULL_NAME", "LABEL", "NaiveBayesModel", "Params", "build_model", "check_data", "expected_arrays", "train"]
