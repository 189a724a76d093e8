"""The scoring service: one model behind HTTP."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heavywater.deploy import pages, rows
from heavywater.deploy.counts import Counts
from heavywater.deploy.gate import COOKIE, HEADERS, Gate
from heavywater.deploy.scorers import Scorer
from heavywater.errors import HeavywaterError, NotSupported

_QUICK = 64
"""Rows that are scored at once; more go to a thread, so that others need not wait for them."""


def create_app(scorer: Scorer, gate: Gate) -> Starlette:
    """The service for a model as an ASGI application."""
    service = _Service(scorer, gate)
    routes = [
        Route("/", service.page),
        Route("/predict", service.predict, methods=["POST"]),
        Route("/predict", service.predict_query, methods=["GET"]),
        Route("/health", service.health),
        Route("/metrics", service.metrics),
        Route("/info", service.info),
        Route("/openapi.json", service.openapi),
        Route("/docs", service.docs),
    ]
    guard = Middleware(_Guard, gate=gate, counts=service.counts)
    return Starlette(routes=routes, middleware=[guard], exception_handlers={HeavywaterError: _told})


async def _told(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 415 if isinstance(error, NotSupported) else 400)


class _Service:
    def __init__(self, scorer: Scorer, gate: Gate) -> None:
        self.scorer, self.gate, self.counts = scorer, gate, Counts()

    async def page(self, request: Request) -> Response:
        """The form; a token in the address becomes a cookie."""
        query = dict(request.query_params)
        if self.gate.token is not None and self.gate.matches(query.pop("token", "")):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, self.gate.token, httponly=True, samesite="strict")
            return answer
        if not query.pop("_", ""):
            return HTMLResponse(pages.form(self.scorer, {}, None, "", None))
        result, fault = None, ""
        try:
            result = self._score(rows.to_columns([query]), flags=True)
        except HeavywaterError as e:
            fault = str(e)
        return HTMLResponse(pages.form(self.scorer, query, result, fault, None))

    async def predict(self, request: Request) -> Response:
        """Rows in the body; the answer has their form, or the one that Accept names."""
        kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        flags = request.query_params.get("flags", "").lower() in ("1", "true", "yes")
        body = await request.body()
        if kind == rows.ARROW:
            columns = rows.from_arrow(body)
        elif kind == "text/csv":
            columns = rows.to_columns(rows.from_csv(_decoded(body)))
        elif kind in ("application/json", "application/x-ndjson", "application/x-www-form-urlencoded", "text/plain"):
            columns = rows.to_columns(rows.from_json(body))
        else:
            raise NotSupported(f"a body of type {kind[:80]!r} is not read; send JSON, CSV or {rows.ARROW}")
        large = max((len(v) for v in columns.values()), default=0) > _QUICK
        found = await asyncio.to_thread(self._score, columns, flags) if large else self._score(columns, flags)
        accept = request.headers.get("accept", "*/*")
        wanted = next((k for k in (rows.ARROW, "text/csv", "application/json") if k in accept), kind)
        return _answer(found, wanted)

    async def predict_query(self, request: Request) -> Response:
        """One row as query parameters."""
        query = dict(request.query_params)
        flags = query.pop("flags", "").lower() in ("1", "true", "yes")
        return _answer(self._score(rows.to_columns([query]), flags), "application/json")

    def _score(self, columns: Mapping[str, Any], flags: bool = False) -> dict[str, Any]:
        began = time.perf_counter()
        checked = rows.checked(columns, self.scorer)
        n = max((len(v) for v in columns.values()), default=0)
        if n == 0:
            return {}
        if not checked:
            checked = {self.scorer.columns[0]: [None] * n}
        found: dict[str, Any] = {k: v.tolist() for k, v in self.scorer.predict(checked).items()}
        self.counts.scored(n, time.perf_counter() - began)
        if flags or n <= _QUICK:
            warrants = self.scorer.warrants(checked)
            self.counts.warranted(warrants)
            found |= warrants if flags else {}
        return found

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok", "model": self.scorer.name})

    async def metrics(self, request: Request) -> Response:
        return PlainTextResponse(self.counts.text(self.scorer.name), media_type="text/plain; version=0.0.4")

    async def info(self, request: Request) -> Response:
        s = self.scorer
        inputs = [
            {
                "name": c,
                "levels": list(s.levels[c]) if c in s.levels else None,
                "range": list(s.ranges[c]) if c in s.ranges else None,
            }
            for c in s.columns
        ]
        return JSONResponse({"model": s.name, "category": s.category, "format": s.format, "inputs": inputs})

    async def openapi(self, request: Request) -> Response:
        return JSONResponse(pages.openapi(self.scorer))

    async def docs(self, request: Request) -> Response:
        return HTMLResponse(pages.docs(pages.openapi(self.scorer)))


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise NotSupported(f"the body is not UTF-8 text: {e.reason}") from None


def _answer(found: dict[str, Any], kind: str) -> Response:
    if kind == rows.ARROW:
        import pyarrow as pa

        table, sink = pa.table(found), pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        return Response(sink.getvalue().to_pybytes(), media_type=rows.ARROW)
    if kind == "text/csv":
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(found)
        writer.writerows(zip(*found.values()))
        return Response(text.getvalue(), media_type="text/csv")
    lists = [dict(zip(found, map(_plain, values))) for values in zip(*found.values())]
    return JSONResponse({"predictions": lists})


def _plain(value: Any) -> Any:
    """A number that JSON cannot hold becomes null."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


class _Guard:
    """ASGI middleware: refuses what the gate refuses, limits bodies, counts, adds headers."""

    def __init__(self, app: ASGIApp, gate: Gate, counts: Counts) -> None:
        self.app, self.gate, self.counts = app, gate, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        refused = self.gate.refusal(scope["path"], {k.lower(): v for k, v in request.headers.items()}, request.cookies)
        entering = scope["path"] == "/" and self.gate.matches(request.query_params.get("token", ""))
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.gate.max_body:
                raise ClientDisconnect
            return message

        async def out(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.counts.request(message["status"])
                extra = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        if refused is not None and not (entering and refused[0] == 401):
            await JSONResponse({"error": refused[1]}, refused[0])(scope, receive, out)
            return
        try:
            await self.app(scope, limited, out)
        except ClientDisconnect:
            text = f"the body has more than {self.gate.max_body:,} bytes, the limit, or was cut short"
            await JSONResponse({"error": text}, 413)(scope, receive, out)
