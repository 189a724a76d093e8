"""From frames to arrays: which columns take part, the design, the targets, the rows to learn from and to score on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.resolve import is_exact, resolve
from heavywater.algos.deeplearning.response import Response, build_response
from heavywater.algos.deeplearning.rows import Rows, choose_rows
from heavywater.algos.deeplearning.scored_frames import scoring_set, validation_set
from heavywater.algos.deeplearning.scoring import Scorer, ScoringSet
from heavywater.algos.deeplearning.start import checkpoint_of
from heavywater.core.mlp.layout import (
    AUTOENCODER,
    CROSSENTROPY,
    DISTRIBUTIONS,
    LINEAR,
    QUADRATIC,
    SOFTMAX,
    Hyper,
    Inputs,
    hyper,
)
from heavywater.core.sampling import scoring_sample
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.frame.design import Design, build_design, with_hashing
from heavywater.frame.encoding import Encoding, build_encoding
from heavywater.frame.summary import rollup, rollups

_SPARSE_BELOW = 0.3
"""Numeric inputs are kept as CSR when fewer than this share of them is not zero."""


@dataclass
class TrainingData:
    """Everything that training reads, prepared once.

    Attributes
    ----------
    params : DeepLearningParams
        Values in force.
    category : str
        Binomial, Multinomial, Regression or AutoEncoder.
    names : list of str
        Columns in model order: categorical, numeric, weights, offset, fold, response.
    encoding : Encoding or None
        What replaced the categorical columns before the design.
    original : Frame
        The training frame as given.
    rows : Rows
        Which rows teach, how often, with which offset.
    inputs, targets, offsets : Inputs, ndarray, ndarray or None
        Network inputs (float64 for the exact trainer, float32 for the fast one), targets, and offsets in the space
        of the network's output, of all rows.
    scorer : Scorer
    train_set, valid_set : ScoringSet
        Rows scored during training.
    """

    params: Any
    category: str
    names: list[str]
    design: Design
    encoding: Encoding | None
    original: Frame
    response: Response | None
    rows: Rows
    hyper: Hyper
    inputs: Inputs
    targets: np.ndarray
    offsets: np.ndarray | None
    scorer: Scorer
    train_set: ScoringSet
    valid_set: ScoringSet | None
    na_seen: list[bool]

    @property
    def nrow(self) -> int:
        return len(self.rows.skip)

    @property
    def units(self) -> list[int]:
        """Units per layer, inputs and outputs included."""
        outputs = self.design.width if self.response is None else self.response.nclasses
        return [self.design.width, *self.params.hidden, outputs]


def prepare_data(ctx: TrainContext) -> TrainingData:
    """Work out design, response and targets, and encode the training frame."""
    levels = None if ctx.params.autoencoder or ctx.y is None else ctx.train.levels(ctx.y)
    nclasses = 0 if ctx.params.autoencoder else len(levels) if levels is not None else 1
    p = resolve(ctx.params, nclasses=nclasses)
    category = {0: "AutoEncoder", 1: "Regression", 2: "Binomial"}.get(nclasses, "Multinomial")

    before = None if p.checkpoint is None else checkpoint_of(ctx)
    if before is not None:
        adapted = before.design.adapt(ctx.train, warn=ctx.warn).stored
        ctx.train = ctx.train.with_columns(adapted.iter_columns())
        used = [n for n in ctx.train.names if n in set(before.design.names)]
    else:
        used = usable_columns(ctx.train, ctx.x, p.ignore_const_cols, ctx.warn)
    source, encoding = ctx.train, None
    if before is not None:
        encoding = before.encoding
    elif p.categorical_encoding != "OneHotInternal":
        encoding = learn_encoding(ctx, p, used)
    if encoding is not None:
        ctx.train = encoding.apply(ctx.train)
        used = encoding.names
    endless = [n for n in used if (r := rollup(ctx.train, n)).positive_infinities or r.negative_infinities]
    if endless:
        ctx.warn(f"infinite values count as missing in {_listed(endless)}")
    rows = choose_rows(ctx, p, used)
    frame = rows.frame
    statistics = _weights_of_statistics(ctx, p)
    h2o = p.compat != "booklet"
    design = build_design(
        ctx.train,
        used,
        scaling=_scaling(p),
        all_levels=p.use_all_factor_levels,
        weights=statistics,
        repeated=not h2o,
    )
    design = with_hashing(design, int(p.max_categorical_features), ctx.seed)
    if h2o:
        design = replace(
            design,
            na_is_last_level=True,
            impute_when_scoring=False,
            zero_drops_first_input=p.sparse and is_exact(p),
        )
    if before is not None and not h2o:
        design = before.design
    response = None if before is None or h2o else before.response
    if nclasses and response is None:
        response = build_response(
            ctx.train, str(ctx.y), p.distribution, standardize=p.standardize, weights=statistics,
            offset=None if h2o else p.offset_column, repeated=not h2o,
        )  # fmt: skip
    h = network_hyper(p, nclasses, ctx.seed)

    dtype = np.float64 if is_exact(p) else np.float32
    csr = not is_exact(p) and _mostly_zero(frame, design)
    _check_memory(ctx, design, 1 if not csr and design.lowest(frame) is not None else np.dtype(dtype).itemsize)
    inputs = design.encode(frame, training=True, dtype=dtype, csr=csr, packed=True)
    targets, offsets = np.zeros(0), None
    if response is not None:
        targets = response.targets(response.actual(frame))
        offsets = response.network_offsets(rows.offsets, h2o=h2o)

    scorer = Scorer(
        design,
        response,
        h,
        category,
        metric_options(p),
        prior=rows.prior,
        model_prior=rows.balanced,
        threads=ctx.threads,
        custom=p.custom_metric_func,
        exact=is_exact(p),
    )
    special = [c for c in (p.weights_column, p.offset_column, p.fold_column) if c]
    columns = [*design.names, *special, *([response.name] if response else [])]
    sample = scoring_sample(frame.nrow, int(p.score_training_samples), ctx.seed)
    train_set = scoring_set(frame.select(columns), sample, response, rows.weights, offsets, "training")
    return TrainingData(
        params=p,
        category=category,
        names=columns,
        design=design,
        encoding=encoding,
        original=source,
        response=response,
        rows=rows,
        hyper=h,
        inputs=inputs,
        targets=targets,
        offsets=offsets,
        scorer=scorer,
        train_set=train_set,
        valid_set=validation_set(ctx, p, design, encoding, response),
        na_seen=[_some_missing(frame, c, rows) and not (h2o and not design.all_levels) for c in design.cats],
    )


def usable_columns(frame: Frame, names: list[str], ignore_const: bool, warn: Any) -> list[str]:
    """Predictors that can teach anything: no text and, unless asked for, no constant or empty columns."""
    text = [n for n in names if frame.kind(n) in ("string", "uuid")]
    rollups(frame, names)
    flat = [n for n in names if n not in text and ignore_const and is_constant(frame, n)]
    if text:
        warn(f"columns of text take no part: {_listed(text)}; use asfactor() to make categories of them")
    if flat:
        warn(f"constant and empty columns take no part: {_listed(flat)}; ignore_const_cols=False keeps them")
    kept = [n for n in names if n not in set(text) | set(flat)]
    if not kept:
        raise H2OValueError(f"no usable predictor is left of the {len(names)} given: all are constant, empty or text")
    return kept


def is_constant(frame: Frame, name: str) -> bool:
    """Whether a column has at most one distinct value, missing ones aside."""
    stats = rollup(frame, name)
    return bool(stats.missing == frame.nrow or stats.min == stats.max)


def network_hyper(p: Any, nclasses: int, seed: int) -> Hyper:
    """The parameters in force as the kernels' numbers."""
    if nclasses >= 2:
        output, loss = SOFTMAX, CROSSENTROPY if p.loss == "CrossEntropy" else QUADRATIC
    else:
        output, loss = (LINEAR if nclasses == 1 else AUTOENCODER), DISTRIBUTIONS[p.distribution]
    return hyper(
        activation=p.activation,
        output=output,
        loss=loss,
        adaptive=p.adaptive_rate,
        rho=p.rho,
        epsilon=p.epsilon,
        rate=p.rate,
        rate_annealing=p.rate_annealing,
        rate_decay=p.rate_decay,
        momentum_start=p.momentum_start,
        momentum_ramp=p.momentum_ramp,
        momentum_stable=p.momentum_stable,
        nesterov=p.nesterov_accelerated_gradient,
        l1=p.l1,
        l2=p.l2,
        max_w2=p.max_w2,
        fast_mode=p.fast_mode,
        input_dropout=p.input_dropout_ratio,
        hidden_dropout=tuple(p.hidden_dropout_ratios or ()),
        sparsity_beta=p.sparsity_beta,
        average_activation=p.average_activation,
        quantile_alpha=p.quantile_alpha,
        tweedie_power=p.tweedie_power,
        h2o=p.compat != "booklet",
        seed=seed,
    )


