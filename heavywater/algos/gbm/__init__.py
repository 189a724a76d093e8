"""Gradient boosting of trees (H2O's `gbm`), grown by LightGBM.

Reading order: `params`, `train`, `forest`, `model`.
"""

from heavywater.algos.gbm.model import GBMModel, build_model, expected_arrays
from heavywater.algos.gbm.params import GBMParams as Params
from heavywater.algos.gbm.train import check_data, train

FULL_NAME = "GBM"
LABEL = "GBM"

__all__ = ["FULL_NAME", "LABEL", "GBMModel", "Params", "build_model", "check_data", "expected_arrays", "train"]
