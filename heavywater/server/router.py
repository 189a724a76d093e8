"""The table of addresses: method and pattern → handler."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Handler = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """One address.

    Attributes
    ----------
    method, pattern : str
        Such as ``GET`` and ``/3/Frames/{frame_id}``.
    handler : callable
        Called with the hub and the typed arguments of path, query and form.
    quick : bool
        Whether it answers at once, so that it need not go to a thread.
    upload : bool
        Whether it wants the request itself, whose body may be large.
    summary : str
        What it does, in a sentence.
    """

    method: str
    pattern: str
    handler: Handler
    quick: bool
    upload: bool
    summary: str


@dataclass(frozen=True)
class Raw:
    """An answer that is not JSON."""

    body: Any
    media_type: str = "application/octet-stream"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


ROUTES: list[Route] = []
_COMPILED: dict[tuple[str, int], list[tuple[Route, re.Pattern[str]]]] = {}
"""Method and number of slashes → addresses."""


def route(method: str, pattern: str, *, quick: bool = False, upload: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler; its docstring's first line is the summary."""

    def register(handler: Handler) -> Handler:
        summary = (handler.__doc__ or "").strip().splitlines()[0]
        entry = Route(method, pattern, handler, quick, upload, summary)
        ROUTES.append(entry)
        names = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(pattern.rstrip("/")))
        shape = (method, pattern.rstrip("/").count("/"))
        _COMPILED.setdefault(shape, []).append((entry, re.compile(names + "/?")))
        return handler

    return register


def find(method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
    """The route for an address and the values of its placeholders; fixed names win over placeholders."""
    path = re.sub(r"^/(?:LATEST|EXPERIMENTAL)/", "/3/", raw_path)
    wanted = "GET" if method == "HEAD" else method
    best: tuple[Route, dict[str, str]] | None = None
    for entry, pattern in _COMPILED.get((wanted, path.removesuffix("/").count("/")), ()):
        match = pattern.fullmatch(path)
        if match and (best is None or len(match.groupdict()) < len(best[1])):
            best = entry, {k: unquote(v) for k, v in match.groupdict().items()}
    return best
