"""Deep Learning: multi-layer feed-forward networks on tables (H2O's `deeplearning`).

Reading order: `params`, `rules`, `resolve`; `data` with `rows`, `response` and `scored_frames`; `start`, `train`,
`engines`; `scoring` with `custom`, `history`, `stopping`, `divergence`; `result` with `tables`; `model`, `manifest`.
"""

from heavywater.algos.deeplearning.checks import check_data
from heavywater.algos.deeplearning.model import DeepLearningModel, build_model, expected_arrays
from heavywater.algos.deeplearning.params import DeepLearningParams as Params
from heavywater.algos.deeplearning.train import train

FULL_NAME = "DeepLearning"
LABEL = "DeepLearning"

__all__ = ["FULL_NAME", "LABEL", "DeepLearningModel", "Params", "build_model", "check_data", "expected_arrays", "train"]
