"""Metrics of a model for three or more classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heavywater.display.table import Table
from heavywater.errors import H2OValueError
from heavywater.metrics.base import ModelMetrics
from heavywater.metrics.confusion import MAX_CLASSES, ConfusionMatrix, count_classes
from heavywater.metrics.multinomial_auc import auc_tables, canonical_auc_type
from heavywater.metrics.rows import Compat, check_compat, class_rows
from heavywater.metrics.shared import class_errors, r_squared

__all__ = ["MultinomialMetrics", "multinomial"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class MultinomialMetrics(ModelMetrics):
    """Metrics of a model for three or more classes; see `multinomial`."""

    model_category = "Multinomial"
    _names = (
        "r2", "logloss", "loglikelihood", "AIC", "AUC", "pr_auc", "mean_per_class_error", "domain", "cm",
        "hit_ratio_table", "multinomial_auc_table", "multinomial_aucpr_table",
    )  # fmt: skip
    _report = (
        ("MSE", "MSE"), ("RMSE", "RMSE"), ("R^2", "r2"), ("LogLoss", "logloss"),
        ("Mean Per-Class Error", "mean_per_class_error"), ("AUC", "AUC"), ("AUCPR", "pr_auc"),
    )  # fmt: skip

    def r2(self) -> float:
        """Coefficient of determination of the class index."""
        return float(self["r2"])

    def logloss(self) -> float:
        """Mean negative log-likelihood of the actual class."""
        return float(self["logloss"])

    def mean_per_class_error(self) -> float:
        """Mean of the classes' errors."""
        return float(self["mean_per_class_error"])

    def error(self) -> float:
        """Share of rows with the wrong label; NaN when there is no confusion matrix."""
        cm = self["cm"]
        return math.nan if cm is None else float(cm.error)

    def auc(self) -> float:
        """Area under the ROC curve in the sense of ``auc_type``; NaN if none was asked for."""
        return float(self["AUC"])

    def aucpr(self) -> float:
        """Area under the precision-recall curve in the sense of ``auc_type``; NaN if none was asked for."""
        return float(self["pr_auc"])

    pr_auc = aucpr

    def aic(self) -> float:
        """Akaike's information criterion: not defined for networks, NaN."""
        return float(self["AIC"])

    def loglikelihood(self) -> float:
        """Log-likelihood: not computed for networks, NaN."""
        return float(self["loglikelihood"])

    def confusion_matrix(self) -> ConfusionMatrix | None:
        """Confusion matrix of the most probable classes; None above 1000 classes."""
        return self["cm"]

    def hit_ratio_table(self) -> Table:
        """Share of rows whose actual class is among the k most probable."""
        return self["hit_ratio_table"]

    def multinomial_auc_table(self) -> Table | None:
        """AUC of each class against the rest and of each pair; None unless ``auc_type`` was given."""
        return self["multinomial_auc_table"]

    def multinomial_aucpr_table(self) -> Table | None:
        """AUCPR of each class against the rest and of each pair; None unless ``auc_type`` was given."""
        return self["multinomial_aucpr_table"]

    def _tables(self) -> list[Table]:
        names = ("cm", "hit_ratio_table", "multinomial_auc_table", "multinomial_aucpr_table")
        return [self[n] for n in names if self[n] is not None]

    def plot(self, type: str = "confusion_matrix", server: bool = False, save_plot_path: str | None = None) -> Any:
        """Plot the confusion matrix; returns the matplotlib figure. `server` has no effect."""
        from heavywater.display import plot as draw

        if type != "confusion_matrix":
            raise H2OValueError(f"no plot {type!r} for three or more classes; known is 'confusion_matrix'")
        cm = self.confusion_matrix()
        if cm is None:
            raise H2OValueError(f"there is no confusion matrix above {MAX_CLASSES} classes")
        return draw.confusion_matrix(cm.counts, cm.domain, save=save_plot_path)


