"""The gate before every request: who calls, under which name, from which page, with which secret, how much."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from heavywater.server.config import Settings
from heavywater.server.errors import Refused, error_object
from heavywater.server.v3.schema import dumps

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

audit = logging.getLogger("heavywater.audit")

COOKIE = "heavywater-token"
HEADERS = {
    "X-h2o-build-project-version": "",
    "X-h2o-rest-api-version-max": "3",
    "X-h2o-cluster-good": "true",
    "X-Frame-Options": "deny",
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_UPLOADS = ("/3/PostFile", "/99/Native/frames/")
_PAGES = ("/", "/flow", "/flow/", "/flow/index.html", "/docs")


class Gate:
    """ASGI middleware that refuses what must not get in, and writes the audit log.

    Parameters
    ----------
    app : ASGI application
    settings : Settings
    """

    def __init__(self, app: App, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self.cluster = str(int(time.time() * 1000))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        method, path = scope["method"], scope["path"]
        status = 0

        async def out(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {k.lower() for k, _ in message["headers"]}
                fixed = HEADERS | {
                    "X-h2o-build-project-version": self.settings.h2o_version,
                    "X-h2o-cluster-id": self.cluster,
                }
                extra = [(k.encode(), v.encode()) for k, v in fixed.items() if k.lower().encode() not in present]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            try:
                page = self._check(scope, headers)
                limit = self.settings.max_body if path.startswith(_UPLOADS) else self.settings.max_form
                if int(headers.get("content-length") or 0) > limit:
                    raise Refused(f"the body has more than {limit} bytes, the limit", 413)
            except ValueError:
                raise Refused("Content-Length is not a number", 400) from None
        except Refused as r:
            await self._answer(out, r, path)
        else:
            if page:
                await self._enter(out, scope)
            else:
                await self.app(scope, _limited(receive, limit), out)
        who = (scope.get("client") or ("?",))[0]
        audit.info("%s %s %s %s", who, method, path.encode("unicode_escape").decode(), status)

    # -- checks -------------------------------------------------------------------------------------------------------

    def _check(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Raise `Refused`, or say whether the request is a visit that carries the token in its address."""
        host = headers.get("host", "")
        if _name_of(host) not in self.settings.hosts:
            raise Refused(
                f"this server is not called {host[:100]!r}; start it with --allow-host to accept that name", 403
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise Refused("requests from pages of other sites are refused", 403)
        site = headers.get("sec-fetch-site", "none")
        visit = scope["method"] == "GET" and scope["path"] in _PAGES
        if site == "cross-site" or (site == "same-site" and not visit):
            raise Refused("requests from pages of other sites are refused", 403)
        if self.settings.token is None:
            return False
        if visit and self._matches(dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token", "")):
            return True
        if not self._authorized(headers):
            raise Refused(
                "the token is missing or wrong; send 'Authorization: Bearer <token>', or the token as password of "
                f"the user {self.settings.username!r}",
                401,
                headers={"WWW-Authenticate": 'Basic realm="heavywater", charset="UTF-8"'},
            )
        return False

    def _authorized(self, headers: dict[str, str]) -> bool:
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._matches(value.strip())
        if kind.lower() == "basic":
            try:
                user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return False
            return user == self.settings.username and self._matches(password)
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._matches(cookie.value)

    def _matches(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.settings.token or "").encode()) and bool(given)

    # -- answers ------------------------------------------------------------------------------------------------------

    async def _answer(self, send: Send, r: Refused, path: str) -> None:
        body = dumps(error_object(r, path))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += [(k.lower().encode(), v.encode()) for k, v in r.headers.items()]
        headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": r.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _enter(self, send: Send, scope: Scope) -> None:
        """Exchange the token in the address for a cookie and go on to the same page without it."""
        query = [(k, v) for k, v in parse_qsl(scope["query_string"].decode("latin-1")) if k != "token"]
        place = scope["path"] + (f"?{urlencode(query)}" if query else "")
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = f"{COOKIE}={self.settings.token}; Path=/; HttpOnly; SameSite=Strict{secure}"
        headers = [(b"location", place.encode()), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _name_of(host: str) -> str:
    """The name in a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


class BodyTooLarge(Exception):
    """More bytes came than announced or allowed."""


def _limited(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def limited() -> MutableMapping[str, Any]:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise BodyTooLarge(limit)
        return message

    return limited
