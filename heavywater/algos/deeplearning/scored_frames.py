"""Frames that are scored: brought into the model's columns, and during training sampled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.response import Response
from heavywater.algos.deeplearning.scoring import ScoringSet
from heavywater.core.sampling import balance_rows, scoring_sample
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.frame.design import Design
from heavywater.frame.encoding import Encoding


def scoring_set(
    frame: Frame,
    chosen: np.ndarray,
    response: Response | None,
    weights: np.ndarray | None,
    offsets: np.ndarray | None,
    what: str,
) -> ScoringSet:
    """The `chosen` rows of a frame; `what` names it in the report."""
    full = len(chosen) == frame.nrow
    part = frame if full else frame.gather(chosen)
    text = f"full {what} frame" if full else f"temporary {what} frame with {len(chosen)} samples"
    return ScoringSet(
        part,
        np.zeros(0) if response is None else response.actual(part),
        weights=None if weights is None else weights[chosen],
        offsets=None if offsets is None else offsets[chosen],
        description=f"Metrics reported on {text}",
    )


def validation_set(
    ctx: TrainContext, p: Any, design: Design, encoding: Encoding | None, response: Response | None
) -> ScoringSet | None:
    """The rows of the validation frame that are scored during training; None without such a frame."""
    if ctx.valid is None:
        return None
    if ctx.valid.nrow == 0:
        raise H2OValueError("the validation frame has no rows")
    adapted = adapt(
        ctx.valid, design, encoding, lambda text: ctx.warn(f"validation frame: {text}"), h2o=p.compat != "booklet"
    )
    weights, raw = special_columns(ctx.valid, p)
    offsets = None
    if response is not None:
        response.actual(ctx.valid)  # the response must be there
        adapted = adapted.with_columns(ctx.valid.stored_column(response.name))
        offsets = response.network_offsets(raw, h2o=p.compat != "booklet")
    sample = _validation_sample(ctx, p, response)
    return scoring_set(adapted, sample, response, weights, offsets, "validation")


def _validation_sample(ctx: TrainContext, p: Any, response: Response | None) -> np.ndarray:
    """Scored rows of the validation frame.

    "Stratified" means the same share of every class.  In H2O it counts only together with `balance_classes`, and shares
    are left to chance.
    """
    assert ctx.valid is not None
    n, samples, seed = ctx.valid.nrow, int(p.score_validation_samples), ctx.seed + 1
    if p.score_validation_sampling == "Stratified" and response is not None and response.levels is not None:
        codes = response.actual(ctx.valid)
        if p.compat == "booklet":
            return stratified_sample(codes, response.nclasses, samples, seed)
        if p.balance_classes:
            wanted = min(samples or n, int((codes >= 0).sum()))
            same = np.ones(response.nclasses, np.float32)
            return balance_rows(codes, response.nclasses, factors=same, max_relative_size=wanted / n, seed=seed)
    return scoring_sample(n, samples, seed)


def stratified_sample(codes: np.ndarray, nclasses: int, samples: int, seed: int) -> np.ndarray:
    """About `samples` rows, in order, with the classes' shares as in all rows and at least one row of each class.

    Parameters
    ----------
    codes : int (n,)
        Class of each row; rows of class -1 (missing) are never drawn.
    samples : int
        0: all rows.

    Returns
    -------
    int64 (m,)
    """
    known = np.flatnonzero(codes >= 0)
    if samples <= 0 or samples >= len(known):
        return known
    random = np.random.default_rng(seed % 2**64)
    chosen = []
    for c in range(nclasses):
        rows = np.flatnonzero(codes == c)
        if len(rows):
            count = max(1, math.floor(len(rows) * samples / len(known) + 0.5))
            chosen.append(random.choice(rows, count, replace=False))
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def adapt(frame: Frame, design: Design, encoding: Encoding | None, warn: Any, *, h2o: bool = False) -> Frame:
    """Any frame with exactly the design's columns; `h2o`: levels that were not seen in training as H2O encodes them."""
    if encoding is None:
        return design.adapt(frame, warn=warn)
    encoding = encoding.extended(frame, h2o=h2o)
    plain = Design(
        cats=tuple(encoding.levels),
        nums=tuple(c for c in encoding.columns if c not in encoding.levels),
        levels=tuple(encoding.levels.values()),
        all_levels=True,
        mean=(),
        sub=None,
        mul=None,
    )
    return design.adapt(encoding.apply(plain.adapt(frame, warn=warn)), warn=warn)


def special_columns(frame: Frame, p: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Weights and offsets of a frame that is scored; without weights rows count 1, but offsets must be there."""
    weights = frame.numeric(p.weights_column) if p.weights_column and p.weights_column in frame.names else None
    return weights, frame.numeric(p.offset_column) if p.offset_column else None
