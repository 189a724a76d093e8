"""Rules between parameters and data: columns, weights, images, and the model to continue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.checks import data_facts
from heavywater.algos.deeplearning.data_rules import check_data as check_facts
from heavywater.algos.deepwater.data import image_of
from heavywater.algos.deepwater.resolve import as_deep_learning
from heavywater.errors import H2OValueError
from heavywater.params import Message

if TYPE_CHECKING:
    from heavywater.algos.deepwater.model import DeepWaterModel

FIXED = (
    "activation", "problem_type", "channels", "image_shape", "standardize", "network", "hidden", "compat",
    "network_definition_file", "mean_image_file", "pixel_scaling", "categorical_encoding", "legacy_gray_gamma",
)  # fmt: skip
"""What a continued model keeps, compared as the user gave it."""


def check_data(ctx: TrainContext) -> list[Message]:
    """All problems, errors and warnings, of the parameters with these frames."""
    found = check_facts(as_deep_learning(ctx.params), data_facts(ctx))
    if any(m.severity == "error" for m in found):
        return found
    return [*found, *_weights(ctx), *_images(ctx), *_checkpoint(ctx)]


def _weights(ctx: TrainContext) -> Iterator[Message]:
    name = ctx.params.weights_column
    if name is not None and not np.isin(ctx.train.numeric(name), (0.0, 1.0)).all():
        yield _error("weights_column", f"weights_column {name!r} may only hold 0 and 1: a row is used, or it is not")


def _images(ctx: TrainContext) -> Iterator[Message]:
    p, column = ctx.params, image_of(ctx)
    if column is None:
        if p.problem_type == "image":
            yield _error(
                "problem_type",
                "problem_type='image' needs a predictor with paths of images; there is no column of text",
            )
        elif all(ctx.train.kind(n) in ("string", "uuid") for n in ctx.x):
            yield _error("x", "all predictors are text, and none of them names images")
        return
    if p.channels not in (1, 3):
        yield _error("channels", f"channels must be 1 (gray) or 3 (colour) for images; got {p.channels}")
    if p.network == "mlp" and p.image_shape[0] == 0:
        yield _error("image_shape", "image_shape must be given for images with network='mlp'")
    if (p.network == "user" or p.network_definition_file or p.network_module) and p.image_shape[0] == 0:
        yield _error("image_shape", "image_shape must be given for images with a network of your own")
    if ctx.valid is not None and column not in ctx.valid.names:
        yield _error("validation_frame", f"the validation frame has no column {column!r} of images")


def checkpoint_of(ctx: TrainContext) -> DeepWaterModel:
    """The model that `checkpoint` names."""
    assert ctx.models is not None
    found: Any = ctx.models(ctx.params.checkpoint)
    if found.algo != "deepwater":
        raise H2OValueError(f"checkpoint: {found.key!r} is a {found.algo} model; a Deep Water model is needed")
    return found


def _checkpoint(ctx: TrainContext) -> Iterator[Message]:
    p = ctx.params
    if p.checkpoint is None:
        return
    model = checkpoint_of(ctx)
    before = model.state.params
    for name in FIXED:
        old, new = _plain(before.get(name)), _plain(getattr(p, name))
        if old != new:
            text = f"Cannot change parameter: '_{name}': {old} -> {new}; a continued model keeps it"
            yield _error(name, text)
    if ctx.y != model.response.name:
        yield _error("response_column", f"the checkpoint predicts {model.response.name!r}; got {ctx.y!r}")
    missing = [c for c in model.columns.names if c not in ctx.train.names]
    if missing:
        listed = ", ".join(map(repr, missing[:5]))
        yield _error("training_frame", f"the checkpoint's columns {listed} are not in the training frame")
    if model.response.levels is not None and ctx.y is not None:
        new_levels = set(ctx.train.levels(ctx.y) or ()) - set(model.response.levels)
        if new_levels:
            text = f"the response has classes that the checkpoint does not know: {sorted(new_levels)[:5]}"
            yield _error("response_column", text)
    trained = float(model.output["epochs"])
    if p.epochs <= trained:
        text = f"epochs counts from the very beginning and must exceed the {trained:g} epochs that are trained already"
        yield _error("epochs", f"{text}; got {p.epochs:g}")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else str(value) if isinstance(value, Path) else value


def _error(field: str, text: str) -> Message:
    return Message(field, "error", text)
