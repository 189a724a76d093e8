"""Metrics of an autoencoder."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from heavywater.errors import H2OValueError
from heavywater.metrics.base import ModelMetrics
from heavywater.metrics.rows import weighted_mean

__all__ = ["AutoEncoderMetrics", "autoencoder"]


class AutoEncoderMetrics(ModelMetrics):
    """Reconstruction error of an autoencoder; see `autoencoder`."""

    model_category = "AutoEncoder"


def autoencoder(row_mse: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> AutoEncoderMetrics:
    """Metrics of an autoencoder.

    Parameters
    ----------
    row_mse : (n,) float64
        Mean squared reconstruction error of each row; NaN rows do not count.
    weights : (n,) float64, optional
        Rows of weight 0 do not count. H2O 3.46 has no weights here.

    Returns
    -------
    AutoEncoderMetrics
        ``MSE`` is the mean over the rows; NaN without rows.
    """
    errors = np.asarray(row_mse, dtype=np.float64)
    if errors.ndim != 1:
        raise H2OValueError(f"one reconstruction error per row is needed, not an array of shape {errors.shape}")
    w = np.ones(len(errors)) if weights is None else np.asarray(weights, dtype=np.float64)
    counts = ~np.isnan(errors) & (w > 0)
    errors = errors[counts]
    mse = weighted_mean(errors, None if weights is None else w[counts])
    return AutoEncoderMetrics({"MSE": mse, "RMSE": math.sqrt(mse), "nobs": len(errors)})
