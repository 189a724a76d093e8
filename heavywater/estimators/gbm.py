"""Gradient boosting, under H2O's names."""

from __future__ import annotations

from heavywater.algos.gbm.params import GBMParams
from heavywater.estimators.estimator_base import H2OEstimator


class H2OGradientBoostingEstimator(H2OEstimator, GBMParams):
    """Decision trees that are added one after the other, each to correct those before it; grown by LightGBM.

    The parameters are those of `GBMParams`; needs the extra ``algos``.  Source: Friedman 2001, Ke et al. 2017.

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.estimators.gbm import H2OGradientBoostingEstimator
    >>> frame = h2o.H2OFrame({"a": [0, 1, 0, 1] * 25, "b": [0, 0, 1, 1] * 25, "y": ["n", "p", "p", "n"] * 25})
    >>> model = H2OGradientBoostingEstimator(ntrees=5, seed=1)
    >>> model.train(x=["a", "b"], y="y", training_frame=frame).predict(frame).shape
    (100, 3)
    """

    algo = "gbm"
