"""The scoring history of learners that go step by step, and when they stop."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from heavywater.algos.deeplearning.history import MEASURES, pretty_seconds, value_of
from heavywater.display.table import Table
from heavywater.metrics import ModelMetrics, bounded_by_zero, more_is_better
from heavywater.metrics.early_stopping import has_converged


def history_row(
    step: Mapping[str, Any], seconds: float, category: str, train: ModelMetrics | None, valid: ModelMetrics | None
) -> dict[str, Any]:
    """A row of the scoring history: when, `step` (such as the number of trees), and the measures of both frames."""
    row: dict[str, Any] = {
        "timestamp": time.strftime("%Y-%m-%d %H:%M:%S"),
        "duration": pretty_seconds(seconds),
        **step,
    }
    for block, metrics in (("training", train), ("validation", valid)):
        for column, metric in MEASURES[category].items():
            row[f"{block}_{column}"] = value_of(metrics, metric)
    return row


def history_table(
    rows: Sequence[Mapping[str, Any]],
    steps: Mapping[str, str],
    category: str,
    valid: bool,
    without: Sequence[str] = (),
) -> Table:
    """The table "Scoring History".

    Parameters
    ----------
    rows : sequence of mapping
        See `history_row`.
    steps : mapping of str to str
        Columns of progress with their types.
    category : str
    valid : bool
        Whether there is a validation frame.
    without : sequence of str
        Measures that the algorithm's history does not have.
    """
    blocks = ["training", *(["validation"] if valid else [])]
    measures = [f"{b}_{m}" for b in blocks for m in MEASURES[category] if m not in without]
    columns = ["timestamp", "duration", *steps, *measures]
    types = ["string", "string", *steps.values(), *["double"] * len(measures)]
    return Table("Scoring History", columns, types, [[r.get(c) for c in columns] for r in rows])


def early_stop(p: Any, category: str, history: Sequence[ModelMetrics], where: str) -> str:
    """The sentence that ends training, empty when it goes on; see the parameters ``stopping_*``."""
    automatic = "deviance" if category == "Regression" else "logloss"
    name = automatic if p.stopping_metric in (None, "AUTO") else str(p.stopping_metric)
    values = [math.nan, *(value_of(m, name) for m in history)]
    better, bounded = more_is_better(name), bounded_by_zero(name)
    rounds, tolerance = p.stopping_rounds, p.stopping_tolerance
    if not has_converged(values, rounds, tolerance, more_is_better=better, bounded_by_zero=bounded):
        return ""
    return (
        f"early stopping: the moving average of the {where} {name} over {rounds} scorings has not improved by more than "
        f"{tolerance:g} in {rounds} scorings (now {values[-1]:.6g})"
    )
