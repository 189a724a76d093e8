"""From a finished run to the model's state: arrays, schema and output, all plain data."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from heavywater.algos.base import TrainContext
from heavywater.algos.deeplearning.data import TrainingData, metric_options
from heavywater.algos.deeplearning.history import history_table
from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.algos.deeplearning.tables import importances_table, layers_table
from heavywater.core.mlp.layout import Network, Topology
from heavywater.frame.checksum import frame_checksum
from heavywater.models.model import arrays_checksum
from heavywater.models.state import ModelState
from heavywater.models.warrants import training_ranges

if TYPE_CHECKING:
    from heavywater.algos.deeplearning.train import _Run

VERSION = 1


def snapshot(ctx: TrainContext, data: TrainingData, network: Network, run: _Run) -> ModelState:
    """The state of a model in the middle of its training, with the best network so far where that is another one."""
    state = finished_state(ctx, data, network, run)
    arrays = dict(state.arrays)
    kept = data.params.overwrite_with_best_model
    if kept and run.best is not None and run.best[1] is not (run.good.network if run.good else None):
        arrays |= {"best_weights": run.best[1].weights.copy(), "best_biases": run.best[1].biases.copy()}
    why = f"not at all: this is a snapshot, taken at {run.epochs:.2f} epochs while training went on"
    return dataclasses.replace(state, arrays=arrays).with_output(why_stopped=why)


def finished_state(ctx: TrainContext, data: TrainingData, network: Network, run: _Run) -> ModelState:
    """The state of the model that `run` trained."""
    last = run.events[-1]
    ended = time.time()
    metrics = {"training_metrics": last.train, "validation_metrics": last.valid}
    judged = last.judged
    threshold = 0.5
    if data.category == "Binomial" and judged is not None:
        threshold = float(judged.find_threshold_by_max_metric("f1"))
    p, d, r = data.params, data.design, data.response
    output: dict[str, Any] = {
        "model_id": ctx.key,
        "algo_full_name": "Deep Learning",
        "model_category": data.category,
        "names": data.names,
        "original_names": None if data.encoding is None else [*data.encoding.columns, *([r.name] if r else [])],
        "column_types": [ctx.train.kind(n) for n in data.names],
        "domains": [ctx.train.levels(n) for n in data.names],
        "response_column": None if r is None else r.name,
        "training_frame": ctx.train_key,
        "validation_frame": ctx.valid_key,
        "default_threshold": threshold,
        "samples": run.processed,
        "iterations": run.iterations,
        "epochs": run.epochs,
        "seed": ctx.seed,
        "why_stopped": run.why,
        "start_time": int(run.started_at * 1000),
        "end_time": int(ended * 1000),
        "run_time": round(ctx.elapsed() * 1000),
        "parameters": parameters(ctx, p),
        "model_summary": layers_table(data, network, run.processed).to_json(),
        "scoring_history": history_table(
            run.rows, data.category, data.valid_set is not None, custom=p.custom_metric_func is not None
        ).to_json(),
        "stopping_history": run.values,
        "variable_importances": importances_table(data, network).to_json() if p.variable_importances else None,
        "norm_mul": None if d.mul is None else list(d.mul),
        "norm_sub": None if d.sub is None else list(d.sub),
        "norm_resp_mul": None if r is None or r.mul is None else [r.mul],
        "norm_resp_sub": None if r is None or r.sub is None else [r.sub],
        "cat_offsets": d.cat_offsets,
        "ranges": training_ranges(data.original, d.nums if data.encoding is None else data.encoding.columns),
        "prior_class_distrib": _listed(data.rows.prior),
        "model_class_distrib": _listed(data.rows.balanced),
    }
    checksums = {"training_metrics": frame_checksum(data.original), "validation_metrics": None}
    if ctx.valid is not None:
        checksums["validation_metrics"] = frame_checksum(ctx.valid)
    arrays = to_arrays(network)
    weights = arrays_checksum(arrays)
    keys = {"training_metrics": ctx.train_key, "validation_metrics": ctx.valid_key}
    for name, m in metrics.items():
        output[name] = (
            None
            if m is None
            else m.described(
                model_id=ctx.key, model_checksum=weights, frame_id=keys[name], frame_checksum=checksums[name]
            ).to_json()
        )
    schema = {
        "design": d.to_json(),
        "encoding": None if data.encoding is None else data.encoding.to_json(),
        "response": None if r is None else r.to_json(),
        "units": data.units,
        "metric_options": metric_options(p),
    }
    return ModelState("deeplearning", VERSION, _plain(ctx.params), schema, output, arrays)


def _listed(values: np.ndarray | None) -> list[float] | None:
    return None if values is None else [float(v) for v in values]


def to_arrays(network: Network) -> dict[str, np.ndarray]:
    """Arrays of a model file: ``W0``, ``b0``, … per layer, then the optimiser's state as flat arrays."""
    layers = range(network.topology.layers)
    arrays = {f"W{i}": network.W(i).copy() for i in layers} | {f"b{i}": network.b(i).copy() for i in layers}
    flat = {k: v.copy() for k, v in network.arrays().items() if k not in ("weights", "biases")}
    return arrays | flat


def from_arrays(topology: Topology, arrays: Mapping[str, np.ndarray]) -> Network:
    """The network of a model file."""
    layers = range(topology.layers)
    flat = {k: v for k, v in arrays.items() if k in dict(Network.STATE)}
    flat["weights"] = np.concatenate([arrays[f"W{i}"].reshape(-1) for i in layers])
    flat["biases"] = np.concatenate([arrays[f"b{i}"] for i in layers])
    return Network.from_arrays(topology, flat)


def parameters(ctx: TrainContext, actual: DeepLearningParams) -> dict[str, dict[str, Any]]:
    """For every parameter its default, the value given and the value in force."""
    given, in_force, out = _plain(ctx.params), _plain(actual), {}
    for f in dataclasses.fields(actual):
        default = f.default if f.default is not dataclasses.MISSING else None
        out[f.name] = {"default": jsonable(default), "input": given[f.name], "actual": in_force[f.name]}
    out["seed"]["actual"] = ctx.seed
    out["model_id"]["actual"] = ctx.key
    frames = {"training_frame": ctx.train_key, "validation_frame": ctx.valid_key, "response_column": ctx.y}
    for name, value in frames.items():
        if name in out:
            out[name]["input"] = out[name]["actual"] = value
    return out


def _plain(params: Any) -> dict[str, Any]:
    return {f.name: jsonable(getattr(params, f.name)) for f in dataclasses.fields(params)}


def jsonable(value: Any) -> Any:
    """A parameter's value as JSON can hold it; objects such as frames and models become their names."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [jsonable(v) for v in value]
    for name in ("frame_id", "key", "__name__"):
        if isinstance(getattr(value, name, None), str):
            return getattr(value, name)
    return str(value)
