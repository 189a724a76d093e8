"""Text of forms and addresses → typed values; the same rules for every argument of every request."""

from __future__ import annotations

import inspect
import json
import math
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Union, get_args, get_origin, get_type_hints

from heavywater.params.declare import Info
from heavywater.server.errors import Refused

_LONGEST = 100_000


def boolean(text: str) -> bool:
    """``1`` and ``true`` in any case; everything else is false, as in H2O."""
    return text.strip().lower() in ("1", "true")


def whole(text: str) -> int:
    """Any decimal notation of a whole number.

    Raises
    ------
    ValueError
    """
    try:
        number = Decimal(text.strip())
        if not number.is_finite() or number.adjusted() > 20 or number != number.to_integral_value():
            raise ValueError
    except InvalidOperation:
        raise ValueError from None
    return int(number)


def decimal(text: str) -> float:
    """A number, ``NaN`` or ``Infinity``.

    Raises
    ------
    ValueError
    """
    bare = text.strip()
    if "_" in bare:
        raise ValueError
    return float(bare)


def unquoted(text: str) -> str:
    """Text without one pair of double quotes around it."""
    bare = text.strip()
    return bare[1:-1] if len(bare) >= 2 and bare[0] == bare[-1] == '"' else bare


def items(text: str) -> list[str] | None:
    """Items of ``[a,"b,c",[d]]`` as they stand there; a bare scalar is a list of one, nothing and ``null`` are None."""
    bare = text.strip()
    if bare in ("", "null"):
        return None
    if not (bare.startswith("[") and bare.endswith("]")):
        return [bare]
    out, depth, quoted, start, inner = [], 0, False, 0, bare[1:-1]
    i = 0
    while i < len(inner):
        c = inner[i]
        if quoted and c == "\\":
            i += 1
        elif c == '"':
            quoted = not quoted
        elif not quoted and c in "[{":
            depth += 1
        elif not quoted and c in "]}":
            depth -= 1
        elif c == "," and not quoted and depth == 0:
            out.append(inner[start:i].strip())
            start = i + 1
        i += 1
    if inner.strip():
        out.append(inner[start:].strip())
    if len(out) > _LONGEST:
        raise ValueError
    return out


def strings(text: str) -> list[str] | None:
    """A list of texts; unquoted ``null`` and ``NA`` are None and left out."""
    listed = items(text)
    if listed is None:
        return None
    return [_unescaped(x) for x in listed if x.lower() not in ("null", "na")]


def _unescaped(text: str) -> str:
    bare = unquoted(text)
    if bare is not text and "\\" in bare:
        try:
            return str(json.loads(f'"{bare}"'))
        except ValueError:
            return bare
    return bare


def string_lists(text: str) -> list[list[str]] | None:
    """A list of lists of texts, such as ``[[],["x"]]``."""
    listed = items(text)
    return None if listed is None else [strings(x) or [] for x in listed]


_READERS: dict[Any, tuple[Callable[[str], Any], str]] = {
    bool: (boolean, "boolean"),
    int: (whole, "int"),
    float: (decimal, "double"),
    str: (unquoted, "string"),
    list[str]: (strings, "string[]"),
    list[list[str]]: (string_lists, "string[][]"),
    list[int]: (lambda t: [whole(unquoted(x)) for x in items(t) or []], "int[]"),
    list[float]: (lambda t: [decimal(unquoted(x)) for x in items(t) or []], "double[]"),
}


def arguments(handler: Callable[..., Any], given: Mapping[str, str], where: str) -> dict[str, Any]:
    """Typed arguments for `handler`, whose annotations say what is wanted.

    Raises
    ------
    Refused
        Unknown arguments, or texts that do not fit.
    """
    wanted, takes_all = signature(handler)
    lacking = [n for n in _REQUIRED[handler] if n not in given]
    if lacking:
        raise Refused(f"Required argument {lacking[0]} is missing", values={"argument": lacking[0]})
    out: dict[str, Any] = {}
    grouped: dict[str, Any] = {}
    groups = _GROUPS[handler]
    members = {f.name for cls in groups.values() for f in fields(cls)}
    for name, text in given.items():
        if name not in wanted:
            if not takes_all or name == "hub":
                raise Refused(f"Unknown parameter: {name}")
            out[name] = text
            continue
        value = text if wanted[name] is None else _read(wanted[name], name, text, where)
        (grouped if name in members else out)[name] = value
    for name, cls in groups.items():
        out[name] = cls(**{f.name: grouped[f.name] for f in fields(cls) if f.name in grouped})
    return out


