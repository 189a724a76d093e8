"""AUC and AUCPR for three or more classes: each class against the rest, and each pair of classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from heavywater.display.table import Table
from heavywater.errors import H2OValueError
from heavywater.metrics.thresholds import Curve

__all__ = ["AUC_TYPES", "auc_tables", "canonical_auc_type"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

AUC_TYPES = ("AUTO", "NONE", "MACRO_OVR", "WEIGHTED_OVR", "MACRO_OVO", "WEIGHTED_OVO")
MAX_CLASSES = 50
_TITLES = (("Multinomial AUC values", "auc"), ("Multinomial auc_pr values", "auc_pr"))
_AVERAGES = {
    "MACRO_OVR": "Macro OVR",
    "WEIGHTED_OVR": "Weighted OVR",
    "MACRO_OVO": "Macro OVO",
    "WEIGHTED_OVO": "Weighted OVO",
}


def canonical_auc_type(auc_type: str) -> str:
    """The member of `AUC_TYPES` that `auc_type` spells, whatever the case; H2OValueError if none."""
    name = str(auc_type).upper()
    if name not in AUC_TYPES:
        raise H2OValueError(f"auc_type must be one of {', '.join(AUC_TYPES)}, not {auc_type!r}")
    return name


def auc_tables(
    y: I64, p: F64, domain: Sequence[str], w: F64 | None, auc_type: str
) -> tuple[float, float, Table | None, Table | None]:
    """The chosen AUC and AUCPR with the tables of all of them.

    Returns
    -------
    auc, aucpr : float
        NaN when `auc_type` is AUTO or NONE, or there are more than 50 classes.
    auc_table, aucpr_table : Table or None
    """
    classes = len(domain)
    if auc_type not in _AVERAGES or classes > MAX_CLASSES or len(y) == 0:
        return math.nan, math.nan, None, None
    sizes = np.bincount(y, w, minlength=classes).astype(np.float64)
    rest = np.array([_areas(p[:, c], y == c, w) for c in range(classes)])
    pairs = [(i, j) for i in range(classes) for j in range(i + 1, classes)]
    between = np.array([_pair(y, p, w, i, j) for i, j in pairs])
    together = np.array([sizes[i] + sizes[j] for i, j in pairs])
    averages = {
        "MACRO_OVR": rest.mean(axis=0),
        "WEIGHTED_OVR": sizes @ rest / sizes.sum(),
        "MACRO_OVO": between.mean(axis=0),
        "WEIGHTED_OVO": together @ between / together.sum(),
    }
    tables = []
    for which, (title, column) in enumerate(_TITLES):
        rows: list[list[object]] = [[f"{d} vs Rest", d, None, rest[c, which]] for c, d in enumerate(domain)]
        rows += [[_AVERAGES[a], None, None, averages[a][which]] for a in ("MACRO_OVR", "WEIGHTED_OVR")]
        rows += [
            [f"Class {domain[i]} vs. {domain[j]}", domain[i], domain[j], between[k, which]]
            for k, (i, j) in enumerate(pairs)
        ]
        rows += [[_AVERAGES[a], None, None, averages[a][which]] for a in ("MACRO_OVO", "WEIGHTED_OVO")]
        names = ["type", "first_class_domain", "second_class_domain", column]
        tables.append(Table(title, names, ["string", "string", "string", "double"], rows))
    auc, aucpr = averages[auc_type]
    return float(auc), float(aucpr), tables[0], tables[1]


def _areas(score: F64, positive: npt.NDArray[np.bool_], w: F64 | None) -> tuple[float, float]:
    curve = Curve.of(score, positive, w)
    return curve.auc(), curve.aucpr()


def _pair(y: I64, p: F64, w: F64 | None, i: int, j: int) -> F64:
    """Mean of the areas for class i by its probability and for class j by its own, over the rows of both."""
    rows = (y == i) | (y == j)
    weights = None if w is None else w[rows]
    areas: F64 = np.array([_areas(p[rows, c], y[rows] == c, weights) for c in (i, j)])
    return areas.mean(axis=0)
