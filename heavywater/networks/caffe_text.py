"""Protobuf's text format, in which Caffe's networks are written: ``key: value`` and ``key { ... }``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from heavywater.errors import ModelFileError

__all__ = ["Message", "parse_text"]

_MAX_DEPTH = 16
_TOKEN = re.compile(r'\s*(?:#[^\n]*\s*)*([{}<>:;,\[\]]|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|[\w.+\-/]+)')

Message = dict[str, list[Any]]
"""A message of protobuf's text format: every value of a key, in order."""


def parse_text(source: str) -> Message:
    """Protobuf's text format as nested dictionaries."""
    tokens = _tokens(source)
    message, closed = _message(tokens, 0)
    if closed:
        raise ModelFileError("a brace is closed that was never opened")
    return message


def _tokens(source: str) -> Iterator[str]:
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            rest = source[at:].strip()
            if rest and not all(line.strip().startswith("#") or not line.strip() for line in rest.splitlines()):
                raise ModelFileError(f"line {source.count(chr(10), 0, at) + 1} cannot be understood: {rest[:40]!a}")
            return
        at = found.end()
        yield found[1]


def _message(tokens: Iterator[str], depth: int) -> tuple[Message, bool]:
    if depth > _MAX_DEPTH:
        raise ModelFileError(f"it is nested more than {_MAX_DEPTH} levels deep")
    made: Message = {}
    for token in tokens:
        if token in "}>":
            return made, True
        if token in ";,":
            continue
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            raise ModelFileError(f"a name is expected where {token[:40]!a} stands")
        value: Any = next(tokens, None)
        if value == ":":
            value = next(tokens, None)
        if value in ("{", "<"):
            value, closed = _message(tokens, depth + 1)
            if not closed:
                raise ModelFileError(f"the brace after {token[:40]!a} is never closed")
            made.setdefault(token, []).append(value)
        elif value == "[":
            for item in tokens:
                if item == "]":
                    break
                if item != ",":
                    made.setdefault(token, []).append(_scalar(item))
        elif value is None or value in "}>:;,]":
            raise ModelFileError(f"{token[:40]!a} has no value")
        else:
            made.setdefault(token, []).append(_scalar(value))
    return made, False


def _scalar(token: str) -> Any:
    if token[0] in "\"'":
        return token[1:-1]
    if token in ("true", "false"):
        return token == "true"
    if re.fullmatch(r"[+-]?\d{1,18}", token, re.ASCII):
        return int(token)
    if re.fullmatch(r"[+-]?(\d{1,30}\.?\d{0,30}|\.\d{1,30})([eE][+-]?\d{1,3})?f?", token, re.ASCII):
        return float(token.rstrip("f"))
    return token
