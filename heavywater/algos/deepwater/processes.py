"""Several devices: one process for each, which share every mini-batch (PyTorch's DistributedDataParallel).

The other processes are started as ``python -m heavywater.algos.deepwater.processes FOLDER RANK``. They get the network
as a graph and arrays in a folder of this user's, and then for every mini-batch the rows of their part; gradients are
averaged between the processes, and each makes the same step. No code and no pickles are sent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deepwater.augment import augmented
from heavywater.algos.deepwater.build import BaseNet, Net, torch_module
from heavywater.algos.deepwater.engine import Work, autocast, loss_of
from heavywater.algos.deepwater.inputs import Order, ahead, batches
from heavywater.algos.deepwater.optimiser import Optimiser
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.errors import TrainingError

_PATIENCE = timedelta(minutes=5)
_SENT = (
    "optimizer", "learning_rate", "learning_rate_annealing", "schedule", "momentum_start", "momentum_ramp",
    "momentum_stable", "clip_gradient", "weight_decay", "autocast", "augmentation",
)  # fmt: skip
"""Parameters that the other processes need."""


class _Meeting(NamedTuple):
    """PyTorch's module for talking to other processes, and the group by which rows are sent."""

    dist: Any
    rows: Any


class SharedTrainer:
    """Trains together with other processes; this one has rank 0.

    Parameters
    ----------
    net, optimiser, work
        As of `LocalTrainer`; they stay in this process, and every other one has copies that make the same steps.
    ctx : TrainContext
        For the number of threads, which the processes share out.
    """

    def __init__(self, net: BaseNet, optimiser: Optimiser, work: Work, ctx: TrainContext) -> None:
        self._net, self._optimiser, self._work = net, optimiser, work
        self._world = len(work.params.device_id)
        self._folder = tempfile.TemporaryDirectory(prefix="heavywater-")
        folder = Path(self._folder.name)
        _write_network(folder, net, optimiser, work, self._world, max(1, ctx.threads // self._world))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        command = [sys.executable, "-m", __name__, str(folder)]
        self._others = []
        for rank in range(1, self._world):
            with (folder / f"errors{rank}").open("wb") as errors:
                process = subprocess.Popen(
                    [*command, str(rank)],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                )
            self._others.append(process)
        self._meeting: _Meeting | None = None
        try:
            self._meeting = _join(net, folder, 0, self._world)
            self._model = _shared(net)
        except BaseException as e:
            told = self._told()
            self.close()
            raise TrainingError(f"device_id: the processes of the devices could not be started: {e}{told}") from e

    def train(self, order: Order, start: int, count: int) -> Generator[int]:
        starts, at = [], start
        for size in batches(count, self._work.params.mini_batch_size):
            starts.append((at, size))
            at += size

        def prepare(item: tuple[int, int]) -> tuple[int, int, list[tuple[Any, Any, Any]]]:
            rows = order.take(*item)
            if len(rows) < self._world:
                rows = np.resize(rows, self._world)  # every process needs a row
            parts = np.array_split(rows, self._world)
            return item[0], len(rows), [(*self._work.source.batch(rows), self._work.targets[rows]) for rows in parts]

        for first, size, parts in ahead(starts, prepare):
            try:
                for rank in range(1, self._world):
                    self._send(rank, first, size, *parts[rank])
                _step(self._net, self._model, self._optimiser, self._work, first, size, 0, self._world, *parts[0])
            except RuntimeError as e:
                raise TrainingError(f"device_id: a process of another device has failed: {e}{self._told()}") from e
            yield min(size, start + count - first)

    def close(self) -> None:
        """Tell the other processes to end, and wait until they have."""
        if self._meeting is not None:
            for rank in range(1, self._world):
                if self._others[rank - 1].poll() is None:
                    self._send(rank, -1, 0, np.zeros((0, *self._work.source.shape), np.float32), None, np.zeros(0))
            self._meeting.dist.destroy_process_group()
            self._meeting = None
        for process in self._others:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()

    def _told(self) -> str:
        """The last line that another process wrote when it failed."""
        for rank in range(1, self._world):
            lines = (Path(self._folder.name) / f"errors{rank}").read_text(errors="replace").strip().splitlines()
            if lines:
                return f" (process {rank}: {lines[-1][:300]})"
        return ""

    def _send(
        self, rank: int, first: int, size: int, data: np.ndarray, table: np.ndarray | None, targets: np.ndarray
    ) -> None:
        assert self._meeting is not None
        torch, (dist, group) = self._net.torch, self._meeting
        head = [first, size, len(data), int(data.dtype == np.uint8), 0 if table is None else table.shape[1]]
        dist.send(torch.tensor(head, dtype=torch.int64), rank, group=group)
        if first < 0:
            return
        for array in (data, table, targets):
            if array is not None:
                dist.send(torch.from_numpy(np.ascontiguousarray(array)), rank, group=group)


def _step(
    net: BaseNet,
    model: Any,
    optimiser: Optimiser,
    work: Work,
    first: int,
    size: int,
    rank: int,
    world: int,
    data: np.ndarray,
    table: np.ndarray | None,
    targets: np.ndarray,
) -> None:
    """Forward, backward with averaged gradients, and a step; the same in every process."""
    p = work.params
    net.module.train()
    net.reseed(work.seed * world + rank, first)
    optimiser.zero()
    x, t = net.tensors(data, table, work.pixels)
    if p.augmentation and data.dtype == np.uint8:
        x = augmented(net.torch, x, p.augmentation, np.random.default_rng((work.seed % 2**64, first, rank)))
    with autocast(net, p.autocast):
        loss = loss_of(net, model(x) if t is None else model(x, t), targets)
    (loss * (len(data) * world / size)).backward()  # the mean over processes becomes the mean over rows
    optimiser.step(first)


def _join(net: BaseNet, folder: Path, rank: int, world: int) -> _Meeting:
    """Meet the other processes: gradients go by NCCL between GPUs, by gloo between CPUs; rows go by gloo."""
    import torch.distributed as dist

    if dist.is_initialized():
        raise TrainingError("a training on several devices is under way in this process; wait for its end")
    backend = "nccl" if net.device.type == "cuda" else "gloo"
    store = dist.FileStore(str(folder / "meeting"), world)  # type: ignore[attr-defined]
    dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=_PATIENCE)
    return _Meeting(dist, dist.new_group(backend="gloo", timeout=_PATIENCE))


def _shared(net: BaseNet) -> Any:
    """The module with gradients averaged between processes."""
    from torch.nn.parallel import DistributedDataParallel

    devices = [net.device.index] if net.device.type == "cuda" else None
    return DistributedDataParallel(net.module, device_ids=devices)


# -- what the other processes read --------------------------------------------------------------------------------------


def _write_network(folder: Path, net: BaseNet, optimiser: Optimiser, work: Work, world: int, threads: int) -> None:
    from safetensors.numpy import save_file

    pixels = work.pixels
    p = work.params
    kind = net.device.type
    facts = {
        "network": net.to_json(),
        "shape": list(net.shape),
        "devices": [f"cuda:{d}" if kind == "cuda" else "cpu" for d in p.device_id],
        "world": world,
        "threads": threads,
        "params": {name: getattr(p, name) for name in _SENT},
        "pixels": None if pixels is None else {k: v for k, v in asdict(pixels).items() if k != "mean_image"},
        "seed": work.seed,
        "total": work.total,
        "steps": optimiser.steps,
        "classes": work.targets.dtype == np.int64,
    }
    arrays = {**net.arrays(), **optimiser.arrays()}
    if pixels is not None and pixels.mean_image is not None:
        arrays["mean_image"] = pixels.mean_image
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, folder / "arrays.safetensors")
    (folder / "facts.json").write_text(json.dumps(facts))