def metric_options(p: Any) -> dict[str, Any]:
    """Options of the metrics, as the model file keeps them."""
    names = (
        "tweedie_power",
        "quantile_alpha",
        "huber_alpha",
        "gainslift_bins",
        "auc_type",
        "max_hit_ratio_k",
        "compat",
    )
    return {k: getattr(p, k) for k in names}


def _scaling(p: Any) -> Any:
    if not p.standardize:
        return "none"
    if p.autoencoder:
        return "range"
    return "scale" if p.sparse else "standardize"


def _weights_of_statistics(ctx: TrainContext, p: Any) -> np.ndarray | None:
    """Weights for means and standard deviations; like H2O none when there is an offset too."""
    w = ctx.train.numeric(p.weights_column) if p.weights_column else None
    if ctx.row_weights is not None:
        w = ctx.row_weights if w is None else w * ctx.row_weights
    return None if p.offset_column and p.compat != "booklet" else w


def _mostly_zero(frame: Frame, design: Design) -> bool:
    """Whether the scaled numeric inputs of the first rows are mostly zeros."""
    if not design.nums or (design.sub is not None and any(design.sub)):
        return False
    head = design.encode(frame.select(design.names).slice(0, 1000), training=True)
    return bool(np.count_nonzero(head.dense) < _SPARSE_BELOW * head.dense.size)


def _check_memory(ctx: TrainContext, design: Design, itemsize: int) -> None:
    need = ctx.train.nrow * (len(design.nums) * itemsize + 4 * len(design.cats))
    if ctx.max_mem_bytes is not None and need > ctx.max_mem_bytes:
        raise H2OValueError(
            f"the design matrix needs {need / 2**30:.2f} GiB, more than max_mem_size "
            f"({ctx.max_mem_bytes / 2**30:.2f} GiB); raise it in init(), or use fewer rows or columns"
        )


def learn_encoding(ctx: TrainContext, p: Any, used: list[str]) -> Encoding:
    """The recipe that `categorical_encoding` asks for."""
    response = None
    if ctx.y is not None and not p.autoencoder:
        response = ctx.train.numeric(ctx.y)
    return build_encoding(p.categorical_encoding, ctx.train, used, response, _weights_of_statistics(ctx, p))


def _some_missing(frame: Frame, name: str, rows: Rows) -> bool:
    """Whether a missing category is among the rows that teach."""
    return bool(frame.stored_column(name).null_count() and (frame.codes(name)[~rows.skip] < 0).any())


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
