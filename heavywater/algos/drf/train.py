"""Bagging: each tree learns from rows of its own; rows that a tree did not see judge it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.drf.model import votes
from heavywater.algos.gbm.forest import Forest, to_arrays
from heavywater.algos.gbm.growing import Clock, column_settings, in_frame_order, summary
from heavywater.algos.gbm.model import matrix
from heavywater.algos.tabular.checks import check_table
from heavywater.algos.tabular.data import prepare_table
from heavywater.algos.tabular.history import early_stop, history_row, history_table
from heavywater.algos.tabular.result import finished_state, importances_table, metrics_on, validation_weights
from heavywater.core.trees import sum_of_trees
from heavywater.metrics import ModelMetrics
from heavywater.models.state import ModelState
from heavywater.params import Message

VERSION = 1
_OUT_OF_BAG = "Metrics reported on Out-Of-Bag training samples"


def check_data(ctx: TrainContext) -> list[Message]:
    """All problems, errors and warnings, of the parameters with these frames."""
    messages = check_table(ctx)
    if ctx.params.mtries > len(ctx.x):
        text = f"mtries must not exceed the number of predictors, {len(ctx.x)}; got {ctx.params.mtries}"
        messages.append(Message("mtries", "error", text))
    return messages


def train(ctx: TrainContext) -> ModelState:
    """Grow the trees and return the model's state."""
    return _Run(ctx).run()


