"""Random forests (H2O's `drf`), grown by LightGBM, one tree at a time on rows of its own.

Reading order: `params`, `train`, `model`; trees as arrays are those of `gbm`.
"""

from heavywater.algos.drf.model import DRFModel, build_model, expected_arrays
from heavywater.algos.drf.params import DRFParams as Params
from heavywater.algos.drf.train import check_data, train

FULL_NAME = "DRF"
LABEL = "DRF"

__all__ = ["FULL_NAME", "LABEL", "DRFModel", "Params", "build_model", "check_data", "expected_arrays", "train"]
