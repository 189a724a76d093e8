"""Questions to a two-class model's metrics whose answer depends on a threshold, under H2O's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from heavywater.display.table import Table
from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.metrics.base import ModelMetrics
from heavywater.metrics.confusion import ConfusionMatrix
from heavywater.metrics.thresholds import CRITERIA, criterion_name

__all__ = ["ThresholdQuestions", "ThresholdValues"]


class ThresholdValues(list[list[float]]):
    """Pairs ``[threshold, value]``; `value` is the value itself, or the list of them for several thresholds."""

    def __init__(self, pairs: Sequence[Sequence[float]], single: bool) -> None:
        super().__init__([float(t), float(v)] for t, v in pairs)
        self.value: Any = self[0][1] if single else [v for _, v in self]

    def complement(self, single: bool) -> ThresholdValues:
        """The same thresholds with 1 minus each value."""
        return ThresholdValues([(t, 1 - v) for t, v in self], single)


class ThresholdQuestions(ModelMetrics):
    """Base of `BinomialMetrics`: reads the tables of thresholds and of maxima.

    Every method named after a criterion takes ``thresholds``: None for the criterion's own best threshold, one or
    several numbers (each is taken to the nearest threshold in the table), or ``"all"``.
    """

    def thresholds_and_metric_scores(self) -> Table:
        """Every threshold with all its metrics."""
        return self["thresholds_and_metric_scores"]

    def max_criteria_and_metric_scores(self) -> Table:
        """The best threshold of each criterion."""
        return self["max_criteria_and_metric_scores"]

    def find_threshold_by_max_metric(self, metric: str) -> float:
        """The highest threshold with the largest value of `metric`; NaN when it is undefined everywhere."""
        table = self.max_criteria_and_metric_scores()
        return float(table["threshold"][CRITERIA.index(criterion_name(metric))])

    def find_idx_by_threshold(self, threshold: float) -> int:
        """Row of the thresholds table whose threshold is nearest to `threshold`.

        Raises
        ------
        H2OValueError
            `threshold` is not between 0 and 1, or there are no rows.
        """
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float, np.number)):
            raise H2OTypeError(f"a threshold is a number, not {threshold!r}")
        if not 0 <= threshold <= 1:
            raise H2OValueError(f"a threshold lies between 0 and 1, not at {threshold}")
        known = np.array(self.thresholds_and_metric_scores()["threshold"])
        if len(known) == 0:
            raise H2OValueError("there are no thresholds: no row had both an actual class and a prediction")
        return int(np.argmin(np.abs(known - threshold)))

    def default_threshold(self) -> float:
        """Probability of the second class from which a row gets its label: that of the best F1, or 0.5."""
        best = self.find_threshold_by_max_metric("f1")
        return 0.5 if math.isnan(best) else best

    def metric(self, metric: str, thresholds: Any = None) -> ThresholdValues:
        """Values of a criterion.

        Parameters
        ----------
        metric : str
            Name of a column of the thresholds table, or one of its aliases.
        thresholds : None, float, list of float or "all"
            None is the criterion's best threshold, "all" every one in the table; any other is taken to the nearest.
        """
        name = criterion_name(metric)
        table = self.thresholds_and_metric_scores()
        if isinstance(thresholds, str):
            if thresholds != "all":
                raise H2OValueError(f"thresholds must be numbers or 'all', not {thresholds!r}")
            return ThresholdValues(list(zip(table["threshold"], table[name])), False)
        single = thresholds is None or bool(np.isscalar(thresholds))
        values = table[name]
        if thresholds is None:
            at = int(self.max_criteria_and_metric_scores()["idx"][CRITERIA.index(name)])
            known = at >= 0
            return ThresholdValues([(table["threshold"][at], values[at]) if known else (math.nan, math.nan)], True)
        wanted: list[Any] = [thresholds] if single else list(thresholds)
        return ThresholdValues([(t, values[self.find_idx_by_threshold(t)]) for t in wanted], single)

    def _complement(self, metric: str, thresholds: Any) -> ThresholdValues:
        return self.metric(metric, thresholds).complement(thresholds is None or bool(np.isscalar(thresholds)))

    def F1(self, thresholds: Any = None) -> ThresholdValues:
        """Harmonic mean of precision and recall."""
        return self.metric("f1", thresholds)

    def F2(self, thresholds: Any = None) -> ThresholdValues:
        """F-measure that weighs recall twice."""
        return self.metric("f2", thresholds)

    def F0point5(self, thresholds: Any = None) -> ThresholdValues:
        """F-measure that weighs precision twice."""
        return self.metric("f0point5", thresholds)

    def accuracy(self, thresholds: Any = None) -> ThresholdValues:
        """Share of rows with the right label."""
        return self.metric("accuracy", thresholds)

    def error(self, thresholds: Any = None) -> ThresholdValues:
        """Share of rows with the wrong label."""
        return self._complement("accuracy", thresholds)

    def precision(self, thresholds: Any = None) -> ThresholdValues:
        """Share of predicted positives that are positive."""
        return self.metric("precision", thresholds)

    def recall(self, thresholds: Any = None) -> ThresholdValues:
        """Share of positives that are found."""
        return self.metric("recall", thresholds)

    tpr = sensitivity = recall

    def specificity(self, thresholds: Any = None) -> ThresholdValues:
        """Share of negatives that are found."""
        return self.metric("specificity", thresholds)

    tnr = specificity

    def fpr(self, thresholds: Any = None) -> ThresholdValues:
        """Share of negatives that are called positive."""
        return self.metric("fpr", thresholds)

    fallout = fpr

    def fnr(self, thresholds: Any = None) -> ThresholdValues:
        """Share of positives that are missed."""
        return self.metric("fnr", thresholds)

    missrate = fnr

    def mcc(self, thresholds: Any = None) -> ThresholdValues:
        """Absolute value of Matthews' correlation coefficient."""
        return self.metric("absolute_mcc", thresholds)

    def max_per_class_error(self, thresholds: Any = None) -> ThresholdValues:
        """Larger of the two class errors."""
        return self._complement("min_per_class_accuracy", thresholds)

    def mean_per_class_error(self, thresholds: Any = None) -> ThresholdValues:
        """Mean of the two class errors; ``m["mean_per_class_error"]`` is the value at the threshold of the best F1."""
        return self._complement("mean_per_class_accuracy", thresholds)

    def fprs(self) -> list[float]:
        """False positive rates at all thresholds."""
        return self.thresholds_and_metric_scores()["fpr"]

    def tprs(self) -> list[float]:
        """True positive rates at all thresholds."""
        return self.thresholds_and_metric_scores()["tpr"]

    def roc(self) -> tuple[list[float], list[float]]:
        """The ROC curve: false positive rates, true positive rates."""
        return self.fprs(), self.tprs()

    def confusion_matrix(self, metrics: Any = None, thresholds: Any = None) -> Any:
        """Confusion matrix at the threshold of the best F1, of other criteria, or at given thresholds.

        Parameters
        ----------
        metrics : str or list of str, optional
            Criteria whose best thresholds are taken.
        thresholds : float or list of float, optional
            Thresholds between 0 and 1; the nearest of the table is taken.

        Returns
        -------
        ConfusionMatrix, or a list of them when more than one is asked for
        """
        table = self.thresholds_and_metric_scores()
        at: list[tuple[int, str]] = []
        wanted: Any = [] if thresholds is None else [thresholds] if np.isscalar(thresholds) else thresholds
        for t in wanted:
            at.append((self.find_idx_by_threshold(t), ""))
        names = ["f1"] if metrics is None and thresholds is None else metrics
        for name in [] if names is None else [names] if isinstance(names, str) else names:
            i = CRITERIA.index(criterion_name(name))
            at.append((int(self.max_criteria_and_metric_scores()["idx"][i]), f" for max {criterion_name(name)}"))
        counts = {c: table[c] for c in ("tns", "fps", "fns", "tps")}
        found = [
            ConfusionMatrix(
                [[counts["tns"][i], counts["fps"][i]], [counts["fns"][i], counts["tps"][i]]],
                self["domain"],
                f"Confusion Matrix (Act/Pred){why} @ threshold = {table['threshold'][i]}",
                "",
            )
            if i >= 0
            else self["cm"]
            for i, why in at
        ]
        return found[0] if len(found) == 1 else found
