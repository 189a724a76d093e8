"""A MOJO of H2O's Deep Learning as a model's state, so that it scores, explains itself and can be trained further.

H2O's scorer sets a scaled missing number to 0 and does not scale inputs after input dropout; the state says so.
What a MOJO lacks (optimiser, metrics) is absent; parameters of the training come from the description that H2O puts
beside the network, where it is readable, and are defaults otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from heavywater.algos.deeplearning.data import metric_options, network_hyper
from heavywater.algos.deeplearning.described import described
from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.algos.deeplearning.resolve import resolve
from heavywater.algos.deeplearning.response import Response
from heavywater.algos.deeplearning.result import VERSION, _plain, from_arrays, jsonable
from heavywater.algos.deeplearning.tables import layers_table
from heavywater.core.mlp.layout import Topology
from heavywater.errors import ModelFileError, NotSupported
from heavywater.frame.design import Design
from heavywater.frame.encoding import Encoding, label_values
from heavywater.models.state import ModelState
from heavywater.params.check import examine

_LAYERS = 1000
_KEPT = (
    "epochs", "train_samples_per_iteration", "adaptive_rate", "rho", "epsilon", "rate", "rate_annealing", "rate_decay",
    "momentum_start", "momentum_ramp", "momentum_stable", "nesterov_accelerated_gradient", "l1", "l2", "max_w2", "seed",
    "ignore_const_cols", "quantile_alpha", "tweedie_power", "huber_alpha", "stopping_rounds", "stopping_tolerance",
    "score_interval", "score_training_samples", "score_duty_cycle", "classification_stop", "regression_stop",
    "shuffle_training_data", "reproducible", "max_categorical_features", "sparsity_beta", "average_activation",
)  # fmt: skip
"""Parameters that are taken from H2O's description of a model."""


class Pairs(Protocol):
    """The key-value pairs of a MOJO; see `heavywater.export.ini.Info`."""

    def __contains__(self, key: str) -> bool: ...
    def text(self, key: str, default: str | None = None) -> str: ...
    def flag(self, key: str, default: bool | None = None) -> bool: ...
    def integer(self, key: str, default: int | None = None, *, low: int = 0, high: int = 1 << 31) -> int: ...
    def number(self, key: str, default: float | None = None) -> float: ...
    def array(self, key: str, length: int | None, *, optional: bool = False) -> np.ndarray | None: ...
    def integers(self, key: str, length: int | None = None) -> list[int]: ...


