"""What an attribute of an operation may be: one small checker per kind of value, shared by every operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Check = Callable[[Any], Any]
"""Returns the value in canonical form or raises ValueError with what it must be."""

MAX_SIZE = 1 << 24
"""Largest single dimension, kernel, stride or count of units."""
REQUIRED = object()


@dataclass(frozen=True)
class Attribute:
    """One attribute: how it is checked, and its value where it is left out (``REQUIRED``: it must be given)."""

    check: Check
    default: Any = REQUIRED


def whole(low: int, high: int = MAX_SIZE) -> Check:
    """A whole number from `low` to `high`."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low:,} to {high:,}")
        return value

    return check


def number(low: float = -math.inf, high: float = math.inf) -> Check:
    """A finite number from `low` to `high`."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError("a finite number")
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def word(*choices: str) -> Check:
    def check(value: Any) -> str:
        if value not in choices or not isinstance(value, str):
            raise ValueError(f"one of {', '.join(choices)}")
        return value

    return check


def wholes(low: int, *, counts: tuple[int, ...], high: int = MAX_SIZE) -> Check:
    """A list of whole numbers whose length is one of `counts`; comes back as a tuple."""
    each = whole(low, high)

    def check(value: Any) -> tuple[int, ...]:
        lengths = " or ".join(map(str, counts))
        if not isinstance(value, (list, tuple)) or len(value) not in counts:
            raise ValueError(f"{lengths} whole numbers from {low:,} to {high:,}")
        try:
            return tuple(each(v) for v in value)
        except ValueError:
            raise ValueError(f"{lengths} whole numbers from {low:,} to {high:,}") from None

    return check


def optional(check: Check) -> Check:
    """None, or what `check` takes."""
    return lambda value: None if value is None else check(value)


def texts(value: Any) -> dict[str, str]:
    """A mapping from role to name, both text."""
    if not isinstance(value, Mapping) or not all(
        isinstance(k, str) and isinstance(v, str) and 0 < len(v) <= 500 for k, v in value.items()
    ):
        raise ValueError("a mapping of text to text of at most 500 characters")
    return dict(value)


def completed(where: str, given: Mapping[str, Any], known: Mapping[str, Attribute]) -> tuple[dict[str, Any], list[str]]:
    """Return the attributes with defaults filled in, and every problem found."""
    problems = [
        f"{where}: there is no attribute {k!a:.60}; known are {', '.join(known)}" for k in given if k not in known
    ]
    made: dict[str, Any] = {}
    for name, attribute in known.items():
        if name not in given:
            if attribute.default is REQUIRED:
                problems.append(f"{where}: the attribute {name} is missing")
            made[name] = attribute.default
            continue
        try:
            made[name] = attribute.check(given[name])
        except ValueError as error:
            problems.append(f"{where}: {name} must be {error}; it is {given[name]!a:.60}")
    return made, problems
