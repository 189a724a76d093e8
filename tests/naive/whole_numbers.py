"""The slow, obvious way to read a table of whole numbers."""

from __future__ import annotations

import re

RANGES = (("UInt8", 0, 255), ("Int16", -(2**15), 2**15 - 1), ("Int32", -(2**31), 2**31 - 1), ("Int64", -(2**63), 2**63))


def read(text: str, columns: int, separator: str, skip: int) -> list[list[int]] | None:
    """Rows of numbers; None when anything is not a whole number of at most 18 digits, or a line too short or long."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if len(lines) <= skip:
        return None
    rows = []
    for line in lines[skip:]:
        fields = line.removesuffix("\r").split(separator)
        if len(fields) != columns or not all(re.fullmatch("-?[0-9]{1,18}", f) for f in fields):
            return None
        rows.append([int(f) for f in fields])
    return rows


def narrowest(values: list[int]) -> str:
    """Name of the smallest type that holds all values."""
    return next(name for name, low, high in RANGES if low <= min(values) and max(values) <= high)
