"""Metrics of a regression model."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from heavywater.metrics.base import ModelMetrics
from heavywater.metrics.deviance import deviance, huber_delta
from heavywater.metrics.rows import Compat, check_compat, number_rows, weighted_mean
from heavywater.metrics.shared import r_squared

__all__ = ["RegressionMetrics", "regression"]


class RegressionMetrics(ModelMetrics):
    """Metrics of a regression model; see `regression`."""

    model_category = "Regression"
    _names = ("r2", "mean_residual_deviance", "mae", "rmsle", "loglikelihood", "AIC")
    _report = (
        ("MSE", "MSE"), ("RMSE", "RMSE"), ("MAE", "mae"), ("RMSLE", "rmsle"),
        ("Mean Residual Deviance", "mean_residual_deviance"), ("R^2", "r2"),
    )  # fmt: skip

    def r2(self) -> float:
        """Coefficient of determination."""
        return float(self["r2"])

    def mae(self) -> float:
        """Mean absolute error."""
        return float(self["mae"])

    def rmsle(self) -> float:
        """Root of the mean squared difference of ln(1 + value); NaN if a value is below -1."""
        return float(self["rmsle"])

    def mean_residual_deviance(self) -> float:
        """Mean deviance under the model's distribution."""
        return float(self["mean_residual_deviance"])

    def aic(self) -> float:
        """Akaike's information criterion: not defined for networks, NaN."""
        return float(self["AIC"])

    def loglikelihood(self) -> float:
        """Log-likelihood: not computed for networks, NaN."""
        return float(self["loglikelihood"])


def regression(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    distribution: str = "gaussian",
    weights: npt.ArrayLike | None = None,
    tweedie_power: float = 1.5,
    quantile_alpha: float = 0.5,
    huber_alpha: float = 0.9,
    custom: tuple[str, float] | None = None,
    compat: Compat = "booklet",
) -> RegressionMetrics:
    """Metrics of predicted numbers.

    Parameters
    ----------
    actual, predicted : (n,) float64
        In units of the response; rows with a NaN do not count.
    distribution : str
        Distribution of the deviance: gaussian, poisson, gamma, tweedie, laplace, quantile or huber.
    weights : (n,) float64, optional
        Rows of weight 0 or NaN do not count.
    tweedie_power, quantile_alpha, huber_alpha : float
        Parameters of the distribution of that name.
    custom : (str, float), optional
        Name and value of the user's own metric.
    compat : {"booklet", "h2o-3.46"}
        H2O 3.46 rounds the actual values to single precision first, except for the Huber deviance.

    Returns
    -------
    RegressionMetrics

    Raises
    ------
    H2OValueError
        Lengths differ, a weight is out of range, or the distribution is unknown.
    """
    check_compat(compat)
    y, f, w = number_rows(actual, predicted, weights)
    huber = distribution.lower() == "huber"
    delta = huber_delta(y, f, huber_alpha, w) if huber else 1.0
    exact = y
    if compat == "h2o-3.46":
        y = y.astype(np.float32).astype(np.float64)
    with np.errstate(all="ignore"):  # infinite values give infinite or unknown metrics, not warnings
        mse = weighted_mean((y - f) ** 2, w)
        mae = weighted_mean(np.abs(y - f), w)
        rmsle = math.sqrt(weighted_mean((np.log1p(f) - np.log1p(y)) ** 2, w))
        r2 = r_squared(y, mse, w)
        losses = deviance(
            distribution,
            exact if huber else y,
            f,
            tweedie_power=tweedie_power,
            quantile_alpha=quantile_alpha,
            delta=delta,
        )
    return RegressionMetrics(
        {
            "MSE": mse,
            "RMSE": math.sqrt(mse),
            "nobs": len(y),
            "r2": r2,
            "mean_residual_deviance": weighted_mean(losses, w),
            "mae": mae,
            "rmsle": rmsle,
            "loglikelihood": math.nan,
            "AIC": math.nan,
            **({} if custom is None else {"custom_metric_name": custom[0], "custom_metric_value": float(custom[1])}),
        }
    )
