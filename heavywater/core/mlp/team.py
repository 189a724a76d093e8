"""Fast training: the trainer, which owns the threads and the store of weights."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from heavywater.core.mlp.fast import Shared, own_buffers, train_share
from heavywater.core.mlp.lagged import GRAIN, SLOTS, exchange, is_lagged, train_lagged
from heavywater.core.mlp.layout import AUTOENCODER, Hyper, Inputs, Network, state
from heavywater.core.mlp.plan import aligned, load, make_plan, unload
from heavywater.core.mlp.sync import STRIDE, counters, spread_out
from heavywater.core.mlp.tiny import taken_for_zero

SLICE_SECONDS = 0.05
"""About so long the threads work before they look whether to stop."""
FIRST_SLICES = 6
"""Slices that try both numbers of threads; each is as long as the one before suggests."""
FEW_ROWS = 64
"""Fewer rows than this are not worth waking threads for, nor a measure of speed."""
SPARSE = 0.5
"""Below this share of non-zero inputs the first layer is kept input by input."""


def nonzero_share(x: Inputs, width: int) -> float:
    """Share of the network inputs that are not zero, from a sample of the rows."""
    n = x.nrow
    if n == 0:
        return 1.0
    rows = np.linspace(0, n - 1, min(n, 500)).astype(np.int64)
    total = float((x.slots[rows] >= 0).sum()) + float(np.count_nonzero(x.number_rows(rows)))
    if len(x.indptr):
        total += float((x.indptr[rows + 1] - x.indptr[rows]).sum())
    return total / (len(rows) * width)


class TeamTrainer:
    """Trains a network with several threads.

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
    threads : int
        At most so many threads work; one works alone where more are slower.
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
        threads: int = 2,
        seed: int = 0,
    ):
        t = network.topology
        self.network = network
        self.hyper = hyper._replace(seed=_wrap(hyper.seed + seed))
        self.inputs = Inputs.of(inputs, np.float32)
        self.targets = np.ascontiguousarray(targets, np.float64)
        self.shift = np.zeros(0) if offsets is None else np.ascontiguousarray(offsets, np.float64)
        widest = max(t.units[1:])
        density = nonzero_share(self.inputs, t.units[0])
        self.lagged = is_lagged(network, hyper, self.inputs, density, int(threads))
        self.grain = GRAIN if self.lagged else 1
        """Runs of this many rows, or a multiple, may follow each other without a difference to one longer run."""
        shares = 1 if self.lagged else max(1, min(int(threads), widest))
        self.threads = 2 if self.lagged else shares
        # Penalties on idle inputs and limits on a unit's weights need all weights of a unit at hand.
        whole = not hyper.fast_mode or hyper.max_w2 < 3.4e38
        by_input = not whole and density < SPARSE
        network.allocate(hyper)
        self.plan, length = make_plan(network, hyper, shares, by_input)
        self.store = aligned(length)
        self.first = 0
        self._stop = False
        self._pool = ThreadPoolExecutor(self.threads - 1, "train") if self.threads > 1 else None
        total = self.plan.total
        self._shared = Shared(
            activations=aligned(total),
            outputs=np.zeros((2, t.units[-1]), np.float32),
            winner=np.zeros(total, np.uint8),
            live=np.ones(total, np.bool_),
            errors=np.zeros((shares, total), np.float32),
            bias_at=t.bias_offsets,
            seen_at=np.concatenate(([0], np.cumsum(t.units[1:-1]), [0]))[: t.layers].astype(np.int64),
        )
        self._between = exchange(self.plan) if self.lagged else None
        held = SLOTS if self.lagged else 2
        self._own = [own_buffers(self.plan, hyper.output == AUTOENCODER, held) for _ in range(self.threads)]
        self._speed: dict[int, float] = {}
        self._slices = 0
        self.reload()
        # Compiles, or loads from the cache, so that no slice's time includes it.
        self._train(np.zeros(0, np.int64), 0, 1)

    def reload(self) -> None:
        """Take the weights from the network again, after they were changed there."""
        load(self.plan, self.store, self.network, self.hyper)

    def write_back(self, *, weights_only: bool = False) -> None:
        """Bring the network up to date with the training; its optimiser's state may wait."""
        unload(self.plan, self.store, self.network, self.hyper, weights_only=weights_only)

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
            threads = self._choose() if len(rows) - done >= FEW_ROWS else 1
            speed = self._speed.get(threads, max(self._speed.values(), default=2000.0))
            seconds = SLICE_SECONDS if speed >= max(self._speed.values(), default=0.0) else SLICE_SECONDS / 5
            count = max(FEW_ROWS, int(speed * seconds)) + self.grain - 1
            count -= count % self.grain
            part = rows[done : done + count]
            start = time.perf_counter()
            self._train(part, processed + done, threads)
            seconds = time.perf_counter() - start
            done += len(part)
            if len(part) >= FEW_ROWS and seconds > 0:
                self._note(threads, len(part) / seconds)
        return done

    def _choose(self) -> int:
        """Threads for the next slice: both numbers in turn at first, then whichever was faster, the other now and then."""
        self._slices += 1
        if self._slices <= FIRST_SLICES:
            return self.threads if self._slices % 2 else 1
        best = max(self._speed, key=lambda k: self._speed[k], default=self.threads)
        if self._slices % 40 == 0:
            return 1 if best == self.threads else self.threads
        return best

    def _note(self, threads: int, speed: float) -> None:
        old = self._speed.get(threads)
        # The first slices are short, and waking a thread is a large part of them.
        self._speed[threads] = speed if old is None or self._slices <= FIRST_SLICES else 0.5 * (old + speed)

    def _train(self, rows: np.ndarray, processed: int, threads: int) -> None:
        count = counters(threads)
        arrays, x = state(self.network), tuple(self.inputs)

        def part(thread: int) -> bool:
            if threads > 1:
                spread_out(thread)
            given = self.hyper, arrays, self.plan, self.store, x, self.targets, self.shift, rows, self.first, processed
            who = thread, threads, count
            with taken_for_zero():
                if self.lagged:
                    return bool(train_lagged(*given, *who, self._shared, self._between, self._own[thread]))
                return bool(train_share(*given, *who, self._shared, self._own[thread]))

        others: list[Future[bool]] = []
        try:
            if threads > 1 and self._pool is not None:
                others = [self._pool.submit(part, k) for k in range(1, threads)]
            part(0)
        except BaseException:
            count[threads * STRIDE] = 1
            raise
        finally:
            for job in others:
                job.result()
        self.first += len(rows)


def _wrap(value: int) -> int:
    value %= 1 << 64
    return value - (1 << 64) if value >> 63 else value
