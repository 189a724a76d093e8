"""Stacked ensembles, under H2O's names."""

from __future__ import annotations

from typing import Any

from heavywater.algos.stackedensemble.params import StackedEnsembleParams
from heavywater.estimators.estimator_base import H2OEstimator
from heavywater.estimators.registry import estimator_of


class H2OStackedEnsembleEstimator(H2OEstimator, StackedEnsembleParams):
    """A model that combines what others predict; it learns how from their predictions for rows held out from them.

    The parameters are those of `StackedEnsembleParams`; the default metalearner needs the extra ``algos``.
    Source: Deep Water booklet, section 10; Wolpert 1992.

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.estimators import H2OGeneralizedLinearEstimator, H2OGradientBoostingEstimator
    >>> from heavywater.estimators import H2OStackedEnsembleEstimator
    >>> frame = h2o.H2OFrame({"a": [0, 1, 2, 3] * 25, "b": [0, 0, 1, 1] * 25, "y": ["n", "p", "p", "n"] * 25})
    >>> common = {"nfolds": 3, "fold_assignment": "Modulo", "keep_cross_validation_predictions": True, "seed": 1}
    >>> bases = [H2OGeneralizedLinearEstimator(**common), H2OGradientBoostingEstimator(ntrees=5, **common)]
    >>> bases = [m.train(x=["a", "b"], y="y", training_frame=frame) for m in bases]
    >>> model = H2OStackedEnsembleEstimator(base_models=bases)
    >>> model.train(x=["a", "b"], y="y", training_frame=frame).predict(frame).shape
    (100, 3)
    """

    algo = "stackedensemble"

    def metalearner(self) -> H2OEstimator:
        """The model that combines the base models."""
        return estimator_of(self._trained().metalearner)  # type: ignore[attr-defined]

    def levelone_frame_id(self) -> Any:
        """Name of the frame that the metalearner learned from; None unless keep_levelone_frame was set."""
        return self._trained().output.get("levelone_frame_id")
