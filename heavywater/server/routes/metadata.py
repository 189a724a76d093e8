"""What the server says about itself: schemas and addresses."""

from __future__ import annotations

import html
import re
from typing import Any

from heavywater.algos.base import ALGORITHMS
from heavywater.errors import did_you_mean
from heavywater.server.errors import Refused
from heavywater.server.hub import Hub
from heavywater.server.router import ROUTES, Raw, Route, route
from heavywater.server.v3.model import EXPORTED
from heavywater.server.v3.schema import dumps, schema
from heavywater.server.v3.schemas import metadata, schemas
from heavywater.server.wire import signature


@route("GET", "/3/Metadata/schemas/{schemaname}", quick=True)
def one_schema(hub: Hub, schemaname: str) -> dict[str, Any]:
    """Fields of one schema."""
    known = schemas()
    if schemaname not in known:
        raise Refused(
            f"Object '{schemaname}' not found for argument: schema name{did_you_mean(schemaname, known)}", 404,
            "water.exceptions.H2ONotFoundArgumentException",
        )  # fmt: skip
    return metadata(None, [known[schemaname]])


@route("GET", "/3/Metadata/schemas")
def all_schemas(hub: Hub) -> dict[str, Any]:
    """Fields of the schemas that are described."""
    return metadata(None, schemas().values())


@route("GET", "/3/Metadata/endpoints")
def endpoints(hub: Hub) -> dict[str, Any]:
    """All addresses."""
    return metadata([_described(r) for r in ROUTES], [])


@route("GET", "/3/Metadata/endpoints/{path}")
def endpoint(hub: Hub, path: str) -> dict[str, Any]:
    """One address, by its position in the list or by its text."""
    if path.isdigit() and int(path) < len(ROUTES):
        return metadata([_described(ROUTES[int(path)])], [])
    bare = path.strip("/")
    found = [r for r in ROUTES if r.pattern.strip("/") == bare]
    if not found:
        raise Refused(f"no address {path[:200]!r}", 404, "water.exceptions.H2ONotFoundArgumentException")
    return metadata([_described(r) for r in found], [])


_OF_VERSION_4 = {
    "/4/Predictions/models/{model}/frames/{frame}": ("ModelMetricsListSchemaV3", "JobV3"),
    "/4/endpoints": ("ListRequestV4", "EndpointsListV4"),
    "/4/modelsinfo": ("ListRequestV4", "ModelsInfoV4"),
    "/4/sessions": ("InputSchemaV4", "SessionIdV4"),
    "/4/sessions/{session_key}": ("InitIDV3", "InitIDV3"),
    "/4/jobs/{job_id}": ("JobIV4", "JobV4"),
}
_OTHER = ("InputSchemaV4", "JobV4")


@route("GET", "/4/endpoints")
def endpoints4(hub: Hub) -> dict[str, Any]:
    """Addresses of version 4."""
    listed = [
        {
            "__schema": "/4/schemas/EndpointV4",
            "url": f"{r.method} {r.pattern}",
            "description": r.summary,
            "name": r.handler.__name__,
            "input_schema": f"/4/schemas/{_OF_VERSION_4.get(r.pattern, _OTHER)[0]}",
            "output_schema": f"/4/schemas/{_OF_VERSION_4.get(r.pattern, _OTHER)[1]}",
        }
        for r in ROUTES
        if r.pattern.startswith("/4/")
    ]
    return {"__schema": "/4/schemas/EndpointsListV4", "endpoints": listed}


@route("GET", "/4/modelsinfo")
def models_info(hub: Hub) -> dict[str, Any]:
    """Algorithms, and the forms in which their models can be exported."""
    listed = [
        {
            "__schema": "/4/schemas/ModelInfoV4",
            "algo": name,
            "maturity": "stable",
            "have_pojo": name in EXPORTED,
            "have_mojo": name in EXPORTED,
            "mojo_version": EXPORTED.get(name),
        }
        for name in ALGORITHMS
    ]
    return {"__schema": "/4/schemas/ModelsInfoV4", "models": listed}


def _described(r: Route) -> dict[str, Any]:
    fields = {
        "http_method": r.method,
        "url_pattern": r.pattern,
        "summary": r.summary,
        "api_name": r.handler.__name__,
        "handler_class": r.handler.__module__.rpartition(".")[2],
        "handler_method": r.handler.__name__,
        "input_schema": None,
        "output_schema": None,
        "path_params": re.findall(r"\{(\w+)\}", r.pattern),
        "markdown": None,
    }
    return schema("RouteV3", "Route", fields)


_OPEN = {bool: "boolean", int: "integer", float: "number"}


@route("GET", "/openapi.json", quick=True)
def openapi(hub: Hub) -> Raw:
    """The addresses as an OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for r in ROUTES:
        placed = re.findall(r"\{(\w+)\}", r.pattern)
        kinds, _ = signature(r.handler)
        parameters = [
            {
                "name": name,
                "in": "path" if name in placed else "query",
                "required": name in placed,
                "schema": {"type": _OPEN.get(kind, "string")},
            }
            for name, kind in kinds.items()
            if name not in ("request", "agent")
        ]
        paths.setdefault(r.pattern, {})[r.method.lower()] = {
            "summary": r.summary,
            "parameters": parameters,
            "responses": {"200": {"description": "The answer"}, "default": {"description": "H2OErrorV3"}},
        }
    info = {"title": "heavywater", "version": hub.settings.h2o_version}
    return Raw(dumps({"openapi": "3.1.0", "info": info, "paths": paths}), "application/json")


@route("GET", "/docs", quick=True)
def docs(hub: Hub) -> Raw:
    """The addresses as a page."""
    rows = "".join(
        f"<tr><td>{html.escape(r.method)}</td><td><code>{html.escape(r.pattern)}</code></td>"
        f"<td>{html.escape(r.summary)}</td></tr>"
        for r in sorted(ROUTES, key=lambda r: (r.pattern, r.method))
    )
    text = (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>heavywater: addresses</title>"
        "<h1>Addresses</h1><p>As an <a href='/openapi.json'>OpenAPI document</a>.</p>"
        f"<table><tr><th>Method</th><th>Address</th><th>What it does</th></tr>{rows}</table></html>"
    )
    return Raw(text, "text/html; charset=utf-8")
