"""A MOJO of the Deep Water layout, H2O's or ours, as a model's state.  The file may come from anybody."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from heavywater.algos.deeplearning.history import history_table
from heavywater.algos.deeplearning.response import Response
from heavywater.algos.deepwater.data import Columns
from heavywater.algos.deepwater.decode import Recipe
from heavywater.algos.deepwater.inputs import Pixels
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.algos.deepwater.resolve import metric_options
from heavywater.algos.deepwater.result import MEAN_IMAGE, VERSION, columns_to_json
from heavywater.algos.tabular.result import plain
from heavywater.errors import ModelFileError, NotSupported
from heavywater.frame.design import Design
from heavywater.models.state import ModelState
from heavywater.networks.graph import Graph

_SIDE = 1 << 14
_CATEGORIES = ("Binomial", "Multinomial", "Regression")
_BACKENDS = ("mxnet", "caffe", "pytorch")


def state_from_mojo(
    info: Any, columns: list[str], domains: Mapping[int, tuple[str, ...]], read: Callable[[str], bytes], key: str | None
) -> ModelState:
    """The state of the model in a MOJO.

    Parameters
    ----------
    info : Info
        The pairs of ``model.ini``.
    columns : list of str
        Columns, the response last.
    domains : mapping
        Levels by the index of their column.
    read : callable
        Bytes of an entry of the archive, by name; raises ModelFileError for one that is not there, and gives empty bytes
        for an optional one.
    key : str, optional
        Name of the model to be.

    Raises
    ------
    ModelFileError
        Its parts do not fit each other.
    NotSupported
        A network of TensorFlow.
    """
    backend = info.text("backend")
    if backend not in _BACKENDS:
        raise NotSupported(
            f"the network in this MOJO is made for {backend[:40]!a}; those of mxnet, caffe and heavywater are read. Take the "
            "file model_network out of it and give it as network_definition_file"
        )
    category = info.text("category")
    if category not in _CATEGORIES or len(columns) < 2:
        raise ModelFileError(f"category must be one of {', '.join(_CATEGORIES)}, with at least two columns")
    image = info.text("problem_type") == "image"
    ours = backend == "pytorch"
    graph, arrays = _caffe(info, read) if backend == "caffe" else _network(read, ours)
    made = _image_columns(info, columns, read, ours) if image else _table_columns(info, columns, domains)
    levels = domains.get(len(columns) - 1)
    response = _response(info, columns[-1], levels, category)
    params = DeepWaterParams(
        network="user", problem_type="image" if image else "dataset", gpu=False, epochs=0.0,
        mini_batch_size=info.integer("mini_batch_size", low=1, high=1 << 20),
        image_shape=[info.integer("width", high=_SIDE), info.integer("height", high=_SIDE)],
        channels=info.integer("channels", low=1, high=4096), pixel_scaling="none",
        legacy_gray_gamma=made.recipe is not None and made.recipe.gray_gamma, standardize=made.design is None,
    )  # fmt: skip
    name = key or f"DeepWater_mojo_{info.text('uuid')[:40]}"
    if made.pixels is not None and made.pixels.mean_image is not None:
        arrays[MEAN_IMAGE] = made.pixels.mean_image
    schema = {
        "network": graph.to_json(),
        "columns": columns_to_json(made),
        "response": response.to_json(),
        "metric_options": metric_options(params),
    }
    return ModelState(
        "deepwater",
        VERSION,
        plain(params),
        schema,
        _output(info, name, columns, domains, params, response, category),
        arrays,
    )


def _network(read: Callable[[str], bytes], ours: bool) -> tuple[Graph, dict[str, np.ndarray]]:
    """The graph and its arrays; ONNX and safetensors in ours, MXNet's formats in H2O's."""
    if ours:
        from safetensors import SafetensorError
        from safetensors.numpy import load

        from heavywater.networks.onnx_read import parse_onnx

        graph, _ = parse_onnx(read("model_network"))
        try:
            return graph, {n: np.ascontiguousarray(a, np.float32) for n, a in load(read("model_params")).items()}
        except SafetensorError as error:
            raise ModelFileError(f"model_params is not a safetensors file: {error}") from None
    from heavywater.networks.mxnet_arrays import parse_params
    from heavywater.networks.mxnet_symbol import parse_symbol

    try:
        text = read("model_network").decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFileError(f"model_network is not text (byte {error.start})") from None
    graph = parse_symbol(text)
    return graph, graph.from_file(parse_params(read("model_params")))


def _caffe(info: Any, read: Callable[[str], bytes]) -> tuple[Graph, dict[str, np.ndarray]]:
    """Caffe's LeNet, which such a MOJO names, and its weights, which are HDF5."""
    from heavywater.networks.caffe import solver_network
    from heavywater.networks.source import text_of
    from heavywater.networks.weights import parse_hdf5

    shape = [info.integer(k, low=1, high=_SIDE) for k in ("channels", "height", "width")]
    graph = solver_network(text_of(read("model_network"), "model_network"), info.integer("n_classes", low=2), shape)
    return graph, dict(parse_hdf5(read("model_params")))


