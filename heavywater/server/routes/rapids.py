"""Rapids expressions."""

from __future__ import annotations

from typing import Any

from heavywater.errors import HeavywaterError
from heavywater.frame import Frame
from heavywater.rapids.node import Call, Lambda, Name
from heavywater.rapids.parse import parse
from heavywater.rapids.run import Function
from heavywater.server.errors import Refused, bad_request
from heavywater.server.hub import Hub
from heavywater.server.router import route
from heavywater.server.v3.schema import key, schema

_REFUSED = ("num_valid_substrings",)
"""Primitives that read files of the server's machine."""


@route("POST", "/99/Rapids")
def run(hub: Hub, ast: str, session_id: str | None = None, id: str | None = None) -> dict[str, Any]:
    """Evaluate a Rapids expression."""
    check_depth(ast, hub.settings.max_depth)
    try:
        check_names(parse(ast))
    except Refused:
        raise
    except HeavywaterError as e:
        raise bad_request(str(e)) from e
    session = hub.session(session_id)
    with session.lock:
        try:
            value = session.rapids.run(ast)
            return _answer(value, session.rapids.last_key)
        except HeavywaterError as e:
            raise Refused(str(e), 400, "java.lang.IllegalArgumentException") from e


def check_depth(text: str, limit: int) -> None:
    """Refuse expressions nested more deeply than `limit`."""
    depth, quote, i = 0, "", 0
    while i < len(text):
        c = text[i]
        if quote:
            if c == "\\":
                i += 1
            elif c == quote:
                quote = ""
        elif c in "\"'":
            quote = c
        elif c in "({[":
            depth += 1
            if depth > limit:
                raise bad_request(f"the expression is nested more than {limit} levels deep, the limit")
        elif c in ")}]":
            depth -= 1
        i += 1


def check_names(node: Any) -> None:
    """Refuse trees that name a primitive which clients may not use."""
    waiting = [node]
    while waiting:
        n = waiting.pop()
        name = n.primitive if isinstance(n, Call) else n.id if isinstance(n, Name) else None
        if name in _REFUSED:
            raise bad_request(f"'{name}' reads files of the server's machine and is not available over HTTP")
        if isinstance(n, Call):
            waiting += n.args
        elif isinstance(n, Lambda):
            waiting.append(n.body)


def _answer(value: Any, name: str | None) -> dict[str, Any]:
    head = {"ast": None, "session_id": None, "id": None}
    if isinstance(value, Frame):
        kind = "RapidsFrameV3"
        frame_key = key(name, "Frame") or schema(
            "FrameKeyV3", "Key<Frame>", {"name": None, "type": "Key<Frame>", "URL": None}
        )
        fields = {"key": frame_key, "num_rows": value.nrow, "num_cols": value.ncol}
    elif isinstance(value, dict):
        kind = "RapidsMapFrameV3"
        fields = {"map_keys": {"string": list(value)}, "frames": [key(n, "Frame") for n in value]}
    elif isinstance(value, str):
        kind, fields = "RapidsStringV3", {"string": value}
    elif isinstance(value, Function):
        kind, fields = "RapidsFunctionV3", {"funstr": "{function}"}
    elif isinstance(value, list):
        texts = bool(value) and all(isinstance(v, str) for v in value)
        kind = "RapidsStringsV3" if texts else "RapidsNumbersV3"
        fields = {"string" if texts else "scalar": value}
    else:
        kind, fields = "RapidsNumberV3", {"scalar": float("nan") if value is None else float(value)}
    return schema(kind, "Iced", head | fields, request=True)


@route("GET", "/99/Rapids/help", quick=True)
def helped(hub: Hub) -> dict[str, Any]:
    """Names of the primitives."""
    from heavywater.rapids.declare import REGISTRY

    fields = {"syntax": "(primitive argument ...)", "expressions": sorted(REGISTRY)}
    return schema("RapidsHelpV3", "Iced", fields, request=True)
