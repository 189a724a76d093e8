"""What the manifest of a Deep Learning model file must say before anything is computed from it.

Kernels index arrays without looking; a recipe for the inputs that does not fit the network would make them read beyond
the weights.  So every number that becomes an index or a length is compared here.
"""

from __future__ import annotations

from heavywater.algos.deeplearning.data import network_hyper
from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.algos.deeplearning.response import Response
from heavywater.core.mlp.layout import DISTRIBUTIONS
from heavywater.display.table import Table
from heavywater.errors import ModelFileError
from heavywater.frame.design import Design
from heavywater.frame.encoding import Encoding
from heavywater.metrics import ModelMetrics
from heavywater.models.expect import each, expect
from heavywater.models.state import ModelState
from heavywater.params.check import examine

_DESIGN = {
    "cats": [str], "nums": [str], "levels": [[str]], "all_levels": bool, "mean": [float], "sub": ([float], None),
    "mul": ([float], None), "buckets": int, "hash_seed": int, "na_is_last_level": bool, "impute_when_scoring": bool,
}  # fmt: skip
_ENCODING = {"kind": str, "columns": [str], "levels": each([str]), "values": each([float]), "order": each([str])}
_RESPONSE = {"name": str, "levels": ([str], None), "distribution": str, "sub": (float, None), "mul": (float, None)}
_SCHEMA = {
    "design": _DESIGN, "encoding": (_ENCODING, None), "response": (_RESPONSE, None), "units": [int],
    "metric_options": each((int, float, str, None)),
}  # fmt: skip
_OUTPUT = {
    "model_id": str, "algo_full_name": str, "model_category": str, "names": [str], "column_types": [str],
    "original_names": ([str], None), "domains": [([str], None)], "response_column": (str, None),
    "training_frame": (str, None), "validation_frame": (str, None), "default_threshold": (float, None), "samples": int,
    "iterations": int, "epochs": float, "seed": int, "why_stopped": str, "start_time": int, "end_time": int,
    "run_time": int, "stopping_history": [each((float, None))], "prior_class_distrib": ([float], None),
    "model_class_distrib": ([float], None),
}  # fmt: skip
_TABLES = ("model_summary", "scoring_history", "variable_importances", "cross_validation_metrics_summary")
_METRICS = ("training_metrics", "validation_metrics", "cross_validation_metrics")


def check_manifest(state: ModelState) -> None:
    """Raise ModelFileError when the parts of a state do not have the right form or do not fit each other.

    Errors of the kinds that `heavywater.models.container.read` translates may come out as well.
    """
    expect(state.schema, _SCHEMA, "schema")
    expect(state.output, _OUTPUT, "output")
    _check_parameters(state)
    _check_shapes(state)
    expect(state.output.get("ranges") or {}, each([float]), "output['ranges']")
    for name in _TABLES:
        if state.output.get(name) is not None:
            Table.from_json(state.output[name])
    for name in _METRICS:
        if state.output.get(name) is not None:
            repr(ModelMetrics.from_json(state.output[name]))  # what the report prints must print


def _check_parameters(state: ModelState) -> None:
    parameters = state.output["parameters"]
    expect(parameters, each({"default": object, "input": object, "actual": object}), "output['parameters']")
    # Values that training puts to 0 because they take no part (rho, rate, ...) lie outside their declared range;
    # a function is stored as its name, and a folder may exist elsewhere only.
    actual = DeepLearningParams(**{k: v["actual"] for k, v in parameters.items()})
    _, messages = examine(actual, unbuilt=True)
    unused = {"rho", "epsilon", "rate", "rate_decay", "rate_annealing", "custom_metric_func", "export_checkpoints_dir"}
    wrong = [m for m in messages if m.severity == "error" and m.field not in unused]
    _need(not wrong, f"parameter {wrong[0]}" if wrong else "")
    layers = len(state.schema["units"]) - 2
    _need(list(actual.hidden) == state.schema["units"][1:-1], "hidden and units differ")
    ratios = actual.hidden_dropout_ratios
    _need(ratios is None or len(ratios) == layers, "hidden_dropout_ratios and units differ")
    response = state.schema["response"]
    classes = 0 if response is None else Response.from_json(response).nclasses
    network_hyper(actual, classes, state.output["seed"])  # KeyError for a distribution without kernel


def _check_shapes(state: ModelState) -> None:
    s, o = state.schema, state.output
    design, units = Design.from_json(s["design"]), s["units"]
    _need(len(design.levels) == len(design.cats), "the design's cats and levels differ in length")
    _need(len(design.mean) == len(design.nums), "the design's nums and mean differ in length")
    for part in (design.sub, design.mul):
        _need(part is None or len(part) == len(design.nums), "the design's scaling and nums differ in length")
    _need((design.sub is None) == (design.mul is None), "the design's sub and mul must both be given or absent")
    _need(all(len(set(levels)) == len(levels) for levels in design.levels), "a level is there twice")
    _need(len(set(design.names)) == len(design.names), "a column is there twice")
    _need(0 <= design.buckets <= units[0], "the design's buckets are out of range")
    _need(design.width == units[0], f"the design has {design.width} inputs, the network {units[0]}")

    classes = 0
    if s["response"] is not None:
        response = Response.from_json(s["response"])
        classes = response.nclasses
        _need(response.levels is None or len(set(response.levels)) == classes > 1, "the response's levels are unusable")
        scaling = (response.sub is None) == (response.mul is None) and response.mul != 0
        _need(scaling, "the response's scaling is unusable")
        _need(classes > 1 or response.distribution in DISTRIBUTIONS, "the response's distribution is unknown")
    _need(units[-1] == (classes or units[0]), f"the network has {units[-1]} outputs, the response needs {classes}")
    category = {0: "AutoEncoder", 1: "Regression", 2: "Binomial"}.get(classes, "Multinomial")
    _need(o["model_category"] == category, "model_category contradicts the response")
    _need(category != "Binomial" or o["default_threshold"] is not None, "default_threshold is missing")
    for name in ("prior_class_distrib", "model_class_distrib"):
        _need(o[name] is None or len(o[name]) == classes, f"{name} and the response's levels differ in length")
    _need(o["model_class_distrib"] is None or o["prior_class_distrib"] is not None, "prior_class_distrib is missing")
    if s["encoding"] is not None:
        encoding = Encoding.from_json(s["encoding"])
        lengths = {k: len(v) for k, v in encoding.levels.items()}
        same = all(lengths.get(k) == len(v) for k, v in encoding.values.items())
        _need(same, "an encoding and its levels differ in length")
        _need(all(lengths.values()), "an encoding has a column without levels")
        _need(set(design.names) <= {*encoding.names, *o["names"]}, "the encoding does not make the design's columns")


def _need(holds: bool, fault: str) -> None:
    if not holds:
        raise ModelFileError(f"its manifest contradicts itself: {fault}")
