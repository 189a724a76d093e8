"""Ten times the rows, columns, levels or hidden units: does the time of training grow faster than the work?

The work of a row comes from `benchmarks.costs`; rows multiply it. Each axis is measured at one, about three and ten times
its smallest size, all else equal, with the default optimiser, row by row.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import costs

STEPS = (1.0, 10.0**0.5, 10.0)
TOLERANCE = 1.25
"""Time may exceed what the work says by so much: clocks are noisy, and larger weights live in slower caches."""


@dataclass(frozen=True)
class Axis:
    """One thing that grows; the others stay at `BASE`."""

    name: str
    smallest: int
    rows: int


BASE = {"rows": 20_000, "columns": 50, "levels": 0, "hidden": 100}
AXES = (
    Axis("rows", 10_000, 0),
    Axis("columns", 60, 10_000),
    Axis("levels", 100, 40_000),
    Axis("hidden units", 100, 6_000),
)


def shape(axis: Axis, size: int) -> dict[str, int]:
    """Rows, numeric columns, levels of a categorical column (0: none) and units of both hidden layers."""
    out = dict(BASE)
    if axis.rows:
        out["rows"] = axis.rows
    out["hidden" if axis.name == "hidden units" else axis.name] = size
    return out


def work_of(s: dict[str, int]) -> float:
    """Operations of one epoch; of the one-hot inputs of a column one is not zero."""
    inputs = s["columns"] + s["levels"]
    density = (s["columns"] + 1) / inputs if s["levels"] else 1.0
    units = (inputs, s["hidden"], s["hidden"], 2)
    by_input = density < 0.5
    cost = costs.online(units, optimiser="adadelta", live=(0.5, 0.5), density=density, by_input=by_input)
    return cost.operations * s["rows"]


def frame(s: dict[str, int]) -> Any:
    """A table of two classes that depend on its columns."""
    import heavywater as h2o

    random = np.random.default_rng(1)
    x = random.standard_normal((s["rows"], s["columns"]))
    columns: dict[str, Any] = {f"x{i}": x[:, i] for i in range(s["columns"])}
    signal = x[:, :10].sum(axis=1)
    if s["levels"]:
        level = random.integers(0, s["levels"], s["rows"])
        columns["level"] = [f"level{k}" for k in level]
        signal = signal + level % 2
    columns["class"] = np.where(signal > 0, "yes", "no").tolist()
    return h2o.H2OFrame(columns, column_types={"class": "enum"} | ({"level": "enum"} if s["levels"] else {}))


def seconds_of(s: dict[str, int], *, repeats: int) -> float:
    """Least seconds of `train` for one epoch."""
    from heavywater.estimators.deeplearning import H2ODeepLearningEstimator

    table = frame(s)
    took = []
    for _ in range(repeats):
        model = H2ODeepLearningEstimator(
            hidden=[s["hidden"]] * 2, epochs=1, seed=1, mini_batch_size=1, score_training_samples=1000,
            train_samples_per_iteration=0, variable_importances=False,
        )  # fmt: skip
        began = time.perf_counter()
        model.train(y="class", training_frame=table)
        took.append(time.perf_counter() - began)
    return min(took)


def measure(axis: Axis, *, repeats: int) -> dict[str, Any]:
    """Sizes, work and seconds along one axis."""
    sizes = [round(axis.smallest * step) for step in STEPS]
    shapes = [shape(axis, size) for size in sizes]
    seconds = [seconds_of(s, repeats=repeats) for s in shapes]
    return {"axis": axis.name, "sizes": sizes, "work": [work_of(s) for s in shapes], "seconds": seconds}


def judged(found: dict[str, Any]) -> str:
    """What is wrong with an axis; "" when its time grows no faster than its work."""
    more_work = found["work"][-1] / found["work"][0]
    more_time = found["seconds"][-1] / found["seconds"][0]
    if more_time <= TOLERANCE * more_work:
        return ""
    return f"{found['axis']}: {more_time:.1f} times the time for {more_work:.1f} times the work"


def run(out: Path, threads: int, *, quick: bool) -> dict[str, Any]:
    """Measure all axes, draw ``growth.png`` into the folder `out`."""
    import heavywater as h2o

    h2o.init(nthreads=threads)
    h2o.no_progress()
    seconds_of({"rows": 500, "columns": 10, "levels": 20, "hidden": 10}, repeats=1)  # loads the kernels
    seconds_of({"rows": 500, "columns": 10, "levels": 0, "hidden": 10}, repeats=1)
    axes = [measure(axis, repeats=1 if quick else 3) for axis in AXES]
    draw(axes, out / "growth.png")
    problems = [text for text in map(judged, axes) if text]
    return {"axes": axes, "tolerance": TOLERANCE, "plot": "growth.png", "problems": problems}


def draw(axes: list[dict[str, Any]], path: Path) -> None:
    """Work and time of each axis, both from 1 on, on logarithmic scales."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(axes), 3.4), layout="constrained")
    for plot, found in zip(figure.subplots(1, len(axes), sharey=True), axes):
        plot.loglog(found["sizes"], np.divide(found["work"], found["work"][0]), "--", color="gray", label="work")
        plot.loglog(found["sizes"], np.divide(found["seconds"], found["seconds"][0]), "o-", label="time of train()")
        plot.set_xlabel(found["axis"])
        plot.grid(True, which="both", alpha=0.3)
    figure.axes[0].set_ylabel("relative to the smallest")
    figure.axes[0].legend()
    figure.savefig(path, dpi=120)
