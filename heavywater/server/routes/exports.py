"""Models in other forms: MOJO, Java source, JSON."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

from heavywater.export.mojo import write_mojo
from heavywater.export.pojo import class_name, pojo_text
from heavywater.server.errors import Refused
from heavywater.server.hub import Hub
from heavywater.server.router import Raw, route
from heavywater.server.v3 import model as v3
from heavywater.server.v3.schema import dumps, schema

_PREVIEW = 1000


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