def main(folder: Path, rank: int) -> None:
    """The life of one of the other processes."""
    from safetensors.numpy import load_file

    from heavywater.algos.deepwater.inputs import Pixels, Source
    from heavywater.networks.graph import Graph

    facts: Mapping[str, Any] = json.loads((folder / "facts.json").read_text())
    arrays = load_file(folder / "arrays.safetensors")
    torch = torch_module()
    torch.set_num_threads(int(facts["threads"]))
    shape = tuple(facts["shape"])
    net = Net(Graph.from_json(facts["network"]), shape, 0, facts["devices"][rank])
    net.load(arrays)
    params = DeepWaterParams(**facts["params"])
    optimiser = Optimiser(torch, net.learned(), params, facts["total"])
    optimiser.load(arrays, int(facts["steps"]))
    stored = facts["pixels"]
    pixels = stored and Pixels(tuple(stored["sub"]), tuple(stored["mul"]), arrays.get("mean_image"))
    work = Work(params, Source(shape, None, 0), np.zeros(0), pixels or None, int(facts["seed"]), facts["total"])
    world = int(facts["world"])
    dist, group = _join(net, folder, rank, world)
    model = _shared(net)
    kinds = {False: torch.float32, True: torch.uint8}
    while True:
        head = torch.zeros(5, dtype=torch.int64)
        dist.recv(head, 0, group=group)
        first, size, count, bytes_, width = map(int, head)
        if first < 0:
            break
        data = torch.zeros((count, *shape), dtype=kinds[bool(bytes_)])
        table = torch.zeros((count, width)) if width else None
        targets = torch.zeros(count, dtype=torch.int64 if facts["classes"] else torch.float32)
        for tensor in (data, table, targets):
            if tensor is not None:
                dist.recv(tensor, 0, group=group)
        _step(
            net, model, optimiser, work, first, size, rank, world, data.numpy(),
            None if table is None else table.numpy(), targets.numpy(),
        )  # fmt: skip
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
