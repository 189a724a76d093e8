"""The two ways to run an iteration: exact on one thread, or fast on several threads that share the weights."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.data import TrainingData
from heavywater.algos.deeplearning.resolve import is_exact
from heavywater.core.mlp import serial
from heavywater.core.mlp.batch import BatchTrainer, automatic_batch
from heavywater.core.mlp.layout import Hyper, Network
from heavywater.core.mlp.team import TeamTrainer
from heavywater.core.sampling import general_weights, iteration_rows

_AUTO_ITERATIONS = 40
"""Fewest automatic iterations.  H2O has 10; on small data the last of many networks is as noisy as the others, and the
best of 40 generalises better than the best of 10."""
_AUTO_ITERATION = 100_000
"""Most rows of an automatic iteration (`train_samples_per_iteration=-2`), as in H2O."""


class Engine(Protocol):
    """Runs iterations on a network."""

    rows_per_epoch: int

    def slices(self, iteration: int, processed: int, seconds: float) -> Iterator[int]:
        """Train one iteration; yields the number of rows trained about every `seconds`."""
        ...

    def write_back(self, *, weights_only: bool = False) -> None:
        """Bring the network up to date; what scoring does not need may wait if `weights_only`."""
        ...

    def reload(self) -> None:
        """The network was changed from outside."""
        ...

    def use(self, hyper: Hyper) -> None:
        """Go on with other numbers."""
        ...

    def close(self) -> None: ...


def make_engine(ctx: TrainContext, data: TrainingData, network: Network) -> Engine:
    """The engine that `reproducible` and `mini_batch_size` ask for."""
    return (ExactEngine if is_exact(data.params) else FastEngine)(ctx, data, network)


class ExactEngine:
    """H2O's arithmetic and order of rows to the last bit, on one thread (`reproducible=True`)."""

    def __init__(self, ctx: TrainContext, data: TrainingData, network: Network) -> None:
        self._ctx, self._data, self._network = ctx, data, network
        self.rows_per_epoch = data.rows.per_epoch
        self._samples = iteration_size(data, self.rows_per_epoch)
        self._shuffle = data.params.shuffle_training_data or self._samples == self.rows_per_epoch
        self._hyper = data.hyper
        self._cancel = np.zeros(1, np.int64)
        self._per_second = 1000.0
        self._stop = ctx.stop
        self._stop.on_set(self._give_up)

    def slices(self, iteration: int, processed: int, seconds: float) -> Iterator[int]:
        d = self._data
        rows, seeds = self._rows(iteration, processed)
        rows = rows[: rows_left(d, self.rows_per_epoch, processed)]
        start = 0
        while start < len(rows):
            stop = start + max(1, int(self._per_second * seconds))
            began = time.perf_counter()
            done = serial.train(
                self._network, self._hyper, d.inputs, d.targets, d.offsets, rows[start:stop], seeds[start:stop],
                processed, self._cancel,
            )  # fmt: skip
            self._per_second = max(done, 1) / max(time.perf_counter() - began, 1e-6)
            start = stop
            yield done

    def _rows(self, iteration: int, processed: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and dropout seeds of an iteration.

        In H2O weights other than 0 and 1 only make every second row a draw by weight, and rows of weight 0 shorten the
        iteration twice; as documented a row of weight 2 comes twice, and one of weight 0 is as good as absent.
        """
        rows, seed = self._data.rows, self._ctx.seed
        if rows.weights is not None and self._data.params.compat == "booklet":
            one_pass = rows.repeated(np.random.default_rng([seed % 2**64, iteration]))
            order, seeds = iteration_rows(
                len(one_pass), self._samples, seed, processed, iteration, shuffle=self._shuffle
            )
            return one_pass[order], seeds
        weights = rows.weights if rows.weights is not None and general_weights(rows.weights) else None
        return iteration_rows(
            self._data.nrow,
            self._samples,
            seed,
            processed,
            iteration,
            shuffle=self._shuffle,
            skip=rows.skip,
            weights=weights,
        )

    def write_back(self, *, weights_only: bool = False) -> None:
        """Nothing to do: the trainer works on the network itself."""

    def reload(self) -> None:
        """Nothing to do."""

    def use(self, hyper: Hyper) -> None:
        self._hyper = hyper

    def _give_up(self) -> None:
        self._cancel.fill(1)

    def close(self) -> None:
        self._stop.forget(self._give_up)


class FastEngine:
    """SGD on several threads: row by row, each thread with a share of every layer's units, or in mini-batches.

    H2O's threads race for the weights instead (Hogwild; Niu et al. 2011; booklet section 2.3).
    """

    def __init__(self, ctx: TrainContext, data: TrainingData, network: Network) -> None:
        p = data.params
        self._data, self._rows = data, data.rows
        self.rows_per_epoch = data.rows.per_epoch
        self._samples = iteration_size(data, self.rows_per_epoch)
        self._shuffled = p.shuffle_training_data or p.reproducible or p.train_samples_per_iteration == -2
        self._random = np.random.default_rng(ctx.seed % 2**64)
        self._begun = False
        self._queue = np.zeros(0, np.int64)
        self._per_second = 2000.0
        self._threads = ctx.threads if p.force_load_balance else 1
        batch = int(p.mini_batch_size) or automatic_batch(self.rows_per_epoch, network.topology.n_weights)
        self._trainer: TeamTrainer | BatchTrainer
        if batch > 1:
            self._trainer = BatchTrainer(
                network, data.hyper, data.inputs, data.targets, data.offsets,
                batch=batch, threads=self._threads, seed=ctx.seed,
            )  # fmt: skip
            self._batch = self._trainer.batch
        else:
            self._trainer = TeamTrainer(
                network, data.hyper, data.inputs, data.targets, data.offsets, threads=self._threads, seed=ctx.seed
            )
            self._batch = self._trainer.grain
        self._stop = ctx.stop
        self._stop.on_set(self._trainer.cancel)

    def slices(self, iteration: int, processed: int, seconds: float) -> Iterator[int]:
        if not self._begun:
            self._begun = True
            self._pass_over(processed)
        left, total = min(self._samples, rows_left(self._data, self.rows_per_epoch, processed, fractions=True)), 0
        while left > 0:
            # Whole batches, so that where a slice ends, which depends on the clock, changes no result.
            count = max(64, int(self._per_second * seconds)) + self._batch - 1
            rows = self._take(min(left, count - count % self._batch))
            began = time.perf_counter()
            done = self._trainer.run(rows, processed + total)
            self._per_second = max(done, 1) / max(time.perf_counter() - began, 1e-6)
            left -= len(rows)
            total += done
            yield done

    def _pass_over(self, count: int) -> None:
        """Draw the rows that a continued model has trained already: with the same seed, order and dropout go on."""
        self._trainer.first = count
        while count > 0:
            count -= len(self._take(min(count, self.rows_per_epoch)))

    def _take(self, count: int) -> np.ndarray:
        """The next rows to train: pass after pass over all of them, each in a new order when shuffled."""
        while len(self._queue) < count:
            one_pass = self._rows.repeated(self._random)
            if self._shuffled:
                self._random.shuffle(one_pass)
            self._queue = np.concatenate([self._queue, one_pass])
        taken, self._queue = self._queue[:count], self._queue[count:]
        return np.ascontiguousarray(taken)

    def write_back(self, *, weights_only: bool = False) -> None:
        self._trainer.write_back(weights_only=weights_only)

    def reload(self) -> None:
        self._trainer.reload()

    def use(self, hyper: Hyper) -> None:
        self._trainer.hyper = hyper._replace(seed=self._trainer.hyper.seed)

    def close(self) -> None:
        self._stop.forget(self._trainer.cancel)
        self._trainer.close()


def rows_left(data: TrainingData, per_epoch: int, processed: int, *, fractions: bool = False) -> int:
    """Rows that the next iteration may take: where iterations are whole passes, the last one of 2.5 is half as long.

    In H2O it is not, so that 2.5 epochs are 3.  `fractions`: iterations may be parts of a pass, and what is left of a whole
    number of passes counts as well.
    """
    p = data.params
    if p.compat != "booklet" or p.train_samples_per_iteration > 0 or (float(p.epochs).is_integer() and not fractions):
        return 2**62
    return max(1, math.ceil(p.epochs * per_epoch - 1e-9) - processed)


def iteration_size(data: TrainingData, rows: int) -> int:
    """Rows per iteration: `train_samples_per_iteration` with its special values resolved (booklet section 4.1.2).

    0 and -1 mean all rows (there is one node).  -2, automatic, means a fortieth of the work but at most 100,000 rows, and
    whole passes where that comes close.
    """
    p = data.params
    asked, epochs = int(p.train_samples_per_iteration), float(p.epochs)
    if asked in (0, -1):
        return rows
    if asked > 0:
        return max(1, min(asked, math.floor(epochs * rows)))
    auto = max(1, min(_AUTO_ITERATION, math.floor(epochs * rows / _AUTO_ITERATIONS)))
    return auto - auto % rows if auto > rows and (auto % rows) / rows < 0.2 else auto
