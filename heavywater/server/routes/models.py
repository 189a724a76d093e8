"""Models: look at them, save, load, remove."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from heavywater.algos.base import algorithm
from heavywater.engine.session import validators
from heavywater.models.container import from_bytes, to_bytes
from heavywater.models.model import Model
from heavywater.server.errors import Refused, missing
from heavywater.server.hub import Hub
from heavywater.server.router import Raw, route
from heavywater.server.routes.frames import compatible
from heavywater.server.v3 import frame as v3frame
from heavywater.server.v3 import model as v3
from heavywater.server.v3.schema import schema


@route("GET", "/3/Models")
def listed(hub: Hub, find_compatible_frames: bool = False) -> dict[str, Any]:
    """All models."""
    return v3.models([v3.synopsis(m) for m in hub.models()])


@route("GET", "/3/Models/{model_id}")
def one(hub: Hub, model_id: str, find_compatible_frames: bool = False, preview: bool = False) -> dict[str, Any]:
    """One model: parameters, tables, metrics."""
    m = hub.model(model_id)
    frames = None
    if find_compatible_frames:
        frames = [v3frame.frame_object(n, f) for n, f in hub.frames() if compatible(m, f)]
    publish_weights(hub, m)
    folds = [f for k in m.output.get("cross_validation_models") or () if isinstance(f := hub.store.get(k), Model)]
    names = None if frames is None else [f["frame_id"]["name"] for f in frames]
    return v3.models([v3.model(m, names, folds, lambda k: hub.find(k) is not None)], frames)


route("GET", "/99/Models/{model_id}")(one)


def publish_weights(hub: Hub, m: Model) -> None:
    """Make frames of the weights and biases, if the model was trained to show them."""
    if not m.output["parameters"].get("export_weights_and_biases", {}).get("actual"):
        return
    for i in range(len(m.state.schema["units"]) - 1):
        if hub.find(f"{m.key}.weights.{i}") is None:
            hub.engine.put(f"{m.key}.weights.{i}", m.weights(matrix_id=i))  # type: ignore[attr-defined]
            hub.engine.put(f"{m.key}.biases.{i}", m.biases(vector_id=i))  # type: ignore[attr-defined]


@route("DELETE", "/3/Models/{model_id}")
def delete(hub: Hub, model_id: str) -> dict[str, Any]:
    """Forget a model."""
    hub.model(model_id)
    hub.remove(model_id)
    return v3.models([])


@route("DELETE", "/3/Models")
def delete_all(hub: Hub) -> dict[str, Any]:
    """Forget all models."""
    for m in hub.models():
        hub.remove(m.key)
    return v3.models([])


# -- files ----------------------------------------------------------------------------------------------------------------


@route("GET", "/99/Models.bin/{model_id}")
def save(
    hub: Hub, model_id: str, dir: str, force: bool = False, export_cross_validation_predictions: bool = False
) -> dict[str, Any]:
    """Save a model to a file under the folders open to clients."""
    m = hub.model(model_id)
    target = hub.roots.resolve(dir)
    if target.exists() and not force:
        raise _file_error("exportModel", dir, "File already exists")
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True)
        if not hub.roots.contains(target.parent.resolve()):
            raise _file_error("exportModel", dir, "outside the folders open to clients")
    hub.engine.save_model(m, target, force=force)
    fields = {
        "dir": str(target),
        "force": force,
        "export_cross_validation_predictions": export_cross_validation_predictions,
    }
    return schema("ModelExportV3", "Iced", fields, request=True)


def _file_error(function: str, path: str, text: str) -> Refused:
    return Refused(
        f"Illegal argument: dir of function: {function}: water.api.FSIOException: FS IO Failure: \n"
        f" accessed path : file:{path} msg: {text}",
        values={"argument": "dir", "function": function},
    )


@route("POST", "/99/Models.bin/{model_id}")
def load(hub: Hub, model_id: str, dir: str, force: bool = False) -> dict[str, Any]:
    """Load a model from a file under the folders open to clients."""
    source = hub.roots.resolve(dir)
    if not source.is_file():
        raise _file_error("importModel", dir, "File not found")
    return v3.models([v3.model(hub.engine.load_model(source))])


@route("POST", "/99/Models.bin")
def load_unnamed(hub: Hub, dir: str, force: bool = False) -> dict[str, Any]:
    """Load a model from a file under the folders open to clients."""
    return load(hub, "", dir, force)


@route("GET", "/3/Models.fetch.bin/{model_id}")
def fetch(hub: Hub, model_id: str, export_cross_validation_predictions: bool = False) -> Raw:
    """Download a model file."""
    m = hub.model(model_id)
    name = re.sub(r"[^A-Za-z0-9_.$-]", "_", model_id)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Raw(to_bytes(m.state), "application/octet-stream", 200, headers)


@route("POST", "/99/Models.upload.bin/{model_id}")
def upload(hub: Hub, model_id: str, dir: str) -> dict[str, Any]:
    """Take an uploaded model file into use."""
    raw = hub.raw.get(dir)
    if raw is None:
        raise missing(dir, "dir")
    state = from_bytes(Path(raw.path).read_bytes(), validators=validators())
    model: Model = algorithm(state.algo).build_model(state, str(state.output["model_id"]))
    hub.engine.put(model.key, model)
    hub.remove(dir)
    return v3.models([v3.model(model)])


@route("POST", "/99/Models.upload.bin")
def upload_unnamed(hub: Hub, dir: str) -> dict[str, Any]:
    """Take an uploaded model file into use."""
    return upload(hub, "", dir)
