"""Models in other forms: MOJO, Java source, JSON."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

from heavywater.algos.base import algorithm
from heavywater.engine.jobs import Job
from heavywater.export.mojo import read_mojo, write_mojo
from heavywater.export.pojo import class_name, pojo_text
from heavywater.models.model import Model
from heavywater.server.errors import Refused, bad_request, missing
from heavywater.server.hub import Hub
from heavywater.server.router import Raw, route
from heavywater.server.v3 import job as v3job
from heavywater.server.v3 import model as v3
from heavywater.server.v3.schema import dumps, key, schema

_PREVIEW = 1000
_KINDS = [
    "Unknown", "Binomial", "Multinomial", "Ordinal", "Regression", "Clustering", "AutoEncoder", "TargetEncoder",
    "DimReduction", "WordEmbedding", "CoxPH", "AnomalyDetection", "KLime", "BinomialUplift",
]  # fmt: skip
"""What a MOJO may hold, by H2O's names."""


@route("GET", "/3/Models/{model_id}/mojo")
def mojo(hub: Hub, model_id: str) -> Raw:
    """A model as a MOJO, which H2O's Java runtime scores."""
    m = hub.model(model_id)
    path = write_mojo(m, hub.scratch / f"{secrets.token_hex(8)}.zip")
    try:
        data = path.read_bytes()
    finally:
        path.unlink()
    return Raw(data, "application/octet-stream", 200, _attached(f"{model_id}.zip"))


@route("GET", "/99/Models.mojo/{model_id}")
def save_mojo(hub: Hub, model_id: str, dir: str, force: bool = False) -> dict[str, Any]:
    """Write a model as a MOJO under the folders open to clients."""
    m = hub.model(model_id)
    target = _free(hub, dir, force)
    write_mojo(m, target, force=force)
    return _exported(dir, force)


@route("GET", "/3/Models.java/{model_id}")
def pojo(hub: Hub, model_id: str) -> Raw:
    """A model as Java source."""
    m = hub.model(model_id)
    return Raw(pojo_text(m), "text/plain; charset=utf-8", 200, _attached(f"{class_name(m.key)}.java"))


@route("GET", "/3/Models.java/{model_id}/preview")
def pojo_preview(hub: Hub, model_id: str) -> Raw:
    """The first lines of a model's Java source."""
    lines = pojo_text(hub.model(model_id)).splitlines(keepends=True)
    rest = f"// {len(lines) - _PREVIEW} more lines\n" if len(lines) > _PREVIEW else ""
    return Raw("".join(lines[:_PREVIEW]) + rest, "text/plain; charset=utf-8")


@route("GET", "/99/Models/{model_id}/json")
def save_json(hub: Hub, model_id: str, dir: str, force: bool = False) -> dict[str, Any]:
    """Write the description of a model under the folders open to clients."""
    m = hub.model(model_id)
    target = _free(hub, dir, force)
    target.write_bytes(dumps(v3.model(m)))
    return _exported(dir, force)


@route("POST", "/3/ModelBuilders/generic")
def generic(
    hub: Hub, model_id: str | None = None, path: str | None = None, model_key: str | None = None, agent: str = "rest"
) -> dict[str, Any]:
    """Make a model of a MOJO: a file under the folders open to clients, or an upload; a job."""
    if (path is None) == (model_key is None):
        raise bad_request("give either path or model_key, the MOJO's file or upload")
    if path is not None:
        source = hub.roots.resolve(path)
        if not source.is_file():
            raise missing(path, "path")
    else:
        raw = hub.raw.get(str(model_key))
        if raw is None:
            raise missing(str(model_key), "model_key")
        source = raw.path
    name = model_id or hub.new_model_key("Generic", agent)

    def work(job: Job[Model]) -> Model:
        state = read_mojo(source, key=name)
        made: Model = algorithm(state.algo).build_model(state, name)
        hub.engine.put(name, made)
        return made

    record = hub.start(work, "Generic", name, "Model")
    values = {"model_id": key(name, "Model"), "model_key": key(model_key, "Frame"), "path": path}
    kinds = {"model_id": "Key<Model>", "model_key": "Key<Frame>", "path": "string"}
    helps = {"model_id": "The model's name.", "model_key": "An uploaded MOJO.", "path": "The file of a MOJO."}
    fields = {
        "_exclude_fields": None,
        "job": v3job.job(record),
        "algo": "generic",
        "algo_full_name": "Import MOJO Model",
        "can_build": _KINDS,
        "visibility": "Stable",
        "supervised": False,
        "messages": [],
        "error_count": 0,
        "parameters": [v3.plain_parameter(n, kinds[n], helps[n], values[n]) for n in values],
    }
    return schema("GenericV3", "Generic", fields)


def _free(hub: Hub, text: str, force: bool) -> Path:
    target = hub.roots.resolve(text)
    if target.is_dir():
        raise Refused(f"dir must name a file; {text[:200]!r} is a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not force:
        raise Refused(f"File {text[:200]} already exists; force=True replaces it")
    return target


def _exported(place: str, force: bool) -> dict[str, Any]:
    fields = {"dir": place, "force": force, "export_cross_validation_predictions": False}
    return schema("ModelExportV3", "Iced", fields, request=True)


def _attached(name: str) -> dict[str, str]:
    safe = re.sub(r"[^A-Za-z0-9_.$-]", "_", name)
    return {"Content-Disposition": f'attachment; filename="{safe}"'}
