"""One server over HTTP: requests, credentials, and errors raised again as what they were."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import threading
from collections import deque
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from heavywater import errors
from heavywater.errors import H2OConnectionError, H2OValueError, HeavywaterError, InvalidParams
from heavywater.params import Message

_CONNECT_S, _TIMEOUT_S = 10.0, 600.0
_HEAD = "\n\nERROR MESSAGE:\n\n"


class Connection:
    """A server.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:54321``; a token in it (``?token=…``, as the server prints it) is used.
    token : str, optional
        The server's secret.
    auth : (str, str), optional
        User name and password.
    cacert : path, optional
        Certificate (PEM) by which an https server is known.
    insecure : bool
        Whether any certificate is good enough.

    Raises
    ------
    H2OValueError
        The address makes no sense.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        auth: tuple[str, str] | None = None,
        cacert: str | os.PathLike[str] | None = None,
        insecure: bool = False,
    ) -> None:
        try:
            parts = urlsplit(url)
            self.host, port = parts.hostname or "", parts.port
        except ValueError:
            raise H2OValueError(f"{url!r} is not an address such as http://127.0.0.1:54321") from None
        if parts.scheme not in ("http", "https") or not self.host:
            raise H2OValueError(f"{url!r} is not an address such as http://127.0.0.1:54321")
        self.port = port or 54321
        self.context: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self.context = ssl.create_default_context(cafile=cacert)
            if insecure:
                self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.url = f"{parts.scheme}://{host}:{self.port}"
        token = token or dict(parse_qsl(parts.query)).get("token")
        self.headers = {"User-Agent": "heavywater"}
        if auth is not None:
            plain = f"{auth[0]}:{auth[1]}".encode()
            self.headers["Authorization"] = "Basic " + base64.b64encode(plain).decode()
        elif token:
            self.headers["Authorization"] = f"Bearer {token}"
        self.forgotten: deque[str] = deque()
        self._local = threading.local()
        self._lines: list[http.client.HTTPConnection] = []

    # -- requests -----------------------------------------------------------------------------------------------------

    def get(self, path: str, /, **query: Any) -> Any:
        """The answer to a question, from JSON."""
        return json.loads(self.raw("GET", path, query))

    def post(self, path: str, /, **form: Any) -> Any:
        """The answer to an order, from JSON."""
        return json.loads(self.raw("POST", path, form))

    def delete(self, path: str) -> None:
        """Remove what is at `path`."""
        self.raw("DELETE", path)

    def send(self, path: str, data: bytes, /, **query: Any) -> Any:
        """Send bytes as they are."""
        return json.loads(self.raw("POST", path, query, data))

    def raw(
        self,
        method: str,
        path: str,
        form: dict[str, Any] | None = None,
        data: bytes | None = None,
        timeout: float = _TIMEOUT_S,
    ) -> bytes:
        """The body of an answer.

        Raises
        ------
        HeavywaterError
            What the server reports, as the class that the same mistake raises in this process.
        """
        text = urlencode({k: _text(v) for k, v in (form or {}).items() if v is not None})
        headers = dict(self.headers)
        if data is None and method == "POST":
            data = text.encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif text:
            path = f"{path}?{text}"
            headers["Content-Type"] = "application/octet-stream"
        status, kind, body = self._exchange(method, path, data, headers, timeout)
        if status >= 400:
            raise _error(status, kind, body, self.url)
        return body

    def _exchange(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str], timeout: float
    ) -> tuple[int, str | None, bytes]:
        for last in (False, True):
            line = self._line()
            fresh = line.sock is None
            try:
                if fresh:
                    line.connect()
                line.sock.settimeout(timeout)
                line.request(method, path, data, headers)
                answer = line.getresponse()
                return answer.status, answer.headers.get("X-heavywater-error"), answer.read()
            except (OSError, http.client.HTTPException) as e:
                line.close()
                # a connection that the server closed while it was idle has delivered nothing
                idle = isinstance(e, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError))
                if last or fresh or not idle:
                    raise H2OConnectionError(f"{self.url} does not answer: {e}") from None
        raise AssertionError

    def _line(self) -> http.client.HTTPConnection:
        line: http.client.HTTPConnection | None = getattr(self._local, "line", None)
        if line is None:
            if self.context is None:
                line = http.client.HTTPConnection(self.host, self.port, timeout=_CONNECT_S)
            else:
                line = http.client.HTTPSConnection(self.host, self.port, timeout=_CONNECT_S, context=self.context)
            self._local.line = line
            self._lines.append(line)
        return line

    def close(self) -> None:
        """Hang up; the next request calls again."""
        for line in self._lines:
            line.close()

    def __del__(self) -> None:
        for line in getattr(self, "_lines", ()):
            line.close()


def quoted(key: str) -> str:
    """A name as part of an address."""
    return quote(key, safe="")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _error(status: int, kind: str | None, body: bytes, url: str) -> HeavywaterError:
    try:
        answer = json.loads(body)
        text = str(answer["msg"]).removeprefix(_HEAD).rstrip("\n")
        messages = (answer.get("values") or {}).get("messages")
    except (ValueError, KeyError, TypeError, AttributeError):
        return H2OConnectionError(f"{url} answered {status} and no reason; is it a heavywater server?")
    if status in (401, 403) and kind is None:
        return H2OConnectionError(f"{url}: {text}")
    if kind == "InvalidParams" and isinstance(messages, list):
        model = text.partition(" for ")[2].partition(". Details:")[0]
        return InvalidParams(model, [Message(*map(str, m)) for m in messages])  # type: ignore[arg-type]
    return raised(kind, text)


def raised(kind: str | None, text: str) -> HeavywaterError:
    """An error by the name of its class."""
    found = getattr(errors, kind or "", None)
    if not (isinstance(found, type) and issubclass(found, HeavywaterError)) or found is InvalidParams:
        found = H2OValueError
    return found(text)
