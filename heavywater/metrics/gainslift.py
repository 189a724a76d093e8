"""Gains/lift table: how much richer in positive rows the highest-scored groups are than the whole frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heavywater.display.table import Table
from heavywater.metrics.quantile import weighted_quantiles

__all__ = ["gains_lift_table"]

F64 = npt.NDArray[np.float64]

_DEFAULT_EDGES = (0.99, 0.98, 0.97, 0.96, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)
_COLUMNS = (
    "group", "cumulative_data_fraction", "lower_threshold", "lift", "cumulative_lift", "response_rate", "score",
    "cumulative_response_rate", "cumulative_score", "capture_rate", "cumulative_capture_rate", "gain",
    "cumulative_gain", "kolmogorov_smirnov",
)  # fmt: skip
_FORMATS = ["%d", "%.8f", *["%5f"] * 12]


def gains_lift_table(
    score: F64,
    positive: npt.NDArray[np.bool_],
    weights: F64 | None = None,
    bins: int = -1,
    edges_from: tuple[F64, F64 | None] | None = None,
) -> Table | None:
    """H2O's gains/lift table.

    Parameters
    ----------
    score : (n,) float64
        Probability of the second class, no NaN.
    positive : (n,) bool
    weights : (n,) float64, optional
        Larger than 0.
    bins : int
        Number of groups of equal size; -1 is H2O's sixteen groups (finer at the top), 0 is no table.
    edges_from : (scores, weights), optional
        Rows whose quantiles separate the groups; by default those of the table.

    Returns
    -------
    Table or None
        None without rows or with ``bins=0``. A group that no row falls into has zeros.
    """
    if bins == 0 or len(score) == 0:
        return None
    wanted = _DEFAULT_EDGES if bins < 0 else tuple((bins - i - 1) / bins for i in range(bins))
    among, among_weights = (score, weights) if edges_from is None else edges_from
    edges = np.unique(weighted_quantiles(among, wanted, among_weights))
    edges[0] = min(edges[0], score.min())
    groups = len(edges)
    # edges ascend, groups descend: group 0 has the highest scores
    group = groups - np.searchsorted(edges, score, side="right")
    w = np.ones(len(score)) if weights is None else weights
    rows = np.bincount(group, w, minlength=groups)
    hits = np.bincount(group, w * positive, minlength=groups)
    scores = np.bincount(group, w * score, minlength=groups)
    all_rows, all_hits, all_scores = np.cumsum(rows), np.cumsum(hits), np.cumsum(scores)
    total, responses = all_rows[-1], all_hits[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        average = responses / total
        rate = np.where(rows == 0, 0.0, hits / rows)
        score_in = np.where(rows == 0, 0.0, scores / rows)
        rate_up, score_up = all_hits / all_rows, all_scores / all_rows
        lift, lift_up = rate / average, rate_up / average
        distance = all_hits / responses - (all_rows - all_hits) / (total - responses)
        data = [
            np.arange(1, groups + 1), all_rows / total, edges[::-1], lift, lift_up, rate, score_in, rate_up, score_up,
            hits / responses, all_hits / responses, 100 * (lift - 1), 100 * (lift_up - 1), distance,
        ]  # fmt: skip
    return Table.from_columns(
        "Gains/Lift Table",
        _COLUMNS,
        ["int", *["double"] * 13],
        data,
        f"Avg response rate: {100 * average:5.2f} %, avg score: {100 * all_scores[-1] / total:5.2f} %",
        _FORMATS,
    )