class _Run:
    def __init__(self, ctx: TrainContext) -> None:
        self.ctx, self.p = ctx, ctx.params
        data = prepare_table(ctx, distribution=self.p.distribution)
        self.data = dataclasses.replace(data, names=in_frame_order(ctx, data))
        self.outputs = data.response.nclasses if data.category == "Multinomial" else 1
        self.clock = Clock(ctx)
        self.forest = Forest()
        self.rows: list[dict[str, Any]] = []
        self.judged: list[ModelMetrics] = []
        self.train_metrics: ModelMetrics | None = None
        self.valid_metrics: ModelMetrics | None = None
        self.gains = np.zeros(len(data.design.names))

    @property
    def grown(self) -> int:
        return len(self.forest) // self.outputs

    def run(self) -> ModelState:
        design, valid = self.data.design, self.ctx.valid
        self.x = matrix(design, self.data.rows)
        n = len(self.x)
        self.targets = self.data.y[:, None]
        if self.outputs > 1:
            self.targets = (self.data.y[:, None] == np.arange(self.outputs)).astype(np.float64)
        self.sums, self.counts = np.zeros((n, self.outputs)), np.zeros(n, np.int64)
        if valid is not None:
            adapted = design.adapt(valid, warn=lambda text: self.ctx.warn(f"validation frame: {text}"))
            self.valid_x = matrix(design, adapted)
            self.valid_sums = np.zeros((len(self.valid_x), self.outputs))
        random = np.random.default_rng(self.ctx.seed % 2**63)
        settings, table = self._settings(), self._table()
        why = ""
        while not why:
            self._grow(settings, table, random)
            why = self.clock.reason(self.grown)
            if why or self.clock.due(self.grown):
                self._score()
                where = "validation" if valid is not None else "out-of-bag"
                why = why or early_stop(self.p, self.data.category, self.judged, where)
            self.ctx.progress(self.grown / self.p.ntrees, f"{self.grown} of {self.p.ntrees} trees")
        return self._state(why)

    def _settings(self) -> dict[str, Any]:
        p, columns = self.p, len(self.data.design.names)
        tries = p.mtries
        if tries == -1:
            tries = math.floor(columns / 3 if self.data.category == "Regression" else math.sqrt(columns))
        share = 1.0 if tries == -2 else max(1, tries) / columns
        return column_settings(self.ctx, self.data, self.x.size) | {
            "objective": "regression",
            "learning_rate": 1.0,
            "cat_l2": 0.0,  # leaves are means
            "feature_fraction": p.col_sample_rate_per_tree,
            "feature_fraction_bynode": share,
        }

    def _table(self) -> Any:
        """The rows, cut into bins once for all trees."""
        import lightgbm

        data = self.data
        table = lightgbm.Dataset(
            self.x,
            self.targets[:, 0],
            weight=data.weights,
            categorical_feature=list(range(len(data.design.cats))),
            params=self._settings(),
            free_raw_data=False,
        )
        return table.construct()

    def _grow(self, settings: dict[str, Any], table: Any, random: np.random.Generator) -> None:
        """A tree for each class, all on the same rows."""
        import lightgbm

        bag = random.random(len(self.x)) < self.p.sample_rate
        if not bag.any():
            bag[random.integers(len(bag))] = True
        rows = np.flatnonzero(bag)
        weights = None if self.data.weights is None else self.data.weights[rows]
        for k in range(self.outputs):
            part = table.subset(rows).construct()
            part.set_label(self.targets[rows, k])
            seed = int(random.integers(2**31 - 1))
            booster = lightgbm.Booster(settings | {"seed": seed}, part)
            booster.update()
            found = booster.dump_model()["tree_info"]
            structure = found[0]["tree_structure"] if found else {}
            if "split_feature" not in structure:  # no split helps: the mean of these rows
                structure = {"leaf_value": float(np.average(self.targets[rows, k], weights=weights))}
            else:
                self.gains += booster.feature_importance("gain")
            self.forest.add(structure, k)
        new = sum_of_trees(self.forest.latest(self.outputs), self.x, self.outputs, self.ctx.threads)
        self.sums[~bag] += new[~bag]
        self.counts += ~bag
        if self.ctx.valid is not None:
            newest = self.forest.latest(self.outputs)
            self.valid_sums += sum_of_trees(newest, self.valid_x, self.outputs, self.ctx.threads)

    def _score(self) -> None:
        category, prior = self.data.category, self.data.prior
        seen = self.counts > 0
        if seen.any():
            means = self.sums[seen] / self.counts[seen, None]
            rows = self.data.rows.filter(seen)
            weights, text = (None if self.data.weights is None else self.data.weights[seen]), _OUT_OF_BAG
        else:  # every tree saw every row
            sums = sum_of_trees(self.forest.trees(), self.x, self.outputs, self.ctx.threads)
            means, rows, weights = sums / self.grown, self.data.rows, self.data.weights
            text = "Metrics reported on the full training frame"
        found = metrics_on(self.ctx, self.data, rows, votes(means, category, prior), weights, "training")
        self.train_metrics = found.described(description=text)
        if self.ctx.valid is not None:
            answers = votes(self.valid_sums / self.grown, category, prior)
            self.valid_metrics = metrics_on(
                self.ctx, self.data, self.ctx.valid, answers, validation_weights(self.ctx), "validation"
            )
        self.judged.append(self.valid_metrics or self.train_metrics)
        step = {"number_of_trees": self.grown}
        self.rows.append(history_row(step, self.ctx.elapsed(), category, self.train_metrics, self.valid_metrics))
        self.ctx.on_score(self.rows[-1])
        if self.ctx.on_snapshot is not None:
            self.ctx.on_snapshot(self._state(f"not at all: this is a snapshot, taken at {self.grown} trees"))

    def _state(self, why: str) -> ModelState:
        trees = self.forest.trees()
        arrays = to_arrays(trees)
        size: dict[str, Any] = {"nodes": len(trees.feature), "words": len(trees.sets), "trees": len(trees.roots)}
        size |= {"depths": self.forest.depths, "leaves": self.forest.leaves}
        steps, valid = {"number_of_trees": "long"}, self.ctx.valid is not None
        history = history_table(self.rows, steps, self.data.category, valid, without=("r2",))
        return finished_state(
            self.ctx,
            self.data,
            version=VERSION,
            full_name="Distributed Random Forest",
            actual=dataclasses.replace(self.p, distribution=self.data.response.distribution),
            schema={"design": self.data.design.to_json(), "forest": size},
            output={
                "ntrees": self.grown,
                "init_f": 0.0,
                "model_summary": summary(self.forest, self.grown, arrays).to_json(),
                "scoring_history": history.to_json(),
                "variable_importances": importances_table(list(self.data.design.names), self.gains).to_json(),
            },
            arrays=arrays,
            train=self.train_metrics,
            valid=self.valid_metrics,
            why=why,
        )
