"""Metrics of a two-class model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heavywater.display.table import Table
from heavywater.errors import H2OValueError
from heavywater.metrics.confusion import ConfusionMatrix, count_classes
from heavywater.metrics.gainslift import gains_lift_table
from heavywater.metrics.rows import Compat, check_compat, class_rows
from heavywater.metrics.shared import class_errors, r_squared
from heavywater.metrics.threshold_questions import ThresholdQuestions
from heavywater.metrics.thresholds import Curve

__all__ = ["BinomialMetrics", "binomial"]


class BinomialMetrics(ThresholdQuestions):
    """Metrics of a two-class model; see `binomial`."""

    model_category = "Binomial"
    _names = (
        "r2", "logloss", "loglikelihood", "AIC", "AUC", "pr_auc", "Gini", "mean_per_class_error", "domain", "cm",
        "thresholds_and_metric_scores", "max_criteria_and_metric_scores", "gains_lift_table",
    )  # fmt: skip
    _report = (
        ("MSE", "MSE"), ("RMSE", "RMSE"), ("R^2", "r2"), ("LogLoss", "logloss"),
        ("Mean Per-Class Error", "mean_per_class_error"), ("AUC", "AUC"), ("AUCPR", "pr_auc"), ("Gini", "Gini"),
    )  # fmt: skip

    def r2(self) -> float:
        """Coefficient of determination of the class index."""
        return float(self["r2"])

    def logloss(self) -> float:
        """Mean negative log-likelihood of the actual class."""
        return float(self["logloss"])

    def auc(self) -> float:
        """Area under the ROC curve."""
        return float(self["AUC"])

    def aucpr(self) -> float:
        """Area under the precision-recall curve."""
        return float(self["pr_auc"])

    pr_auc = aucpr

    def gini(self) -> float:
        """2 AUC - 1."""
        return float(self["Gini"])

    def aic(self) -> float:
        """Akaike's information criterion: not defined for networks, NaN."""
        return float(self["AIC"])

    def loglikelihood(self) -> float:
        """Log-likelihood: not computed for networks, NaN."""
        return float(self["loglikelihood"])

    def gains_lift(self) -> Table | None:
        """The gains/lift table; None if it was switched off."""
        return self["gains_lift_table"]

    def kolmogorov_smirnov(self) -> float:
        """Largest distance between the two classes' score distributions, over the groups of the gains/lift table."""
        table = self.gains_lift()
        return math.nan if table is None else float(max(table["kolmogorov_smirnov"]))

    def lift_top_group(self) -> float:
        """Lift of the highest-scored group; NaN without a gains/lift table."""
        table = self.gains_lift()
        return math.nan if table is None else float(table["lift"][0])

    # -- looks ----------------------------------------------------------------------------------------------------

    def _tables(self) -> list[Table]:
        cm, best = self["cm"], self.confusion_matrix()
        shown = best if np.array_equal(best.counts, cm.counts) else cm
        return [t for t in (shown, self.max_criteria_and_metric_scores(), self.gains_lift()) if t is not None]

    def plot(
        self, type: str = "roc", server: bool = False, save_plot_path: str | None = None, plot: bool = True
    ) -> Any:
        """Plot the ROC curve (``"roc"``), precision against recall (``"pr"``) or gains and lift (``"gains_lift"``).

        Parameters
        ----------
        type : str
        server : bool
            Without effect: figures never need a display.
        save_plot_path : str, optional
            File to write as well.
        plot : bool
            False returns what would be drawn: x and y values, or the gains/lift table.

        Returns
        -------
        matplotlib.figure.Figure, or the values with ``plot=False``
        """
        from heavywater.display import plot as draw

        match type.lower().replace("_", ""):
            case "roc":
                return draw.roc_curve(*self.roc(), auc=self.auc(), save=save_plot_path) if plot else self.roc()
            case "pr":
                table = self.thresholds_and_metric_scores()
                recall, precision = table["recall"], table["precision"]
                if not plot:
                    return recall, precision
                return draw.precision_recall(recall, precision, aucpr=self.aucpr(), save=save_plot_path)
            case "gainslift":
                return self.gains_lift_plot("both", server, save_plot_path, plot)
        raise H2OValueError(f"no plot {type!r}; known are 'roc', 'pr' and 'gains_lift'")

    def gains_lift_plot(
        self, type: str = "both", server: bool = False, save_plot_path: str | None = None, plot: bool = True
    ) -> Any:
        """Plot cumulative capture rate and lift (``"both"``), or one of them (``"gains"``, ``"lift"``).

        The other parameters are those of `plot`.
        """
        from heavywater.display import plot as draw

        table = self.gains_lift()
        if table is None:
            raise H2OValueError("there is no gains/lift table: no rows, or gainslift_bins=0")
        return draw.gains_lift(table, type=type, save=save_plot_path) if plot else table


