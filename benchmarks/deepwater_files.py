"""From image files to predictions: `H2ODeepWaterEstimator` on a list of images against a DataLoader and a loop.

Called by `python -m benchmarks.deepwater --files LIST.csv [FOLDER]`. Both sides train LeNet for five passes over the same files,
score the training rows at the end, and then predict the files; the other side decodes with Pillow in PyTorch's DataLoader,
with two worker processes or none, whichever is faster.
"""

from __future__ import annotations

import csv
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.plain_networks import lenet

EPOCHS, BATCH, RATE, SIDE = 5, 32, 0.01, 28


class Files(Dataset):  # type: ignore[type-arg]
    """Gray images of a list of paths and labels, decoded when they are wanted."""

    def __init__(self, path: Path) -> None:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.paths = [path.parent / r["uri"] for r in rows]
        names = sorted({r["label"] for r in rows})
        self.labels = [names.index(r["label"]) for r in rows]
        self.classes = len(names)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        with Image.open(self.paths[i]) as image:
            pixels = np.asarray(image.convert("L").resize((SIDE, SIDE)))
        return torch.from_numpy(pixels.copy())[None].float().sub_(33.0).mul_(1 / 78), self.labels[i]


def plain_training(files: Files, workers: int) -> nn.Module:
    module = lenet(files.classes, 1, SIDE)
    sgd = torch.optim.SGD(module.parameters(), RATE, 0.9, weight_decay=1e-6)
    loader = DataLoader(files, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    module.train()
    for _ in range(EPOCHS):
        for x, y in loader:
            sgd.zero_grad()
            nn.functional.cross_entropy(module(x), y).backward()
            nn.utils.clip_grad_value_(module.parameters(), 10.0)
            sgd.step()
    plain_prediction(module, files, workers)
    return module


def plain_prediction(module: nn.Module, files: Files, workers: int) -> torch.Tensor:
    module.eval()
    with torch.inference_mode():
        parts = [module(x).softmax(1) for x, _ in DataLoader(files, BATCH, num_workers=workers)]
    return torch.cat(parts)


def measure(path: Path, rounds: int = 3) -> dict[str, Any]:
    """Images per second of both sides: of five passes of training, and of predictions."""
    import heavywater as h2o
    from heavywater.estimators.deepwater import H2ODeepWaterEstimator

    warnings.simplefilter("ignore")
    h2o.init(nthreads=torch.get_num_threads())
    h2o.no_progress()
    files, frame = Files(path), h2o.import_file(str(path), header=1)

    def trained() -> Any:
        model = H2ODeepWaterEstimator(
            network="lenet", image_shape=[SIDE, SIDE], channels=1, epochs=EPOCHS, mini_batch_size=BATCH,
            learning_rate=RATE, stopping_rounds=0, seed=1, gpu=False,
        )  # fmt: skip
        return model.train(x="uri", y="label", training_frame=frame)

    model, module = trained(), plain_training(files, 0)
    works: dict[str, tuple[Callable[[], Any], Callable[[int], Any], int]] = {
        "training": (trained, lambda workers: plain_training(files, workers), EPOCHS * len(files)),
        "prediction": (
            lambda: model.predict(frame).nrow, lambda workers: plain_prediction(module, files, workers), len(files)
        ),
    }  # fmt: skip
    found: dict[str, Any] = {"images": len(files)}
    for name, (ours, plain, count) in works.items():
        times = [(timed(ours), *(timed(plain, workers) for workers in (0, 2))) for _ in range(rounds)]
        rates = [count / statistics.median(column) for column in zip(*times)]
        best = 1 if rates[1] >= rates[2] else 2
        found[name] = {
            "ours": rates[0],
            "plain": rates[best],
            "workers": (0, 2)[best - 1],
            "ratios": [t[best] / t[0] for t in times],
        }
    return found


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began
