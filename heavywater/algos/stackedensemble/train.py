"""Stacking: collect what base models predict for rows they have not seen, and let the metalearner learn from that.

Source: Wolpert 1992; van der Laan, Polley and Hubbard 2007 ("Super Learner").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.stackedensemble.model import build_model, level_one, of_metalearner, pack
from heavywater.algos.stackedensemble.params import StackedEnsembleParams
from heavywater.algos.tabular.checks import check_table
from heavywater.algos.tabular.data import TableData, metric_options
from heavywater.algos.tabular.result import finished_state, metrics_on
from heavywater.display.table import Table
from heavywater.errors import H2OValueError, HeavywaterError
from heavywater.frame import Frame
from heavywater.frame.design import Design
from heavywater.metrics import ModelMetrics
from heavywater.models.model import Model
from heavywater.models.state import ModelState
from heavywater.params import Message

VERSION = 1
_NO_DESIGN = Design((), (), (), True, (), None, None)


def check_data(ctx: TrainContext) -> list[Message]:
    """All problems, errors and warnings, of the parameters with these frames and models."""
    p: StackedEnsembleParams = ctx.params
    messages = check_table(ctx)
    try:
        models = base_models(ctx)
    except HeavywaterError as e:
        return [*messages, Message("base_models", "error", f"base_models: {e}")]
    for m in models:
        messages += [Message("base_models", "error", f"base model {m.key!r} {fault}") for fault in _faults(m, ctx)]
    if p.blending_frame is None and len(models) > 1 and not any(m.severity == "error" for m in messages):
        first = _folds_of(models[0])
        for m in models[1:]:
            if _folds_of(m) != first:
                text = f"base models {models[0].key!r} and {m.key!r} were cross-validated on different folds"
                messages.append(Message("base_models", "error", text))
    return messages


def _faults(model: Model, ctx: TrainContext) -> list[str]:
    faults = []
    if model.category == "AutoEncoder":
        return ["is an autoencoder; it predicts no response"]
    if model.algo == "stackedensemble":
        return ["is an ensemble itself; give its base models instead"]
    if model.output["response_column"] != ctx.y:
        faults.append(f"predicts {model.output['response_column']!r}, not {ctx.y!r}")
    elif list(model.response.levels or ()) != list(ctx.train.levels(str(ctx.y)) or ()):  # type: ignore[attr-defined]
        faults.append("knows other classes than the training frame has")
    if ctx.params.blending_frame is None and not model.output.get("cross_validation_holdout_predictions_frame_id"):
        text = "has no predictions for held-out rows; train it with nfolds and keep_cross_validation_predictions=True, "
        faults.append(text + "or give a blending_frame")
    return faults


def _folds_of(model: Model) -> tuple[Any, ...]:
    given = model.output["parameters"]
    names = ("nfolds", "fold_assignment", "fold_column")
    folds = tuple(given[n]["actual"] for n in names)
    return (*folds, model.output["seed"]) if folds[1] in ("Random", "Stratified") and not folds[2] else folds


def base_models(ctx: TrainContext) -> list[Model]:
    """The base models, those of grids included, each once."""
    assert ctx.models is not None
    found: dict[str, Model] = {}
    for which in ctx.params.base_models:
        several = getattr(which, "models", None)
        for one in several if isinstance(several, list) else [which]:
            model = ctx.models(one)
            found[model.key] = model
    return list(found.values())


def train(ctx: TrainContext) -> ModelState:
    """Fit the metalearner and return the ensemble's state, base models included."""
    p: StackedEnsembleParams = ctx.params
    models = base_models(ctx)
    response = models[0].response  # type: ignore[attr-defined]
    keys = [m.key for m in models]
    source, answers = _predictions(ctx, models)
    frame = _with_columns(level_one(keys, answers, response.levels, p.metalearner_transform), source, ctx)
    ctx.progress(0.3, "metalearner")
    metalearner = _metalearner(ctx, frame, models, response.levels)

    if ctx.keep is not None:
        ctx.keep(metalearner.key, metalearner)
    bases: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    for i, m in enumerate(models):
        part, own = pack(f"{i}/", m)
        bases.append(part)
        arrays |= own
    meta, own = pack("meta/", metalearner)
    arrays |= own
    schema = {"bases": bases, "metalearner": meta, "transform": p.metalearner_transform}
    y = response.actual(ctx.train)
    data = TableData(
        category=models[0].category,
        names=[
            *dict.fromkeys(n for m in models for n in m.output["names"] if n != ctx.y and n in ctx.train.names),
            str(ctx.y),
        ],
        design=_NO_DESIGN,
        response=response,
        rows=ctx.train,
        y=y,
        weights=None,
        offsets=None,
        prior=None if response.levels is None else [float(v) for v in np.bincount(y[y >= 0]) / max(1, (y >= 0).sum())],
    )
    unscored = ModelState(
        p.algo, VERSION, {}, {"response": response.to_json(), "metric_options": metric_options(p), **schema}, {}, arrays
    )
    ensemble = build_model(unscored, ctx.key, p)
    ctx.progress(0.7, "scoring")
    scored: list[ModelMetrics | None] = []
    for what, rows in (("training", ctx.train), ("validation", ctx.valid)):
        if rows is None:
            scored.append(None)
            continue
        column = p.weights_column
        weights = rows.numeric(column) if column and column in rows.names else None
        found = metrics_on(ctx, data, rows, ensemble.answers(rows, threads=ctx.threads), weights, what)
        scored.append(of_metalearner(found, metalearner, metric_options(p), response.actual(rows), weights))  # type: ignore[arg-type]
    output: dict[str, Any] = {
        "model_summary": _summary(p, models, metalearner).to_json(),
        "scoring_history": None,
        "base_models": keys,
        "metalearner": metalearner.key,
        "stacking_strategy": "cross_validation" if p.blending_frame is None else "blending",
    }
    for name in ("cross_validation_metrics", "cross_validation_metrics_summary"):
        output[name] = metalearner.output.get(name)
    if p.keep_levelone_frame and ctx.keep is not None:
        output["levelone_frame_id"] = f"levelone_training_{ctx.key}"
        ctx.keep(output["levelone_frame_id"], frame)
    return finished_state(
        ctx,
        data,
        version=VERSION,
        full_name="Stacked Ensemble",
        actual=p,
        schema=schema,
        output=output,
        arrays=arrays,
        train=scored[0],
        valid=scored[1],
        why=f"the metalearner is trained: {metalearner.output['why_stopped']}",
    )


