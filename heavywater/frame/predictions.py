"""Predictions as columns of a frame: names and levels as H2O has them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl


def probability_names(levels: Sequence[str]) -> list[str]:
    """Names of the probability columns: the levels, with a ``p`` before whole numbers as in H2O."""
    return [f"p{v}" if re.fullmatch(r"-?\d+", v) else v for v in levels]


def enum_of(codes: pl.Series, levels: Sequence[str]) -> pl.Series:
    """Predicted classes, from indices of `levels`, as the column ``predict``."""
    names = pl.Series(list(levels), dtype=pl.Enum(list(levels)))
    return names.gather(codes).alias("predict")
