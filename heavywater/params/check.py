"""Checking parameter values against their declaration, and bringing them into canonical form."""

from __future__ import annotations

import copy
import math
import numbers
import re
from typing import Any, TypeVar

from heavywater.errors import NotSupported, did_you_mean
from heavywater.params.declare import Info, Message, Params, infos

P = TypeVar("P", bound=Params)

_LONGEST_LIST = 100_000
_INT_LIMITS = {"int": 2**31 - 1, "long": 2**63 - 1}
_NOUNS = {bool: "True or False", int: "a whole number", float: "a number", str: "a string"}
_PLURALS = {bool: "booleans", int: "whole numbers", float: "numbers", str: "strings"}


class _Wrong(Exception):
    """A value does not fit; the text says why, without the parameter's name."""


def check(params: Params) -> list[Message]:
    """All problems of `params`, errors and warnings, in the order of the declaration.

    Types, ranges and words are checked one by one; then the rules between parameters (``params.check()``).

    Raises
    ------
    NotSupported
        When there is no error, but a parameter asks for something that this version cannot do yet.
    """
    return examine(params)[1]


def canonical(params: P) -> P:
    """A copy with every value in canonical form.

    Words get their official spelling (``"rectifier_with_dropout"`` → ``"RectifierWithDropout"``), lists become lists of
    Python numbers, numpy scalars become Python's, and None becomes the default where None means nothing else.  Values
    that do not fit stay as they are.
    """
    return _examined(params, replace_bad=False)[0]


def examine(params: P, *, unbuilt: bool = False) -> tuple[P, list[Message]]:
    """`canonical` and `check` in one: a copy that is safe to reason about, and all messages.

    In the copy values that do not fit are replaced by their defaults, so that checks of the data can go on and report
    their problems together with these.

    Parameters
    ----------
    unbuilt : bool
        Let parameters pass that this version cannot obey yet.
    """
    safe, messages = _examined(params, replace_bad=True)
    bad = {m.field for m in messages}
    messages += [m for m in safe.check() if m.field not in bad or m.severity == "warn"]
    order = {name: i for i, name in enumerate(infos(type(params)))}
    messages.sort(key=lambda m: order.get(m.field, len(order)))
    if not unbuilt and not any(m.severity == "error" for m in messages):
        _refuse_unbuilt(safe)
    return safe, messages


def _examined(params: P, *, replace_bad: bool) -> tuple[P, list[Message]]:
    out = copy.copy(params)
    messages = []
    for name, info in infos(type(params)).items():
        try:
            value = _read(info, getattr(params, name))
        except _Wrong as e:
            messages.append(Message(name, "error", f"{name} {e}"))
            value = _as_list(info.default) if replace_bad else getattr(params, name)
        setattr(out, name, value)
    return out, messages


def _read(info: Info, value: Any) -> Any:
    """The canonical form of one parameter's value; raises `_Wrong`."""
    if value is None:
        return None if info.optional else _as_list(info.default)
    if not info.sequence:
        try:
            return _read_item(info, value)
        except _Wrong:
            raise _Wrong(f"must be {wanted(info)}; got {_shown(value)}{_guess(info, value)}") from None
    items = [value] if info.single and isinstance(value, numbers.Number) else _items(value)
    if items is None:
        hint = f"; write [{_shown(value)}]" if isinstance(value, numbers.Number) else ""
        raise _Wrong(f"must be {wanted(info)}; got {_shown(value)}{hint}")
    try:
        return [_read_item(info, v) for v in items]
    except _Wrong:
        raise _Wrong(f"must be {wanted(info)}; got {_shown(value)}") from None


def _read_item(info: Info, value: Any) -> Any:
    if info.kind is object:
        if isinstance(value, (bool, numbers.Number)):
            raise _Wrong
        return value
    if info.kind is bool:
        if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
            return bool(value)
        raise _Wrong
    if info.kind is str:
        if not isinstance(value, str):
            raise _Wrong
        return _word(info, str(value)) if info.values else str(value)
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise _Wrong
    try:
        number = float(value)
    except OverflowError:
        raise _Wrong from None
    if math.isnan(number) or (math.isinf(number) and not info.infinite):
        raise _Wrong
    if info.kind is int:
        if isinstance(value, numbers.Integral):
            whole = int(value)
        elif number.is_integer():
            whole = int(number)
        else:
            raise _Wrong
        limit = _INT_LIMITS[info.type.removesuffix("[]")]
        if not -limit - 1 <= whole <= limit:
            raise _Wrong
        return _within(info, whole)
    return _within(info, number)


def _within(info: Info, number: Any) -> Any:
    inside = (
        (info.ge is None or number >= info.ge)
        and (info.gt is None or number > info.gt)
        and (info.le is None or number <= info.le)
        and (info.lt is None or number < info.lt)
    )
    if not inside:
        raise _Wrong
    return number


def _word(info: Info, given: str) -> str:
    bare = _bare(given)
    for word in info.values:
        if _bare(word) == bare:
            return word
    for other, word in info.spellings.items():
        if _bare(other) == bare:
            return word
    raise _Wrong


def _bare(word: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", word.upper())


def _items(value: Any) -> list[Any] | None:
    """The items of a list-like value, or None when it is none."""
    if isinstance(value, (list, tuple)) or (isinstance(value, range) and not value[_LONGEST_LIST:]):
        return list(value)
    if getattr(value, "ndim", 1) == 1 and hasattr(value, "tolist") and hasattr(value, "__len__"):
        return list(value.tolist())
    if type(value).__name__ == "Series" and hasattr(value, "to_list"):
        return list(value.to_list())
    return None


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def wanted(info: Info) -> str:
    """What a value of a parameter must be, in words: ``"a list of whole numbers >= 1"``."""
    bounds = " and ".join(
        f"{sign} {limit:g}"
        for sign, limit in ((">=", info.ge), (">", info.gt), ("<=", info.le), ("<", info.lt))
        if limit is not None
    )
    tail = f" {bounds}" if bounds else ""
    if info.sequence:
        noun = f"a list of {_PLURALS.get(info.kind, 'frames')}{tail}"
    elif info.values:
        noun = f"one of {', '.join(info.values)}"
    elif info.kind is object:
        noun = next((f"a {what.lower()} or its name" for what in ("Frame", "Model") if what in info.type), "a function")
    else:
        noun = f"{_NOUNS[info.kind]}{tail}"
    return noun + (" or None" if info.optional else "")


def _guess(info: Info, value: Any) -> str:
    return did_you_mean(value, info.values) if isinstance(value, str) and info.values else ""


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # an object of the user's, or an integer with too many digits to print
        text = f"something of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _refuse_unbuilt(params: Params) -> None:
    declared = infos(type(params))
    asked = []
    for name, why in params.not_yet.items():
        value = getattr(params, name)
        fine = [_as_list(declared[name].default), *params.built.get(name, ())]
        if not any(value is v or (type(value) is type(v) and value == v) for v in fine):
            asked.append(f"{name}: {why}")
    if asked:
        raise NotSupported("not available in this version: " + "; ".join(asked))
