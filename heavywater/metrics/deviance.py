"""Deviance of single rows under each distribution (the spec's section on metrics)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heavywater.errors import H2OValueError, did_you_mean
from heavywater.metrics.quantile import weighted_quantiles

__all__ = ["DISTRIBUTIONS", "deviance", "huber_delta"]

F64 = npt.NDArray[np.float64]
DISTRIBUTIONS = ("gaussian", "poisson", "gamma", "tweedie", "laplace", "quantile", "huber")
_LOG_FLOOR, _EXP_CEILING = -19.0, 1e19


def deviance(
    distribution: str,
    actual: F64,
    predicted: F64,
    *,
    tweedie_power: float = 1.5,
    quantile_alpha: float = 0.5,
    delta: float = 1.0,
) -> F64:
    """Deviance of every row.

    Parameters
    ----------
    distribution : str
        One of `DISTRIBUTIONS`, in any case.
    actual, predicted : (n,) float64
        In units of the response.
    tweedie_power : float
        Variance power p, 1 < p < 2.
    quantile_alpha : float
        Quantile that was fitted.
    delta : float
        Error beyond which the Huber deviance grows linearly; see `huber_delta`.

    Returns
    -------
    (n,) float64

    Raises
    ------
    H2OValueError
        Unknown distribution.
    """
    y, f = actual, predicted
    match distribution.lower():
        case "gaussian":
            return (y - f) ** 2
        case "poisson":
            return 2 * (y * _log(_ratio(y, f)) - y + f)
        case "gamma":
            return 2 * (_log(_ratio(f, y)) + _ratio(y, f) - 1)
        case "tweedie":
            p, l = tweedie_power, _log(f)
            known = np.power(y, 2 - p) / ((1 - p) * (2 - p))
            return 2 * (known - y * _exp(l * (1 - p)) / (1 - p) + _exp(l * (2 - p)) / (2 - p))
        case "laplace":
            return np.abs(y - f)
        case "quantile":
            return np.where(y > f, quantile_alpha * (y - f), (1 - quantile_alpha) * (f - y))
        case "huber":
            e = np.abs(y - f)
            return np.where(e <= delta, e * e, (2 * e - delta) * delta)
    raise H2OValueError(
        f"no deviance for distribution {distribution!r}{did_you_mean(distribution, DISTRIBUTIONS)}; "
        f"known are {', '.join(DISTRIBUTIONS)}"
    )


def huber_delta(actual: F64, predicted: F64, huber_alpha: float, weights: F64 | None = None) -> float:
    """The `huber_alpha` quantile of the absolute errors: where the Huber deviance of a frame becomes linear."""
    return float(weighted_quantiles(np.abs(actual - predicted), huber_alpha, weights)[0])


def _ratio(a: F64, b: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return a / b


def _log(x: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.maximum(np.log(x), _LOG_FLOOR)


def _exp(x: F64) -> F64:
    with np.errstate(over="ignore"):
        return np.minimum(np.exp(x), _EXP_CEILING)
