"""Which columns a model reads, and frames with some of them changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError, did_you_mean
from heavywater.frame import Frame
from heavywater.models.model import Model

_ROLES = ("weights_column", "offset_column", "fold_column")


def predictors(model: Model) -> list[str]:
    """The columns of a frame that a model reads to predict, in model order."""
    o = model.output
    special = {o["response_column"], *(o["parameters"][r]["actual"] for r in _ROLES if r in o["parameters"])}
    return [n for n in o.get("original_names") or o["names"] if n not in special]


def chosen_predictors(model: Model, asked: Any, what: str) -> list[str]:
    """Names of predictors as a user gives them: None for all, one name, or several.

    Raises
    ------
    H2OValueError
        With every name that the model does not know.
    """
    known = predictors(model)
    if asked is None:
        return known
    names = [asked] if isinstance(asked, str) else list(asked)
    for n in names:
        if not isinstance(n, str):
            raise H2OTypeError(f"{what} must be names of columns; got {n!r}")
    wrong = [f"the model has no predictor {n!r}{did_you_mean(n, known)}" for n in names if n not in known]
    if wrong:
        raise H2OValueError(f"{what}: " + "; ".join(wrong))
    return names


def check_has(frame: Frame, names: Sequence[str]) -> None:
    """Refuse a frame that lacks one of the columns."""
    for n in names:
        frame.column(n)


def with_column(frame: Frame, series: pl.Series) -> Frame:
    """The frame with one column replaced."""
    return frame.with_columns(series)


def with_value(frame: Frame, name: str, value: Any) -> Frame:
    """The frame with every row of a column set to `value` (a number, a level, None for missing)."""
    dtype: Any = frame.column(name).dtype
    if isinstance(dtype, pl.Datetime):
        made = pl.Series(name, [value], dtype=pl.Int64).cast(dtype)
    else:
        made = pl.Series(name, [value], dtype=pl.Float64 if dtype == pl.Int64 else dtype)
    return with_column(frame, made.new_from_index(0, frame.nrow))


def sampled(frame: Frame, n: int, random: np.random.Generator) -> Frame:
    """`n` rows at random without replacement, in their order; all rows when there are no more."""
    if n < 0 or n >= frame.nrow:
        return frame
    return frame.gather(np.sort(random.choice(frame.nrow, n, replace=False)))
