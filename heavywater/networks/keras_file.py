"""Models and weights of Keras in their files: ``.keras`` (a zip), HDF5 of whole models, and HDF5 of weights alone.

Nothing of Keras is imported, and no class is looked up by a name in a file: what a layer means stands in
``keras_layers``. A definition is JSON; weights are arrays of HDF5.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError, NotSupported
from heavywater.networks.graph import Graph, array_name
from heavywater.networks.keras_graph import graph_of_config
from heavywater.networks.keras_layers import snake_case
from heavywater.networks.source import MAX_FILE, MAX_TEXT, blaming, file_bytes
from heavywater.networks.weights import datasets, opened_hdf5

__all__ = ["read_keras", "read_keras_arrays"]

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MAX_MEMBERS = 1000
_MAX_RATIO = 20
_NO_WEIGHTS = ("optimizer", "optimizer_weights")
"""Groups that belong to a training of Keras's own."""


def read_keras(path: str | os.PathLike[str]) -> Graph:
    """The network of a model that Keras saved, as ``.keras`` or as HDF5.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is no such model, is damaged or hostile, or has a layer that is not known; the message names it.
    NotSupported
        The package h5py is not installed.
    """
    data = file_bytes(path)
    with blaming(path, "a model of Keras"):
        return graph_of_config(_definition(data))


def read_keras_arrays(path: str | os.PathLike[str], graph: Graph | None = None) -> dict[str, NDArray[np.float32]]:
    """The weights in a file of Keras: a whole model, or weights alone (``.weights.h5``, or the older ``.h5``).

    Parameters
    ----------
    path : str or path-like
    graph : Graph, optional
        The network they are for. Today's files number the variables of a layer; the network knows their names.

    Returns
    -------
    dict of str to numpy.ndarray
        float32 arrays in Keras's layout by ``<layer>/<variable>``, e.g. ``conv2d/kernel``; ``graph.from_file`` turns
        them. Other arrays keep the name of the file.
    """
    data = file_bytes(path)
    with blaming(path, "weights of Keras"):
        if data.startswith(b"PK"):
            members = _members(data)
            classes = _classes(_parsed(members[_CONFIG])) if _CONFIG in members else {}
            if _WEIGHTS not in members:
                raise ModelFileError(f"it has no member {_WEIGHTS}")
            data = members[_WEIGHTS]
        else:
            classes = {}
        with opened_hdf5(data) as file:
            found = datasets(file, len(data), leave_out=_NO_WEIGHTS)
            named, numbered = _by_name(file, found), _by_number(file, found, classes)
        if not named and not numbered:
            return found
        return _completed(_aliased(named, graph) | _with_names(numbered, graph), graph)


# -- definitions ------------------------------------------------------------------------------------------------------


def _definition(data: bytes) -> Mapping[str, Any]:
    if data.startswith(b"PK"):
        members = _members(data, only=_CONFIG)
        if _CONFIG not in members:
            raise ModelFileError(f"it has no member {_CONFIG}")
        return _parsed(members[_CONFIG])
    with opened_hdf5(data) as file:
        text = _attribute(file, "model_config")
    if not isinstance(text, str):
        raise NotSupported(
            "it holds weights alone: give the model, saved with model.save('name.keras'), as network_definition_file, and "
            "these weights as network_parameters_file"
        )
    return _parsed(text.encode())


def _parsed(text: bytes) -> Mapping[str, Any]:
    if len(text) > MAX_TEXT:
        raise ModelFileError(f"its definition has {len(text):,} bytes; at most {MAX_TEXT:,} are read")
    try:
        made = json.loads(text)
    except RecursionError:
        raise ModelFileError("its definition is nested too deeply") from None
    if not isinstance(made, dict):
        raise ModelFileError("its definition is no JSON object")
    return made


def _members(data: bytes, only: str | None = None) -> dict[str, bytes]:
    """The members of a ``.keras`` file that are used, checked before they are unpacked."""
    made = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            twice = [n for n, count in Counter(i.filename for i in infos).items() if count > 1]
            if len(infos) > _MAX_MEMBERS or twice:
                raise ModelFileError(f"it has {len(infos):,} members, or one of them twice ({twice[:1]!a:.60})")
            for info in infos:
                if info.filename not in (_CONFIG, _WEIGHTS) or only not in (None, info.filename):
                    continue
                limit = min(MAX_FILE if info.filename == _WEIGHTS else MAX_TEXT, max(_MAX_RATIO * len(data), 1 << 20))
                if info.flag_bits & 1 or info.file_size > limit:
                    raise ModelFileError(f"its member {info.filename} is encrypted, or claims {info.file_size:,} bytes")
                with archive.open(info) as member:
                    made[info.filename] = member.read(limit + 1)
                if len(made[info.filename]) != info.file_size:
                    raise ModelFileError(f"its member {info.filename} has another size than it claims")
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise ModelFileError(f"it is damaged ({error!s:.100})") from None
    return made


