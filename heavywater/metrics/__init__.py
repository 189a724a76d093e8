"""How well predictions fit: metrics of regression, two-class, multi-class and autoencoder models, with H2O's names."""

from heavywater.metrics.autoencoder import AutoEncoderMetrics, autoencoder
from heavywater.metrics.base import ModelMetrics
from heavywater.metrics.binomial import BinomialMetrics, binomial
from heavywater.metrics.confusion import ConfusionMatrix
from heavywater.metrics.deviance import deviance, huber_delta
from heavywater.metrics.multinomial import MultinomialMetrics, multinomial
from heavywater.metrics.quantile import weighted_quantiles
from heavywater.metrics.regression import RegressionMetrics, regression
from heavywater.metrics.stopping import STOPPING_METRICS, bounded_by_zero, more_is_better, stopping_value
from heavywater.metrics.threshold_questions import ThresholdValues

__all__ = [
    "STOPPING_METRICS",
    "AutoEncoderMetrics",
    "BinomialMetrics",
    "ConfusionMatrix",
    "ModelMetrics",
    "MultinomialMetrics",
    "RegressionMetrics",
    "ThresholdValues",
    "autoencoder",
    "binomial",
    "bounded_by_zero",
    "deviance",
    "huber_delta",
    "more_is_better",
    "multinomial",
    "regression",
    "stopping_value",
    "weighted_quantiles",
]
