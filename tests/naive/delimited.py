"""The slow, obvious way to read delimited text and to sum up a column."""

from __future__ import annotations

import math


def split(text: str, sep: str, quote: str = '"') -> list[list[str | None]]:
    """Records of fields, character by character; None is an empty field, blank lines are left out."""
    records: list[list[str | None]] = []
    fields: list[str | None] = []
    field = ""
    quoted = was_quoted = False
    line_has_text = False
    i = 0
    text = text.replace("\r\n", "\n")
    while i <= len(text):
        c = text[i] if i < len(text) else "\n"
        if quoted and i < len(text):
            if c == quote and text[i + 1 : i + 2] == quote:
                field += quote
                i += 1
            elif c == quote:
                quoted = False
            else:
                field += c
        elif c == quote and not field and not was_quoted:
            quoted = was_quoted = line_has_text = True
        elif c in (sep, "\n"):
            fields.append(field if field or was_quoted else None)
            field, was_quoted = "", False
            if c == sep:
                line_has_text = True
            else:
                if line_has_text:
                    records.append(fields)
                fields, line_has_text = [], False
        elif c == " " and not field and not was_quoted:
            pass
        else:
            field += c
            line_has_text = True
        i += 1
    return records


def mean_and_sigma(values: list[float]) -> tuple[float, float]:
    """Streaming mean and standard deviation over the values that are finite."""
    n, mean, m2 = 0, 0.0, 0.0
    for x in values:
        if math.isfinite(x):
            n += 1
            before = x - mean
            mean = mean + before / n
            m2 = m2 + before * (x - mean)
    if n == 0:
        return math.nan, math.nan
    return mean, math.sqrt(m2 / (n - 1)) if n > 1 else 0.0
