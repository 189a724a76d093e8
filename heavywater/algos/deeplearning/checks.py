"""What the rules between parameters and data need to know, read from the frames."""

from __future__ import annotations

import math

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.data_rules import ColumnFacts, DataFacts
from heavywater.algos.deeplearning.data_rules import check_data as check_facts
from heavywater.algos.deeplearning.start import check_start
from heavywater.frame import Frame
from heavywater.frame.summary import rollup
from heavywater.params import Message


def check_data(ctx: TrainContext) -> list[Message]:
    """All problems, errors and warnings, of the parameters with these frames."""
    return [*check_facts(ctx.params, data_facts(ctx)), *check_start(ctx)]


def data_facts(ctx: TrainContext) -> DataFacts:
    """What the rules ask about the frames of a run."""
    return DataFacts(
        nrow=ctx.train.nrow,
        kinds=ctx.train.kinds,
        predictors=ctx.x,
        response=ctx.y,
        column=lambda name: column_facts(ctx.train, name),
        valid_nrow=None if ctx.valid is None else ctx.valid.nrow,
        valid_kinds=None if ctx.valid is None else ctx.valid.kinds,
    )


def column_facts(frame: Frame, name: str) -> ColumnFacts:
    """Missing cells, extremes and levels of a column."""
    stats = rollup(frame, name)
    levels = frame.levels(name)
    low, high = (math.nan, math.nan) if stats.missing == frame.nrow else (float(stats.min), float(stats.max))
    infinite = stats.positive_infinities + stats.negative_infinities
    return ColumnFacts(stats.missing, low, high, None if levels is None else len(levels), infinite)