def _image_columns(info: Any, columns: list[str], read: Callable[[str], bytes], ours: bool) -> Columns:
    width, height, channels = (info.integer(k, low=1, high=_SIDE) for k in ("width", "height", "channels"))
    if channels not in (1, 3):
        raise ModelFileError(f"channels must be 1 or 3 for images; it is {channels}")
    legacy = info.flag("legacy_images", not ours)
    recipe = Recipe(width, height, channels, legacy=legacy, gray_gamma=info.flag("legacy_gray_gamma", not ours))
    mean: np.ndarray | None = None
    stored = read("mean_image_file")
    if stored:
        from heavywater.networks.mxnet_arrays import parse_params

        found = list(parse_params(stored).values())
        if len(found) != 1 or found[0].size != math.prod(recipe.shape):
            raise ModelFileError(f"mean_image_file must hold one array of the shape {recipe.shape}")
        mean = found[0].reshape(recipe.shape).astype(np.float32)
    sub, mul = (info.array(k, channels, optional=True) for k in ("pixel_sub", "pixel_mul"))
    zeros, ones = np.zeros(channels), np.ones(channels)
    pixels = Pixels(
        tuple((zeros if sub is None else sub).tolist()), tuple((ones if mul is None else mul).tolist()), mean
    )
    return Columns(columns[0], recipe, pixels, None, None, recipe.shape)


def _table_columns(info: Any, columns: list[str], domains: Mapping[int, tuple[str, ...]]) -> Columns:
    names = columns[:-1]
    cats, nums = info.integer("cats"), info.integer("nums")
    if cats + nums != len(names):
        raise ModelFileError(f"{cats} categories and {nums} numbers are announced for {len(names)} columns")
    missing = [n for i, n in enumerate(names[:cats]) if i not in domains]
    if missing:
        raise ModelFileError(f"the levels of the column {missing[0][:60]!a} are missing")
    mul, sub = (info.array(k, nums, optional=True) for k in ("norm_mul", "norm_sub"))
    if (mul is None) != (sub is None):
        raise ModelFileError("norm_mul and norm_sub must both be given or absent")
    design = Design(
        cats=tuple(names[:cats]),
        nums=tuple(names[cats:]),
        levels=tuple(domains[i] for i in range(cats)),
        all_levels=True,
        mean=(0.0,) * nums if sub is None else tuple(sub.tolist()),
        sub=None if sub is None else tuple(sub.tolist()),
        mul=None if mul is None else tuple(mul.tolist()),
    )
    if info.integers("cat_offsets") != design.cat_offsets:
        raise ModelFileError("cat_offsets and the levels of the columns contradict each other")
    width, height, channels = (info.integer(k, high=_SIDE) for k in ("width", "height", "channels"))
    pictures = width * height * channels == design.width
    return Columns(None, None, None, design, None, (channels, height, width) if pictures else (design.width,))


def _response(info: Any, name: str, levels: tuple[str, ...] | None, category: str) -> Response:
    classes = 1 if category == "Regression" else info.integer("n_classes", low=2)
    if (classes > 1) != (levels is not None) or (levels is not None and len(levels) != classes):
        raise ModelFileError(f"category {category} and the levels of the response contradict each other")
    if levels is not None:
        return Response(name, levels, "bernoulli" if classes == 2 else "multinomial")
    mul, sub = (info.array(k, 1, optional=True) for k in ("norm_resp_mul", "norm_resp_sub"))
    plain_response = Response(name, None, "gaussian")
    if mul is None or sub is None or mul[0] == 0:
        return plain_response
    return replace(plain_response, sub=float(sub[0]), mul=float(1 / mul[0]))


def _output(
    info: Any,
    name: str,
    columns: list[str],
    domains: Mapping[int, tuple[str, ...]],
    params: DeepWaterParams,
    response: Response,
    category: str,
) -> dict[str, Any]:
    defaults = plain(DeepWaterParams())
    given = {n: {"default": defaults[n], "input": v, "actual": v} for n, v in plain(params).items()}
    classes = response.nclasses if response.levels is not None else None
    prior = info.array("prior_class_distrib", classes, optional=True) if classes else None
    balanced = info.array("model_class_distrib", classes, optional=True) if classes else None
    return {
        "model_id": name,
        "algo_full_name": "Deep Water",
        "model_category": category,
        "names": columns,
        "original_names": None,
        "column_types": ["enum" if i in domains else "real" for i in range(len(columns))],
        "domains": [None if i not in domains else list(domains[i]) for i in range(len(columns))],
        "response_column": response.name,
        "training_frame": None,
        "validation_frame": None,
        "default_threshold": info.number("default_threshold", 0.5),
        "samples": 0,
        "iterations": 0,
        "optimizer_steps": 0,
        "epochs": 0.0,
        "seed": 0,
        "why_stopped": "not known: it was read from a MOJO",
        "start_time": 0,
        "end_time": 0,
        "run_time": 0,
        "parameters": given,
        "model_summary": None,
        "scoring_history": history_table([], category, False).to_json(),
        "stopping_history": [],
        "variable_importances": None,
        "prior_class_distrib": None if prior is None else prior.tolist(),
        "model_class_distrib": None if balanced is None else balanced.tolist(),
        "training_metrics": None,
        "validation_metrics": None,
    }
