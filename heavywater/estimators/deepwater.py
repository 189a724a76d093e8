"""Deep Water's estimator, under H2O's name."""

from __future__ import annotations

from typing import Any

from heavywater.algos.deepwater.model import DeepWaterModel
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.engine import session
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.h2oframe import H2OFrame


class H2ODeepWaterEstimator(H2OEstimator, DeepWaterParams):
    """A convolutional or other network on images or tables, trained in PyTorch.

    The parameters are those of `DeepWaterParams`; `train` takes columns and frames.
    Source: booklet "Deep Learning with Deep Water" (June 2017).

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.estimators.deepwater import H2ODeepWaterEstimator
    >>> frame = h2o.H2OFrame({"a": [0, 1, 0, 1] * 25, "b": [0, 0, 1, 1] * 25, "y": ["n", "p", "p", "n"] * 25})
    >>> model = H2ODeepWaterEstimator(hidden=[8], epochs=2, seed=1, gpu=False)
    >>> model.train(x=["a", "b"], y="y", training_frame=frame).predict(frame).shape
    (100, 3)
    """

    algo = "deepwater"

    @staticmethod
    def available() -> bool:
        """Whether a Deep Water model can be built here; prints why not."""
        from heavywater.algos.deepwater.build import torch_module
        from heavywater.errors import NotSupported

        try:
            torch_module()
        except NotSupported as e:
            print(f"Cannot build a Deep Water model - no backend found. {e}")
            return False
        return True

    def layers(self) -> list[str]:
        """Names of the layers that `deepfeatures` can give, in the order of computation."""
        return list(session.current().ask(self._trained(), "layers"))

    def deepfeatures(self, test_data: H2OFrame, layer: int | str) -> H2OFrame:
        """Values of the layer `layer` (a name of `layers`) for every row, in columns ``DF.<layer>.C<i>``."""
        return H2OFrame._of(session.current().ask(self._trained(), "deepfeatures", test_data._frame(), layer=layer))

    def use_module(self, module: Any) -> None:
        """Give a loaded model the code of its network, which its user wrote (see the parameter `network_module`)."""
        found = self._trained()
        assert isinstance(found, DeepWaterModel)
        found.use_module(module)
