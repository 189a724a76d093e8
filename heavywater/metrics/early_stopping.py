"""Early stopping by a moving average of a metric (booklet section "Early Stopping"; H2O's rule in full)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def has_converged(
    values: Sequence[float], rounds: int, tolerance: float, *, more_is_better: bool, bounded_by_zero: bool
) -> bool:
    """Whether the last `rounds` moving averages failed to beat the one before them by more than `tolerance`.

    Parameters
    ----------
    values : sequence of float
        The metric at each scoring, oldest first, the row of the untrained model included.
    rounds : int
        Length of the moving average and number of averages compared with the reference; 0 never converges.
    tolerance : float
        Relative improvement that counts.
    more_is_better, bounded_by_zero : bool
        Direction of the metric, and whether 0 is its best possible value.
    """
    averages = moving_averages(values, rounds)
    if not averages or any(math.isnan(a) for a in averages):
        return False
    reference, recent = averages[0], averages[1:]
    if bounded_by_zero and reference == 0:
        return True
    best = max(recent) if more_is_better else min(recent)
    if _sign(max(averages)) != _sign(min(averages)) or _sign(best) != _sign(reference):
        return False
    ratio = best / reference if reference else math.nan
    return ratio <= 1 + tolerance if more_is_better else ratio >= 1 - tolerance


def moving_averages(values: Sequence[float], rounds: int) -> list[float]:
    """The reference average followed by the `rounds` averages after it; empty while there are too few values."""
    if rounds <= 0 or len(values) - 1 < 2 * rounds:
        return []
    start = len(values) - 2 * rounds
    return [sum(values[start + i : start + i + rounds]) / rounds for i in range(rounds + 1)]


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
