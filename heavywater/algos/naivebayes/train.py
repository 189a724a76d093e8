"""One pass over the data: counts of levels, means and deviations of numbers, by class."""

from __future__ import annotations

import dataclasses

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.gbm.model import matrix
from heavywater.algos.naivebayes.model import posterior
from heavywater.algos.tabular.checks import check_table
from heavywater.algos.tabular.data import TableData, prepare_table
from heavywater.algos.tabular.result import finished_state, metrics_on
from heavywater.display.table import Table
from heavywater.metrics import ModelMetrics
from heavywater.models.state import ModelState
from heavywater.params import Message

VERSION = 1


def check_data(ctx: TrainContext) -> list[Message]:
    """All problems, errors and warnings, of the parameters with these frames."""
    messages = check_table(ctx)
    if ctx.y is not None and ctx.y in ctx.train.names and ctx.train.levels(ctx.y) is None:
        text = (
            f"naive Bayes is for classes; the response {ctx.y!r} is {ctx.train.kind(ctx.y)}: convert it with asfactor()"
        )
        messages.append(Message("response_column", "error", text))
    return messages


def train(ctx: TrainContext) -> ModelState:
    """Count, and return the model's state."""
    p = ctx.params
    data = prepare_table(ctx, distribution="AUTO")
    x = matrix(data.design, data.rows)
    arrays = counted(x, data, laplace=p.laplace, min_sdev=p.min_sdev, eps_sdev=p.eps_sdev)
    shares = arrays["shares"]
    arrays["shares"] = np.where(shares <= p.eps_prob, p.min_prob, shares)
    ctx.progress(0.5, "scoring")
    found: list[ModelMetrics | None] = []
    for what, frame in (("training", data.rows if p.compute_metrics else None), ("validation", ctx.valid)):
        if frame is None:
            found.append(None)
            continue
        rows = matrix(data.design, data.design.adapt(frame))
        answers = posterior(rows, data.design, arrays, eps_prob=p.eps_prob, min_prob=p.min_prob)
        found.append(metrics_on(ctx, data, frame, answers, data.weights if what == "training" else None, what))
    assert data.prior is not None
    row = [len(data.prior), min(data.prior), max(data.prior)]
    columns = ["number_of_response_levels", "min_apriori_probability", "max_apriori_probability"]
    return finished_state(
        ctx,
        data,
        version=VERSION,
        full_name="Naive Bayes",
        actual=dataclasses.replace(p),
        schema={"design": data.design.to_json()},
        output={
            "model_summary": Table("Model Summary", columns, ["long", "double", "double"], [row]).to_json(),
            "scoring_history": None,
        },
        arrays=arrays,
        train=found[0],
        valid=found[1],
        why="all rows were counted",
    )


def counted(
    x: np.ndarray, data: TableData, *, laplace: float, min_sdev: float, eps_sdev: float
) -> dict[str, np.ndarray]:
    """Shares of the classes, of the levels in each class, and means and deviations of the numbers in each class.

    Parameters
    ----------
    x : ndarray of float64
        Level indices and numbers ``(n, columns)``, NaN where missing.
    data : TableData
    laplace : float
        Added to every count of a level.
    min_sdev, eps_sdev : float
        Deviations up to `eps_sdev`, and those of fewer than two values, are `min_sdev`.
    """
    design, classes = data.design, data.response.nclasses
    y, w = data.y.astype(np.int64), np.ones(len(x)) if data.weights is None else data.weights
    shares = []
    for j, levels in enumerate(design.levels):
        known = ~np.isnan(x[:, j])
        cells = y[known] * len(levels) + x[known, j].astype(np.int64)
        counts = np.bincount(cells, w[known], classes * len(levels)).reshape(classes, len(levels)) + laplace
        totals = counts.sum(axis=1, keepdims=True)
        shares.append(np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0))
    numbers = len(design.nums)
    mean, deviation = np.zeros((classes, numbers)), np.full((classes, numbers), min_sdev)
    for k in range(numbers):
        values = x[:, len(design.cats) + k]
        for c in range(classes):
            here = (y == c) & ~np.isnan(values)
            total = w[here].sum()
            if total <= 0:
                continue
            mean[c, k] = np.average(values[here], weights=w[here])
            if total > 1:
                found = float(np.sqrt((w[here] * (values[here] - mean[c, k]) ** 2).sum() / (total - 1)))
                deviation[c, k] = found if found > eps_sdev else min_sdev
    return {
        "prior": np.asarray(data.prior, np.float64),
        "shares": np.hstack(shares) if shares else np.zeros((classes, 0)),
        "mean": mean,
        "deviation": deviation,
    }
