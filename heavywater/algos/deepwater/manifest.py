"""What the manifest of a Deep Water model file must say before anything is computed from it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from heavywater.algos.deeplearning.response import Response
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.algos.tabular.result import DESIGN, METRICS, RESPONSE, TABLES, need
from heavywater.display.table import Table
from heavywater.errors import H2OValueError, ModelFileError
from heavywater.frame.design import Design
from heavywater.frame.encoding import Encoding
from heavywater.metrics import ModelMetrics
from heavywater.models.expect import each, expect
from heavywater.models.state import ModelState
from heavywater.networks.graph import ArraySpec, Graph
from heavywater.params.check import examine

_SIDE = 1 << 14
_ENCODING = {"kind": str, "columns": [str], "levels": each([str]), "values": each([float]), "order": each([str])}
_RECIPE = {"width": int, "height": int, "channels": int, "legacy": bool, "gray_gamma": bool}
_COLUMNS = {
    "image": (str, None), "recipe": (_RECIPE, None), "pixels": ({"sub": [float], "mul": [float]}, None),
    "mean_image": bool, "design": (DESIGN, None), "encoding": (_ENCODING, None), "shape": [int],
}  # fmt: skip
_SCHEMA = {
    "network": object, "columns": _COLUMNS, "response": RESPONSE, "metric_options": each((int, float, str, None)),
}  # fmt: skip
_OUTPUT = {
    "model_id": str, "algo_full_name": str, "model_category": str, "names": [str], "column_types": [str],
    "original_names": ([str], None), "domains": [([str], None)], "response_column": str,
    "training_frame": (str, None), "validation_frame": (str, None), "default_threshold": float, "samples": int,
    "iterations": int, "optimizer_steps": int, "epochs": float, "seed": int, "why_stopped": str, "start_time": int,
    "end_time": int, "run_time": int, "stopping_history": [each((float, None))],
    "prior_class_distrib": ([float], None), "model_class_distrib": ([float], None),
}  # fmt: skip
_ELSEWHERE = (
    "custom_metric_func", "export_checkpoints_dir", "network_definition_file", "network_parameters_file",
    "mean_image_file", "export_native_parameters_prefix", "image_root", "network_module", "network",
)  # fmt: skip
"""Parameters that name files or code of the machine that trained."""


def check_manifest(state: ModelState) -> tuple[Mapping[str, ArraySpec], tuple[int, ...]]:
    """The arrays of the network and the shape of its main input.

    Raises
    ------
    ModelFileError
        The parts of the state do not have the right form or do not fit each other.
    """
    expect(state.schema, _SCHEMA, "schema")
    expect(state.output, _OUTPUT, "output")
    parameters = state.output["parameters"]
    expect(parameters, each({"default": object, "input": object, "actual": object}), "output['parameters']")
    actual = DeepWaterParams(**{k: v["actual"] for k, v in parameters.items()})
    _, messages = examine(actual, unbuilt=True)
    wrong = [m for m in messages if m.severity == "error" and m.field not in _ELSEWHERE]
    need(not wrong, f"parameter {wrong[0]}" if wrong else "")
    shape = _check_columns(state.schema["columns"])
    response = Response.from_json(state.schema["response"])
    _check_response(state, response)
    stored = state.schema["network"]
    if isinstance(stored, dict) and "module" in stored:
        from heavywater.algos.deepwater.own_module import arrays_of

        _check_reports(state)
        return arrays_of(stored), shape
    graph = Graph.from_json(stored)
    try:
        shapes, arrays = graph.shapes(shape), graph.arrays(shape)
    except H2OValueError as error:
        raise ModelFileError(f"its network does not fit its inputs: {error}") from None
    outputs = math.prod(shapes[graph.nodes[graph.head].name])
    need(outputs == response.nclasses, f"the network has {outputs} outputs, the response needs {response.nclasses}")
    design = state.schema["columns"]["design"]
    beside = [n for n in graph.nodes if n.op == "input" and n.name == "table"]
    width = 0 if state.schema["columns"]["image"] is None or design is None else Design.from_json(design).width
    need(bool(beside) == (width > 0), "the network's input for a table and the columns contradict each other")
    for node in beside:
        need(tuple(node.attrs["shape"] or ()) == (width,), f"the network takes a table of another width than {width}")
    _check_reports(state)
    return arrays, shape


def _check_reports(state: ModelState) -> None:
    for name in TABLES:
        if state.output.get(name) is not None:
            Table.from_json(state.output[name])
    for name in METRICS:
        if state.output.get(name) is not None:
            repr(ModelMetrics.from_json(state.output[name]))


def _check_columns(c: Mapping[str, object]) -> tuple[int, ...]:
    """The recipe for the inputs; returns the shape of the main input."""
    shape: tuple[int, ...] = tuple(c["shape"])  # type: ignore[arg-type]
    need(len(shape) in (1, 3) and all(0 < n <= 1 << 24 for n in shape), "the shape of the input is unusable")
    recipe, pixels = c["recipe"], c["pixels"]
    need((c["image"] is None) == (recipe is None) == (pixels is None), "a recipe for images without images, or not")
    if isinstance(recipe, Mapping) and isinstance(pixels, Mapping):
        sides = (recipe["width"], recipe["height"])
        need(all(0 < s <= _SIDE for s in sides) and recipe["channels"] in (1, 3), "the size of images is unusable")
        need(shape == (recipe["channels"], recipe["height"], recipe["width"]), "images and the input differ in shape")
        need(len(pixels["sub"]) == len(pixels["mul"]) == shape[0], "the scaling of pixels and the channels differ")
    else:
        need(not c["mean_image"], "a mean image without images")
    if c["design"] is None:
        need(c["image"] is not None, "neither images nor columns")
        return shape
    design = Design.from_json(c["design"])  # type: ignore[arg-type]
    need(len(design.levels) == len(design.cats), "the design's cats and levels differ in length")
    need(len(design.mean) == len(design.nums), "the design's nums and mean differ in length")
    for part in (design.sub, design.mul):
        need(part is None or len(part) == len(design.nums), "the design's scaling and nums differ in length")
    need((design.sub is None) == (design.mul is None), "the design's sub and mul must both be given or absent")
    need(all(len(set(levels)) == len(levels) for levels in design.levels), "a level is there twice")
    need(len(set(design.names)) == len(design.names), "a column is there twice")
    need(design.buckets == 0, "the design hashes, which Deep Water never does")
    need(c["image"] is not None or design.width == math.prod(shape), "the design and the input differ in width")
    if c["encoding"] is not None:
        encoding = Encoding.from_json(c["encoding"])  # type: ignore[arg-type]
        lengths = {k: len(v) for k, v in encoding.levels.items()}
        need(all(lengths.values()), "an encoding has a column without levels")
        same = all(lengths.get(k) == len(v) for k, v in encoding.values.items())
        need(same, "an encoding and its levels differ in length")
    return shape


def _check_response(state: ModelState, response: Response) -> None:
    o, classes = state.output, response.nclasses
    need(response.levels is None or len(set(response.levels)) == classes > 1, "the response's levels are unusable")
    scaling = (response.sub is None) == (response.mul is None) and response.mul != 0
    need(scaling, "the response's scaling is unusable")
    distributions = ("gaussian",) if classes == 1 else ("bernoulli", "multinomial")
    need(response.distribution in distributions, "the response's distribution is unusable")
    category = {1: "Regression", 2: "Binomial"}.get(classes, "Multinomial")
    need(o["model_category"] == category, "model_category contradicts the response")
    for name in ("prior_class_distrib", "model_class_distrib"):
        need(o[name] is None or len(o[name]) == classes, f"{name} and the response's levels differ in length")
    need(o["model_class_distrib"] is None or o["prior_class_distrib"] is not None, "prior_class_distrib is missing")
