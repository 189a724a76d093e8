"""Slow twins of the explanations: one row, one value, one prediction at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any

Row = dict[str, Any]


def partial_dependence(
    predict: Callable[[Row], float], rows: Sequence[Row], column: str, values: Sequence[Any], weights: Sequence[int]
) -> list[tuple[float, float]]:
    """Mean and standard deviation of the predictions with `column` set; a row of weight 2 is there twice."""
    found = []
    for value in values:
        answers = [predict({**row, column: value}) for row, w in zip(rows, weights) for _ in range(w)]
        found.append((fmean(answers), stdev(answers) if len(answers) > 1 else 0.0))
    return found


def shapley(
    predict: Callable[[Row], float], row: Row, background: Sequence[Row], columns: Sequence[str]
) -> dict[str, float]:
    """Shapley's formula over all coalitions; columns outside a coalition come from the background rows."""

    def worth(known: tuple[str, ...]) -> float:
        return fmean(predict({**other, **{c: row[c] for c in known}}) for other in background)

    n, values = len(columns), dict.fromkeys(columns, 0.0)
    for c in columns:
        others = [o for o in columns if o != c]
        for size in range(n):
            share = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for known in itertools.combinations(others, size):
                values[c] += share * (worth((*known, c)) - worth(known))
    return values
