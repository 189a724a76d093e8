"""The form to try a row by hand, and the service's OpenAPI description; nothing in them is fetched or run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from heavywater import __version__
from heavywater.deploy.scorers import Scorer

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse}td,th{padding:.25rem .75rem;text-align:left;border-bottom:1px solid #ddd}"
    "input,select{font:inherit;width:100%}button{font:inherit;margin-top:1rem}.note{color:#a40}"
)
_MOST_FIELDS = 200


def form(
    scorer: Scorer, given: Mapping[str, str], result: Mapping[str, Sequence[Any]] | None, fault: str, token: str | None
) -> str:
    """The page with a field for every input, and the prediction for the values in them."""
    fields = "".join(_field(scorer, name, given.get(name, "")) for name in scorer.columns[:_MOST_FIELDS])
    note = (
        ""
        if len(scorer.columns) <= _MOST_FIELDS
        else f"<p>The first {_MOST_FIELDS} of {len(scorer.columns)} inputs.</p>"
    )
    answer = f"<p class='note'>{escape(fault)}</p>" if fault else ""
    if result is not None:
        rows = "".join(
            f"<tr><th>{escape(k)}</th><td>{escape(_shown(v[0]))}</td></tr>" for k, v in result.items() if _shown(v[0])
        )
        answer += f"<h2>Prediction</h2><table>{rows}</table>"
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(scorer.name)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(scorer.name)}</h1><p>{escape(scorer.category)} model, {escape(scorer.format)} file. "
        "Leave a field empty where the value is missing. <a href='docs'>Interface</a></p>"
        f"{answer}<form method='get' action=''><table>{fields}</table>{note}<button>Predict</button>"
        "<input type='hidden' name='_' value='1'></form></html>"
    )


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _field(scorer: Scorer, name: str, value: str) -> str:
    label = f"<tr><th><label for='{escape(name)}'>{escape(name)}</label></th><td>"
    levels = scorer.levels.get(name)
    if levels is not None and len(levels) <= 100:
        options = "".join(f"<option{' selected' if v == value else ''}>{escape(v)}</option>" for v in ("", *levels))
        return f"{label}<select id='{escape(name)}' name='{escape(name)}'>{options}</select></td></tr>"
    limits = scorer.ranges.get(name)
    hint = f" placeholder='{limits[0]:g} to {limits[1]:g}'" if limits else ""
    return f"{label}<input id='{escape(name)}' name='{escape(name)}' value='{escape(value)}'{hint}></td></tr>"


def openapi(scorer: Scorer) -> dict[str, Any]:
    """The OpenAPI 3.1 description of the service."""
    properties: dict[str, Any] = {}
    for name in scorer.columns:
        if name in scorer.levels:
            properties[name] = {"type": ["string", "number", "null"], "examples": list(scorer.levels[name][:3])}
        else:
            properties[name] = {"type": ["number", "null"]}
            if name in scorer.ranges:
                low, high = scorer.ranges[name]
                properties[name]["description"] = f"training range {low:g} to {high:g}"
    row = {"$ref": "#/components/schemas/Row"}
    body = {
        "application/json": {"schema": {"oneOf": [row, {"type": "array", "items": row}]}},
        "text/csv": {"schema": {"type": "string"}},
        "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "contentEncoding": "binary"}},
    }
    flags = {
        "name": "flags", "in": "query", "schema": {"type": "boolean", "default": False},
        "description": "say for each row which inputs were missing, unseen or out of the range of training",
    }  # fmt: skip
    answers = {
        "200": {"description": "predictions, in the order of the rows"},
        "400": {"description": "what was wrong"},
    }
    predict = {
        "summary": "Predict one row or many",
        "parameters": [flags],
        "requestBody": {"content": body},
        "responses": answers,
    }
    texts = {"/health": "Whether the service is up", "/metrics": "Counters for Prometheus", "/info": "About the model"}
    paths: dict[str, Any] = {
        p: {"get": {"summary": t, "responses": {"200": {"description": "OK"}}}} for p, t in texts.items()
    }
    paths["/predict"] = {
        "post": predict,
        "get": {"summary": "Predict one row given as query parameters", "responses": answers},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": scorer.name, "version": __version__, "description": f"{scorer.category} model"},
        "paths": paths,
        "components": {
            "schemas": {"Row": {"type": "object", "properties": properties}},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def docs(description: Mapping[str, Any]) -> str:
    """The description as a page."""
    rows = "".join(
        f"<tr><td>{method.upper()}</td><td>{escape(path)}</td><td>{escape(what['summary'])}</td></tr>"
        for path, methods in description["paths"].items()
        for method, what in methods.items()
    )
    inputs = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(' or '.join(p['type']))}</td><td>{escape(_about(p))}</td></tr>"
        for name, p in description["components"]["schemas"]["Row"]["properties"].items()
    )
    title = escape(description["info"]["title"])
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"
        f"<table>{rows}</table><h2>A row</h2><table>{inputs}</table>"
        "<p>Machines read <a href='openapi.json'>openapi.json</a>.</p></html>"
    )


def _about(p: Mapping[str, Any]) -> str:
    return str(p.get("description") or ", ".join(p.get("examples", ())))