def _predictions(ctx: TrainContext, models: list[Model]) -> tuple[Frame, list[np.ndarray]]:
    """The rows that the metalearner learns from, and what each base model predicts for them without having seen them."""
    assert ctx.frames is not None
    if ctx.params.blending_frame is not None:
        rows = ctx.frames(ctx.params.blending_frame)
        return rows, [m.answers(rows, threads=ctx.threads) for m in models]  # type: ignore[attr-defined]
    answers = []
    for m in models:
        kept = ctx.frames(m.output["cross_validation_holdout_predictions_frame_id"])
        if kept.nrow != ctx.train.nrow:
            raise H2OValueError(
                f"base model {m.key!r} was trained on {kept.nrow} rows, the training frame has {ctx.train.nrow}"
            )
        columns = kept.names[1:] if m.category != "Regression" else kept.names
        answers.append(np.column_stack([kept.numeric(c) for c in columns]))
    return ctx.train, answers


def _with_columns(frame: Frame, source: Frame, ctx: TrainContext) -> Frame:
    """The metalearner's frame: predictions, then response, weights and fold column of the rows."""
    p = ctx.params
    wanted = [c for c in (ctx.y, p.weights_column, p.metalearner_fold_column) if c]
    return Frame(frame.stored.hstack(source.stored.select(wanted)), source.uuids)


