"""From a finished run to the model's state: arrays, schema and output, all plain data."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heavywater.algos.deeplearning.history import history_table
from heavywater.algos.deeplearning.result import parameters
from heavywater.algos.deepwater.build import BaseNet
from heavywater.algos.deepwater.data import Columns, TrainingData
from heavywater.algos.deepwater.decode import Recipe
from heavywater.algos.deepwater.inputs import Pixels
from heavywater.algos.deepwater.optimiser import momentum, rate
from heavywater.algos.deepwater.resolve import metric_options
from heavywater.algos.tabular.result import plain
from heavywater.display.table import Table
from heavywater.frame.checksum import frame_checksum
from heavywater.frame.design import Design
from heavywater.frame.encoding import Encoding
from heavywater.models.model import arrays_checksum
from heavywater.models.state import ModelState

if TYPE_CHECKING:
    from heavywater.algos.deepwater.train import _Run

VERSION = 1
MEAN_IMAGE = "mean_image"
"""Name of the mean image among the arrays of a model."""


def finished_state(run: _Run) -> ModelState:
    """The state of the model that `run` trained."""
    ctx, data, last = run.ctx, run.data, run.events[-1]
    p, columns, response = data.params, data.columns, data.response
    arrays = {**run.net.arrays(), **run.optimiser.arrays()}
    if columns.pixels is not None and columns.pixels.mean_image is not None:
        arrays[MEAN_IMAGE] = columns.pixels.mean_image
    special = [c for c in (p.weights_column, p.fold_column) if c]
    names = [*columns.names, *special, response.name]
    known = [n for n in names if n in ctx.train.names]
    threshold = 0.5
    if data.category == "Binomial" and last.judged is not None:
        threshold = float(last.judged.find_threshold_by_max_metric("f1"))
    given = parameters(ctx, p)  # type: ignore[arg-type]
    history = history_table(
        run.rows, data.category, data.valid_set is not None, custom=p.custom_metric_func is not None
    )
    output: dict[str, Any] = {
        "model_id": ctx.key,
        "algo_full_name": "Deep Water",
        "model_category": data.category,
        "names": names,
        "original_names": None if columns.encoding is None else [*columns.encoding.columns, response.name],
        "column_types": [ctx.train.kind(n) if n in known else "real" for n in names],
        "domains": [ctx.train.levels(n) if n in known and n != columns.image else None for n in names],
        "response_column": response.name,
        "training_frame": ctx.train_key,
        "validation_frame": ctx.valid_key,
        "default_threshold": threshold,
        "samples": run.processed,
        "iterations": run.iterations,
        "optimizer_steps": run.optimiser.steps,
        "epochs": run.epochs,
        "seed": ctx.seed,
        "why_stopped": run.why,
        "start_time": int(run.started_at * 1000),
        "end_time": int(time.time() * 1000),
        "run_time": round(ctx.elapsed() * 1000),
        "parameters": given,
        "model_summary": summary_table(data, run.net, run.processed, run.total).to_json(),
        "scoring_history": history.to_json(),
        "stopping_history": run.values,
        "variable_importances": None,
        "prior_class_distrib": _listed(data.rows.prior),
        "model_class_distrib": _listed(data.rows.balanced),
    }
    weights = arrays_checksum(arrays)
    frames = {
        "training": (data.original, ctx.train_key, last.train),
        "validation": (ctx.valid, ctx.valid_key, last.valid),
    }
    for what, (frame, key, metrics) in frames.items():
        output[f"{what}_metrics"] = None
        if metrics is not None and frame is not None:
            described = metrics.described(
                model_id=ctx.key, model_checksum=weights, frame_id=key, frame_checksum=frame_checksum(frame)
            )
            output[f"{what}_metrics"] = described.to_json()
    schema = {
        "network": run.net.to_json(),
        "columns": columns_to_json(columns),
        "response": response.to_json(),
        "metric_options": metric_options(p),
    }
    params = {**plain(ctx.params), "network_module": None}  # code stays with the user
    for part in given["network_module"]:
        given["network_module"][part] = None
    return ModelState("deepwater", VERSION, params, schema, output, arrays)


def columns_to_json(columns: Columns) -> dict[str, Any]:
    """The recipe for the inputs as JSON; the mean image is an array of the model."""
    pixels = columns.pixels
    return {
        "image": columns.image,
        "recipe": None if columns.recipe is None else dataclasses.asdict(columns.recipe),
        "pixels": None if pixels is None else {"sub": list(pixels.sub), "mul": list(pixels.mul)},
        "mean_image": pixels is not None and pixels.mean_image is not None,
        "design": None if columns.design is None else columns.design.to_json(),
        "encoding": None if columns.encoding is None else columns.encoding.to_json(),
        "shape": list(columns.shape),
    }


def columns_from_json(d: dict[str, Any], mean_image: np.ndarray | None) -> Columns:
    """The recipe of a model file (see `columns_to_json`)."""
    pixels = d["pixels"]
    return Columns(
        d["image"],
        None if d["recipe"] is None else Recipe(**d["recipe"]),
        None if pixels is None else Pixels(tuple(pixels["sub"]), tuple(pixels["mul"]), mean_image),
        None if d["design"] is None else Design.from_json(d["design"]),
        None if d["encoding"] is None else Encoding.from_json(d["encoding"]),
        tuple(d["shape"]),
    )


def summary_table(data: TrainingData, net: BaseNet, samples: int, total: float) -> Table:
    """The table "Status of Deep Learning Model"."""
    p, r = data.params, data.response
    what = f"MLP: {list(p.hidden or ())}" if p.network == "mlp" else p.network
    task = "regression" if r.levels is None else f"{r.nclasses}-class classification"
    text = (
        f"{what}, {net.weights:,} weights, predicting {r.name}, {task}, {samples:,} training samples, "
        f"mini-batch size {p.mini_batch_size:,}"
    )
    inputs = int(np.prod(data.columns.shape)) + data.columns.table_width
    row = [inputs, rate(p, samples, total), momentum(p, samples) if p.optimizer == "sgd" else None]
    return Table(
        "Status of Deep Learning Model",
        ["input_neurons", "rate", "momentum"],
        ["int", "double", "double"],
        [row],
        description=text,
    )


def write_native(net: BaseNet, prefix: str, iteration: int) -> None:
    """The graph and the weights in MXNet's formats."""
    from heavywater.networks.files import write_params, write_symbol

    assert net.graph is not None
    write_symbol(Path(f"{prefix}.json"), net.graph)
    write_params(Path(f"{prefix}.{iteration:04d}.params"), net.arrays())


def _listed(values: np.ndarray | None) -> list[float] | None:
    return None if values is None else [float(v) for v in values]
