"""Generalised linear models with elastic-net penalty (H2O's `glm`), fitted by glum and scikit-learn.

Reading order: `params`, `train` with `solve`, `model`.
"""

from heavywater.algos.glm.model import GLMModel, build_model, expected_arrays
from heavywater.algos.glm.params import GLMParams as Params
from heavywater.algos.glm.train import check_data, train

FULL_NAME = "GLM"
LABEL = "GLM"

__all__ = ["FULL_NAME", "LABEL", "GLMModel", "Params", "build_model", "check_data", "expected_arrays", "train"]
