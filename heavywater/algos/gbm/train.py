"""Boosting: LightGBM grows one tree after the other; scoring, stopping and time limits are ours."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.gbm.forest import Forest, to_arrays
from heavywater.algos.gbm.growing import Clock, column_settings, in_frame_order, summary
from heavywater.algos.gbm.model import GBMModel, answers_of, matrix
from heavywater.algos.tabular.checks import check_table
from heavywater.algos.tabular.data import TableData, prepare_table
from heavywater.algos.tabular.history import early_stop, history_row, history_table
from heavywater.algos.tabular.result import finished_state, importances_table, metrics_on, validation_weights
from heavywater.core.trees import sum_of_trees
from heavywater.errors import H2OValueError, NotSupported
from heavywater.frame import Frame
from heavywater.frame.design import Design
from heavywater.metrics import ModelMetrics
from heavywater.models.state import ModelState
from heavywater.params import Message

VERSION = 1
_OBJECTIVES = {
    "bernoulli": "binary", "multinomial": "multiclass", "gaussian": "regression", "poisson": "poisson",
    "gamma": "gamma", "tweedie": "tweedie", "laplace": "regression_l1", "quantile": "quantile",
}  # fmt: skip
_BINNING = (
    "max_bin", "min_data_in_bin", "bin_construct_sample_cnt", "verbosity", "num_threads", "feature_pre_filter",
)  # fmt: skip


def check_data(ctx: TrainContext) -> list[Message]:
    """All problems, errors and warnings, of the parameters with these frames."""
    messages = check_table(ctx)
    named = list(ctx.params.monotone_constraints or ())
    for group in ctx.params.interaction_constraints or ():
        named += group
    for name in dict.fromkeys(named):
        if name not in ctx.x:
            messages.append(Message("monotone_constraints", "error", f"constraints: {name!r} is not a predictor"))
    return messages


def train(ctx: TrainContext) -> ModelState:
    """Grow the trees and return the model's state."""
    return _Run(ctx).run()


