"""The state of a finished model: what all learners of tables report, and what a file of theirs must say."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.response import Response
from heavywater.algos.deeplearning.result import jsonable, parameters
from heavywater.algos.deeplearning.scoring import measured
from heavywater.algos.tabular.data import TableData, metric_options
from heavywater.core.mlp.layout import DISTRIBUTIONS
from heavywater.display.table import Table
from heavywater.errors import ModelFileError
from heavywater.frame import Frame
from heavywater.frame.checksum import frame_checksum
from heavywater.frame.design import Design
from heavywater.metrics import ModelMetrics
from heavywater.models.expect import each, expect
from heavywater.models.model import arrays_checksum
from heavywater.models.state import ModelState
from heavywater.models.warrants import training_ranges
from heavywater.params.check import examine

DESIGN = {
    "cats": [str], "nums": [str], "levels": [[str]], "all_levels": bool, "mean": [float], "sub": ([float], None),
    "mul": ([float], None), "buckets": int, "hash_seed": int, "na_is_last_level": bool, "impute_when_scoring": bool,
}  # fmt: skip
RESPONSE = {"name": str, "levels": ([str], None), "distribution": str, "sub": (float, None), "mul": (float, None)}
_OUTPUT = {
    "model_id": str, "algo_full_name": str, "model_category": str, "names": [str], "column_types": [str],
    "domains": [([str], None)], "response_column": str, "training_frame": (str, None), "validation_frame": (str, None),
    "default_threshold": (float, None), "seed": int, "why_stopped": str, "start_time": int, "end_time": int,
    "run_time": int, "prior_class_distrib": ([float], None),
}  # fmt: skip
TABLES = ("model_summary", "scoring_history", "variable_importances", "cross_validation_metrics_summary")
METRICS = ("training_metrics", "validation_metrics", "cross_validation_metrics")


def metrics_on(
    ctx: TrainContext, data: TableData, frame: Frame, answers: np.ndarray, weights: np.ndarray | None, what: str
) -> ModelMetrics:
    """Metrics of predictions for the rows of a frame; `what` says which frame, for the report."""
    custom = getattr(ctx.params, "custom_metric_func", None)
    actual = data.response.actual(frame)
    found = measured(data.category, data.response, metric_options(ctx.params), answers, actual, weights, custom)
    return found.described(description=f"Metrics reported on the full {what} frame")


def validation_weights(ctx: TrainContext) -> np.ndarray | None:
    """Weights of the validation frame, where it has the column."""
    column = getattr(ctx.params, "weights_column", None)
    return ctx.valid.numeric(column) if ctx.valid is not None and column and column in ctx.valid.names else None


def finished_state(
    ctx: TrainContext,
    data: TableData,
    *,
    version: int,
    full_name: str,
    actual: Any,
    schema: Mapping[str, Any],
    output: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    train: ModelMetrics | None,
    valid: ModelMetrics | None,
    why: str,
) -> ModelState:
    """The state of a trained model.

    Parameters
    ----------
    actual : Params
        Parameters in force.
    schema, output
        What this algorithm adds to what all have.
    why : str
        Which rule ended training.
    """
    ended = time.time()
    judged = valid or train
    threshold = 0.5
    if data.category == "Binomial" and judged is not None:
        threshold = float(judged.find_threshold_by_max_metric("f1"))
    frozen = dict(arrays)
    checksum = arrays_checksum(frozen)
    common: dict[str, Any] = {
        "model_id": ctx.key,
        "algo_full_name": full_name,
        "model_category": data.category,
        "names": data.names,
        "original_names": None,
        "column_types": [ctx.train.kind(n) for n in data.names],
        "domains": [ctx.train.levels(n) for n in data.names],
        "response_column": data.response.name,
        "training_frame": ctx.train_key,
        "validation_frame": ctx.valid_key,
        "default_threshold": threshold,
        "seed": ctx.seed,
        "why_stopped": why,
        "start_time": int((ended - ctx.elapsed()) * 1000),
        "end_time": int(ended * 1000),
        "run_time": round(ctx.elapsed() * 1000),
        "parameters": parameters(ctx, actual),
        "prior_class_distrib": data.prior,
        "model_class_distrib": None,
        "ranges": training_ranges(data.rows, data.design.nums),
    }
    frames = {"training": (train, ctx.train, ctx.train_key), "validation": (valid, ctx.valid, ctx.valid_key)}
    for name, (metrics, frame, key) in frames.items():
        common[f"{name}_metrics"] = None
        if metrics is not None and frame is not None:
            described = metrics.described(
                model_id=ctx.key, model_checksum=checksum, frame_id=key, frame_checksum=frame_checksum(frame)
            )
            common[f"{name}_metrics"] = described.to_json()
    whole = {"response": data.response.to_json(), "metric_options": metric_options(ctx.params), **schema}
    return ModelState(ctx_algo(ctx), version, plain(ctx.params), whole, {**common, **output}, frozen)


def ctx_algo(ctx: TrainContext) -> str:
    """H2O's name of the algorithm whose parameters a context holds."""
    return str(ctx.params.algo)


