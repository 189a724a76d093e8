"""Rows: which ones teach, how often, with which offset — weights, missing values and class balancing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.resolve import is_exact
from heavywater.core.sampling import balance_rows, general_weights
from heavywater.errors import H2OValueError
from heavywater.frame import Frame


@dataclass
class Rows:
    """What is known about each row of the training frame besides its values.

    Attributes
    ----------
    frame : Frame
        The training frame, balanced if that was asked for.
    weights, offsets : ndarray of float64 or None
        Observation weights and offsets (in the units of the response's link).
    skip : ndarray of bool
        Rows that teach nothing: no response, weight 0, or on request a missing predictor.
    per_epoch : int
        Rows that one pass trains; the unit of `epochs`.
    prior, balanced : ndarray or None
        Class frequencies of the training frame, and after balancing if that was asked for.
    """

    frame: Frame
    weights: np.ndarray | None
    offsets: np.ndarray | None
    skip: np.ndarray
    per_epoch: int
    prior: np.ndarray | None = None
    balanced: np.ndarray | None = None

    @property
    def general(self) -> bool:
        """Whether the weights are more than a choice of rows."""
        return self.weights is not None and not bool(np.isin(self.weights, (0.0, 1.0)).all())

    def repeated(self, random: np.random.Generator) -> np.ndarray:
        """Row numbers of one pass: a row of weight 2 comes twice, of weight 0.3 in three passes of ten.

        Weights with a mean below 1 over the rows in use are scaled up to it, so that a pass never shrinks.
        """
        used = np.flatnonzero(~self.skip)
        if not self.general:
            return used
        assert self.weights is not None
        w = self.weights[used]
        w = w / min(1.0, float(w.mean()))
        times = np.floor(w)
        times += random.random(len(w)) < w - times
        return np.repeat(used, times.astype(np.int64))


def choose_rows(ctx: TrainContext, p: Any, predictors: list[str]) -> Rows:
    """Work out `Rows` for a training frame.

    Raises
    ------
    H2OValueError
        When no row is left.
    """
    frame, weights, offsets = ctx.train, None, None
    if p.weights_column:
        weights = frame.numeric(p.weights_column)
    if ctx.row_weights is not None:
        weights = ctx.row_weights if weights is None else weights * ctx.row_weights
    if p.offset_column:
        offsets = frame.numeric(p.offset_column)
    prior = balanced = None
    classes = 0 if p.autoencoder or ctx.y is None else len(frame.levels(ctx.y) or ())
    if classes:
        codes = frame.codes(str(ctx.y))
        prior = _frequencies(codes, classes)
    if p.balance_classes:
        if weights is not None:
            codes = np.where(weights > 0, codes, -1)
        factors = p.class_sampling_factors
        chosen = balance_rows(
            codes,
            classes,
            factors=None if factors is None else np.asarray(factors, np.float32),
            max_relative_size=float(p.max_after_balance_size),
            seed=ctx.seed,
        )
        balanced = _frequencies(codes[chosen], classes)
        frame = frame.gather(chosen)
        weights = None if weights is None else weights[chosen]
        offsets = None if offsets is None else offsets[chosen]

    skip = np.zeros(frame.nrow, bool)
    reasons = []
    if ctx.y is not None and not p.autoencoder:
        skip |= frame.stored_column(ctx.y).is_null().to_numpy()
        reasons.append("the response is missing")
    if weights is not None:
        skip |= ~(weights > 0)
        reasons.append("the weight is 0")
    if p.missing_values_handling == "Skip":
        for name in predictors:
            skip |= frame.stored_column(name).is_null().to_numpy()
        reasons.append("a predictor is missing (missing_values_handling='Skip')")
    if skip.all():
        raise H2OValueError(f"no row is left to train on: in every one {' or '.join(reasons)}")
    rows = Rows(frame, weights, offsets, skip, 0, prior, balanced)
    rows.per_epoch = _per_epoch(rows, exact=is_exact(p), h2o=p.compat != "booklet")
    return rows


def _per_epoch(rows: Rows, *, exact: bool, h2o: bool) -> int:
    """Rows of one pass: those that are trained, a row of weight 2 twice.

    The exact trainer counts as H2O does where H2O keeps to its documents: all rows, also those that teach nothing.
    """
    n, w = len(rows.skip), rows.weights
    if exact and w is None:
        return n
    if exact and h2o and w is not None:
        choice = not general_weights(w) and w.min() == 0 and w.max() == 1
        return max(1, math.floor(n * float(w.mean()) + 0.5)) if choice else n
    if rows.general and w is not None:
        used = w[~rows.skip]
        return max(1, round(float(used.sum() / min(1.0, used.mean()))))
    return int((~rows.skip).sum())


def _frequencies(codes: np.ndarray, classes: int) -> np.ndarray:
    counts = np.bincount(codes[codes >= 0], minlength=classes).astype(np.float64)
    return counts / counts.sum()
