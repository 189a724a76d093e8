"""The application: from a request to its handler and back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount

from heavywater.engine.session import LocalSession
from heavywater.server import routes as _registered  # noqa: F401  (registers every handler)
from heavywater.server.config import Settings
from heavywater.server.errors import Refused, error_name, error_object, no_route, refused
from heavywater.server.hub import Hub
from heavywater.server.router import Raw, Route, find
from heavywater.server.security import BodyTooLarge, Gate
from heavywater.server.v3.schema import dumps, without
from heavywater.server.wire import arguments

_MAX_ARGUMENTS = 2000


def create_app(engine: LocalSession | None = None, settings: Settings | None = None) -> Gate:
    """The server as an ASGI application.

    Parameters
    ----------
    engine : LocalSession, optional
        Engine that does the work; a new one when None.
    settings : Settings, optional

    Returns
    -------
    Gate
        The application behind its checks; ``app.hub`` is the state.
    """
    settings = settings or Settings()
    engine = engine or LocalSession()
    engine.show_progress = False
    hub = Hub(engine, settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        hub.close()

    endpoint = partial(_answer, hub)
    app = Starlette(routes=[Mount("/", app=_Every(endpoint))], lifespan=lifespan)
    gate = Gate(app, settings)
    gate.hub = hub  # type: ignore[attr-defined]
    return gate


class _Every:
    """An ASGI application that answers every address with one function."""

    def __init__(self, endpoint: Any) -> None:
        self.endpoint = endpoint

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        response = await self.endpoint(Request(scope, receive))
        await response(scope, receive, send)


async def _answer(hub: Hub, request: Request) -> Response:
    path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").split("?")[0]
    try:
        if request.method == "OPTIONS":
            return Response(status_code=200)
        found = find(request.method, path)
        if found is None:
            raise no_route(request.method, request.url.path)
        entry, placed = found
        async with asyncio.timeout(hub.settings.request_seconds):
            given = await _given(request, entry)
        excluded = given.pop("_exclude_fields", "")
        kwargs = arguments(
            entry.handler, {**given, **placed}, entry.pattern.split("/")[2] if "/" in entry.pattern[1:] else ""
        )
        if "agent" in entry.handler.__annotations__:
            kwargs["agent"] = client_word(request.headers.get("user-agent", ""))
        if entry.upload:
            result = await entry.handler(hub, request, **kwargs)
        elif entry.quick:
            result = entry.handler(hub, **kwargs)
        else:
            call = partial(entry.handler, hub, **kwargs)
            return await _unless_left(request, hub.workers.run(lambda: _response(call(), excluded)))
        return _response(result, excluded)
    except TimeoutError:
        slow = Refused(f"the body did not come within {hub.settings.request_seconds:g} seconds, the limit", 408)
        return _json(error_object(slow, request.url.path), slow.status, {"connection": "close"})
    except BodyTooLarge as e:
        large = Refused(f"the body has more than {e.args[0]} bytes, the limit", 413)
        return _json(error_object(large, request.url.path), large.status, {"connection": "close"})
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception as e:
        r = refused(e)
        return _json(error_object(r, request.url.path), r.status, {**r.headers, "X-heavywater-error": error_name(e)})


async def _unless_left(request: Request, work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work`, which ends when its client hangs up."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        watching.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        watching.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


def _response(result: Any, excluded: str) -> Response:
    if isinstance(result, Raw):
        kind = Response if isinstance(result.body, (bytes, str)) else StreamingResponse
        return kind(result.body, status_code=result.status, media_type=result.media_type, headers=result.headers)
    return _json(without(result, excluded) if excluded else result)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(dumps(value), status_code=status, media_type="application/json", headers=headers)


async def _given(request: Request, entry: Route) -> dict[str, str]:
    """Arguments of query and body as text; the body wins."""
    query = request.scope["query_string"].decode("latin-1")
    pairs = dict(_pairs(query))
    if entry.upload or request.method not in ("POST", "PUT", "DELETE"):
        return pairs
    body = await request.body()
    if not body:
        return pairs
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return pairs | _members(body)
    if kind in ("application/x-www-form-urlencoded", ""):
        try:
            return pairs | dict(_pairs(body.decode()))
        except UnicodeDecodeError:
            raise Refused("the form is not UTF-8", 400) from None
    raise Refused(f"a body of type {kind!r} is not understood here; send a form or JSON", 415)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_ARGUMENTS)
    except ValueError:
        raise Refused(f"a request has at most {_MAX_ARGUMENTS} arguments", 400) from None


def _members(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("the body is not JSON", 400) from None
    if not isinstance(value, dict):
        raise Refused("the body must be a JSON object", 400)
    return {
        str(k): v if isinstance(v, str) else json.dumps(v) for k, v in value.items() if v is not None and k != "__meta"
    }


def client_word(agent: str) -> str:
    """What H2O writes into generated names: ``python``, ``R`` or ``rest``."""
    if agent.startswith("H2O Python client"):
        return "python"
    return "R" if agent.startswith(("R/", "R (")) or "libcurl" in agent or "RCurl" in agent else "rest"
