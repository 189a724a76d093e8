"""Training, front to back: prepare, iterate, score when due, stop when told, keep the best."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.data import TrainingData, prepare_data
from heavywater.algos.deeplearning.divergence import report
from heavywater.algos.deeplearning.engines import Engine, make_engine
from heavywater.algos.deeplearning.history import Event, history_row, stopping_values, value_of
from heavywater.algos.deeplearning.result import finished_state, snapshot
from heavywater.algos.deeplearning.start import Start, starting_point
from heavywater.algos.deeplearning.stopping import reason_to_stop, stopping_metric
from heavywater.core.mlp.inspect import is_unstable
from heavywater.core.mlp.layout import HUBER, Network
from heavywater.errors import Cancelled, UnstableModel
from heavywater.metrics import more_is_better
from heavywater.models.state import ModelState

_WEIGHTS_TO_LOOK_AT = 1_500_000_000
"""Rows times weights that a run may score between its scorings, in search of the best network: a second or less."""
_SLICE_SECONDS = 0.25
"""Kernels hand back control about this often: to show progress, to look at the clock, to be stopped."""


def train(ctx: TrainContext) -> ModelState:
    """Train a network as `ctx.params` say and return its state.

    Raises
    ------
    UnstableModel
        When weights or outputs diverge before anything useful was learned.
    Cancelled
        When the user stops before the first row was trained.
    """
    data = prepare_data(ctx)
    start = starting_point(ctx, data)
    engine = make_engine(ctx, data, start.network)
    try:
        return _Run(ctx, data, engine, start).run()
    finally:
        engine.close()


class _Good(NamedTuple):
    """A network that was scored, and when."""

    network: Network
    processed: int
    iterations: int


@dataclass
class _Run:
    """One training run: counters, history and the best network so far."""

    ctx: TrainContext
    data: TrainingData
    engine: Engine
    start: Start
    events: list[Event] = field(default_factory=list)
    best: tuple[float, Network] | None = None
    good: _Good | None = None
    diverged: bool = False
    why: str = ""
    started_at: float = field(default_factory=time.time)
    scoring_seconds: float = 0.0
    last_scored: float = -math.inf
    last_duration: float = 0.0

    def __post_init__(self) -> None:
        self.network = self.start.network
        self.processed, self.iterations = self.start.processed, self.start.iterations
        self.rows, self.values = self.start.rows, self.start.values

    def run(self) -> ModelState:
        self._adapt_huber()
        self._first_row()
        self._best_so_far()
        while not self.why:
            if self.data.params.epochs > 0:
                self._iterate()
            self.iterations += 1
            self.why = self._reason_to_end()
            if self.why or self._scoring_is_due():
                self._score()
                self.why = self.why or self._reason_from_scores()
            elif self._look_is_cheap():
                self._look()
        # H2O leaves it at the last model when time is up or the user stops
        ended = self.data.hyper.h2o and (self.ctx.stop.is_set() or self.ctx.out_of_time())
        if self.diverged or (self.data.params.overwrite_with_best_model and not ended):
            self._restore_best()
        return finished_state(self.ctx, self.data, self.network, self)

    # -- iterating --------------------------------------------------------------------------------------------------

    def _iterate(self) -> None:
        """One iteration, in slices of about a quarter of a second."""
        start, done = self.processed, 0
        for count in self.engine.slices(self.iterations + 1, start, _SLICE_SECONDS):
            done += count
            self.processed = start + done
            self.ctx.progress(self._fraction(), self._news())
            if self.ctx.stop.is_set() or self.ctx.out_of_time():
                break
        if self.ctx.stop.is_set() and self.processed == 0:
            raise Cancelled("stopped before the first row was trained; there is no model to keep")

    @property
    def epochs(self) -> float:
        return self.processed / self.engine.rows_per_epoch

    def _fraction(self) -> float:
        wanted = float(self.data.params.epochs)
        by_rows = self.epochs / wanted if wanted > 0 else 1.0
        limit = self.ctx.max_runtime_secs
        return min(1.0, max(by_rows, self.ctx.elapsed() / limit if limit > 0 else 0.0))

    def _news(self) -> str:
        speed = self.processed / max(self.ctx.elapsed() - self.scoring_seconds, 1e-9)
        text = f"{self.epochs:.2f} epochs, {speed:,.0f} rows/s"
        if self.events and self.events[-1].judged is not None:
            judged = self.events[-1].judged
            name = {"AutoEncoder": "MSE", "Regression": "RMSE"}.get(self.data.category, "misclassification")
            text += f", {name} {value_of(judged, name):.4g}"
        return text

    def _reason_to_end(self) -> str:
        if self.ctx.stop.is_set():
            return f"stopped by the user after {self.epochs:.2f} epochs"
        if self.ctx.out_of_time():
            return f"max_runtime_secs ({self.ctx.max_runtime_secs:g} s) was reached after {self.epochs:.2f} epochs"
        if self.epochs >= self.data.params.epochs:
            return f"all {self.data.params.epochs:g} epochs were trained"
        return ""

    # -- scoring ----------------------------------------------------------------------------------------------------

    def _first_row(self) -> None:
        """The history begins with the untrained model: scored for an autoencoder, without metrics otherwise."""
        if self.rows:
            return
        if self.data.category == "AutoEncoder":
            self._score()
            self.best = self.good = None
        else:
            self._record(Event(time.time(), self.ctx.elapsed(), 0.0, 0.0, 0, 0, None, None))

    def _best_so_far(self) -> None:
        """A continued model competes with what follows, on today's data; in H2O only what follows counts."""
        if self.processed == 0 or self.data.hyper.h2o:
            return
        self.events.append(self._event(self.network))
        copy = self.network.copy()
        self.good, self.best = _Good(copy, self.processed, self.iterations), (self._loss(self.events[-1]), copy)
        if self.start.best is not None:
            loss = self._loss(self._event(self.start.best))
            if loss < self.best[0]:
                self.best = (loss, self.start.best)

    def _adapt_huber(self) -> None:
        """The Huber loss becomes linear at the `huber_alpha` quantile of the present errors; in H2O always at 1."""
        h = self.data.hyper
        if h.loss == HUBER and self.data.response is not None and not h.h2o:
            delta = self.data.scorer.huber_delta(self.network, self.data.train_set)
            self.engine.use(h._replace(huber_delta=delta))

    def _scoring_is_due(self) -> bool:
        p = self.data.params
        if p.score_each_iteration or self.last_scored == -math.inf:
            return True
        since = time.monotonic() - self.last_scored
        return bool(since > p.score_interval and self.last_duration / since < p.score_duty_cycle)

    def _look_is_cheap(self) -> bool:
        """Whether the network may be compared with the best one although no scoring is due.

        Decided by rows, not by the clock, so that a seed gives the same model on every machine.
        """
        p, h = self.data.params, self.data.hyper
        if h.h2o or not p.overwrite_with_best_model or self.best is None:
            return False
        judged = self.data.valid_set or self.data.train_set
        looked_at = judged.frame.nrow * (self.iterations - self.start.iterations)
        return looked_at * self.network.topology.n_weights <= _WEIGHTS_TO_LOOK_AT

    def _look(self) -> None:
        """Remember the network if it is the best one; the history does not learn of it."""
        self.engine.write_back(weights_only=True)
        try:
            loss = self._loss(self._event(self.network))
        except UnstableModel:
            return
        if self.best is not None and loss < self.best[0]:
            self.engine.write_back()
            self.best = (loss, self.network.copy())

    def _score(self) -> None:
        """Score training sample and validation rows, extend the history, remember the network and the best one."""
        began = time.monotonic()
        self.engine.write_back()
        try:
            event = self._event(self.network)
        except UnstableModel as e:
            self._roll_back(e)
            return
        self._record(event)
        # At the end nothing changes the network any more, except to put a better one in its place.
        copy = self.network if self.why else self.network.copy()
        self.good = _Good(copy, self.processed, self.iterations)
        loss = self._loss(event)
        if self.best is None or not loss >= self.best[0]:
            self.best = (loss, copy)
        self._adapt_huber()
        if self.ctx.on_snapshot is not None:
            self.ctx.on_snapshot(snapshot(self.ctx, self.data, self.network, self))
        self.last_duration = time.monotonic() - began
        self.last_scored = began
        self.scoring_seconds += self.last_duration
        self.ctx.progress(self._fraction(), self._news())

    def _roll_back(self, fault: UnstableModel) -> None:
        """Return to the network of the last scoring and end there; without one there is nothing to keep."""
        if self.good is None:
            raise fault
        self._put_back(self.good.network)
        self.processed, self.iterations = self.good.processed, self.good.iterations
        self.diverged = True
        self.why = f"{fault}. What was learned before is kept: the network of {self.epochs:.2f} epochs"
        self.ctx.warn(self.why)

    def _put_back(self, network: Network) -> None:
        for name, array in network.arrays().items():
            getattr(self.network, name)[:] = array
        self.engine.reload()

    def _record(self, event: Event) -> None:
        self.events.append(event)
        self.rows.append(history_row(event, self.data.category))
        self.ctx.on_score(self.rows[-1])
        self.values.append(stopping_values(event, self.data.category))

    def _event(self, network: Network) -> Event:
        scorer, data = self.data.scorer, self.data
        try:
            if is_unstable(network):
                raise UnstableModel
            train = _timed(lambda: scorer.metrics(network, data.train_set), data.train_set.description)
            valid = None
            if data.valid_set is not None:
                valid_set = data.valid_set
                valid = _timed(lambda: scorer.metrics(network, valid_set), valid_set.description)
        except UnstableModel:
            raise UnstableModel(report(network, self.good and self.good.network, data.params, self.epochs)) from None
        elapsed = self.ctx.elapsed()
        return Event(
            time.time(),
            elapsed,
            elapsed - self.scoring_seconds,
            self.epochs,
            self.iterations,
            self.processed,
            train,
            valid,
        )

    def _loss(self, event: Event) -> float:
        """What the best model minimises: the stopping metric as float32, turned around when more is better."""
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
        self._put_back(self.best[1])
        self.why += "; the best model seen was restored"
        self.why += "" if self.diverged else " (overwrite_with_best_model)"
        self._score()


def _timed(score: Callable[[], Any], description: str) -> Any:
    began = time.time()
    metrics = score()
    return metrics.described(
        description=description, scoring_time=int(began * 1000), duration_ms=round((time.time() - began) * 1000)
    )
