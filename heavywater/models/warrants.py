"""Row warrants: which inputs of a row were missing, of a level never seen, or outside the range of training.

A prediction is worth as much as its inputs are like those that the model has learned from.  This says it row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    from heavywater.frame import Frame

KINDS = ("missing", "unseen", "out_of_range")
"""Columns of the answer: names of the inputs that are so, separated by commas; empty when there are none."""


def joined(masks: Mapping[str, Mapping[str, np.ndarray]], nrow: int) -> dict[str, list[str]]:
    """For every kind and row the names of the inputs whose mask is set.

    Parameters
    ----------
    masks : mapping
        Input → kind → bool ``(nrow,)``.
    """
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        names: list[list[str]] = [[] for _ in range(nrow)]
        for column, of_column in masks.items():
            for row in np.flatnonzero(of_column.get(kind, np.zeros(0, bool))):
                names[row].append(column)
        found[kind] = [", ".join(n) for n in names]
    return found


def of_numbers(values: np.ndarray, limits: Sequence[float] | None) -> dict[str, np.ndarray]:
    """Masks of a numeric input; without `limits` (smallest and largest of training) nothing is out of range."""
    masks = {"missing": np.isnan(values)}
    if limits is not None:
        with np.errstate(invalid="ignore"):
            masks["out_of_range"] = (values < limits[0]) | (values > limits[1])
    return masks


def of_levels(missing: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """Masks of a categorical input: cells without a value, and cells whose value is a level of training."""
    return {"missing": missing, "unseen": ~missing & ~known}


def training_ranges(frame: Frame, names: Iterable[str]) -> dict[str, list[float]]:
    """Smallest and largest value of each numeric column that has any."""
    from heavywater.frame.summary import rollup

    found = {name: rollup(frame, name) for name in names if frame.kind(name) in ("real", "int", "time")}
    return {n: [float(s.min), float(s.max)] for n, s in found.items() if s.missing < frame.nrow}


def inputs_of(model: Any) -> tuple[list[str], dict[str, Sequence[str]]]:
    """Columns that a model reads, and the levels of the categorical ones."""
    if model.algo == "stackedensemble":
        columns: dict[str, None] = {}
        levels: dict[str, Sequence[str]] = {}
        for base in model.base_models:
            more, known = inputs_of(base)
            columns |= dict.fromkeys(more)
            levels |= known
        return list(columns), levels
    encoding = getattr(model, "encoding", None)
    if encoding is not None:
        return list(encoding.columns), dict(encoding.levels)
    return list(model.design.names), dict(zip(model.design.cats, model.design.levels))


def ranges_of(model: Any) -> Mapping[str, Sequence[float]]:
    """Ranges of training, as the model's file keeps them; empty for files that were written without."""
    if model.algo == "stackedensemble":
        return {k: v for base in model.base_models for k, v in ranges_of(base).items()}
    return dict(model.output.get("ranges") or {})


def warrants(model: Any, frame: Frame) -> Frame:
    """The columns `KINDS` for every row of `frame`; a column that is not there is missing in all rows."""
    import polars as pl

    from heavywater.frame import Frame

    columns, levels = inputs_of(model)
    ranges = ranges_of(model)
    masks: dict[str, dict[str, np.ndarray]] = {}
    for name in columns:
        if name not in frame.names:
            masks[name] = {"missing": np.ones(frame.nrow, bool)}
        elif name in levels:
            text = _texts(frame.stored_column(name))
            known = text.is_in(list(levels[name])).fill_null(False).to_numpy()
            masks[name] = of_levels(text.is_null().to_numpy(), known)
        else:
            masks[name] = of_numbers(frame.numeric(name), ranges.get(name))
    return Frame.of(pl.DataFrame({k: pl.Series(v, dtype=pl.String) for k, v in joined(masks, frame.nrow).items()}))


def _texts(column: pl.Series) -> pl.Series:
    """Cells as text, whole numbers without a decimal point, as levels are matched."""
    import polars as pl

    if column.dtype in (pl.Float32, pl.Float64):
        column = column.fill_nan(None)
        if (column.drop_nulls() % 1 == 0).all():
            column = column.cast(pl.Int64)
    return column.cast(pl.String)