def _classes(config: Mapping[str, Any]) -> dict[str, str]:
    """Path of a layer in the file of weights → its name, as Keras makes paths from classes.

    Files of its newer versions say the name themselves.
    """
    made: dict[str, str] = {}
    stack: list[tuple[str, str, Any, int]] = [("", "", config, 0)]
    while stack:
        path, name, model, depth = stack.pop()
        inner = model.get("config") if isinstance(model, dict) else None
        layers = inner.get("layers") if isinstance(inner, dict) else None
        if not isinstance(layers, list) or depth > 16:
            continue
        used: Counter[str] = Counter()
        for layer in layers:
            kind, told = layer["class_name"], layer["config"].get("name", "")
            plain = snake_case(kind)
            place = f"{path}layers/{plain}" + (f"_{used[plain]}" if used[plain] else "")
            used[plain] += 1
            made[place] = f"{name}{told}"
            stack.append((f"{place}/", f"{name}{told}/", layer, depth + 1))
    return made


# -- weights ----------------------------------------------------------------------------------------------------------


def _by_name(file: Any, found: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Weights of the older layout: a group per layer, whose attribute lists the names of its variables."""
    made = {}
    for prefix in ("model_weights/", ""):
        for group in file.get(prefix.rstrip("/"), {}) if prefix else file:
            for variable in _attribute(file[f"{prefix}{group}"], "weight_names") or ():
                where, parts = f"{prefix}{group}/{variable}", str(variable).split(":")[0].split("/")
                if where in found:  # the name may begin with that of the model, or lack that of the layer
                    inside = parts[parts.index(group) :] if group in parts[:-1] else [group, *parts]
                    made["/".join(inside)] = found[where]
    return made


def _by_number(
    file: Any, found: Mapping[str, NDArray[np.float32]], classes: Mapping[str, str]
) -> dict[str, list[NDArray[np.float32]]]:
    """Weights of today's layout, ``layers/<class>/vars/<number>``, by the names of their layers."""
    made: dict[str, dict[int, NDArray[np.float32]]] = {}
    for where, values in found.items():
        parts = where.replace("_layer_checkpoint_dependencies/", "layers/").split("/")
        if len(parts) < 4 or parts[-2] != "vars" or not parts[-1].isdecimal() or "seed_generator" in parts:
            continue
        raw = where.split("/")[:-2]
        names = []
        for end in range(2, len(parts) - 1, 2):
            place = "/".join(parts[:end])
            stored = _attribute(file.get("/".join([*raw[:end], "vars"])), "name")
            names.append(stored if isinstance(stored, str) else classes.get(place, parts[end - 1]).split("/")[-1])
        made.setdefault("/".join(names), {})[int(parts[-1])] = values
    return {layer: [values[i] for i in sorted(values)] for layer, values in made.items()}


def _with_names(
    numbered: Mapping[str, list[NDArray[np.float32]]], graph: Graph | None
) -> dict[str, NDArray[np.float32]]:
    """Names for the numbered variables of layers, from the network where there is one."""
    known: dict[str, list[str]] = {}
    for node in () if graph is None else graph.nodes:
        for role, name in node.attrs["names"].items():
            if not (role == "gamma" and node.attrs.get("fix_gamma")):
                known.setdefault(name.rpartition("/")[0], []).append(name)
    made: dict[str, NDArray[np.float32]] = {}
    for layer, arrays in numbered.items():
        names = known.get(layer, [])
        if len(names) > len(arrays):  # a normalisation without its centre stores no beta
            names = [n for n in names if not n.endswith("/beta")]
        if len(names) != len(arrays):
            names = [f"{layer}/{i}" for i in range(len(arrays))]
        made |= dict(zip(names, arrays))
    return made


def _aliased(named: dict[str, NDArray[np.float32]], graph: Graph | None) -> dict[str, NDArray[np.float32]]:
    """Keras 2 called the kernel of a DepthwiseConv2D depthwise_kernel."""
    known = {name for node in (graph.nodes if graph else ()) for name in node.attrs["names"].values()}
    old = {
        n.replace("depthwise_kernel", "kernel"): n for n in named if n.endswith("/depthwise_kernel") and n not in known
    }
    return {n: v for n, v in named.items() if n not in old.values()} | {new: named[n] for new, n in old.items()}


def _completed(arrays: dict[str, NDArray[np.float32]], graph: Graph | None) -> dict[str, NDArray[np.float32]]:
    """With the scale and the centre of normalisations that have none in Keras."""
    for node in () if graph is None else graph.nodes:
        mean = arrays.get(array_name(node, "moving_mean")) if node.op == "batchnorm" else None
        if mean is not None:
            arrays.setdefault(array_name(node, "gamma"), np.ones_like(mean))
            arrays.setdefault(array_name(node, "beta"), np.zeros_like(mean))
    return arrays


def _attribute(item: Any, name: str) -> Any:
    """An attribute of a group: text, or a list of text; None when it is neither or not there."""
    if item is None or name not in item.attrs:
        return None
    stored = item.attrs.get_id(name)
    if stored.get_space().get_simple_extent_npoints() > 100_000:
        raise ModelFileError(f"its attribute {name} is too long")
    value = item.attrs[name]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in value.reshape(-1)]
    return value if isinstance(value, str) else None
