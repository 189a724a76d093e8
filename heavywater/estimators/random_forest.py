"""Random forests, under H2O's names."""

from __future__ import annotations

from heavywater.algos.drf.params import DRFParams
from heavywater.estimators.estimator_base import H2OEstimator


class H2ORandomForestEstimator(H2OEstimator, DRFParams):
    """Decision trees, each grown on rows and columns of its own, whose mean is the prediction; grown by LightGBM.

    The training metrics are those of the rows that a tree did not see.  The parameters are those of `DRFParams`; needs
    the extra ``algos``.  Source: Breiman 2001.

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.estimators.random_forest import H2ORandomForestEstimator
    >>> frame = h2o.H2OFrame({"a": [0, 1, 0, 1] * 25, "b": [0, 0, 1, 1] * 25, "y": ["n", "p", "p", "n"] * 25})
    >>> model = H2ORandomForestEstimator(ntrees=5, seed=1)
    >>> model.train(x=["a", "b"], y="y", training_frame=frame).predict(frame).shape
    (100, 3)
    """

    algo = "drf"
