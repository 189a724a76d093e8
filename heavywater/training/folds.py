"""Cross-validation: a model per fold, pooled holdout metrics, the main model on all rows (booklet section 6.2.1)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from heavywater.algos.base import Stop, TrainContext
from heavywater.core.sampling import folds_modulo, folds_random, folds_stratified
from heavywater.errors import Cancelled, H2OValueError, TrainingError
from heavywater.frame import Frame
from heavywater.metrics import ModelMetrics
from heavywater.models.model import Model
from heavywater.training.fold_summary import summary_table

Train = Callable[[TrainContext], Model]
_LENGTHS = {"epochs": "epochs", "ntrees": "trees"}
"""Parameters that say for how long an algorithm trains, and what they count."""
_FOLD_WEIGHTS = "__internal_cv_weights__"
"""H2O's name for the weights, 0 or 1, that choose a fold model's rows."""
_PARALLEL_BYTES = 2 << 30
"""Fold models train side by side while their copies of the data stay below this."""


def is_cross_validated(params: Any) -> bool:
    return bool(getattr(params, "nfolds", 0) or getattr(params, "fold_column", None))


def assign_folds(ctx: TrainContext) -> np.ndarray:
    """Fold of every row, 0 to the number of folds - 1; int32 ``(nrow,)``."""
    p, n = ctx.params, ctx.train.nrow
    if p.fold_column:
        return np.unique(ctx.train.numeric(p.fold_column), return_inverse=True)[1].astype(np.int32)
    if p.fold_assignment == "Modulo":
        return folds_modulo(n, p.nfolds)
    levels = ctx.train.levels(str(ctx.y))
    if p.fold_assignment == "Stratified":
        if levels is None:
            raise H2OValueError("fold_assignment='Stratified' needs a categorical response; use 'Random' or 'Modulo'")
        return folds_stratified(ctx.train.codes(str(ctx.y)), len(levels), p.nfolds, ctx.seed)
    return folds_random(n, p.nfolds, ctx.seed)


def cross_validate(ctx: TrainContext, train: Train, keep: Callable[[str, object], None]) -> Model:
    """Train the fold models and the main model; the main model's output tells about all of them.

    Parameters
    ----------
    ctx : TrainContext
        The run as asked for, with folds.
    train : callable
        Trains one model without folds.
    keep : callable
        Stores an object (a fold model, a frame of holdout predictions) under a key.

    Raises
    ------
    H2OValueError
        A fold has no rows.
    TrainingError
        A fold model could not be trained; the message names the fold.
    Cancelled
        Stopped before the main model had begun; fold models that are complete are kept (see
        ``keep_cross_validation_models``).
    """
    folds = assign_folds(ctx)
    count = int(folds.max()) + 1
    sizes = np.bincount(folds, minlength=count)
    if (sizes == 0).any() or count < 2:
        raise H2OValueError(
            f"fold {int(np.argmin(sizes)) + 1} of {count} has no rows; use fewer folds, more data or another seed"
        )
    began = time.monotonic()
    parallel = _parallel(ctx, count)
    limit = ctx.max_runtime_secs / math.ceil(count / parallel + 1) if ctx.max_runtime_secs else 0.0
    shares = _Progress(ctx, count + 1)
    models = _fold_models(_fold_contexts(ctx, folds, count, limit, shares, parallel), train, parallel)
    if ctx.stop.is_set():
        raise _cancelled(ctx, models, keep)
    found = [m for m in models if m is not None]
    for m in found:
        _tell_of_folds(ctx, m)
    outputs = _pooled(ctx, folds, found)
    try:
        main = train(_main_context(ctx, found, limit, time.monotonic() - began, shares.of(count)))
    except Cancelled:
        raise _cancelled(ctx, models, keep) from None
    return _tell(ctx, main, found, folds, outputs, keep)


def _parallel(ctx: TrainContext, count: int) -> int:
    """Folds at the same time: threads share the folds out unless the copies of the data would be large.

    Learners that use all threads (or a GPU) for one model say so with ``Params.one_at_a_time``.
    """
    if getattr(ctx.params, "one_at_a_time", False):
        return 1
    copies = max(1, int(_PARALLEL_BYTES // max(1, ctx.train.nrow * len(ctx.x) * 8)))
    if ctx.max_mem_bytes is not None:
        return 1
    return max(1, min(count, ctx.threads, copies))


def _fold_contexts(
    ctx: TrainContext, folds: np.ndarray, count: int, limit: float, shares: _Progress, parallel: int
) -> list[TrainContext]:
    params = replace(ctx.params, nfolds=0, fold_column=None, fold_assignment="AUTO", export_checkpoints_dir=None)
    stop = Stop()
    ctx.stop.on_set(stop.set)
    return [
        replace(
            ctx,
            params=params,
            key=f"{ctx.key}_cv_{k + 1}",
            train_key=f"{ctx.key}_cv_{k + 1}_train",
            valid_key=f"{ctx.key}_cv_{k + 1}_valid",
            valid=ctx.train.filter(folds == k),
            row_weights=(folds != k).astype(np.float64),
            progress=shares.of(k),
            max_runtime_secs=limit,
            threads=max(1, ctx.threads // parallel),
            stop=stop,
            on_snapshot=None,
        )
        for k in range(count)
    ]


def _fold_models(contexts: list[TrainContext], train: Train, parallel: int) -> list[Model | None]:
    """Train the fold models, `parallel` at a time; None for folds that were stopped before they had begun."""

    def one(k: int) -> Model | None:
        context = contexts[k]
        if context.stop.is_set():
            return None
        try:
            return train(replace(context, started=time.monotonic()))
        except Cancelled:
            return None
        except BaseException as e:
            context.stop.set()  # the same for all folds: without this one the others are of no use
            if isinstance(e, TrainingError):
                raise type(e)(f"cross-validation, fold {k + 1} of {len(contexts)}: {e}") from None
            raise

    with ThreadPoolExecutor(parallel) as pool:
        return list(pool.map(one, range(len(contexts))))


def _tell_of_folds(ctx: TrainContext, model: Model) -> None:
    """What a fold model says of where it came from: the call, and the weights that chose its rows."""
    given = {"training_frame": ctx.train_key, "validation_frame": ctx.valid_key, "nfolds": ctx.params.nfolds}
    for name, value in given.items():
        if name in model.output["parameters"]:
            model.output["parameters"][name]["input"] = value
    out = model.state.output
    out["fold_weights"] = _FOLD_WEIGHTS
    for name in ("training_metrics", "validation_metrics"):
        if out.get(name):
            out[name]["frame_id"] = None  # rows of a frame that has a name only as a whole


def _cancelled(ctx: TrainContext, models: list[Model | None], keep: Callable[[str, object], None]) -> Cancelled:
    """The error for a run that was stopped before there was a main model; complete fold models are kept."""
    complete = [m for m in models if m is not None and not m.output["why_stopped"].startswith("stopped by the user")]
    text = f"stopped before the main model was trained; {len(complete)} of {len(models)} fold models were complete"
    if complete and ctx.params.keep_cross_validation_models:
        for m in complete:
            keep(m.key, m)
        text += f" and are kept: {', '.join(m.key for m in complete)}"
    return Cancelled(text)


def _main_context(
    ctx: TrainContext, models: list[Model], limit: float, spent: float, progress: Callable[[float, str], None]
) -> TrainContext:
    """The main model trains for the mean length (epochs, trees) of the fold models when some of those ended early.

    In the original it does so whenever they could have.
    """
    p = ctx.params
    changes: dict[str, Any] = {"nfolds": 0, "fold_assignment": "AUTO"}
    if hasattr(p, "overwrite_with_best_model"):
        changes["overwrite_with_best_model"] = False
    length = next((name for name in _LENGTHS if hasattr(p, name)), None)
    if length is not None and (p.stopping_rounds or ctx.max_runtime_secs):
        changes["stopping_rounds"] = 0
        done, wanted = [float(m.output[length]) for m in models], getattr(p, length)
        if min(done) < wanted or getattr(p, "compat", "booklet") != "booklet":
            changes[length] = float(np.mean(done)) if length == "epochs" else max(1, round(np.mean(done)))
        if min(done) < wanted:
            ctx.warn(
                f"fold models ended early, after {min(done):.4g} to {max(done):.4g} {_LENGTHS[length]}; "
                f"the main model trains for their mean, {changes[length]:.4g} {_LENGTHS[length]}"
            )
    remaining = max(min(ctx.max_runtime_secs - spent, limit), 1e-3) if ctx.max_runtime_secs else 0.0
    return replace(
        ctx, params=replace(p, **changes), progress=progress, max_runtime_secs=remaining, started=time.monotonic()
    )


def _pooled(ctx: TrainContext, folds: np.ndarray, models: list[Model]) -> np.ndarray:
    """Holdout predictions of all fold models, one row per training row."""
    outputs: np.ndarray | None = None
    for k, model in enumerate(models):
        rows = folds == k
        part = model.answers(ctx.train.filter(rows), threads=ctx.threads)  # type: ignore[attr-defined]
        if outputs is None:
            outputs = np.zeros((len(folds), part.shape[1]))
        outputs[rows] = part
    assert outputs is not None
    return outputs


def _holdout_frame(folds: np.ndarray, models: list[Model], outputs: np.ndarray) -> Frame:
    """Holdout predictions of all rows; each fold's rows have the labels that its own model gives them."""
    import polars as pl

    parts = [m.prediction_frame(outputs[folds == k]).data for k, m in enumerate(models)]  # type: ignore[attr-defined]
    order = np.concatenate([np.flatnonzero(folds == k) for k in range(len(models))])
    return Frame(pl.concat(parts)[np.argsort(order)])


