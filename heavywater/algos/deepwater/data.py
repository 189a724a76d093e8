"""From frames to what the network is fed: columns, images, targets, the rows to learn from and to score on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.data import learn_encoding, usable_columns
from heavywater.algos.deeplearning.response import Response, build_response
from heavywater.algos.deeplearning.rows import Rows, choose_rows
from heavywater.algos.deeplearning.scored_frames import adapt
from heavywater.algos.deepwater.decode import Recipe
from heavywater.algos.deepwater.images import ImageColumn, free_bytes, image_column
from heavywater.algos.deepwater.inputs import Pixels, Source
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.algos.deepwater.resolve import as_deep_learning, resolve
from heavywater.core.sampling import scoring_sample
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.frame.design import Design, build_design
from heavywater.frame.encoding import Encoding
from heavywater.frame.summary import rollup

if TYPE_CHECKING:
    from heavywater.algos.deepwater.model import DeepWaterModel


@dataclass
class Columns:
    """The recipe from a frame to network inputs; part of the model.

    Attributes
    ----------
    image : str or None
        Column of images.
    recipe : Recipe or None
        How images are decoded.
    pixels : Pixels or None
        What is done to pixels.
    design : Design or None
        Recipe for the columns of the table.
    encoding : Encoding or None
        What replaces categorical columns before the design.
    shape : tuple of int
        Of one row of the network's main input.
    """

    image: str | None
    recipe: Recipe | None
    pixels: Pixels | None
    design: Design | None
    encoding: Encoding | None
    shape: tuple[int, ...]

    @property
    def names(self) -> list[str]:
        """Columns in model order: the image, then those of the table."""
        return [*([self.image] if self.image else []), *(self.design.names if self.design else ())]

    @property
    def table_width(self) -> int:
        """Inputs beside images; 0 without images."""
        return self.design.width if self.design is not None and self.image is not None else 0

    def source(
        self,
        frame: Frame,
        warn: Callable[[str], None],
        *,
        root: str | None = None,
        threads: int = 1,
        keep_bytes: int = 0,
        training: bool = False,
    ) -> Source:
        """The rows of any frame as network inputs."""
        table, width = None, 0
        if self.design is not None:
            adapted = adapt(frame, self.design, self.encoding, warn)
            table, width = self.design.encode(adapted, training=training, dtype=np.float32), self.design.width
        images = None
        if self.image is not None:
            assert self.recipe is not None
            images = ImageColumn(frame, self.image, self.recipe, root=root, threads=threads, keep_bytes=keep_bytes)
        return Source(self.shape, table, width, images)


@dataclass
class ScoringRows:
    """Rows that are scored again and again during training."""

    source: Source
    rows: np.ndarray
    actual: np.ndarray
    weights: np.ndarray | None
    description: str


@dataclass
class TrainingData:
    """Everything that training reads, prepared once.

    Attributes
    ----------
    params : DeepWaterParams
        Values in force.
    category : str
        Binomial, Multinomial or Regression.
    columns : Columns
    original : Frame
        The training frame as given.
    response : Response
    rows : Rows
        Which rows teach.
    source : Source
        Inputs of all rows.
    targets : ndarray
        Class indices (int64) or scaled numbers (float32), ``(n,)``.
    train_set, valid_set : ScoringRows
        Rows scored during training.
    """

    params: DeepWaterParams
    category: str
    columns: Columns
    original: Frame
    response: Response
    rows: Rows
    source: Source
    targets: np.ndarray
    train_set: ScoringRows
    valid_set: ScoringRows | None

    @property
    def taught(self) -> np.ndarray:
        """Rows that teach, int64."""
        return np.flatnonzero(~self.rows.skip)


def prepare_data(ctx: TrainContext, before: DeepWaterModel | None) -> TrainingData:
    """Work out the inputs and targets of a run; `before` is the model to continue."""
    levels = ctx.train.levels(str(ctx.y))
    nclasses = 1 if levels is None else len(levels)
    category = {1: "Regression", 2: "Binomial"}.get(nclasses, "Multinomial")
    image = image_of(ctx)
    p = resolve(ctx.params, nclasses=nclasses, images=image is not None)
    shared = as_deep_learning(p)
    original, statistics = ctx.train, _weights(ctx)

    if before is not None:
        columns, response = before.columns, before.response
    else:
        columns = _learn_columns(ctx, p, image, statistics)
        response = build_response(
            ctx.train, str(ctx.y), p.distribution, standardize=p.standardize, weights=statistics, repeated=True
        )
    rows = choose_rows(ctx, shared, [])
    keep = free_bytes() // 2 if ctx.max_mem_bytes is None else ctx.max_mem_bytes
    options: dict[str, Any] = {"root": p.image_root, "threads": ctx.threads, "keep_bytes": keep if p.cache_data else 0}
    source = columns.source(rows.frame, ctx.warn, training=True, **options)
    if columns.image is not None:
        columns.pixels = _scan(ctx, p, source, rows, columns.pixels)
    actual = response.actual(rows.frame)
    targets = response.targets(actual)
    sample = scoring_sample(rows.frame.nrow, int(p.score_training_samples), ctx.seed)
    train_set = _scoring_rows(p, source, sample, actual, rows.weights, "training")
    return TrainingData(
        params=p,
        category=category,
        columns=columns,
        original=original,
        response=response,
        rows=rows,
        source=source,
        targets=targets.astype(np.float32 if response.levels is None else np.int64),
        train_set=train_set,
        valid_set=None if ctx.valid is None else _validation(ctx, p, columns, response, options),
    )


def image_of(ctx: TrainContext) -> str | None:
    """The predictor that holds images; None for a table."""
    kind = ctx.params.problem_type
    if kind == "dataset":
        return None
    found = image_column(ctx.train, ctx.x)
    if found is None and kind == "image":
        found = next((n for n in ctx.x if ctx.train.kind(n) in ("string", "enum")), None)
    return found


def _learn_columns(ctx: TrainContext, p: DeepWaterParams, image: str | None, weights: np.ndarray | None) -> Columns:
    """The recipe for the inputs, from the training frame."""
    shared = as_deep_learning(p)
    others = [n for n in ctx.x if n != image]
    used = usable_columns(ctx.train, others, p.ignore_const_cols, ctx.warn) if others or image is None else []
    design, encoding = None, None
    if used:
        frame = ctx.train
        if p.categorical_encoding != "OneHotInternal":
            encoding = learn_encoding(replace(ctx, params=shared), shared, used)
            frame, used = encoding.apply(frame), encoding.names
        scaling: Any = "none" if not p.standardize else "scale" if p.sparse else "standardize"
        design = build_design(frame, used, scaling=scaling, all_levels=True, weights=weights, repeated=True)
    width, height = (int(v) for v in p.image_shape)
    shape: tuple[int, ...] = (p.channels, height, width)
    if image is not None:
        recipe = Recipe(width, height, p.channels, legacy=p.compat == "deepwater", gray_gamma=p.legacy_gray_gamma)
        return Columns(image, recipe, None, design, encoding, shape)
    assert design is not None
    if p.network == "mlp" or width == 0:
        return Columns(None, None, None, design, encoding, (design.width,))
    if design.width != width * height * p.channels:
        raise H2OValueError(
            f"image_shape, channels: {width} x {height} x {p.channels} pixels make {width * height * p.channels} inputs, but "
            f"the {len(used)} usable columns make {design.width}; check these parameters, or set ignore_const_cols=False"
        )
    if p.pixel_scaling != "none":
        design = _scaled_per_channel(ctx.train, design, p)
    return Columns(None, None, None, design, encoding, shape)


def _scaled_per_channel(frame: Frame, design: Design, p: DeepWaterParams) -> Design:
    """One mean and deviation for all pixels of a channel, so that pixels which hardly ever change stay small."""
    per = len(design.nums) // p.channels if not design.cats else 0
    if not per:
        return design
    stats = [rollup(frame, n) for n in design.nums]
    sub, mul = [], []
    for c in range(p.channels):
        part = stats[c * per : (c + 1) * per]
        means = np.array([float(s.mean) for s in part])
        mean = float(np.nanmean(means))
        var = float(np.nanmean([float(s.sigma) ** 2 for s in part] + (means - mean) ** 2))
        if p.pixel_scaling == "unit":
            mean, var = 0.0, 255.0**2
        sub += [mean] * per
        mul += [1.0 / var**0.5 if var > 0 else 1.0] * per
    return replace(design, sub=tuple(sub), mul=tuple(mul))


def _scan(ctx: TrainContext, p: DeepWaterParams, source: Source, rows: Rows, pixels: Pixels | None) -> Pixels:
    """Read every training image once: count those that cannot be used, and learn the scaling of pixels."""
    assert source.images is not None
    source.images.read_all()
    report = source.images.report()
    bad = source.images.unusable()
    if report and p.on_missing == "raise":
        raise H2OValueError(f"{report}; on_missing='skip' leaves them out, on_missing='zeros' takes black images")
    if report:
        ctx.warn(f"{report}; " + ("these rows are left out" if p.on_missing == "skip" else "black images are used"))
    if bad.all():
        raise H2OValueError(f"no image of column {source.images.name!r} can be used: {report}")
    if p.on_missing == "skip" and bad.any():
        rows.skip |= bad
        rows.per_epoch = int((~rows.skip).sum())
        if not rows.per_epoch:
            raise H2OValueError("no row is left to train on once rows without a usable image are left out")
    if pixels is not None:
        return pixels
    stored = None
    if p.mean_image_file is not None:
        from heavywater.algos.deepwater.mean_image import read_mean_image

        stored = read_mean_image(p.mean_image_file, source.shape)
    zeros, ones = (0.0,) * p.channels, (1.0,) * p.channels
    if p.pixel_scaling == "none":
        return Pixels(zeros, ones, stored)
    if p.pixel_scaling == "unit":
        return Pixels(zeros, tuple(1 / 255 for _ in ones), stored)
    mean, deviation = source.images.moments(np.flatnonzero(~rows.skip))
    sub = zeros if stored is not None else tuple(map(float, mean))
    return Pixels(sub, tuple(1 / float(d) if d > 0 else 1.0 for d in deviation), stored)


def _weights(ctx: TrainContext) -> np.ndarray | None:
    """Weights for means and deviations: those of the column, times the choice of a fold."""
    column = ctx.params.weights_column
    w = ctx.train.numeric(column) if column else None
    if ctx.row_weights is not None:
        w = ctx.row_weights if w is None else w * ctx.row_weights
    return w


def _scoring_rows(
    p: DeepWaterParams, source: Source, chosen: np.ndarray, actual: np.ndarray, weights: np.ndarray | None, what: str
) -> ScoringRows:
    whole = len(chosen) == source.nrow
    if source.images is not None and p.on_missing == "skip":
        chosen = chosen[~source.images.unusable()[chosen]]
    text = f"full {what} frame" if whole else f"temporary {what} frame with {len(chosen)} samples"
    return ScoringRows(
        source,
        chosen,
        actual[chosen],
        None if weights is None else weights[chosen],
        f"Metrics reported on {text}",
    )


def _validation(
    ctx: TrainContext, p: DeepWaterParams, columns: Columns, response: Response, options: dict[str, Any]
) -> ScoringRows:
    """The rows of the validation frame that are scored during training."""
    assert ctx.valid is not None

    def warn(text: str) -> None:
        ctx.warn(f"validation frame: {text}")

    source = columns.source(ctx.valid, warn, **options)
    if source.images is not None:
        source.images.read_all()
        report = source.images.report()
        if report and p.on_missing == "raise":
            raise H2OValueError(f"validation frame: {report}; see on_missing")
        if report:
            warn(report)
    weights = None
    if p.weights_column and p.weights_column in ctx.valid.names:
        weights = ctx.valid.numeric(p.weights_column)
    sample = scoring_sample(ctx.valid.nrow, int(p.score_validation_samples), ctx.seed + 1)
    return _scoring_rows(p, source, sample, response.actual(ctx.valid), weights, "validation")