def _read(kind: Any, name: str, text: str, where: str) -> Any:
    reader, label = _READERS[kind]
    try:
        return reader(text)
    except ValueError:
        raise Refused(cannot_convert(name, where, text, label)) from None


def cannot_convert(name: str, where: str, text: str, label: str) -> str:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return f'Illegal argument for field: {name} of schema: {where}: cannot convert "{shown}" to type {label}'


_REQUIRED: dict[Callable[..., Any], list[str]] = {}
_GROUPS: dict[Callable[..., Any], dict[str, Any]] = {}
_SIGNATURES: dict[Callable[..., Any], tuple[dict[str, Any], bool]] = {}


def signature(handler: Callable[..., Any]) -> tuple[dict[str, Any], bool]:
    """For each argument but the first its type, and whether any other is taken too; a dataclass stands for its fields."""
    if handler not in _SIGNATURES:
        hints = get_type_hints(handler)
        names, groups, rest, required = {}, {}, False, []
        for p in list(inspect.signature(handler).parameters.values())[1:]:
            if p.kind is p.VAR_KEYWORD:
                rest = True
                continue
            hint = hints[p.name]
            if is_dataclass(hint):
                groups[p.name] = hint
                names.update({n: _kind(h) for n, h in get_type_hints(hint).items()})
                continue
            if p.default is p.empty and p.name not in ("request", "agent"):
                required.append(p.name)
            names[p.name] = _kind(hint)
        _REQUIRED[handler], _GROUPS[handler] = required, groups
        _SIGNATURES[handler] = names, rest
    return _SIGNATURES[handler]


def _kind(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(a for a in get_args(hint) if a is not type(None))
    return hint if hint in _READERS else None


def parameter(info: Info, text: str, where: str) -> Any:
    """The value of a model's parameter, by its declaration.

    Raises
    ------
    Refused
    """
    if info.sequence:
        try:
            listed = items(text)
            return None if listed is None else [_one(info, unquoted(x)) for x in listed]
        except ValueError:
            raise Refused(cannot_convert(info.name, where, text, info.type)) from None
    if text.strip() == "" and info.kind is not bool:
        return None
    try:
        return _one(info, unquoted(text))
    except ValueError:
        raise Refused(cannot_convert(info.name, where, text, info.type)) from None


def _one(info: Info, text: str) -> Any:
    if info.kind is bool:
        return boolean(text)
    if info.kind is int:
        return whole(text)
    if info.kind is float:
        value = decimal(text)
        return value if not math.isnan(value) else _nan()
    return text


def _nan() -> Any:
    raise ValueError


def loose_json(text: str) -> Any:
    """JSON as the clients write it: words without quotes, single quotes, and ``=`` in place of ``:``.

    Raises
    ------
    ValueError
    """
    if len(text) > 1 << 20:
        raise ValueError("too long")
    try:
        return json.loads(text)
    except ValueError:
        pass
    pattern = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[\[\]{},:=]|[^\s\[\]{},:="\']+'
    out = []
    for token in re.findall(pattern, text):
        if token == "=":
            out.append(":")
        elif token[0] == "'":
            out.append(json.dumps(token[1:-1]))
        elif token[0] in '"[]{},:':
            out.append(token)
        else:
            out.append(_word(token))
    try:
        return json.loads("".join(out))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _word(token: str) -> str:
    lower = token.lower()
    if lower in ("true", "false", "null"):
        return lower
    if lower == "none":
        return "null"
    try:
        return json.dumps(float(token)) if not re.fullmatch(r"-?\d+", token) else token
    except ValueError:
        return json.dumps(token)
