"""Deep Water: convolutional and other networks on images and tables, in PyTorch (H2O's `deepwater`).

Reading order: `params`, `rules`, `checks`, `resolve`; `decode`, `images`, `inputs`, `data`; `build`, `optimiser`,
`augment`, `engine`, `processes`; `scoring`, `train`, `result`; `model`, `manifest`, `export`.
"""

from heavywater.algos.deepwater.checks import check_data
from heavywater.algos.deepwater.model import DeepWaterModel, build_model, expected_arrays
from heavywater.algos.deepwater.params import DeepWaterParams as Params
from heavywater.algos.deepwater.train import train

FULL_NAME = "DeepWater"
LABEL = "DeepWater"

__all__ = ["FULL_NAME", "LABEL", "DeepWaterModel", "Params", "build_model", "check_data", "expected_arrays", "train"]
