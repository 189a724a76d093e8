"""Training with mini-batches: the trainer, which owns the threads and the store of weights.

The gradient of a batch is the mean of its rows' gradients (with their dropout); penalties, optimiser and limits act
once per batch. The result depends on seed and rows alone, not on the number of threads.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from heavywater.core.mlp.batch_kernel import train_batches
from heavywater.core.mlp.batch_plan import load_batch, make_batch_plan, make_own, make_work, unload_batch
from heavywater.core.mlp.layout import Hyper, Inputs, Network, state
from heavywater.core.mlp.plan import aligned
from heavywater.core.mlp.sync import STRIDE, counters, spread_out
from heavywater.core.mlp.team import SPARSE, nonzero_share
from heavywater.core.mlp.tiny import taken_for_zero

SLICE_SECONDS = 0.05
"""About so long the threads work before they look whether to stop."""
SMALLEST_WORK = 20_000
"""Weights times rows of a batch below which one thread does it sooner than two could agree."""


class BatchTrainer:
    """Trains a network with mini-batches.

    Parameters
    ----------
    network : Network
        Trained when `write_back` is called; biases and their optimiser state change at once.
    hyper : Hyper
    inputs : Inputs or anything with its attributes
        All rows of the training frame; converted to float32.
    targets : float64 (n,)
        Class index or (standardised) response; empty for an autoencoder.
    offsets : float64 (n,), optional
        Added to a linear output.
    batch : int
        Rows of a mini-batch.
    threads : int
    seed : int
        Not needed for anything but dropout, which takes it from `hyper` plus this.
    """

    def __init__(
        self,
        network: Network,
        hyper: Hyper,
        inputs: Any,
        targets: np.ndarray,
        offsets: np.ndarray | None = None,
        *,
        batch: int,
        threads: int = 2,
        seed: int = 0,
    ):
        if batch < 1:
            raise ValueError(f"batch is {batch}, but a batch has at least one row")
        t = network.topology
        self.network = network
        self.hyper = hyper._replace(seed=_wrap(hyper.seed + seed))
        self.inputs = Inputs.of(inputs, np.float32)
        self.targets = np.ascontiguousarray(targets, np.float64)
        self.shift = np.zeros(0) if offsets is None else np.ascontiguousarray(offsets, np.float64)
        self.batch = min(int(batch), max(1, self.inputs.nrow))
        small = t.n_weights * self.batch < SMALLEST_WORK
        self.threads = 1 if small else max(1, min(int(threads), self.batch))
        by_input = nonzero_share(self.inputs, t.units[0]) < SPARSE
        network.allocate(hyper)
        self.plan, length = make_batch_plan(network, hyper, self.batch, by_input, _longest(self.inputs, by_input))
        self.store = aligned(length)
        self._work = make_work(self.plan, hyper)
        self._own = [make_own(self.plan) for _ in range(self.threads)]
        self._pool = ThreadPoolExecutor(self.threads - 1, "train") if self.threads > 1 else None
        self.first = 0
        self._stop = False
        self._per_second = 2000.0
        self.reload()
        # Compiles, or loads from the cache, so that no slice's time includes it.
        self._train(np.zeros(0, np.int64), 0)

    def reload(self) -> None:
        """Take the weights from the network again, after they were changed there."""
        load_batch(self.plan, self.store, self.network, self.hyper, self.threads)

    def write_back(self, *, weights_only: bool = False) -> None:
        """Bring the network up to date with the training; its optimiser's state may wait."""
        unload_batch(self.plan, self.store, self.network, self.hyper, self.threads, weights_only=weights_only)

    def cancel(self) -> None:
        """Make `run`, this one and all later ones, return soon; may be called from any thread."""
        self._stop = True

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def run(self, rows: np.ndarray, processed: int) -> int:
        """Train on the given rows, in order.

        Parameters
        ----------
        rows : int64 (m,)
            The last batch is smaller if m is no multiple of the batch size.
        processed : int
            Rows trained before; decides learning rate and momentum.

        Returns
        -------
        int
            Rows trained; fewer than given only after `cancel`.
        """
        rows = np.ascontiguousarray(rows, np.int64)
        done = 0
        while done < len(rows) and not self._stop:
            batches = max(1, int(self._per_second * SLICE_SECONDS) // self.batch)
            part = rows[done : done + batches * self.batch]
            start = time.perf_counter()
            self._train(part, processed + done)
            self._per_second = len(part) / max(time.perf_counter() - start, 1e-6)
            done += len(part)
        return done

    def _train(self, rows: np.ndarray, processed: int) -> None:
        threads = self.threads
        count = counters(threads)
        arrays, x = state(self.network), tuple(self.inputs)

        def part(thread: int) -> bool:
            if threads > 1:
                spread_out(thread)
            with taken_for_zero():
                return bool(
                    train_batches(
                        self.hyper, arrays, self.plan, self.store, x, self.targets, self.shift, rows, self.first,
                        processed, thread, threads, count, self._work, self._own[thread],
                    )
                )  # fmt: skip

        others: list[Future[bool]] = []
        try:
            if self._pool is not None:
                others = [self._pool.submit(part, k) for k in range(1, threads)]
            part(0)
        except BaseException:
            count[threads * STRIDE] = 1
            raise
        finally:
            for job in others:
                job.result()
        self.first += len(rows)


def automatic_batch(rows: int, weights: int) -> int:
    """Rows of a mini-batch when nobody says how many: what `mini_batch_size=0` means.

    Large enough that a batch's products outweigh the sweep over all weights that ends it, small enough that an epoch
    has some hundred steps: a power of two from 1 to 64, at most 1/200 of the rows.

    Parameters
    ----------
    rows : int
        Rows of an epoch.
    weights : int
        Weights of the network.
    """
    most = 64 if weights >= 1_000_000 else 32
    return max(1, min(most, 1 << max(0, (rows // 200).bit_length() - 1)))


def _longest(x: Inputs, by_input: bool) -> int:
    """Entries of the longest list that `read_row` can make of a row."""
    numeric = int(np.diff(x.indptr).max()) if len(x.indptr) > 1 else 0
    return x.slots.shape[1] + numeric + (x.numbers if by_input else 0)


def _wrap(value: int) -> int:
    value %= 1 << 64
    return value - (1 << 64) if value >> 63 else value
