"""Made-up frames, as H2O's clients ask for them with `create_frame`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from heavywater.errors import H2OValueError
from heavywater.frame import Frame

_MAX_CELLS = 20_000_000
_KINDS = ("categorical", "integer", "binary", "time", "string")


@dataclass(frozen=True)
class Recipe:
    """What a made-up frame consists of; names and meanings are those of H2O's `create_frame`."""

    rows: int = 10000
    cols: int = 10
    seed: int = -1
    randomize: bool = True
    value: float = 0.0
    real_range: float = 100.0
    categorical_fraction: float = 0.2
    factors: int = 100
    integer_fraction: float = 0.2
    integer_range: int = 100
    binary_fraction: float = 0.1
    binary_ones_fraction: float = 0.02
    time_fraction: float = 0.0
    string_fraction: float = 0.0
    missing_fraction: float = 0.01
    has_response: bool = False
    response_factors: int = 2
    positive_response: bool = False

    def check(self) -> None:
        """Raise `H2OValueError` with everything that is wrong."""
        wrong = []
        for name in ("rows", "cols", "factors", "response_factors"):
            if getattr(self, name) < 1:
                wrong.append(f"{name} must be at least 1; got {getattr(self, name)}")
        for name in (*(f"{k}_fraction" for k in _KINDS), "binary_ones_fraction", "missing_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                wrong.append(f"{name} must lie between 0 and 1; got {getattr(self, name):g}")
        if sum(getattr(self, f"{k}_fraction") for k in _KINDS) > 1 + 1e-9:
            wrong.append("the fractions of categorical, integer, binary, time and string columns add up to more than 1")
        if self.rows * max(self.cols, 1) > _MAX_CELLS:
            wrong.append(f"rows × cols is more than {_MAX_CELLS}, the limit")
        levels = self.factors * max(round(self.categorical_fraction * self.cols), 1) + self.response_factors
        if levels > _MAX_CELLS:
            wrong.append(f"there would be more than {_MAX_CELLS} levels, the limit")
        if not 0 <= self.integer_range <= 2**53:
            wrong.append("integer_range lies between 0 and 2^53")
        if wrong:
            raise H2OValueError("; ".join(wrong))


def create_frame(r: Recipe) -> Frame:
    """A frame of random columns ``C1``, ``C2``, … (and ``response``).

    Raises
    ------
    H2OValueError
        A recipe that cannot be followed.
    """
    r.check()
    random = np.random.default_rng(None if r.seed == -1 else abs(r.seed))
    kinds = [k for k in _KINDS for _ in range(round(getattr(r, f"{k}_fraction") * r.cols))][: r.cols]
    kinds += ["real"] * (r.cols - len(kinds))
    random.shuffle(kinds)
    columns = {}
    if r.has_response:
        columns["response"] = _response(r, random)
    for i, kind in enumerate(kinds):
        column = _column(r, kind, random) if r.randomize else pl.Series(np.full(r.rows, r.value))
        gone = pl.Series(random.random(r.rows) < r.missing_fraction)
        empty = pl.Series([None], dtype=column.dtype).new_from_index(0, r.rows)
        columns[f"C{i + 1}"] = column.zip_with(~gone, empty)
    return Frame.of(pl.DataFrame(columns))


def _response(r: Recipe, random: np.random.Generator) -> pl.Series:
    if r.response_factors == 1:
        low = 0.0 if r.positive_response else -r.real_range
        return pl.Series(random.uniform(low, r.real_range, r.rows))
    return _levels(r.response_factors, r.rows, random, "")


def _levels(n: int, rows: int, random: np.random.Generator, prefix: str) -> pl.Series:
    names = [f"{prefix}{i}" for i in range(n)]
    return pl.Series(random.integers(0, n, rows), dtype=pl.UInt32).replace_strict(
        list(range(n)), names, return_dtype=pl.Enum(names)
    )


def _column(r: Recipe, kind: str, random: np.random.Generator) -> pl.Series:
    if kind == "categorical":
        return _levels(r.factors, r.rows, random, "c.l")
    if kind == "integer":
        return pl.Series(random.integers(-r.integer_range, r.integer_range, r.rows, endpoint=True))
    if kind == "binary":
        return pl.Series((random.random(r.rows) < r.binary_ones_fraction).astype(np.int64))
    if kind == "time":
        ms = random.integers(0, 1_600_000_000_000, r.rows)  # 1970 to 2020
        return pl.Series(ms).cast(pl.Datetime("ms"))
    if kind == "string":
        letters = random.integers(97, 123, (r.rows, 8), dtype=np.uint8)
        return pl.Series(letters.view("S8").ravel().astype(str).tolist())
    return pl.Series(random.uniform(-r.real_range, r.real_range, r.rows))
