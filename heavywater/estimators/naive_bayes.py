"""Naive Bayes, under H2O's names."""

from __future__ import annotations

from heavywater.algos.naivebayes.params import NaiveBayesParams
from heavywater.estimators.estimator_base import H2OEstimator


class H2ONaiveBayesEstimator(H2OEstimator, NaiveBayesParams):
    """Classes from columns that are taken to be independent of each other within a class.

    Numbers are taken to be normally distributed.  The parameters are those of `NaiveBayesParams`.  Source: Hastie,
    Tibshirani and Friedman 2009, section 6.6.3.

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.estimators.naive_bayes import H2ONaiveBayesEstimator
    >>> frame = h2o.H2OFrame({"a": [0, 1, 0, 1] * 25, "y": ["n", "p", "n", "p"] * 25})
    >>> frame["a"] = frame["a"].asfactor()
    >>> H2ONaiveBayesEstimator(laplace=1).train(x="a", y="y", training_frame=frame).predict(frame).shape
    (100, 3)
    """

    algo = "naivebayes"