def binomial(
    actual: npt.ArrayLike,
    p1: npt.ArrayLike,
    *,
    domain: Sequence[str],
    weights: npt.ArrayLike | None = None,
    gainslift_bins: int = -1,
    threshold: float | None = None,
    custom: tuple[str, float] | None = None,
    compat: Compat = "booklet",
) -> BinomialMetrics:
    """Metrics of predicted probabilities for two classes.

    Parameters
    ----------
    actual : (n,) integers
        0 or 1; -1 is missing and the row does not count.
    p1 : (n,) float64
        Probability of the second class; a NaN row does not count.
    domain : two str
        Class names.
    weights : (n,) float64, optional
        Rows of weight 0 or NaN do not count.
    gainslift_bins : int
        Groups of the gains/lift table; -1 is automatic, 0 is no table.
    threshold : float, optional
        Threshold of the confusion matrix and of the mean per-class error; by default that of the best F1.
    custom : (str, float), optional
        Name and value of the user's own metric.
    compat : {"booklet", "h2o-3.46"}
        H2O 3.46 separates the groups of the gains/lift table at quantiles of all scores, those of rows without an
        actual class included.

    Returns
    -------
    BinomialMetrics

    Raises
    ------
    H2OValueError
        Shapes differ, the domain does not have two classes, a class or weight is out of range.
    """
    check_compat(compat)
    if len(domain) != 2:
        raise H2OValueError(f"binomial metrics need two classes, not {len(domain)}: {list(domain)[:5]}")
    y, p, w = class_rows(actual, p1, weights, domain, 1)
    positive = y == 1
    everyone = class_rows(np.zeros(np.shape(p1)), p1, weights, domain, 1)[1:] if compat == "h2o-3.46" else None
    mse, logloss = class_errors(np.where(positive, p, 1 - p), w)
    curve = Curve.of(p, positive, w)
    criteria = curve.criteria()
    best = curve.best(criteria["f1"])
    if threshold is not None:
        labels = (p >= threshold).astype(np.int64)
        counts = count_classes(y, labels, 2, w)
    elif best >= 0:
        tn, fp, fn, tp = (float(criteria[c][best]) for c in ("tns", "fps", "fns", "tps"))
        counts = np.array([[tn, fp], [fn, tp]])
    else:
        counts = count_classes(y, (p >= 0.5).astype(np.int64), 2, w)
    cm = ConfusionMatrix(counts, domain)
    auc = curve.auc()
    return BinomialMetrics(
        {
            "MSE": mse,
            "RMSE": math.sqrt(mse),
            "nobs": len(y),
            "r2": r_squared(y.astype(np.float64), mse, w),
            "logloss": logloss,
            "loglikelihood": math.nan,
            "AIC": math.nan,
            "AUC": auc,
            "pr_auc": curve.aucpr(),
            "Gini": 2 * auc - 1,
            "mean_per_class_error": cm.mean_per_class_error,
            "domain": [str(d) for d in domain],
            "cm": cm,
            "thresholds_and_metric_scores": curve.table(criteria),
            "max_criteria_and_metric_scores": curve.maxima(criteria),
            "gains_lift_table": gains_lift_table(p, positive, w, gainslift_bins, everyone),
            **({} if custom is None else {"custom_metric_name": custom[0], "custom_metric_value": float(custom[1])}),
        }
    )
