"""heavywater, scikit-learn's MLPClassifier and a plain PyTorch loop on the same arrays: seconds until equal error.

Runs by itself with a job in JSON as its only argument and prints one line of JSON. The arrays are standardised before
the clock starts; the clock counts training and the scoring of the test rows in between, which each does in its own way.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def arrays(job: dict[str, Any]) -> Arrays:
    """Standardised float32 inputs and classes: training rows, test rows."""
    import polars as pl

    train, test = (pl.read_csv(job["data"][k], has_header=False).to_numpy() for k in ("train", "test"))
    x, y = train[:, :-1].astype(np.float32), train[:, -1].astype(np.int64)
    mean, sd = x.mean(axis=0), x.std(axis=0)
    keep = sd > 0

    def scaled(v: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray((v[:, keep] - mean[keep]) / sd[keep], np.float32)

    return scaled(x), y, scaled(test[:, :-1].astype(np.float32)), test[:, -1].astype(np.int64)


def parts(n: int, job: dict[str, Any]) -> Iterator[np.ndarray]:
    """Row numbers of one part of an epoch after the other, each epoch in a new order."""
    random = np.random.default_rng(job["seed"])
    pieces = round(1 / job["score_every"])
    for _ in range(job["max_epochs"]):
        yield from np.array_split(random.permutation(n), pieces)


def with_torch(job: dict[str, Any], data: Arrays) -> Iterator[float]:
    """Test error after each part; plain SGD with momentum, the rate falling as in heavywater."""
    import torch

    torch.manual_seed(job["seed"])
    torch.set_num_threads(job["threads"])
    x, y, tx, ty = (torch.from_numpy(a) for a in data)
    sizes = [x.shape[1], *job["hidden"]]
    layers: list[Any] = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], job["classes"]))
    rate, momentum, annealing = job["rate"], job["momentum"], job["rate_annealing"]
    optimiser = torch.optim.SGD(model.parameters(), lr=rate * (1 - momentum), momentum=momentum)
    loss = torch.nn.CrossEntropyLoss()
    yield 1.0
    done = 0
    for part in parts(len(x), job):
        rows = torch.from_numpy(part)
        for start in range(0, len(rows), job["batch"]):
            some = rows[start : start + job["batch"]]
            optimiser.param_groups[0]["lr"] = rate * (1 - momentum) / (1 + annealing * done)
            optimiser.zero_grad()
            loss(model(x[some]), y[some]).backward()
            optimiser.step()
            done += len(some)
        with torch.inference_mode():
            yield float((model(tx).argmax(dim=1) != ty).float().mean())


def with_sklearn(job: dict[str, Any], data: Arrays) -> Iterator[float]:
    """Test error after each part, with MLPClassifier's own Adam and `partial_fit`."""
    from sklearn.neural_network import MLPClassifier

    x, y, tx, ty = data
    model = MLPClassifier(tuple(job["hidden"]), batch_size=job["batch"], random_state=job["seed"])
    yield 1.0
    for part in parts(len(x), job):
        model.partial_fit(x[part], y[part], classes=np.arange(job["classes"]))
        yield float((model.predict(tx) != ty).mean())


def run(job: dict[str, Any], data: Arrays) -> dict[str, Any]:
    """Seconds, rows and errors of a peer until the error is small enough; None seconds when it never was."""
    peer = {"torch": with_torch, "sklearn": with_sklearn}[job["engine"]]
    pieces = round(1 / job["score_every"])
    errors: list[tuple[float, float]] = []
    steps = peer(job, data)
    next(steps)  # built, nothing trained
    began = time.perf_counter()
    for error in steps:
        errors.append((time.perf_counter() - began, error))
        if error <= job["target_error"] or errors[-1][0] > job["max_seconds"]:
            break
    seconds, error = errors[-1]
    rows = len(data[0]) * len(errors) / pieces
    return {
        "engine": job["engine"],
        "seconds": seconds,
        "seconds_to_error": seconds if error <= job["target_error"] else None,
        "rows": rows,
        "rows_per_second": rows / seconds,
        "errors": errors,
        "quality": {"error": error},
    }


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(run(asked, arrays(asked))), flush=True)
