"""Rules between parameters and data that all learners of tables share."""

from __future__ import annotations

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.checks import data_facts
from heavywater.algos.deeplearning.data_rules import check_data as check_facts
from heavywater.params import Message


def check_table(ctx: TrainContext) -> list[Message]:
    """Problems, errors and warnings, of response, special columns, distribution and stopping metric."""
    return check_facts(ctx.params, data_facts(ctx))
