"""Images per second of Deep Water's networks, in training and scoring, against plain PyTorch doing the same.

    python -m benchmarks.deepwater [--networks lenet,resnet18] [--work training,scoring] [--pixels 64] [--batch 32]
        [--seconds 25] [--threads N] [--device cpu] [--files LIST.csv] [--out FILE] [--docs]

Both sides get the same uint8 images from memory and the same first weights, make float32 of the images, and run forward,
cross-entropy, backward and a momentum step with element-wise clipping, or forward alone. Ours is the trainer and the
network that `H2ODeepWaterEstimator` uses; the other is benchmarks/plain_networks.py with a loop around it, once in PyTorch's
default memory format and once in channels_last, which many tutorials recommend. The three run in turn, A B C B C A C A B; a
ratio is the median of the ratios of neighbours, so that a busy machine disturbs all alike.

--files measures the whole way from image files too; see benchmarks/deepwater_files.py.
Measurements are kept in FILE; --docs puts the table of all that it holds into docs/deepwater.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks import machine, pages
from benchmarks.plain_networks import PLAIN, take_weights
from benchmarks.process import ROOT
from heavywater.algos.deepwater.build import Net
from heavywater.algos.deepwater.engine import LocalTrainer, Work
from heavywater.algos.deepwater.inputs import Order, Pixels, Source
from heavywater.algos.deepwater.optimiser import Optimiser
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.networks.catalog import NAMES, build

BEGIN = pages.begin("benchmarks.deepwater --docs")
CLASSES, CHANNELS = 10, 3
SIZES = {"lenet": 28, "mlp": 28, "resnet": 32}
"""Width and height; 128 for the others, so that all is measured within minutes."""
MEAN, SCALE, RATE, MOMENTUM, DECAY, CLIP = 127.0, 1 / 64, 1e-4, 0.9, 1e-6, 10.0
SIDES = ("ours", "plain", "channels_last")
WORK = ("training", "scoring")


class Rows(Source):
    """Images that are in memory already."""

    def __init__(self, images: np.ndarray) -> None:
        super().__init__(images.shape[1:], None, 0)
        self.kept = images

    @property
    def nrow(self) -> int:
        return len(self.kept)

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        return self.kept[rows], None


class Ours:
    """The trainer and the network of `H2ODeepWaterEstimator`."""

    def __init__(self, net: Net, images: np.ndarray, targets: np.ndarray, batch: int) -> None:
        self.net, self.batch, self.source = net, batch, Rows(images)
        self.pixels = Pixels((MEAN,) * CHANNELS, (SCALE,) * CHANNELS)
        p = DeepWaterParams(
            mini_batch_size=batch, learning_rate=RATE, momentum_start=MOMENTUM, momentum_stable=MOMENTUM,
            weight_decay=DECAY, clip_gradient=CLIP,
        )  # fmt: skip
        work = Work(p, self.source, targets, self.pixels, 1, 1)
        self.trainer = LocalTrainer(net, Optimiser(torch, net.learned(), p, 1), work)

    def training(self, count: int) -> None:
        for _ in self.trainer.train(Order(np.arange(count), 1, False), 0, count):
            pass

    def scoring(self, count: int) -> None:
        with self.net.scoring():
            for i in range(0, count, self.batch):
                data, table = self.source.batch(np.arange(i, i + self.batch))
                self.net.logits(*self.net.tensors(data, table, self.pixels))


class Plain:
    """A module of standard layers and the usual loop around it."""

    def __init__(self, module: nn.Module, images: np.ndarray, targets: np.ndarray, batch: int, device: str) -> None:
        self.module, self.images, self.targets, self.batch, self.device = module, images, targets, batch, device
        self.format = torch.contiguous_format
        self.sgd = torch.optim.SGD(module.parameters(), RATE, MOMENTUM, weight_decay=DECAY)

    def in_format(self, memory_format: torch.memory_format) -> None:
        self.format = memory_format
        self.module.to(memory_format=memory_format)  # type: ignore[call-overload]

    def prepared(self, i: int) -> torch.Tensor:
        x = torch.from_numpy(self.images[i : i + self.batch]).to(self.device, memory_format=self.format)
        return (x.float() - MEAN) * SCALE

    def training(self, count: int) -> None:
        self.module.train()
        for i in range(0, count, self.batch):
            y = torch.from_numpy(self.targets[i : i + self.batch]).to(self.device)
            self.sgd.zero_grad()
            nn.functional.cross_entropy(self.module(self.prepared(i)), y).backward()
            nn.utils.clip_grad_value_(self.module.parameters(), CLIP)
            self.sgd.step()

    def scoring(self, count: int) -> None:
        self.module.eval()
        with torch.inference_mode():
            for i in range(0, count, self.batch):
                self.module(self.prepared(i)).cpu().numpy()


def measure(name: str, work: str, side: int, batch: int, seconds: float, device: str) -> dict[str, Any]:
    """Images per second of the three sides, and the ratios of ours to the others.

    Parameters
    ----------
    name : str
        A key of `PLAIN`.
    work : str
        Of `WORK`.
    side : int
        Width and height of the images.
    seconds : float
        About how long the measurement takes; at least three rounds are made.
    """
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (8 * batch, CHANNELS, side, side)).astype(np.uint8)
    targets = random.integers(0, CLASSES, len(images))
    net = Net(build(name, CLASSES, (side, side), CHANNELS), (CHANNELS, side, side), 1, device)
    ours: Callable[[int], None] = getattr(Ours(net, images, targets, batch), work)
    sides = {"ours": ours}
    for other in SIDES[1:]:
        module = PLAIN[name](CLASSES, CHANNELS, side)
        take_weights(module, net.arrays().values())
        plain = Plain(module.to(device), images, targets, batch, device)
        if other == "channels_last":
            plain.in_format(torch.channels_last)
        sides[other] = getattr(plain, work)
    began = time.perf_counter()
    for run in sides.values():
        timed(run, batch, 1, device)  # the first time takes longer
    once = min(timed(run, batch, 1, device) for run in sides.values())
    wanted = min(0.2, 0.01 * seconds)  # of a turn
    count = batch * int(np.clip(wanted / once, 1, 8))
    repeat = max(1, int(wanted * batch / (once * count)))
    times: list[dict[str, float]] = []
    while len(times) < 3 or (time.perf_counter() - began < seconds and len(times) < 60):
        gc.collect()
        turn = len(times) % len(SIDES)
        times.append({k: timed(sides[k], count, repeat, device) for k in SIDES[turn:] + SIDES[:turn]})
    found: dict[str, Any] = {"pixels": side, "weights": net.weights, "rounds": len(times)}
    for k in sides:
        found[k] = count * repeat / statistics.median(t[k] for t in times)
        found[f"{k}_ratios"] = [t[k] / t["ours"] for t in times]
    return found


def timed(run: Callable[[int], None], count: int, repeat: int, device: str) -> float:
    """Seconds of the clock."""
    began = time.perf_counter()
    for _ in range(repeat):
        run(count)
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def ratio(found: dict[str, Any]) -> float:
    """Ours to the faster of the others."""
    return min(statistics.median(found[f"{k}_ratios"]) for k in SIDES[1:])


def table(found: dict[str, Any]) -> str:
    """The measurements in Markdown."""
    head = "| network | pixels | weights | " + " | ".join(
        f"{w}, images/s | plain PyTorch | in channels_last | ratio" for w in WORK
    )
    lines = [f"{head} |", "|---|" + "--:|" * (2 + 4 * len(WORK))]
    for name, works in found["networks"].items():
        cells, facts = [], next(iter(works.values()))
        for w in WORK:
            r = works.get(w)
            cells += [rate(r[k]) for k in SIDES] + [f"{ratio(r):.2f}"] if r else [""] * 4
        lines.append(f"| {name} | {facts['pixels']} | {facts['weights']:,} | {' | '.join(cells)} |")
    m = found["machine"]
    text = (
        f"PyTorch {m['packages']['torch']}, {found['device']}, {found['threads']} threads, {m['processor']}; batches of "
        f"{found['batch']}; commit {m['commit']}."
    )
    parts = [text, "\n".join(lines)]
    if "files" in found:
        parts.append(files_table(found["files"]))
    return "\n\n".join(parts)


def files_table(found: dict[str, Any]) -> str:
    """The whole way from files."""
    lines = [
        f"| LeNet on {found['images']:,} PNG files of 28x28 pixels | images/s | plain PyTorch and DataLoader | ratio |",
        "|---|--:|--:|--:|",
    ]
    for name, title in (("training", "training, five passes and a scoring"), ("prediction", "predictions")):
        r = found[name]
        lines.append(
            f"| {title} | {rate(r['ours'])} | {rate(r['plain'])} ({r['workers']} workers) | "
            f"{statistics.median(r['ratios']):.2f} |"
        )
    return "\n".join(lines)


def rate(value: float) -> str:
    return f"{value:,.{0 if value >= 100 else 1}f}"


def into_docs(found: dict[str, Any], page: Path) -> None:
    """Put the table into a page; see `pages.replace`."""
    pages.replace(page, BEGIN, table(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(NAMES))
    parser.add_argument("--work", default=",".join(WORK))
    parser.add_argument("--pixels", type=int, help="width and height for all networks")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=25, help="of each measurement, about")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--files", type=Path, help="list of image files (uri, label) for the whole way")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "benchmarks" / "deepwater.json")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/deepwater.md")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = {"device": options.device, "threads": options.threads, "batch": options.batch}
    found: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    if found and settings != {k: found[k] for k in settings}:
        parser.error(f"--out: {options.out} holds measurements of other settings")
    found |= settings | {"machine": machine.describe()}
    found.setdefault("networks", {})

    def save() -> None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(found, indent=1) + "\n")

    for name in filter(None, options.networks.split(",")):
        for work in filter(None, options.work.split(",")):
            side = options.pixels or SIZES.get(name, 128)
            r = measure(name, work, side, options.batch, options.seconds, options.device)
            found["networks"].setdefault(name, {})[work] = r
            found["networks"] = {n: found["networks"][n] for n in NAMES if n in found["networks"]}
            print(f"{name} {work}: {', '.join(f'{k} {rate(r[k])}' for k in SIDES)}, ratio {ratio(r):.2f}", flush=True)
            save()
    if options.files:
        from benchmarks.deepwater_files import measure as measure_files

        found["files"] = measure_files(options.files)
        print("\n" + files_table(found["files"]))
        save()
    if options.docs:
        into_docs(found, ROOT / "docs" / "deepwater.md")


if __name__ == "__main__":
    main()
