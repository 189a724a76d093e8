"""The one procedure for training a model, whatever the algorithm: check, prepare, train, wrap."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from heavywater.algos.base import TrainContext, algorithm
from heavywater.errors import InvalidParams
from heavywater.frame import Frame
from heavywater.models.model import Model
from heavywater.params import examine
from heavywater.training.folds import cross_validate, is_cross_validated
from heavywater.training.snapshots import Snapshots


def prepare(
    algo: str,
    values: Mapping[str, Any],
    *,
    key: str,
    x: list[str],
    y: str | None,
    train: Frame,
    valid: Frame | None = None,
    warn: Callable[[str], None],
    **context: Any,
) -> TrainContext:
    """Check everything that can be checked before training.

    Raises
    ------
    InvalidParams
        With all problems of parameters and data.
    """
    module = algorithm(algo)
    params, messages = examine(module.Params(**values))
    ctx = TrainContext(
        params=params,
        key=key,
        x=x,
        y=y,
        train=train,
        valid=valid,
        warn=warn,
        seed=resolved_seed(getattr(params, "seed", -1)),
        max_runtime_secs=float(getattr(params, "max_runtime_secs", 0.0) or 0.0),
        **context,
    )
    messages = [*messages, *module.check_data(ctx)]
    errors = [m for m in messages if m.severity == "error"]
    if errors:
        raise InvalidParams(f"{module.FULL_NAME} model: {key}", errors)
    for m in messages:
        if m.severity == "warn":
            warn(str(m))
    return ctx


def fit(ctx: TrainContext, algo: str, keep: Callable[[str, object], None]) -> Model:
    """Train what `prepare` prepared and return the model; `keep` stores what cross-validation leaves behind."""
    module = algorithm(algo)
    folder = getattr(ctx.params, "export_checkpoints_dir", None)
    snapshots = None if folder is None else Snapshots(Path(folder), ctx.key, lambda text: ctx.warn(text))
    if snapshots is not None:
        ctx.on_snapshot = snapshots.save

    def fit_another(name: str, values: Mapping[str, Any], **what: Any) -> Model:
        """A model that `ctx` needs on its way, with the same threads, clock and channels."""
        other = prepare(name, values, warn=ctx.warn, threads=ctx.threads, frames=ctx.frames, models=ctx.models, **what)
        other.stop = ctx.stop
        return fit(other, name, keep)

    ctx.fit, ctx.keep = fit_another, keep

    def train(one: TrainContext) -> Model:
        model: Model = module.build_model(module.train(one), one.key, one.params)
        return model

    model = cross_validate(ctx, train, keep) if is_cross_validated(ctx.params) else train(ctx)
    if snapshots is not None:
        snapshots.finish(model.state)
    return model


def resolved_seed(seed: Any) -> int:
    """The seed in force: -1 (or None) stands for one drawn from the system."""
    return secrets.randbits(62) if seed in (None, -1) else int(seed)
