"""Generalised linear models, under H2O's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heavywater.algos.glm.params import GLMParams
from heavywater.engine import session
from heavywater.estimators.estimator_base import H2OEstimator


class H2OGeneralizedLinearEstimator(H2OEstimator, GLMParams):
    """Linear, logistic, multinomial, Poisson, gamma and Tweedie regression with elastic-net penalty.

    The parameters are those of `GLMParams`; needs the extra ``algos``.  Source: McCullagh and Nelder 1989; Friedman,
    Hastie and Tibshirani 2010.

    Examples
    --------
    >>> import heavywater as h2o
    >>> from heavywater.estimators.glm import H2OGeneralizedLinearEstimator
    >>> frame = h2o.H2OFrame({"a": [0.0, 1.0, 2.0, 3.0] * 5, "y": [1.0, 3.0, 5.0, 7.0] * 5})
    >>> model = H2OGeneralizedLinearEstimator(lambda_=0)
    >>> round(model.train(x="a", y="y", training_frame=frame).coef()["a"], 3)
    2.0
    """

    algo = "glm"

    def coef(self) -> Mapping[str, Any]:
        """Coefficients by name, for more than two classes a dictionary of them per class."""
        return session.current().ask(self._trained(), "coefficients")

    def coef_norm(self) -> Mapping[str, Any]:
        """Coefficients for standardised columns."""
        return session.current().ask(self._trained(), "coefficients", standardized=True)

    def null_deviance(self) -> float:
        """Deviance of the model with an intercept only, on the training frame."""
        return float(self._trained().output["null_deviance"])

    def residual_deviance(self) -> float:
        """Deviance of the model on the training frame."""
        return float(self._trained().output["residual_deviance"])

    def null_degrees_of_freedom(self) -> int:
        """Rows less the intercept."""
        return int(self._trained().output["null_degrees_of_freedom"])

    def residual_degrees_of_freedom(self) -> int:
        """Rows less coefficients other than 0."""
        return int(self._trained().output["residual_degrees_of_freedom"])

    def aic(self, train: bool = False, valid: bool = False, xval: bool = False) -> float:
        """Akaike's information criterion on the training frame; NaN where the family has none."""
        return float(self._trained().output["AIC"])
