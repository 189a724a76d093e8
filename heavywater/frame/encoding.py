"""Encodings of categorical predictors that replace columns before the design matrix is built.

`one-hot` needs none of this (`heavywater.frame.design` does it); the others are recipes learned from the training frame
and applied to every frame that is scored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from heavywater.frame.design import as_text
from heavywater.frame.eigen import symmetric_eigenvectors
from heavywater.frame.frame import Frame

OTHER = "other"
LIMIT = 10
"""Levels that EnumLimited keeps."""
_EIGEN_LEVELS = 1024
_WHOLE = re.compile(r"[+-]?[0-9]+")


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
        rest = [s for s in frame.stored.iter_columns() if s.name not in self.columns and s.name not in made]
        return Frame(pl.DataFrame([*new, *rest]), frame.uuids)

    def extended(self, frame: Frame, *, h2o: bool) -> Encoding:
        """This recipe, with what H2O makes of levels of a frame to be scored that were not seen in training.

        Without `h2o` they have no number and count as missing, in every export as here.  H2O takes a label that is a
        whole number, where all of training's are, for that number, numbers others after the known ones, and learns
        Eigen and EnumLimited anew from every frame that it scores, so that the prediction for a row depends on the
        other rows.
        """
        if not h2o or self.kind == "SortByResponse":
            return self
        levels, values, order = dict(self.levels), dict(self.values), dict(self.order)
        for c, known in self.levels.items():
            numbered = self.kind == "LabelEncoder" and all(map(_WHOLE.fullmatch, known))
            if c not in frame.names or not frame.nrow:
                continue
            text = as_text(frame.column(c))
            unseen = dict.fromkeys(frame.levels(c) or text.drop_nulls().unique().sort())
            lev = levels[c] = (*known, *(v for v in unseen if v not in set(known)))
            if numbered:
                values[c] = tuple(float(v) if _WHOLE.fullmatch(v) else math.nan for v in lev)
            elif self.kind == "LabelEncoder":
                values[c] = tuple(map(float, range(len(lev))))
            elif c in values:
                values[c] = eigen_values(_codes(text, lev), len(lev))
            elif c in order:
                order[c] = (*most_frequent(_codes(text, lev), lev), OTHER)
        return replace(self, levels=levels, values=values, order=order)

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
            return frame.stored_column(source)
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


def _codes(text: pl.Series, levels: Sequence[str]) -> np.ndarray:
    """Index of each value among `levels`, -1 for a missing one."""
    return text.cast(pl.Enum(list(levels))).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def label_values(levels: Sequence[str]) -> tuple[float, ...]:
    """The whole number that each level spells, when all do; else its index."""
    if all(map(_WHOLE.fullmatch, levels)):
        return tuple(map(float, levels))
    return tuple(map(float, range(len(levels))))


def eigen_values(codes: np.ndarray, count: int) -> tuple[float, ...]:
    """One number per level from the spectrum of the one-hot encoded column.

    With c the numbers of rows of the levels, of n rows (missing cells count as the mode; c / n in float32), the matrix is
    (δij ci - ci cj / n) / √(ci cj). All eigenvalues but one are 1 up to the last bits, so the order of operations decides
    the result, which is H2O's: the *row* of the eigenvectors at the index of the largest eigenvalue.
    """
    n = len(codes)
    present = codes[codes >= 0]
    counts = np.bincount(present, minlength=count).astype(np.float64)
    counts[counts.argmax()] += n - len(present)
    kept = np.sort(np.argsort(-counts, kind="stable")[:_EIGEN_LEVELS])
    c = (counts[kept] / n).astype(np.float32).astype(np.float64) * n
    products = np.outer(c, c)
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = (np.diag(c) - products / n) / np.sqrt(products)
    d, v = symmetric_eigenvectors(np.nan_to_num(matrix, nan=0.0))
    out = np.zeros(count)
    out[kept] = v[int(d.argmax())].astype(np.float32)
    return tuple(float(x) for x in out)


def most_frequent(codes: np.ndarray, levels: Sequence[str]) -> list[str]:
    """Up to ten levels by decreasing frequency, none that occurs only once; equally frequent ones in H2O's order.

    H2O counts the levels in a hash table, whose order the sort by frequency leaves as it is: index i stands at
    i ^ (i >> 20) ^ (i >> 12), and that, h, at h ^ (h >> 7) ^ (h >> 4). The table has at least as many slots as levels.
    """
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    index = np.arange(len(levels))
    h = index ^ (index >> 20) ^ (index >> 12)
    ranked = np.lexsort((h ^ (h >> 7) ^ (h >> 4), -counts))
    return [levels[i] for i in ranked[:LIMIT] if counts[i] > 1]


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
