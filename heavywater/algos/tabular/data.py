"""From frames to what a learner of tables reads: usable columns, rows that teach, response, weights and offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.data import usable_columns
from heavywater.algos.deeplearning.response import Response
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.frame.design import Design, Scaling, build_design

_METRIC_OPTIONS: dict[str, Any] = {
    "tweedie_power": 1.5, "quantile_alpha": 0.5, "huber_alpha": 0.9, "gainslift_bins": -1, "auc_type": "AUTO",
    "max_hit_ratio_k": 10, "compat": "booklet",
}  # fmt: skip


@dataclass
class TableData:
    """What a learner reads.

    Attributes
    ----------
    category : str
        Binomial, Multinomial or Regression.
    names : list of str
        Columns in model order: categorical, numeric, weights, offset, fold, response.
    design : Design
        Categorical and numeric columns with their levels and scaling.
    response : Response
    rows : Frame
        The rows that teach: those with a response and a weight above 0.
    y : ndarray of float64
        Class indices or numbers of those rows, ``(n,)``.
    weights, offsets : ndarray of float64 or None
        Of those rows.
    prior : list of float or None
        Weighted shares of the classes.
    """

    category: str
    names: list[str]
    design: Design
    response: Response
    rows: Frame
    y: np.ndarray
    weights: np.ndarray | None
    offsets: np.ndarray | None
    prior: list[float] | None


def prepare_table(
    ctx: TrainContext,
    *,
    distribution: str,
    scaling: Scaling = "none",
    all_levels: bool = True,
    skip_missing: bool = False,
) -> TableData:
    """Work out design and response, and choose the rows that teach.

    Parameters
    ----------
    distribution : str
        As asked for; AUTO follows the response.
    scaling, all_levels
        See `heavywater.frame.design.build_design`.
    skip_missing : bool
        Leave out rows with a missing predictor.
    """
    p, frame = ctx.params, ctx.train
    used = usable_columns(frame, ctx.x, p.ignore_const_cols, ctx.warn)
    levels = frame.levels(str(ctx.y))
    classes = 1 if levels is None else len(levels)
    category = {1: "Regression", 2: "Binomial"}.get(classes, "Multinomial")
    if distribution == "AUTO":
        distribution = {1: "gaussian", 2: "bernoulli"}.get(classes, "multinomial")
    response = Response(str(ctx.y), None if levels is None else tuple(levels), distribution)

    y = response.actual(frame).astype(np.float64)
    weights = frame.numeric(p.weights_column) if p.weights_column else None
    if ctx.row_weights is not None:
        weights = ctx.row_weights if weights is None else weights * ctx.row_weights
    keep = (y >= 0) if levels is not None else ~np.isnan(y)
    if weights is not None:
        keep &= weights > 0
    if skip_missing:
        for name in used:
            keep &= ~frame.stored_column(name).is_null().to_numpy() & ~np.isnan(frame.numeric(name))
    if not keep.any():
        raise H2OValueError("no row is left to learn from: response or predictors are missing, or the weight is 0")
    rows = frame if keep.all() else frame.filter(keep)
    y, weights = y[keep], None if weights is None else weights[keep]
    offsets = frame.numeric(p.offset_column)[keep] if p.offset_column else None
    design = build_design(rows, used, scaling=scaling, all_levels=all_levels, weights=weights, repeated=True)
    prior = None
    if levels is not None:
        counts = np.bincount(y.astype(np.int64), weights, classes)
        prior = [float(v) for v in counts / counts.sum()]
    if weights is not None and (weights == 1).all():
        weights = None
    special = [c for c in (p.weights_column, p.offset_column, p.fold_column) if c]
    names = [*design.names, *special, response.name]
    return TableData(category, names, design, response, rows, y, weights, offsets, prior)


def metric_options(p: Any) -> dict[str, Any]:
    """Options of the metrics, as a model file keeps them."""
    return {name: getattr(p, name, default) for name, default in _METRIC_OPTIONS.items()}