def _tell(
    ctx: TrainContext,
    main: Model,
    models: list[Model],
    folds: np.ndarray,
    outputs: np.ndarray,
    keep: Callable[[str, object], None],
) -> Model:
    """Add to the main model's output what cross-validation found, and keep what was asked for."""
    import polars as pl

    p, out = ctx.params, main.state.output
    pooled: ModelMetrics = main.evaluate(outputs, ctx.train)  # type: ignore[attr-defined]
    text = f"{len(models)}-fold cross-validation on training data (Metrics computed for combined holdout predictions)"
    pooled = pooled.described(description=text, model_id=main.key, frame_id=ctx.train_key)
    out["cross_validation_metrics"] = pooled.to_json()
    out["cross_validation_metrics_summary"] = summary_table(
        [v for m in models if (v := m.metrics("valid")) is not None]
    ).to_json()
    out["cv_scoring_history"] = [m.output["scoring_history"] for m in models]
    out["cross_validation_models"] = [m.key for m in models] if p.keep_cross_validation_models else None
    if p.keep_cross_validation_models:
        for m in models:
            keep(m.key, m)
    if p.keep_cross_validation_predictions:
        names = []
        for k, m in enumerate(models):
            part = np.where((folds == k)[:, None], outputs, 0.0)
            names.append(f"prediction_{m.key}")
            keep(names[-1], m.prediction_frame(part))  # type: ignore[attr-defined]
        holdout = f"cv_holdout_prediction_{main.key}"
        keep(holdout, _holdout_frame(folds, models, outputs))
        out["cross_validation_predictions"], out["cross_validation_holdout_predictions_frame_id"] = names, holdout
    if p.keep_cross_validation_fold_assignment:
        name = f"cv_fold_assignment_{main.key}"
        keep(name, Frame.of(pl.DataFrame({"fold_assignment": folds.astype(np.int64)})))
        out["cross_validation_fold_assignment_frame_id"] = name
    changed = ("nfolds", "fold_assignment", "fold_column", "overwrite_with_best_model", "stopping_rounds", *_LENGTHS)
    for name in changed:
        if name in out["parameters"]:
            out["parameters"][name]["input"] = getattr(p, name)
    out["parameters"]["nfolds"]["actual"] = p.nfolds
    out["parameters"]["fold_column"]["actual"] = p.fold_column
    out["parameters"]["fold_assignment"]["actual"] = (
        None if p.fold_column else "Random" if p.fold_assignment == "AUTO" else p.fold_assignment
    )
    main.state.params.update(nfolds=p.nfolds, fold_assignment=p.fold_assignment, fold_column=p.fold_column)
    return main


class _Progress:
    """Splits one progress bar between several models that train at the same time."""

    def __init__(self, ctx: TrainContext, parts: int) -> None:
        self._ctx, self._done = ctx, [0.0] * parts

    def of(self, index: int) -> Callable[[float, str], None]:
        def report(fraction: float, text: str) -> None:
            self._done[index] = fraction
            who = f"fold {index + 1}" if index < len(self._done) - 1 else "main model"
            self._ctx.progress(sum(self._done) / len(self._done), f"{who}: {text}")

        return report