def multinomial(
    actual: npt.ArrayLike,
    probs: npt.ArrayLike,
    *,
    domain: Sequence[str],
    weights: npt.ArrayLike | None = None,
    auc_type: str = "AUTO",
    max_hit_ratio_k: int = 10,
    custom: tuple[str, float] | None = None,
    compat: Compat = "booklet",
) -> MultinomialMetrics:
    """Metrics of predicted probabilities for three or more classes.

    Parameters
    ----------
    actual : (n,) integers
        Index into `domain`; -1 is missing and the row does not count.
    probs : (n, classes) float64
        A row with a NaN does not count.
    domain : sequence of str
        Class names. It may go on beyond the columns of `probs`: classes that the model never saw have probability 0.
    weights : (n,) float64, optional
        Rows of weight 0 or NaN do not count.
    auc_type : str
        MACRO_OVR, WEIGHTED_OVR, MACRO_OVO or WEIGHTED_OVO to have AUC and AUCPR (up to 50 classes); AUTO or NONE.
    max_hit_ratio_k : int
        Most rows of the table of hit ratios; 0 is no limit.
    custom : (str, float), optional
        Name and value of the user's own metric.
    compat : {"booklet", "h2o-3.46"}
        H2O 3.46 counts rows instead of weights in the confusion matrix, and in the first hit ratio.

    Returns
    -------
    MultinomialMetrics

    Raises
    ------
    H2OValueError
        Shapes differ, a class or weight is out of range, or `auc_type` is unknown.
    """
    check_compat(compat)
    classes = len(domain)
    if classes < 2:
        raise H2OValueError(f"multinomial metrics need at least two classes, not {classes}")
    kind = canonical_auc_type(auc_type)
    y, p, w = class_rows(actual, _padded(probs, classes), weights, domain, classes)
    p_actual = p[np.arange(len(y)), y]
    mse, logloss = class_errors(p_actual, w)
    counted = None if compat == "h2o-3.46" else w
    cm = None
    if classes <= MAX_CLASSES:
        cm = ConfusionMatrix(count_classes(y, p.argmax(axis=1), classes, counted), domain)
    auc, aucpr, auc_table, aucpr_table = auc_tables(y, p, domain, w, kind)
    known = np.shape(probs)[1]
    k = known if max_hit_ratio_k <= 0 else min(max_hit_ratio_k, known)
    return MultinomialMetrics(
        {
            "MSE": mse,
            "RMSE": math.sqrt(mse),
            "nobs": len(y),
            "r2": r_squared(y.astype(np.float64), mse, w),
            "logloss": logloss,
            "loglikelihood": math.nan,
            "AIC": math.nan,
            "AUC": auc,
            "pr_auc": aucpr,
            "mean_per_class_error": math.nan if cm is None else cm.mean_per_class_error,
            "domain": [str(d) for d in domain],
            "cm": cm,
            "hit_ratio_table": _hit_ratios(y, p, p_actual, w, counted, k),
            "multinomial_auc_table": auc_table,
            "multinomial_aucpr_table": aucpr_table,
            **({} if custom is None else {"custom_metric_name": custom[0], "custom_metric_value": float(custom[1])}),
        }
    )


def _padded(probs: npt.ArrayLike, classes: int) -> F64:
    """`probs` with a column of zeros for every class that is not in it."""
    p = np.asarray(probs, dtype=np.float64)
    missing = classes - p.shape[1] if p.ndim == 2 else 0
    return np.pad(p, ((0, 0), (0, missing))) if missing > 0 else p


def _hit_ratios(y: I64, p: F64, p_actual: F64, w: F64 | None, first: F64 | None, k: int) -> Table:
    """Table of hit ratios; `first` are the weights of hits at the first place."""
    place = (p > p_actual[:, None]).sum(axis=1)
    ties = (p == p_actual[:, None]).sum(axis=1) > 1
    if ties.any():  # the class that comes first in the domain is put first
        before = np.arange(p.shape[1]) < y[ties, None]
        place[ties] += ((p[ties] == p_actual[ties, None]) & before).sum(axis=1)
    hits = np.bincount(place, w, minlength=k).astype(np.float64)[:k]
    hits[0] = np.count_nonzero(place == 0) if first is None else first[place == 0].sum()
    total = len(y) if w is None else w.sum()
    ratios = np.cumsum(hits) / total if total else np.full(k, np.nan)
    return Table.from_columns(
        f"Top-{k} Hit Ratios",
        ["k", "hit_ratio"],
        ["string", "float"],
        [[str(i + 1) for i in range(k)], ratios],
    )
