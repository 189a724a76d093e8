"""Images per second of Deep Water's networks, in training and scoring, against plain PyTorch doing the same.

python benchmarks/deepwater.py [--networks lenet,resnet18] [--batch 32] [--steps 12] [--threads N] [--device cpu] [--json FILE]

Both sides get the same uint8 images from memory, make float32 of them, and run forward, cross-entropy, backward and a
momentum step with element-wise clipping, or forward alone. Ours is the trainer and the scorer that
`H2ODeepWaterEstimator` uses; the other is a module of standard PyTorch layers, written by hand where the network is
small and taken from the same graph, node by node, otherwise, with a loop around it. The two run in turn, A B A B, and the
ratio is the median of the ratios of neighbours, so that a busy machine disturbs both alike.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import numpy as np
import torch
from torch import nn

from heavywater.algos.deepwater.build import Net
from heavywater.algos.deepwater.engine import LocalTrainer, Work
from heavywater.algos.deepwater.inputs import Order, Pixels, Source
from heavywater.algos.deepwater.optimiser import Optimiser
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.networks.catalog import NAMES, build

CLASSES = 10
SIZES = {"lenet": 28, "mlp": 28, "resnet": 32, "vgg": 64, "inception_bn": 224}
"""Width and height; 128 for the others, so that a run on two cores ends within minutes."""
CHANNELS = 3


class Sequence(nn.Module):
    """Modules of a graph, one after the other, with the values they need kept by hand."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net.module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


def plain(name: str, side: int) -> nn.Module | None:
    """The network in standard modules; None where none is written out here."""
    if name == "lenet":
        rest = ((side - 4) // 2 - 4) // 2
        return nn.Sequential(
            nn.Conv2d(CHANNELS, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(50 * rest * rest, 500), nn.ReLU(), nn.Linear(500, CLASSES),
        )  # fmt: skip
    if name == "mlp":
        width = CHANNELS * side * side
        return nn.Sequential(
            nn.Flatten(), nn.Linear(width, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, CLASSES)
        )
    return None


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


def measure(name: str, batch: int, steps: int, device: str) -> dict[str, Any]:
    """Images per second of both sides, and their ratios."""
    side = SIZES.get(name, 128)
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (batch * steps, CHANNELS, side, side)).astype(np.uint8)
    targets = random.integers(0, CLASSES, len(images))
    pixels = Pixels((127.0,) * CHANNELS, (1 / 64,) * CHANNELS)
    graph = build(name, CLASSES, (side, side), CHANNELS)
    net = Net(graph, (CHANNELS, side, side), 1, device)
    p = DeepWaterParams(mini_batch_size=batch, learning_rate=1e-4, weight_decay=1e-6)
    source = Rows(images)
    trainer = LocalTrainer(net, Optimiser(torch, net.learned(), p, 1), Work(p, source, targets, pixels, 1, 1))
    order = Order(np.arange(len(images)), 1, False)
    other = plain(name, side)
    by_hand = other is not None
    if other is None:
        other = Sequence(Net(graph, (CHANNELS, side, side), 1, device))
    other = other.to(device)

    def ours_train() -> None:
        for _ in trainer.train(order, 0, len(images)):
            pass
        wait()

    def ours_score() -> None:
        for i in range(0, len(images), batch):
            net.logits(*net.tensors(source.batch(np.arange(i, i + batch))[0], None, pixels))

    sgd = torch.optim.SGD(other.parameters(), 1e-4, 0.9, weight_decay=1e-6)

    def prepared(i: int) -> torch.Tensor:
        return (torch.from_numpy(images[i : i + batch]).to(device).float() - 127.0) * (1 / 64)

    def theirs_train() -> None:
        other.train()
        for i in range(0, len(images), batch):
            sgd.zero_grad()
            nn.functional.cross_entropy(
                other(prepared(i)), torch.from_numpy(targets[i : i + batch]).to(device)
            ).backward()
            torch.nn.utils.clip_grad_value_(other.parameters(), 10.0)
            sgd.step()
        wait()

    def theirs_score() -> None:
        other.eval()
        with torch.inference_mode():
            for i in range(0, len(images), batch):
                other(prepared(i)).cpu()

    def wait() -> None:
        if device != "cpu":
            torch.cuda.synchronize()

    found: dict[str, Any] = {"network": name, "pixels": side, "weights": net.weights, "by_hand": by_hand}
    for what, ours, theirs in (("training", ours_train, theirs_train), ("scoring", ours_score, theirs_score)):
        ours(), theirs()
        pairs = [(timed(ours, device), timed(theirs, device)) for _ in range(5)]
        found[what] = {
            "ours": len(images) / statistics.median(a for a, _ in pairs),
            "plain": len(images) / statistics.median(b for _, b in pairs),
            "ratio": statistics.median(b / a for a, b in pairs),
            "ratios": [b / a for a, b in pairs],
        }
    return found


def timed(work: Any, device: str) -> float:
    """Seconds: of this process's processor time on a CPU, where others may be busy, of the clock on a GPU."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    began = clock()
    work()
    return clock() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(NAMES))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"PyTorch {torch.__version__}, {options.device}, {options.threads} threads, batch {options.batch}")
    print(
        "| network | pixels | training, images/s | plain PyTorch | ratio | scoring, images/s | plain PyTorch | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|")
    results = []
    for name in options.networks.split(","):
        r = measure(name, options.batch, options.steps, options.device)
        results.append(r)
        cells = [f"{r[w]['ours']:,.0f} | {r[w]['plain']:,.0f} | {r[w]['ratio']:.2f}" for w in ("training", "scoring")]
        star = "" if r["by_hand"] else " *"
        print(f"| {name}{star} | {r['pixels']} | {' | '.join(cells)} |", flush=True)
    print("\n* the other side runs the same graph in a loop of its own; the rest are modules written out by hand")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
