"""Everything that depends on a threshold for two classes: criteria, their maxima, AUC and AUCPR."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heavywater.display.table import Table
from heavywater.errors import H2OValueError, did_you_mean

__all__ = ["ALIASES", "CRITERIA", "Curve", "criterion_name"]

F64 = npt.NDArray[np.float64]

CRITERIA = (
    "f1", "f2", "f0point5", "accuracy", "precision", "recall", "specificity", "absolute_mcc",
    "min_per_class_accuracy", "mean_per_class_accuracy", "tns", "fns", "fps", "tps", "tnr", "fnr", "fpr", "tpr",
)  # fmt: skip
"""Criteria in the order of H2O's tables."""

ALIASES = {"mcc": "absolute_mcc", "sensitivity": "recall", "fallout": "fpr", "missrate": "fnr"}
"""Other names by which a criterion may be asked for."""

_COUNTS = ("tns", "fns", "fps", "tps")


def criterion_name(name: str) -> str:
    """The table's name of criterion `name` (any case, aliases allowed); H2OValueError if there is none."""
    lower = str(name).lower()
    found = ALIASES.get(lower, lower)
    if found not in CRITERIA:
        known = [*CRITERIA, *ALIASES]
        raise H2OValueError(f"no threshold metric {name!r}{did_you_mean(name, known)}; known are {', '.join(known)}")
    return found


@dataclass(frozen=True)
class Curve:
    """Weights of true and false positives at descending thresholds.

    Attributes
    ----------
    threshold : (bins,) float64
        Descending; a row is positive when its score is at least the threshold.
    tp, fp : (bins,) float64
        Cumulative weights of positive and negative rows with at least that score.
    """

    threshold: F64
    tp: F64
    fp: F64

    @staticmethod
    def of(score: F64, positive: npt.NDArray[np.bool_], weights: F64 | None = None) -> Curve:
        """The curve of `score` (no NaN) in at most 400 steps."""
        from heavywater.metrics import histogram

        w = np.ones(len(score)) if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
        center, tp, fp = histogram.fill(
            np.ascontiguousarray(score, dtype=np.float64), np.ascontiguousarray(positive), w, histogram.MAX_BINS
        )
        return Curve(center[::-1].copy(), np.cumsum(tp[::-1]), np.cumsum(fp[::-1]))

    @property
    def positives(self) -> float:
        """Weight of all positive rows."""
        return float(self.tp[-1]) if len(self.tp) else 0.0

    @property
    def negatives(self) -> float:
        """Weight of all negative rows."""
        return float(self.fp[-1]) if len(self.fp) else 0.0

    def auc(self) -> float:
        """Area under the ROC curve by trapezoids; 1 without negatives, 0 without positives, NaN without rows."""
        if len(self.threshold) == 0:
            return math.nan
        if self.negatives == 0:
            return 1.0
        if self.positives == 0:
            return 0.0
        tp, fp = np.concatenate(([0.0], self.tp)), np.concatenate(([0.0], self.fp))
        area = float(np.sum(np.diff(fp) * (tp[1:] + tp[:-1]))) / 2
        return area / self.positives / self.negatives

    def aucpr(self) -> float:
        """Area under the precision-recall curve.

        Between two thresholds the curve is the one that Davis and Goadrich (2006) describe: false positives grow in
        proportion to true positives; the area below it has a closed form.
        """
        if len(self.threshold) == 0:
            return math.nan
        if self.negatives == 0:
            return 1.0
        if self.positives == 0:
            return 0.0
        tp, fp = np.concatenate(([0.0], self.tp)), np.concatenate(([0.0], self.fp))
        step = np.diff(tp) != 0
        tp0, tp1, fp0 = tp[:-1][step], tp[1:][step], fp[:-1][step]
        h = np.diff(fp)[step] / (tp1 - tp0)
        x0, x1 = tp0 / self.positives, tp1 / self.positives
        a, b = 1 + h, (fp0 - h * tp0) / self.positives
        with np.errstate(divide="ignore", invalid="ignore"):
            curved = (x1 - x0 - b / a * (np.log(a * x1 + b) - np.log(a * x0 + b))) / a
        return float(np.sum(np.where(b == 0, (x1 - x0) / a, curved)))

    def criteria(self) -> dict[str, F64]:
        """Every criterion at every threshold."""
        p, n = self.positives, self.negatives
        tp, fp = self.tp, self.fp
        fn, tn = p - tp, n - fp
        with np.errstate(divide="ignore", invalid="ignore"):
            precision, tpr, tnr = tp / (tp + fp), tp / p, tn / n
            scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
            mcc = np.where(scale == 0, 0.0, np.abs(tp * tn - fp * fn) / scale)
            return {
                "f1": 2 * precision * tpr / (precision + tpr),
                "f2": 5 * precision * tpr / (4 * precision + tpr),
                "f0point5": 1.25 * precision * tpr / (0.25 * precision + tpr),
                "accuracy": (tn + tp) / (p + n),
                "precision": precision,
                "recall": tpr,
                "specificity": tnr,
                "absolute_mcc": mcc,
                "min_per_class_accuracy": np.minimum(tpr, tnr),
                "mean_per_class_accuracy": (tpr + tnr) / 2,
                "tns": tn,
                "fns": fn,
                "fps": fp,
                "tps": tp,
                "tnr": tnr,
                "fnr": fn / p,
                "fpr": fp / n,
                "tpr": tpr,
            }

    def best(self, criterion: F64) -> int:
        """Index of the highest threshold with the largest value; -1 when every value is NaN."""
        if len(criterion) == 0 or np.isnan(criterion).all():
            return -1
        return int(np.nanargmax(criterion))

    def table(self, criteria: dict[str, F64]) -> Table:
        """H2O's table "Metrics for Thresholds": one row per threshold."""
        whole = all(_is_whole(criteria[c]) for c in _COUNTS)
        columns = [_cells(criteria[c]) if whole and c in _COUNTS else criteria[c] for c in CRITERIA]
        return Table.from_columns(
            "Metrics for Thresholds",
            ["threshold", *CRITERIA, "idx"],
            ["double", *("long" if whole and c in _COUNTS else "double" for c in CRITERIA), "int"],
            [self.threshold, *columns, range(len(self.threshold))],
            "Binomial metrics as a function of classification thresholds",
        )

    def maxima(self, criteria: dict[str, F64]) -> Table:
        """H2O's table "Maximum Metrics": the best threshold of each criterion."""
        at = [self.best(criteria[c]) for c in CRITERIA]
        return Table(
            "Maximum Metrics",
            ["metric", "threshold", "value", "idx"],
            ["string", "double", "double", "long"],
            [
                [f"max {c}", *((float(self.threshold[i]), float(criteria[c][i])) if i >= 0 else (math.nan,) * 2), i]
                for c, i in zip(CRITERIA, at)
            ],
            "Maximum metrics at their respective thresholds",
        )


def _is_whole(x: F64) -> bool:
    return bool(np.all(x == np.rint(x)))


def _cells(x: F64) -> npt.NDArray[np.int64]:
    return np.rint(x).astype(np.int64)
