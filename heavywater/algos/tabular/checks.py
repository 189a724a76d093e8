"""Rules between parameters and data that all learners of tables share."""

from __future__ import annotations

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.checks import column_facts
from heavywater.algos.deeplearning.data_rules import DataFacts
from heavywater.algos.deeplearning.data_rules import check_data as check_facts
from heavywater.params import Message


def check_table(ctx: TrainContext) -> list[Message]:
    """Problems, errors and warnings, of response, special columns, distribution and stopping metric."""
    facts = DataFacts(
        nrow=ctx.train.nrow,
        kinds=ctx.train.kinds,
        predictors=ctx.x,
        response=ctx.y,
        column=lambda name: column_facts(ctx.train, name),
        valid_nrow=None if ctx.valid is None else ctx.valid.nrow,
        valid_kinds=None if ctx.valid is None else ctx.valid.kinds,
    )
    return check_facts(ctx.params, facts)
