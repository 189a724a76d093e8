"""What boosting and bagging share: LightGBM's settings of columns and leaves, when to stop and to score, the summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.gbm.forest import Forest
from heavywater.algos.tabular.data import TableData
from heavywater.display.table import Table

_MOST_LEAVES = 131072
_POOL_MIB = 256
_SCORINGS = 20
_WORTH_THREADS = 1_000_000
"""Cells from which on several threads are faster than one."""


def column_settings(ctx: TrainContext, data: TableData, cells: int) -> dict[str, Any]:
    """LightGBM's settings that follow from what `gbm` and `drf` both have."""
    p, depth = ctx.params, ctx.params.max_depth or -1
    most = max(2, min(len(data.y), _MOST_LEAVES))  # LightGBM sets memory aside for every leaf that there may be
    return {
        "max_depth": depth,
        "num_leaves": most if depth < 0 or depth > 30 else min(2**depth, most),
        "histogram_pool_size": _POOL_MIB,
        "min_data_in_leaf": max(1, int(p.min_rows)),
        "min_data_per_group": max(1, int(p.min_rows)),
        "min_sum_hessian_in_leaf": 1e-9,
        "min_gain_to_split": p.min_split_improvement,
        "max_bin": max(p.nbins_top_level, max((len(v) + 2 for v in data.design.levels), default=2)),
        "min_data_in_bin": 1,
        "bin_construct_sample_cnt": 10**9,
        "seed": ctx.seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": ctx.threads if cells > _WORTH_THREADS else 1,
        "verbosity": -1,
        "feature_pre_filter": False,
        "max_cat_threshold": 2**16,
        "cat_smooth": 1.0,
    }


def in_frame_order(ctx: TrainContext, data: TableData) -> list[str]:
    """Columns as a tree has them: in the frame's order, then those with a special part, then the response."""
    own = set(data.design.names)
    return [n for n in ctx.x if n in own] + [n for n in data.names if n not in own]


class Clock:
    """When a forest is large enough, and when it is scored."""

    def __init__(self, ctx: TrainContext) -> None:
        self.ctx, self.p = ctx, ctx.params

    def reason(self, grown: int) -> str:
        """The sentence that ends training, empty when it goes on."""
        if grown >= self.p.ntrees:
            return f"all {self.p.ntrees} trees were grown"
        if self.ctx.stop.is_set():
            return f"stopped by the user after {grown} trees"
        if self.ctx.out_of_time():
            return f"the time limit of {self.ctx.max_runtime_secs:g} s was reached after {grown} trees"
        return ""

    def due(self, grown: int) -> bool:
        """Whether it is time to score."""
        if self.p.score_each_iteration:
            return True
        interval = self.p.score_tree_interval or max(1, self.p.ntrees // _SCORINGS)
        return bool(grown % interval == 0)


def summary(forest: Forest, grown: int, arrays: Mapping[str, np.ndarray]) -> Table:
    """The table "Model Summary": how many trees, how deep, how many leaves."""
    depths, leaves = forest.depths, forest.leaves
    columns = [
        "number_of_trees", "number_of_internal_trees", "model_size_in_bytes", "min_depth", "max_depth", "mean_depth",
        "min_leaves", "max_leaves", "mean_leaves",
    ]  # fmt: skip
    size = sum(a.nbytes for a in arrays.values())
    row = [
        grown, len(forest), size, min(depths), max(depths), float(np.mean(depths)), min(leaves), max(leaves),
        float(np.mean(leaves)),
    ]  # fmt: skip
    return Table("Model Summary", columns, ["long"] * 5 + ["double", "long", "long", "double"], [row])
