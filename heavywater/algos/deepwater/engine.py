"""Mini-batches: forward, backward, step — in this process, or in several that share every mini-batch."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deepwater.augment import augmented
from heavywater.algos.deepwater.build import BaseNet
from heavywater.algos.deepwater.inputs import Order, Pixels, Source, ahead, batches
from heavywater.algos.deepwater.optimiser import Optimiser
from heavywater.algos.deepwater.params import DeepWaterParams


@dataclass(frozen=True)
class Work:
    """What a trainer needs besides the network.

    Attributes
    ----------
    params : DeepWaterParams
        Values in force.
    source : Source
    targets : ndarray
        Class indices (int64) or scaled numbers (float32).
    pixels : Pixels or None
    seed : int
    total : float
        Training rows of the whole run.
    """

    params: DeepWaterParams
    source: Source
    targets: np.ndarray
    pixels: Pixels | None
    seed: int
    total: float


class Trainer(Protocol):
    """Trains on rows of the sequence that `Order` gives."""

    def train(self, order: Order, start: int, count: int) -> Generator[int]:
        """Train on rows `start` to `start + count` of the sequence; yields the rows of each mini-batch."""

    def close(self) -> None:
        """Give back what was taken."""


class LocalTrainer:
    """Trains in this process, on one device."""

    def __init__(self, net: BaseNet, optimiser: Optimiser, work: Work) -> None:
        self._net, self._optimiser, self._work = net, optimiser, work
        self._model = net.compiled() if work.params.compile else net.module

    def train(self, order: Order, start: int, count: int) -> Generator[int]:
        starts, at = [], start
        for size in batches(count, self._work.params.mini_batch_size):
            starts.append((at, size))
            at += size

        def prepare(item: tuple[int, int]) -> tuple[int, int, Any, Any, Any]:
            rows = order.take(*item)
            data, table = self._work.source.batch(rows)
            return *item, data, table, self._work.targets[rows]

        for first, size, data, table, targets in ahead(starts, prepare):
            self._step(first, data, table, targets)
            yield size

    def _step(self, samples: int, data: np.ndarray, table: np.ndarray | None, targets: np.ndarray) -> None:
        net, work = self._net, self._work
        net.module.train()
        net.reseed(work.seed, samples)
        self._optimiser.zero()
        x, t = net.tensors(data, table, work.pixels)
        if work.params.augmentation and data.dtype == np.uint8:
            x = augmented(net.torch, x, work.params.augmentation, np.random.default_rng((work.seed % 2**64, samples)))
        with autocast(net, work.params.autocast):
            loss = loss_of(net, self._model(x) if t is None else self._model(x, t), targets)
        loss.backward()
        self._optimiser.step(samples)

    def close(self) -> None:
        """Nothing was taken."""


def loss_of(net: BaseNet, outputs: Any, targets: np.ndarray) -> Any:
    """Mean loss of a mini-batch: cross-entropy, or half the squared error."""
    y = net.torch.from_numpy(targets).to(net.device)
    if targets.dtype == np.int64:
        return net.torch.nn.functional.cross_entropy(outputs.float(), y)
    return 0.5 * net.torch.nn.functional.mse_loss(outputs.float()[:, 0], y)


def autocast(net: BaseNet, wanted: bool) -> Any:
    """The context in which a forward pass computes in bfloat16 where that is safe, or does nothing."""
    if not wanted:
        return contextlib.nullcontext()
    return net.torch.autocast(net.device.type, dtype=net.torch.bfloat16)


def make_trainer(net: BaseNet, optimiser: Optimiser, work: Work, ctx: TrainContext) -> Trainer:
    """The trainer that the network's library and `device_id` ask for."""
    if net.library == "keras":
        from heavywater.algos.deepwater.keras_net import KerasNet, KerasOptimiser, KerasTrainer

        assert isinstance(net, KerasNet)
        assert isinstance(optimiser, KerasOptimiser)
        return KerasTrainer(net, optimiser, work)
    if len(work.params.device_id) > 1:
        from heavywater.algos.deepwater.processes import SharedTrainer

        return SharedTrainer(net, optimiser, work, ctx)
    return LocalTrainer(net, optimiser, work)