class _Run:
    def __init__(self, ctx: TrainContext) -> None:
        self.ctx = ctx
        self.p = ctx.params
        self.before = _before(ctx)
        self.data = prepare_table(ctx, distribution=self.p.distribution)
        if self.before is not None:
            self.data = _as_before(self.data, self.before)
        self.outputs = self.data.response.nclasses if self.data.category == "Multinomial" else 1
        self.data = dataclasses.replace(self.data, names=in_frame_order(ctx, self.data))
        self.first = self._first_answer()
        self.clock = Clock(ctx)
        self.forest = Forest()
        if self.before is not None:
            facts = self.before.state.schema["forest"]
            self.forest = Forest.continued(self.before.trees, facts["depths"], facts["leaves"])
        self.rows: list[dict[str, Any]] = []
        self.judged: list[ModelMetrics] = []
        self.train_metrics: ModelMetrics | None = None
        self.valid_metrics: ModelMetrics | None = None
        self.gains = np.zeros(len(self.data.design.names))

    @property
    def grown(self) -> int:
        return len(self.forest) // self.outputs

    def run(self) -> ModelState:
        design, p = self.data.design, self.p
        self.x = matrix(design, self.data.rows)
        self.raw = self._start(self.data.rows, self.x, self.data.offsets)
        valid = self.ctx.valid
        if valid is not None:
            adapted = design.adapt(valid, warn=lambda text: self.ctx.warn(f"validation frame: {text}"))
            self.valid_x = matrix(design, adapted)
            offsets = valid.numeric(p.offset_column) if p.offset_column else None
            self.valid_raw = self._start(valid, self.valid_x, offsets)
        booster = self._booster()
        first, why = self.grown, ""
        while not why:
            step = self.grown - first
            if p.learn_rate_annealing < 1:
                booster.reset_parameter({"learning_rate": p.learn_rate * p.learn_rate_annealing**self.grown})
            stuck = booster.update()
            self._take(booster, step)
            why = self._reason(stuck)
            if why or self.clock.due(self.grown):
                self._score()
                why = why or early_stop(p, self.data.category, self.judged, "validation" if valid else "training")
            self.ctx.progress(self.grown / p.ntrees, f"{self.grown} of {p.ntrees} trees")
        self.gains += booster.feature_importance("gain")
        return self._state(why)

    def _first_answer(self) -> float:
        """Where boosting starts, before the inverse link; the first tree's leaves hold it."""
        data, y = self.data, self.data.y
        if self.before is not None:
            return float(self.before.output.get("init_f", 0.0))
        if data.offsets is not None or self.outputs > 1:
            return 0.0
        name = data.response.distribution
        if name in ("laplace", "quantile"):
            share = 0.5 if name == "laplace" else self.p.quantile_alpha
            return float(np.quantile(y, share, weights=data.weights, method="inverted_cdf"))
        mean = float(np.average(y, weights=data.weights))
        if name == "bernoulli":
            return float(np.log(mean / (1.0 - mean)))
        return float(np.log(mean)) if name in ("poisson", "gamma", "tweedie") else mean

    def _booster(self) -> Any:
        import lightgbm

        p, data, design = self.p, self.data, self.data.design
        settings: dict[str, Any] = column_settings(self.ctx, data, self.x.size) | {
            "objective": _OBJECTIVES[data.response.distribution],
            "learning_rate": p.learn_rate,
            "bagging_fraction": p.sample_rate,
            "bagging_freq": int(p.sample_rate < 1),
            "feature_fraction": p.col_sample_rate_per_tree,
            "feature_fraction_bynode": p.col_sample_rate,
            "tweedie_variance_power": p.tweedie_power,
            "alpha": p.quantile_alpha,
        }
        if self.outputs > 1:
            settings["num_class"] = self.outputs
        names = list(design.names)
        if p.monotone_constraints:
            settings["monotone_constraints"] = [int(p.monotone_constraints.get(n, 0)) for n in names]
        if p.interaction_constraints:
            settings["interaction_constraints"] = [[names.index(c) for c in g] for g in p.interaction_constraints]
        start = None
        if self.before is not None or data.offsets is not None:
            start = self.raw.reshape(-1, order="F")
        table = lightgbm.Dataset(
            self.x,
            data.y,
            weight=data.weights,
            init_score=start,
            categorical_feature=list(range(len(design.cats))),
            params={name: settings[name] for name in _BINNING},
            free_raw_data=False,
        )
        return lightgbm.Booster(settings, table)

    def _start(self, frame: Frame, x: np.ndarray, offsets: np.ndarray | None) -> np.ndarray:
        """Sums before the first new tree."""
        raw = np.zeros((len(x), self.outputs))
        if self.before is not None:
            raw = sum_of_trees(self.before.trees, x, self.outputs, self.ctx.threads)
        return raw if offsets is None else raw + offsets[:, None]

    def _take(self, booster: Any, step: int) -> None:
        """Copy the newest trees into the forest and add them to the sums of all rows."""
        found = booster.dump_model(num_iteration=1, start_iteration=step)["tree_info"]
        for k in range(self.outputs):
            structure: Mapping[str, Any] = found[k]["tree_structure"] if k < len(found) else {"leaf_value": 0.0}
            self.forest.add(structure, k)
        new = self.forest.latest(self.outputs)
        self.raw += sum_of_trees(new, self.x, self.outputs, self.ctx.threads)
        if self.ctx.valid is not None:
            self.valid_raw += sum_of_trees(new, self.valid_x, self.outputs, self.ctx.threads)

    def _reason(self, stuck: bool) -> str:
        if stuck and self.grown < self.p.ntrees:
            return "no split improves the model any more"
        return self.clock.reason(self.grown)

    def _score(self) -> None:
        distribution = self.data.response.distribution
        self.train_metrics = metrics_on(
            self.ctx, self.data, self.data.rows, answers_of(self.raw, distribution), self.data.weights, "training"
        )
        if self.ctx.valid is not None:
            answers = answers_of(self.valid_raw, distribution)
            weights = validation_weights(self.ctx)
            self.valid_metrics = metrics_on(self.ctx, self.data, self.ctx.valid, answers, weights, "validation")
        self.judged.append(self.valid_metrics or self.train_metrics)
        trees = {"number_of_trees": self.grown}
        self.rows.append(
            history_row(trees, self.ctx.elapsed(), self.data.category, self.train_metrics, self.valid_metrics)
        )
        self.ctx.on_score(self.rows[-1])
        if self.ctx.on_snapshot is not None:
            self.ctx.on_snapshot(self._state(f"not at all: this is a snapshot, taken at {self.grown} trees"))

    def _state(self, why: str) -> ModelState:
        trees = self.forest.trees()
        arrays = to_arrays(trees)
        actual = dataclasses.replace(self.p, distribution=self.data.response.distribution)
        size: dict[str, Any] = {"nodes": len(trees.feature), "words": len(trees.sets), "trees": len(trees.roots)}
        size |= {"depths": self.forest.depths, "leaves": self.forest.leaves}
        steps, valid = {"number_of_trees": "long"}, self.ctx.valid is not None
        history = history_table(self.rows, steps, self.data.category, valid, without=("r2",))
        names = list(self.data.design.names)
        return finished_state(
            self.ctx,
            self.data,
            version=VERSION,
            full_name="Gradient Boosting Machine",
            actual=actual,
            schema={"design": self.data.design.to_json(), "forest": size},
            output={
                "ntrees": self.grown,
                "init_f": self.first,
                "model_summary": summary(self.forest, self.grown, arrays).to_json(),
                "scoring_history": history.to_json(),
                "variable_importances": importances_table(names, self.gains).to_json(),
            },
            arrays=arrays,
            train=self.train_metrics,
            valid=self.valid_metrics,
            why=why,
        )


def _before(ctx: TrainContext) -> GBMModel | None:
    """The model to continue."""
    if ctx.params.checkpoint is None:
        return None
    assert ctx.models is not None
    model = ctx.models(ctx.params.checkpoint)
    if not isinstance(model, GBMModel):
        raise H2OValueError(f"checkpoint: {model.key!r} is a {model.algo} model, not a gbm one")
    if int(model.output["ntrees"]) >= ctx.params.ntrees:
        have = model.output["ntrees"]
        raise H2OValueError(
            f"checkpoint: the model has {have} trees already; ntrees must be larger, got {ctx.params.ntrees}"
        )
    return model


def _as_before(data: TableData, before: GBMModel) -> TableData:
    """The data with the columns and levels of the model that goes on."""
    design: Design = before.design
    if set(design.names) != set(data.design.names) or before.response.levels != data.response.levels:
        raise NotSupported("checkpoint: columns and classes must be those of the model that is continued")
    adapted = design.adapt(data.rows)
    rows = data.rows.with_columns(adapted.stored.iter_columns())
    return dataclasses.replace(data, design=design, rows=rows, response=before.response)