def state_from_mojo(
    info: Pairs,
    columns: Sequence[str],
    domains: Mapping[int, tuple[str, ...]],
    lines: Callable[[str, int], list[str]],
    details: str | None = None,
    key: str | None = None,
) -> ModelState:
    """The state of the model in a MOJO.

    Parameters
    ----------
    info : Pairs
        Section ``[info]``.
    columns : sequence of str
        Features in the network's order, then special columns and the response.
    domains : mapping of int to tuple of str
        Levels by column index.
    lines : callable
        ``lines(entry, count)`` reads a further text file of the archive.
    details : str, optional
        H2O's JSON description of the model.
    key : str, optional
        Name of the model to be.
    """
    _check_version(info.text("mojo_version", "1.00"))
    supervised, features = info.flag("supervised"), info.integer("n_features")
    if features + supervised > len(columns):
        raise ModelFileError(f"it has {len(columns)} columns, fewer than its {features} features and the response")
    design = _design(info, columns[:features], domains)
    encoding = _encoding(info, columns[features:], lines)
    if encoding is not None and not set(design.names) <= set(encoding.names):
        raise ModelFileError("_orig_names and the columns contradict each other")
    units = info.integers("neural_network_sizes")
    if not 2 <= len(units) <= _LAYERS or min(units) < 1:
        raise ModelFileError("neural_network_sizes must be 2 to 1000 numbers >= 1")
    activation = info.text("activation")
    topology = Topology(units, maxout=activation.startswith("Maxout"))
    arrays: dict[str, np.ndarray] = {}
    for i in range(topology.layers):
        arrays[f"W{i}"] = _matrix(info, f"weight_layer{i}", topology.rows[i], topology.units[i])
        arrays[f"b{i}"] = _finite(info, f"bias_layer{i}", topology.rows[i])
    response = _response(info, columns, domains) if supervised else None
    classes = 0 if response is None else response.nclasses
    about = described(details, None if response is None else response.levels)

    given = _given(info, about.parameters, design, units, activation, autoencoder=not supervised)
    if encoding is not None:
        given.categorical_encoding = encoding.kind  # type: ignore[assignment]
    actual = resolve(given, nclasses=classes)
    actual.distribution = info.text("distribution")  # type: ignore[assignment]
    balanced = info.flag("balance_classes", False)
    prior = info.array("prior_class_distrib", classes, optional=True) if classes > 1 else None
    after = info.array("model_class_distrib", classes, optional=True) if classes > 1 and balanced else None
    name = key or f"mojo_{''.join(c for c in info.text('uuid', 'model')[:40] if c.isalnum())}"
    seed = about.parameters.get("seed", 0)
    seed = seed if type(seed) is int and abs(seed) < 2**63 else 0
    parameters = _parameters(given, actual, name, seed, response)
    now = int(time.time() * 1000)
    names = [*design.names, *([response.name] if response else [])]
    levels = [*map(list, design.levels), *([None] * len(design.nums))]
    if response is not None:
        levels.append(None if response.levels is None else list(response.levels))
    output: dict[str, Any] = {
        "model_id": name,
        "algo_full_name": "Deep Learning",
        "model_category": info.text("category"),
        "names": names,
        "original_names": None if encoding is None else [*encoding.columns, *([response.name] if response else [])],
        "column_types": ["real" if v is None else "enum" for v in levels],
        "domains": levels,
        "response_column": None if response is None else response.name,
        "training_frame": None,
        "validation_frame": None,
        "default_threshold": info.number("default_threshold", 0.5),
        "samples": about.samples,
        "iterations": about.iterations,
        "epochs": about.epochs,
        "seed": seed,
        "why_stopped": f"read from a MOJO of H2O {info.text('h2o_version', 'of unknown version')[:40]}",
        "start_time": now,
        "end_time": now,
        "run_time": 0,
        "parameters": parameters,
        "model_summary": None,
        "scoring_history": about.tables.get("scoring_history"),
        "stopping_history": [],
        "variable_importances": about.tables.get("variable_importances"),
        **about.metrics,
        "norm_mul": None if design.mul is None else list(design.mul),
        "norm_sub": None if design.sub is None else list(design.sub),
        "norm_resp_mul": None if response is None or response.mul is None else [response.mul],
        "norm_resp_sub": None if response is None or response.sub is None else [response.sub],
        "cat_offsets": design.cat_offsets,
        "prior_class_distrib": None if prior is None else prior.tolist(),
        "model_class_distrib": None if after is None else after.tolist(),
    }
    schema = {
        "design": design.to_json(),
        "encoding": None if encoding is None else encoding.to_json(),
        "response": None if response is None else response.to_json(),
        "units": units,
        "metric_options": metric_options(actual),
    }
    hyper = network_hyper(actual, classes, seed)
    network = from_arrays(topology, arrays)
    network.allocate(hyper)
    data: Any = SimpleNamespace(
        params=actual, units=units, hyper=hyper, category=output["model_category"], response=response
    )
    output["model_summary"] = layers_table(data, network, output["samples"]).to_json()
    return ModelState("deeplearning", VERSION, _plain(given), schema, output, arrays)


def _check_version(text: str) -> None:
    parts = text.split(".")
    if len(parts) != 2 or not all(p.isascii() and p.isdigit() and len(p) < 4 for p in parts):
        raise ModelFileError(f"mojo_version must look like 1.10; it is {text[:40]!a}")
    if (int(parts[0]), int(parts[1])) > (1, 10):
        raise NotSupported(f"the MOJO is of version {text}; up to 1.10 can be read")


def _design(info: Pairs, features: Sequence[str], domains: Mapping[int, tuple[str, ...]]) -> Design:
    nums, cats = info.integer("nums"), info.integer("cats")
    if nums + cats != len(features) or any((i in domains) != (i < cats) for i in range(len(features))):
        raise ModelFileError("nums, cats, n_features and [domains] contradict each other")
    mul, sub = (_optional(info, f"norm_{k}", nums) for k in ("mul", "sub"))
    if (mul is None) != (sub is None):
        raise ModelFileError("norm_mul and norm_sub must both be given or null")
    if mul is not None and (mul == 0).any():
        raise ModelFileError("norm_mul holds a 0")
    design = Design(
        cats=tuple(features[:cats]),
        nums=tuple(features[cats:]),
        levels=tuple(domains[i] for i in range(cats)),
        all_levels=info.flag("use_all_factor_levels"),
        mean=(0.0,) * nums if sub is None else tuple(sub.tolist()),
        sub=None if sub is None else tuple(sub.tolist()),
        mul=None if mul is None else tuple(mul.tolist()),
        impute_when_scoring=False,
    )
    if info.integers("cat_offsets", cats + 1) != design.cat_offsets:
        raise ModelFileError("cat_offsets and [domains] contradict each other")
    return design


