"""Checking the plain values of a model file against a pattern, so that what reads them later may rely on their form.

A pattern is a type (``int`` takes no bool, ``float`` takes an int too, ``object`` takes everything), a tuple of
patterns of which one must fit, a list with one pattern for every item, a dictionary of the keys that must be there,
``None``, or ``each(pattern)`` for a dictionary with any keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from heavywater.errors import ModelFileError

__all__ = ["each", "expect"]


class each(NamedTuple):  # noqa: N801  (reads as part of a pattern)
    """A dictionary with any keys, whose values all fit `value`."""

    value: Any


def expect(value: Any, pattern: Any, where: str) -> None:
    """Raise ModelFileError, which names the place, unless `value` fits `pattern`."""
    if isinstance(pattern, each):
        _must(isinstance(value, Mapping), where, "a dictionary", value)
        for key, item in value.items():
            expect(item, pattern.value, f"{where}[{str(key)[:40]!a}]")
    elif isinstance(pattern, tuple):
        if not any(_fits(value, p) for p in pattern):
            expect(value, next((p for p in pattern if _same_kind(value, p)), pattern[0]), where)
    elif isinstance(pattern, list):
        _must(isinstance(value, (list, tuple)), where, "a list", value)
        for i, item in enumerate(value):
            expect(item, pattern[0], f"{where}[{i}]")
    elif isinstance(pattern, Mapping):
        _must(isinstance(value, Mapping), where, "a dictionary", value)
        for key, inner in pattern.items():
            if key not in value:
                raise ModelFileError(f"{where} lacks {key!r}")
            expect(value[key], inner, f"{where}[{key!r}]")
    elif pattern is object:
        return
    elif pattern is None:
        _must(value is None, where, "None", value)
    elif pattern is float:
        _must(type(value) in (int, float), where, "a number", value)
    else:
        _must(type(value) is pattern, where, pattern.__name__, value)


def _fits(value: Any, pattern: Any) -> bool:
    try:
        expect(value, pattern, "")
    except ModelFileError:
        return False
    return True


def _same_kind(value: Any, pattern: Any) -> bool:
    return isinstance(pattern, (list, Mapping, each)) and isinstance(value, list) == isinstance(pattern, list)


def _must(holds: bool, where: str, wanted: str, value: Any) -> None:
    if not holds:
        raise ModelFileError(f"{where} must be {wanted}; it is {type(value).__name__}")
