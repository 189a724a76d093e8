"""Encodings of categorical predictors that replace columns before the design matrix is built.

`one-hot` needs none of this (`heavywater.frame.design` does it); the others are recipes learned from the training frame
and applied to every frame that is scored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from heavywater.frame.eigen import symmetric_eigenvectors
from heavywater.frame.frame import Frame

OTHER = "other"
LIMIT = 10
"""Levels that EnumLimited keeps."""
_EIGEN_LEVELS = 1024


@dataclass(frozen=True)
class Encoding:
    """How to replace the categorical columns among some predictors.

    Attributes
    ----------
    kind : {"Binary", "Eigen", "LabelEncoder", "EnumLimited", "SortByResponse"}
    columns : tuple of str
        The predictors before encoding, in frame order.
    levels : dict of str to tuple of str
        Levels of the categorical ones.
    values : dict of str to tuple of float
        Number of each level (Eigen, LabelEncoder).
    order : dict of str to tuple of str
        Levels kept, in their new order (EnumLimited, SortByResponse).
    """

    kind: str
    columns: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]
    values: dict[str, tuple[float, ...]]
    order: dict[str, tuple[str, ...]]

    @property
    def names(self) -> list[str]:
        """Predictors after encoding."""
        return list(self._plan())

    def apply(self, frame: Frame) -> Frame:
        """`frame` with the predictors replaced; its other columns follow unchanged.

        The categorical columns must have this recipe's levels (see `heavywater.frame.design.match_levels`).
        """
        new = [self._column(frame, source, bit).alias(name) for name, (source, bit) in self._plan().items()]
        made = {s.name for s in new}
        rest = [s for s in frame.data.iter_columns() if s.name not in self.columns and s.name not in made]
        return Frame(pl.DataFrame([*new, *rest]), frame.uuids)

    def _plan(self) -> dict[str, tuple[str, int]]:
        """New column → the column it comes from, and for Binary the bit."""
        if self.kind == "Binary":
            plan = {c: (c, -1) for c in self.columns if c not in self.levels}
            return plan | {
                f"{c}:{b}": (c, b) for c, lev in self.levels.items() for b in range(1 + int(math.log2(len(lev))))
            }
        return {self._renamed(c): (c, -1) for c in self.columns}

    def _renamed(self, name: str) -> str:
        if self.kind == "Eigen" and name in self.values:
            return f"{name}.Eigen"
        return f"{name}.top_{LIMIT}_levels" if self.kind == "EnumLimited" and name in self.order else name

    def _column(self, frame: Frame, source: str, bit: int) -> pl.Series:
        if source not in self.levels:
            return frame.column(source)
        codes = frame.codes(source)
        if self.kind == "Binary":
            return pl.Series(((codes + 1) >> bit & 1).astype(np.int64))
        if source in self.values:
            table = np.array([*self.values[source], np.nan])
            return pl.Series(table[codes]).fill_nan(None)
        if source in self.order:
            return self._reordered(frame.column(source), self.order[source])
        return frame.column(source)

    def _reordered(self, col: pl.Series, order: tuple[str, ...]) -> pl.Series:
        text = col.cast(pl.String)
        if self.kind == "EnumLimited":
            text = pl.select(
                pl.when(pl.lit(text).is_null() | pl.lit(text).is_in(list(order)))
                .then(pl.lit(text))
                .otherwise(pl.lit(OTHER))
            ).to_series()
        return text.cast(pl.Enum(list(order)))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Encoding:
        def tuples(m: Mapping[str, Sequence[Any]]) -> dict[str, tuple[Any, ...]]:
            return {k: tuple(v) for k, v in m.items()}

        return cls(d["kind"], tuple(d["columns"]), tuples(d["levels"]), tuples(d["values"]), tuples(d["order"]))


def build_encoding(
    kind: str,
    frame: Frame,
    columns: Sequence[str],
    response: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Encoding:
    """Learn a recipe.

    Parameters
    ----------
    kind : str
        See `Encoding`.
    frame : Frame
        The training frame.
    columns : sequence of str
        Predictors in frame order.
    response : ndarray of float64, shape (nrow,), optional
        Numbers or class indices with NaN for missing; for SortByResponse.
    weights : ndarray of float64, shape (nrow,), optional
        Row weights, for SortByResponse.
    """
    levels = {c: tuple(found) for c in columns if (found := frame.levels(c)) is not None}
    values: dict[str, tuple[float, ...]] = {}
    order: dict[str, tuple[str, ...]] = {}
    for c, lev in levels.items():
        codes = frame.codes(c)
        if kind == "LabelEncoder":
            values[c] = label_values(lev)
        elif kind == "Eigen":
            values[c] = eigen_values(codes, len(lev))
        elif kind == "EnumLimited" and len(lev) > LIMIT:
            order[c] = (*most_frequent(codes, lev), OTHER)
        elif kind == "SortByResponse" and response is not None:
            order[c] = by_mean_response(codes, lev, response, weights)
    return Encoding(kind, tuple(columns), levels, values, order)


def label_values(levels: Sequence[str]) -> tuple[float, ...]:
    """The whole number that each level spells, when all do; else its index."""
    if all(re.fullmatch(r"[+-]?\d+", v) for v in levels):
        return tuple(float(int(v)) for v in levels)
    return tuple(map(float, range(len(levels))))


def eigen_values(codes: np.ndarray, count: int) -> tuple[float, ...]:
    """One number per level from the spectrum of the one-hot encoded column.

    Level frequencies p (missing cells count as the mode, float32) give the matrix (δij pi - pi pj / k) / (√pi √pj); its
    eigenvectors belong to nearly equal eigenvalues, so the exact order of operations decides the result.
    """
    present = codes[codes >= 0]
    counts = np.bincount(present, minlength=count).astype(np.float64)
    counts[counts.argmax()] += len(codes) - len(present)
    kept = np.sort(np.argsort(-counts, kind="stable")[:_EIGEN_LEVELS])
    p = (counts[kept] / len(codes)).astype(np.float32).astype(np.float64)
    root, k = np.sqrt(p), float(len(kept))
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = (np.diag(p) - np.outer(p, p) / k) / np.outer(root, root)
    d, v = symmetric_eigenvectors(np.nan_to_num(matrix, nan=0.0))
    out = np.zeros(count)
    out[kept] = v[int(d.argmax())].astype(np.float32)
    return tuple(float(x) for x in out)


def most_frequent(codes: np.ndarray, levels: Sequence[str]) -> list[str]:
    """Up to ten levels by decreasing frequency; a tie for the last places keeps none of the tied levels."""
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    ranked = np.argsort(-counts, kind="stable")
    bar = counts[ranked[LIMIT]] if len(ranked) > LIMIT else -1
    return [levels[i] for i in ranked[:LIMIT] if counts[i] > bar] or [levels[i] for i in ranked[:LIMIT]]


def by_mean_response(
    codes: np.ndarray, levels: Sequence[str], response: np.ndarray, weights: np.ndarray | None
) -> tuple[str, ...]:
    """Levels by increasing weighted mean response; those without one come first."""
    w = np.ones(len(codes)) if weights is None else weights
    used = (codes >= 0) & ~np.isnan(response)
    total = np.bincount(codes[used], w[used], len(levels))
    summed = np.bincount(codes[used], w[used] * response[used], len(levels))
    mean = np.divide(summed, total, out=np.full(len(levels), -np.inf), where=total > 0)
    return tuple(levels[i] for i in np.argsort(mean, kind="stable"))