def _encoding(info: Pairs, special: Sequence[str], lines: Callable[[str, int], list[str]]) -> Encoding | None:
    kind = info.text("_genmodel_encoding", "AUTO")
    if kind in ("AUTO", "OneHotInternal", "SortByResponse", "Enum"):
        return None
    if kind not in ("Binary", "Eigen", "LabelEncoder"):
        raise NotSupported(f"_genmodel_encoding: a MOJO with the encoding {kind[:40]!a} cannot be read")
    names = lines("_orig_names", info.integer("_n_orig_names"))
    levels: dict[str, tuple[str, ...]] = {}
    sizes = [info.integer(f"_m_orig_domain_values_{i}", 0) for i in range(info.integer("_n_orig_domain_values"))]
    if len(sizes) != len(names):
        raise ModelFileError("_n_orig_names and _n_orig_domain_values differ")
    kept = [i for i, n in enumerate(names) if n not in special]
    for i in kept:
        if sizes[i]:
            levels[names[i]] = tuple(lines(f"_orig_domain_values_{i}", sizes[i]))
    values: dict[str, tuple[float, ...]] = {}
    if kind == "LabelEncoder":
        values = {c: label_values(v) for c, v in levels.items()}
    elif kind == "Eigen":
        projection, at = info.array("_orig_projection_array", None), 0
        assert projection is not None
        for i, size in enumerate(sizes):
            part = projection[at : at + size]
            at += size
            if names[i] in levels:
                if len(part) != size:
                    raise ModelFileError("_orig_projection_array is shorter than the levels")
                values[names[i]] = tuple(part.astype(np.float32).astype(np.float64).tolist())  # as H2O does
    return Encoding(kind, tuple(names[i] for i in kept), levels, values, {})


def _response(info: Pairs, columns: Sequence[str], domains: Mapping[int, tuple[str, ...]]) -> Response:
    last = len(columns) - 1
    levels = domains.get(last)
    classes = info.integer("n_classes", low=1)
    if classes != len(levels or (1,)):
        raise ModelFileError(f"n_classes is {classes}, the response has {len(levels or ())} levels")
    mul, sub = (_optional(info, f"norm_resp_{k}", 1) for k in ("mul", "sub"))
    if levels is not None or mul is None or sub is None:
        return Response(columns[last], levels, info.text("distribution"))
    return Response(columns[last], None, info.text("distribution"), float(sub[0]), float(mul[0]))


def _optional(info: Pairs, name: str, length: int) -> np.ndarray | None:
    found = info.array(name, None, optional=True)
    if found is None or (len(found) == 0 and length):  # H2O writes [] or null
        return None
    if len(found) != length or not np.isfinite(found).all():
        raise ModelFileError(f"{name} must be {length} finite numbers")
    return found if length else None


def _finite(info: Pairs, name: str, length: int) -> np.ndarray:
    found = info.array(name, length)
    assert found is not None
    if not np.isfinite(found).all():
        raise ModelFileError(f"{name} holds a number that is not finite")
    return found


def _matrix(info: Pairs, name: str, rows: int, cols: int) -> np.ndarray:
    wide = _finite(info, name, rows * cols)
    if wide.size and np.abs(wide).max() > np.finfo(np.float32).max:
        raise ModelFileError(f"{name} holds a number that is no float32")
    return wide.astype(np.float32).reshape(rows, cols)


def _given(
    info: Pairs, described: Mapping[str, Any], design: Design, units: list[int], activation: str, *, autoencoder: bool
) -> DeepLearningParams:
    """Parameters of the training, as far as they are known."""
    p = DeepLearningParams()
    for name in _KEPT:
        value, default = described.get(name), getattr(p, name)
        if type(value) is type(default) or (type(default) is float and type(value) is int):
            setattr(p, name, value)
    p.activation, p.hidden, p.autoencoder = activation, units[1:-1], autoencoder  # type: ignore[assignment]
    p.use_all_factor_levels = design.all_levels
    p.standardize = design.mul is not None or not design.nums
    if activation.endswith("WithDropout"):
        ratios = info.array("hidden_dropout_ratios", len(units) - 1)
        assert ratios is not None
        p.hidden_dropout_ratios = ratios[:-1].tolist()
    if not info.flag("mean_imputation", True):
        p.missing_values_handling = "Skip"
    if info.text("category") == "Regression":
        p.distribution = info.text("distribution")  # type: ignore[assignment]
    p.input_dropout_ratio = 0.0
    safe, _ = examine(p, unbuilt=True)
    return safe


def _parameters(
    given: DeepLearningParams, actual: DeepLearningParams, name: str, seed: int, response: Response | None
) -> dict[str, dict[str, Any]]:
    before, after = _plain(given), _plain(actual)
    out = {}
    for f in fields(actual):
        default = getattr(DeepLearningParams(), f.name)
        out[f.name] = {"default": jsonable(default), "input": before[f.name], "actual": after[f.name]}
    out["seed"]["actual"], out["model_id"]["actual"] = seed, name
    out["response_column"]["input"] = out["response_column"]["actual"] = None if response is None else response.name
    return out
