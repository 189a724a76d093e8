"""Sizes as people write them."""

from __future__ import annotations

import re

from heavywater.errors import H2OValueError


def bytes_of(text: str, what: str = "a size") -> int:
    """Bytes of ``"4G"``, ``"800m"``, ``"1.5g"`` or a number of bytes; `what` is blamed in the error."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([kmgt]?)b?\s*", text.lower())
    if not match:
        raise H2OValueError(f"{what} must look like '4G', '800m' or a number of bytes; got {text!r}")
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2] or " "))