def plain(params: Any) -> dict[str, Any]:
    """Parameters as a file can hold them."""
    return {f.name: jsonable(getattr(params, f.name)) for f in dataclasses.fields(params)}


def check_manifest(state: ModelState, kind: type, schema: Mapping[str, Any], output: Mapping[str, Any]) -> None:
    """Raise ModelFileError when the parts of a state do not have the right form or contradict each other."""
    expect(state.schema, {"response": RESPONSE, "metric_options": each((int, float, str, None)), **schema}, "schema")
    expect(state.output, {**_OUTPUT, **output}, "output")
    given = state.output["parameters"]
    expect(given, each({"default": object, "input": object, "actual": object}), "output['parameters']")
    _, messages = examine(kind(**{k: v["actual"] for k, v in given.items()}), unbuilt=True)
    # a name only; a folder that may be elsewhere; a search of strengths tells which one it chose
    loose = {"custom_metric_func", "export_checkpoints_dir", "lambda_search"}
    wrong = [m for m in messages if m.severity == "error" and m.field not in loose]
    need(not wrong, f"parameter {wrong[0]}" if wrong else "")
    response = Response.from_json(state.schema["response"])
    classes = response.nclasses
    need(response.levels is None or len(set(response.levels)) == classes > 1, "the response's levels are unusable")
    category = {1: "Regression", 2: "Binomial"}.get(classes, "Multinomial")
    need(state.output["model_category"] == category, "model_category contradicts the response")
    need(category != "Regression" or response.distribution in DISTRIBUTIONS, "the response's distribution is unknown")
    need(category != "Binomial" or state.output["default_threshold"] is not None, "default_threshold is missing")
    expect(state.output.get("ranges") or {}, each([float]), "output['ranges']")
    for name in TABLES:
        if state.output.get(name) is not None:
            Table.from_json(state.output[name])
    for name in METRICS:
        if state.output.get(name) is not None:
            repr(ModelMetrics.from_json(state.output[name]))  # what the report prints must print


def checked_design(state: ModelState) -> Design:
    """The design of a state, once its parts are known to fit each other."""
    design = Design.from_json(state.schema["design"])
    need(len(design.levels) == len(design.cats), "the design's cats and levels differ in length")
    need(len(design.mean) == len(design.nums), "the design's nums and mean differ in length")
    for part in (design.sub, design.mul):
        need(part is None or len(part) == len(design.nums), "the design's scaling and nums differ in length")
    need((design.sub is None) == (design.mul is None), "the design's sub and mul must both be given or absent")
    need(all(len(set(levels)) == len(levels) for levels in design.levels), "a level is there twice")
    need(len(set(design.names)) == len(design.names), "a column is there twice")
    need(design.buckets == 0, "only networks hash their inputs")
    return design


def need(holds: bool, fault: str) -> None:
    """Raise ModelFileError with the contradiction `fault` unless it `holds`."""
    if not holds:
        raise ModelFileError(f"its manifest contradicts itself: {fault}")


def importances_table(names: list[str], values: np.ndarray, title: str = "Variable Importances") -> Table:
    """Importances of the variables, most important first, in H2O's four columns."""
    order = np.argsort(-values, kind="stable")
    top, total = float(values.max(initial=0.0)) or 1.0, float(values.sum()) or 1.0
    rows = [[names[i], float(values[i]), float(values[i]) / top, float(values[i]) / total] for i in order]
    columns = ["variable", "relative_importance", "scaled_importance", "percentage"]
    return Table(title, columns, ["string", "double", "double", "double"], rows)
