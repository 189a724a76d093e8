"""Training, front to back: prepare, iterate, score when due, stop when told, keep the best."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.history import Event, history_row, stopping_values, value_of
from heavywater.algos.deeplearning.stopping import reason_to_stop, stopping_metric
from heavywater.algos.deepwater.build import BaseNet, make_network, one_setting
from heavywater.algos.deepwater.checks import checkpoint_of
from heavywater.algos.deepwater.data import ScoringRows, TrainingData, prepare_data
from heavywater.algos.deepwater.engine import Work, make_trainer
from heavywater.algos.deepwater.inputs import Order
from heavywater.algos.deepwater.resolve import metric_options
from heavywater.algos.deepwater.result import finished_state, write_native
from heavywater.algos.deepwater.scoring import Scorer
from heavywater.errors import Cancelled, UnstableModel
from heavywater.metrics import ModelMetrics, more_is_better
from heavywater.models.state import ModelState

if TYPE_CHECKING:
    from heavywater.algos.deepwater.model import DeepWaterModel

_AUTOMATIC_BATCHES = 32
"""Mini-batches of an iteration when its length is automatic."""


def train(ctx: TrainContext) -> ModelState:
    """Train a network as `ctx.params` say and return its state.

    Raises
    ------
    UnstableModel
        When weights or outputs diverge before anything useful was learned.
    Cancelled
        When the user stops before the first row was trained.
    """
    before = None if ctx.params.checkpoint is None else checkpoint_of(ctx)
    with one_setting(ctx.threads):
        data = prepare_data(ctx, before)
        net = make_network(ctx, data, before)
        run = _Run(ctx, data, net, before)
        try:
            return run.run()
        finally:
            run.trainer.close()


@dataclass
class _Run:
    """One training run: counters, history and the best network so far."""

    ctx: TrainContext
    data: TrainingData
    net: BaseNet
    before: DeepWaterModel | None
    events: list[Event] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    values: list[dict[str, float]] = field(default_factory=list)
    best: tuple[float, list[Any]] | None = None
    good: tuple[list[Any], int, int] | None = None
    diverged: bool = False
    why: str = ""
    processed: int = 0
    iterations: int = 0
    started_at: float = field(default_factory=time.time)
    scoring_seconds: float = 0.0
    last_scored: float = -math.inf
    last_duration: float = 0.0

    def __post_init__(self) -> None:
        data, p = self.data, self.data.params
        self.total = round(float(p.epochs) * data.rows.per_epoch)
        self.optimiser = self.net.optimiser(p, self.total)
        if self.before is not None:
            self._continue(self.before)
        work = Work(p, data.source, data.targets, data.columns.pixels, self.ctx.seed, self.total)
        self.trainer = make_trainer(self.net, self.optimiser, work, self.ctx)
        self.order = Order(data.taught, self.ctx.seed, p.shuffle_training_data)
        self.scorer = Scorer(
            self.net,
            data.columns.pixels,
            data.response,
            data.category,
            metric_options(p),
            prior=data.rows.prior if data.rows.balanced is not None else None,
            model_prior=data.rows.balanced,
            custom=p.custom_metric_func,
        )

    def _continue(self, model: DeepWaterModel) -> None:
        """Counters, history and the optimiser's memory of the checkpoint."""
        o = model.output
        self.processed, self.iterations = int(o["samples"]), int(o["iterations"])
        table = model.table("scoring_history")
        self.rows = [] if table is None else [dict(zip(table.col_header, r)) for r in table.cell_values]
        self.values = [dict(v) for v in o["stopping_history"]]
        self.optimiser.load(model.state.arrays, int(o["optimizer_steps"]))

    def run(self) -> ModelState:
        if not self.rows:
            self._record(Event(time.time(), self.ctx.elapsed(), 0.0, 0.0, 0, 0, None, None))
        if self.before is not None:
            self.good = (self.net.copied(), self.processed, self.iterations)
            self._keep_best(self._event())
        while not self.why:
            if self.processed < self.total:
                self._iterate()
                self.iterations += 1
            self.why = self._reason_to_end()
            if self.why or self._scoring_is_due():
                self._score()
                self.why = self.why or self._reason_from_scores()
        if self.diverged or self.data.params.overwrite_with_best_model:
            self._restore_best()
        return finished_state(self)

    # -- iterating --------------------------------------------------------------------------------------------------

    def _iterate(self) -> None:
        p = self.data.params
        wanted = int(p.train_samples_per_iteration)
        if wanted in (0, -1):
            wanted = self.data.rows.per_epoch
        elif wanted == -2:
            wanted = _AUTOMATIC_BATCHES * p.mini_batch_size
        count = min(wanted, self.total - self.processed)
        with contextlib.closing(self.trainer.train(self.order, self.processed, count)) as steps:
            for done in steps:
                self.processed += done
                self.ctx.progress(self._fraction(), self._news())
                if self.ctx.stop.is_set() or self.ctx.out_of_time():
                    break
        if self.ctx.stop.is_set() and self.processed == 0:
            raise Cancelled("stopped before the first row was trained; there is no model to keep")

    @property
    def epochs(self) -> float:
        return self.processed / self.data.rows.per_epoch

    def _fraction(self) -> float:
        by_rows = self.processed / self.total if self.total > 0 else 1.0
        limit = self.ctx.max_runtime_secs
        return min(1.0, max(by_rows, self.ctx.elapsed() / limit if limit > 0 else 0.0))

    def _news(self) -> str:
        speed = self.processed / max(self.ctx.elapsed() - self.scoring_seconds, 1e-9)
        text = f"{self.epochs:.2f} epochs, {speed:,.0f} rows/s"
        if self.events and self.events[-1].judged is not None:
            name = "RMSE" if self.data.category == "Regression" else "misclassification"
            text += f", {name} {value_of(self.events[-1].judged, name):.4g}"
        return text

    def _reason_to_end(self) -> str:
        if self.ctx.stop.is_set():
            return f"stopped by the user after {self.epochs:.2f} epochs"
        if self.ctx.out_of_time():
            return f"max_runtime_secs ({self.ctx.max_runtime_secs:g} s) was reached after {self.epochs:.2f} epochs"
        if self.processed >= self.total:
            return f"all {self.data.params.epochs:g} epochs were trained"
        return ""

    # -- scoring ----------------------------------------------------------------------------------------------------

    def _scoring_is_due(self) -> bool:
        p = self.data.params
        if p.score_each_iteration or self.last_scored == -math.inf:
            return True
        since = time.monotonic() - self.last_scored
        return bool(since > p.score_interval and self.last_duration / since < p.score_duty_cycle)

    def _score(self) -> None:
        """Score training sample and validation rows, extend the history, remember the network and the best one."""
        began = time.monotonic()
        try:
            event = self._event()
        except UnstableModel as e:
            self._roll_back(e)
            return
        self._record(event)
        self.good = (self.net.copied(), self.processed, self.iterations)
        self._keep_best(event)
        if self.ctx.on_snapshot is not None:
            why = f"not at all: this is a snapshot, taken at {self.epochs:.2f} epochs while training went on"
            self.ctx.on_snapshot(finished_state(self).with_output(why_stopped=why))
        prefix = self.data.params.export_native_parameters_prefix
        if prefix is not None:
            write_native(self.net, prefix, self.iterations)
        self.last_duration = time.monotonic() - began
        self.last_scored = began
        self.scoring_seconds += self.last_duration
        self.ctx.progress(self._fraction(), self._news())

    def _keep_best(self, event: Event) -> None:
        if not self.events or self.events[-1] is not event:
            self.events.append(event)
        loss = self._loss(event)
        if self.best is None or not loss >= self.best[0]:
            self.best = (loss, self.net.copied() if self.good is None else self.good[0])

    def _roll_back(self, fault: UnstableModel) -> None:
        """Return to the network of the last scoring and end there; without one there is nothing to keep."""
        p = self.data.params
        advice = f"a smaller learning_rate (now {p.learning_rate:g}) or clip_gradient (now {p.clip_gradient:g})"
        if p.pixel_scaling == "none" and len(self.data.columns.shape) == 3:
            advice += ", or pixel_scaling='channel'"
        text = f"{fault} after {self.epochs:.2f} epochs. What usually helps: {advice}"
        if self.good is None:
            raise UnstableModel(text)
        tensors, self.processed, self.iterations = self.good
        self.net.put_back(tensors)
        self.diverged = True
        self.why = f"{text}. What was learned before is kept: the network of {self.epochs:.2f} epochs"
        self.ctx.warn(self.why)

    def _record(self, event: Event) -> None:
        self.events.append(event)
        self.rows.append(history_row(event, self.data.category))
        self.ctx.on_score(self.rows[-1])
        self.values.append(stopping_values(event, self.data.category))

    def _event(self) -> Event:
        data = self.data
        train = self._timed(data.train_set)
        valid = None if data.valid_set is None else self._timed(data.valid_set)
        now = self.ctx.elapsed()
        return Event(
            time.time(), now, now - self.scoring_seconds, self.epochs, self.iterations, self.processed, train, valid
        )

    def _timed(self, rows: ScoringRows) -> ModelMetrics:
        began = time.time()
        return self.scorer.metrics(rows).described(
            description=rows.description,
            scoring_time=int(began * 1000),
            duration_ms=round((time.time() - began) * 1000),
        )

    def _loss(self, event: Event) -> float:
        """What the best model minimises: the stopping metric, turned around when more is better."""
        name = stopping_metric(self.data.params, self.data.category)
        value = value_of(event.judged, name)
        return float(np.float32(1.0 - value if name in ("AUC", "AUCPR") else -value if more_is_better(name) else value))

    def _reason_from_scores(self) -> str:
        if self.processed == 0:
            return ""
        return reason_to_stop(self.data.params, self.data.category, self.events[-1], self.values)

    def _restore_best(self) -> None:
        """Put the best network back when the last one is worse, and score once more."""
        if self.best is None or not self.best[0] < self._loss(self.events[-1]):
            return
        self.net.put_back(self.best[1])
        self.why += "; the best model seen was restored"
        self.why += "" if self.diverged else " (overwrite_with_best_model)"
        self._score()
