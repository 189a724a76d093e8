"""``model.ini`` of a MOJO: key-value pairs whose text decides their type, then columns and levels.

H2O's reader tries integer, number, list of integers, list of numbers in this order, so every float is written with a
decimal point or an exponent.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from heavywater.errors import ModelFileError

_SPELLED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def value_text(value: object) -> str:
    """A value as it stands after ``=``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "iu":
            return "[" + ", ".join(map(str, value.tolist())) + "]"
        if value.dtype == np.float32 and np.isfinite(value).all():
            return "[" + ", ".join(map(str, value)) + "]"
        return "[" + ", ".join(map(_float, value.tolist())) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return str(value)


def _float(x: float) -> str:
    if math.isfinite(x):
        return repr(x)
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


def ini_text(info: Mapping[str, object], columns: Sequence[str], domains: Mapping[int, str]) -> str:
    """The file: `domains` are the entries ``<size> <file>`` by column index."""
    lines = ["[info]", *(f"{k} = {value_text(v)}" for k, v in info.items()), "", "[columns]", *columns, "", "[domains]"]
    return "\n".join([*lines, *(f"{i}: {entry}" for i, entry in domains.items()), ""])


class Info:
    """The pairs of ``[info]`` as text, read with the type that is expected of each."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._pairs = pairs

    def __contains__(self, key: str) -> bool:
        return key in self._pairs

    def text(self, key: str, default: str | None = None) -> str:
        if key in self._pairs:
            return self._pairs[key]
        if default is None:
            raise ModelFileError(f"model.ini lacks the key {key!r}")
        return default

    def flag(self, key: str, default: bool | None = None) -> bool:
        text = self.text(key, None if default is None else str(default)).lower()
        if text not in ("true", "false"):
            raise ModelFileError(f"model.ini: {key} must be true or false; it is {text[:40]!a}")
        return text == "true"

    def integer(self, key: str, default: int | None = None, *, low: int = 0, high: int = 1 << 31) -> int:
        text = self.text(key, None if default is None else str(default))
        if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
            raise ModelFileError(f"model.ini: {key} must be a whole number from {low} to {high}; it is {text[:40]!a}")
        return int(text)

    def number(self, key: str, default: float | None = None) -> float:
        text = self.text(key, None if default is None else str(default))
        if not _NUMBER.fullmatch(text):
            raise ModelFileError(f"model.ini: {key} must be a number; it is {text[:40]!a}")
        return float(text)

    def array(self, key: str, length: int | None, *, optional: bool = False) -> np.ndarray | None:
        """A list of numbers, float64; None for ``null`` or an absent key when `optional`.

        The number of its commas is compared with `length` before anything is made of it.
        """
        text = self.text(key, "null" if optional else None)
        if text == "null" and optional:
            return None
        if not (text.startswith("[") and text.endswith("]")):
            raise ModelFileError(f"model.ini: {key} must be a list of numbers in brackets")
        body = text[1:-1].strip()
        count = body.count(",") + 1 if body else 0
        if length is not None and count != length:
            raise ModelFileError(f"model.ini: {key} must have {length:,} numbers; it has {count:,}")
        if not body:
            return np.zeros(0)
        if any(word in body for word in ("N", "I")):
            parts = [p.strip() for p in body.split(",")]
            if not all(p in _SPELLED or _NUMBER.fullmatch(p) for p in parts):
                raise ModelFileError(f"model.ini: {key} holds something that is not a number")
            return np.array([_SPELLED[p] if p in _SPELLED else float(p) for p in parts])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = np.fromstring(body, dtype=np.float64, sep=",")
        except (ValueError, DeprecationWarning):
            raise ModelFileError(f"model.ini: {key} holds something that is not a number") from None
        if len(found) != count:
            raise ModelFileError(f"model.ini: {key} holds something that is not a number")
        return found

    def integers(self, key: str, length: int | None = None) -> list[int]:
        """A list of whole numbers from 0 to 2^31."""
        found = self.array(key, length)
        assert found is not None
        if not np.all((found >= 0) & (found < 2**31) & (found == np.floor(found))):
            raise ModelFileError(f"model.ini: {key} must hold whole numbers >= 0")
        return [int(v) for v in found]


def read_ini(text: str) -> tuple[Info, list[str], dict[int, tuple[int, str]]]:
    """The pairs, the columns, and for each column with levels how many there are and in which file."""
    pairs: dict[str, str] = {}
    columns: list[str] = []
    domains: dict[int, tuple[int, str]] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or (section != "[columns]" and line.startswith("#")):
            continue
        if line in ("[info]", "[columns]", "[domains]"):
            section = line
        elif section == "[info]":
            key, found, value = line.partition("=")
            if not found or key.strip() in pairs:
                raise ModelFileError(f"model.ini, line {number}: a new key, = and a value are expected")
            pairs[key.strip()] = value.strip()
        elif section == "[columns]":
            columns.append(line)
        elif section == "[domains]":
            match = re.fullmatch(r"(\d{1,9}):\s*(\d{1,9})\s+(\S+)", line, re.ASCII)
            if match is None or int(match[1]) in domains:
                raise ModelFileError(f"model.ini, line {number}: <column>: <number of levels> <file> is expected")
            domains[int(match[1])] = (int(match[2]), match[3])
        else:
            raise ModelFileError("model.ini does not begin with [info]")
    return Info(pairs), columns, domains


def escaped(level: str) -> str:
    """A level on one line."""
    return level.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def unescaped(line: str) -> str:
    """The level that :func:`escaped` wrote."""
    meaning = {"n": "\n", "r": "\r", "\\": "\\"}
    return re.sub(r"\\(.)", lambda m: meaning.get(m[1], m[0]), line)
