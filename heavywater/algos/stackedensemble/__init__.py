"""Stacked ensembles (H2O's `stackedensemble`): a model that learns from what other models predict.

Reading order: `params`, `train`, `model`.
"""

from heavywater.algos.stackedensemble.model import StackedEnsembleModel, build_model, expected_arrays
from heavywater.algos.stackedensemble.params import StackedEnsembleParams as Params
from heavywater.algos.stackedensemble.train import check_data, train

FULL_NAME = "StackedEnsemble"
LABEL = "StackedEnsemble"

__all__ = [
    "FULL_NAME", "LABEL", "Params", "StackedEnsembleModel", "build_model", "check_data", "expected_arrays", "train",
]  # fmt: skip