def _metalearner(ctx: TrainContext, frame: Frame, models: list[Model], levels: tuple[str, ...] | None) -> Model:
    p: StackedEnsembleParams = ctx.params
    algo = "glm" if p.metalearner_algorithm == "AUTO" else p.metalearner_algorithm
    values: dict[str, Any] = {
        "nfolds": p.metalearner_nfolds,
        "fold_column": p.metalearner_fold_column,
        "weights_column": p.weights_column,
        "seed": ctx.seed,
    }
    if p.metalearner_fold_assignment is not None:
        values["fold_assignment"] = p.metalearner_fold_assignment
    if p.metalearner_algorithm == "AUTO":
        values |= {
            "non_negative": levels is None or len(levels) == 2,
            "lambda_search": ctx.valid is not None,
            "generate_scoring_history": True,
        }
    if ctx.params.max_runtime_secs:
        values["max_runtime_secs"] = max(ctx.params.max_runtime_secs - ctx.elapsed(), 1e-3)
    values |= _given(p.metalearner_params)
    valid = None
    if ctx.valid is not None:
        answers = [m.answers(ctx.valid, threads=ctx.threads) for m in models]  # type: ignore[attr-defined]
        level = level_one([m.key for m in models], answers, levels, p.metalearner_transform)
        wanted = [c for c in (ctx.y, p.weights_column) if c and c in ctx.valid.names]
        valid = Frame(level.stored.hstack(ctx.valid.stored.select(wanted)))
    assert ctx.fit is not None
    names = {"train_key": f"levelone_training_{ctx.key}"}
    if valid is not None:
        names["valid_key"] = f"levelone_validation_{ctx.key}"
    x = [n for n in frame.names if n not in (ctx.y, p.weights_column, p.metalearner_fold_column)]
    return ctx.fit(
        algo,
        values,
        key=f"metalearner_{p.metalearner_algorithm}_{ctx.key}",
        x=x,
        y=ctx.y,
        train=frame,
        valid=valid,
        **names,
    )


def _given(params: Any) -> dict[str, Any]:
    """`metalearner_params` as keyword arguments; H2O's clients send JSON in which every value is a list."""
    if not params:
        return {}
    if isinstance(params, Mapping):
        return dict(params)
    try:
        found = json.loads(params)
    except ValueError as e:
        raise H2OValueError(f"metalearner_params is not JSON: {e}") from None
    if not isinstance(found, dict):
        raise H2OValueError("metalearner_params must be a JSON object")
    alone = {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in found.items()}
    return {re.sub(r"^lambda$", "lambda_", k): v for k, v in alone.items()}


def _summary(p: StackedEnsembleParams, models: list[Model], metalearner: Model) -> Table:
    """How it is put together; a base model is used when the metalearner gives it a weight."""
    used = {m.key for m in models}
    if metalearner.algo == "glm":
        table = metalearner.output["coefficients_table"]
        weights = zip(table["data"][0], zip(*table["data"][1:]))
        named = {str(name).partition("/")[0] for name, w in weights if any(w)}
        used = {k for k in used if k in named}
    counts: dict[str, list[int]] = {}
    for m in models:
        count = counts.setdefault(m.algo, [0, 0])
        count[0] += m.key in used
        count[1] += 1
    rows: list[list[Any]] = [
        ["Stacking strategy", "cross_validation" if p.blending_frame is None else "blending"],
        ["Number of base models (used / total)", f"{len(used)}/{len(models)}"],
        *([f"# {algo.upper()} base models (used / total)", f"{a}/{b}"] for algo, (a, b) in counts.items()),
        ["Metalearner algorithm", metalearner.algo.upper()],
        ["Metalearner fold assignment scheme", p.metalearner_fold_assignment or "AUTO"],
        ["Metalearner nfolds", str(p.metalearner_nfolds)],
        ["Metalearner fold_column", p.metalearner_fold_column],
        ["Custom metalearner hyperparameters", str(p.metalearner_params or "None")],
    ]
    return Table("Model Summary for Stacked Ensemble", ["key", "value"], ["string", "string"], rows)
