"""`Table`: a value during evaluation — columns as Polars expressions over one base, collected when data is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError, NotFound, did_you_mean
from heavywater.frame import Frame
from heavywater.frame.frame import visible

LARGE = 40
"""Size of a column's expression, in operations, at which it is computed instead of growing on."""

CROWDED = 8
"""Columns that a base takes over from other bases before those that are no longer used are let go."""

Dtype = Any


@dataclass(frozen=True)
class Col:
    """A column to be: `expr` over the base of its table gives values of `dtype`.

    `kept` is the column of the base that has these values already, perhaps in a narrower type; "" when there is none.
    """

    name: str
    expr: pl.Expr
    dtype: Dtype
    uuid: bool = False
    size: int = 1
    kept: str = ""

    @property
    def is_enum(self) -> bool:
        return isinstance(self.dtype, pl.Enum)

    @property
    def is_text(self) -> bool:
        return bool(self.dtype == pl.String)

    @property
    def is_time(self) -> bool:
        return isinstance(self.dtype, pl.Datetime)

    @property
    def is_numeric(self) -> bool:
        return self.dtype in (pl.Float64, pl.Int64, pl.Boolean)

    @property
    def levels(self) -> list[str]:
        return list(self.dtype.categories) if self.is_enum else []

    def number(self) -> pl.Expr:
        """Values as Float64: numbers and times (ms); enums and texts are missing throughout, as in H2O's arithmetic."""
        if self.dtype == pl.Float64:
            return self.expr
        if self.is_enum or self.is_text:
            return pl.when(self.expr.is_null()).then(None).otherwise(None).cast(pl.Float64)
        return self.expr.to_physical().cast(pl.Float64) if self.is_time else self.expr.cast(pl.Float64)

    def text(self) -> pl.Expr:
        """Values of a text or enum column as String."""
        return self.expr if self.is_text else self.expr.cast(pl.String)

    def named(self, name: str) -> Col:
        return replace(self, name=name)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns over a base.

    Parameters
    ----------
    base : polars.DataFrame
        What the expressions refer to.
    cols : tuple of Col
        The columns in order; names are unique.
    """

    base: pl.DataFrame
    cols: tuple[Col, ...]
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    # -- construction -----------------------------------------------------------------------------------------------

    @classmethod
    def of_frame(cls, frame: Frame) -> Table:
        cols = tuple(stored_column(n, n, t, n in frame.uuids) for n, t in frame.stored.schema.items())
        return cls(frame.stored, cols, {"frame": frame})

    @classmethod
    def of(cls, data: pl.DataFrame | Mapping[str, Any], uuids: Iterable[str] = ()) -> Table:
        """A table of data at hand; booleans and NaN are brought into frame types."""
        if not isinstance(data, pl.DataFrame):
            data = pl.DataFrame([s if isinstance(s, pl.Series) else pl.Series(n, s) for n, s in _named(data)])
        return cls.of_frame(Frame.of(data, tuple(uuids)))

    # -- shape ------------------------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.cols]

    @property
    def nrow(self) -> int:
        return self.base.height

    @property
    def ncol(self) -> int:
        return len(self.cols)

    def index(self, which: str | float) -> int:
        """Position of a column given by name or 0-based index.

        Raises
        ------
        NotFound
            With the closest names, or the range that is allowed.
        """
        if isinstance(which, str):
            names = self.names
            if which not in names:
                raise NotFound(f"Column {which!r} not found among the {self.ncol} columns{did_you_mean(which, names)}")
            return names.index(which)
        i = int(which)
        if i != which or not 0 <= i < self.ncol:
            raise NotFound(f"Column must be an integer from 0 to {self.ncol - 1}; got {which:g}")
        return i

    def pick(self, positions: Iterable[int]) -> Table:
        cols = tuple(self.cols[i] for i in positions)
        return Table(self.base, unique(cols))

    def map(
        self,
        fn: Callable[[Col], pl.Expr],
        dtype: Dtype = pl.Float64,
        name: Callable[[str], str] | None = None,
        cost: int = 2,
    ) -> Table:
        """Each column replaced by `fn` of it; NaN in Float64 results becomes missing.

        `cost` is how often the new expression repeats the old one (making NaN missing takes two).
        """
        made = []
        for c in self.shallow().cols:
            e = fn(c)
            made.append(
                Col(
                    name(c.name) if name else c.name,
                    e.fill_nan(None) if dtype == pl.Float64 else e,
                    dtype,
                    size=cost * c.size + 1,
                )
            )
        return Table(self.shallow().base, tuple(made))

    # -- data -------------------------------------------------------------------------------------------------------

    def frame(self) -> Frame:
        """The data, computed at most once."""
        if "frame" not in self._cache:
            data = self.base.select((pl.col(c.kept) if c.kept else c.expr).alias(c.name) for c in self.cols)
            if data.height != self.nrow:  # all columns constant
                data = self.base.select(pl.repeat(c.expr, pl.len()).alias(c.name) for c in self.cols)
            self._cache["frame"] = Frame.of(data, tuple(c.name for c in self.cols if c.uuid))
        frame: Frame = self._cache["frame"]
        return frame

    @property
    def data(self) -> pl.DataFrame:
        return self.frame().data

    def computed(self) -> Table:
        """The same table over its own data."""
        return self if self._is_plain() else Table.of_frame(self.frame())

    def _is_plain(self) -> bool:
        f = self._cache.get("frame")
        return f is not None and f.stored is self.base

    def shallow(self) -> Table:
        """The table itself, or computed when its expressions have grown deep."""
        if "shallow" not in self._cache:
            self._cache["shallow"] = self.computed() if any(c.size > LARGE for c in self.cols) else self
        out: Table = self._cache["shallow"]
        return out

    def series(self, i: int = 0) -> pl.Series:
        """One column's data."""
        if "frame" in self._cache:
            return self.frame().column(self.frame().names[i])
        c = self.cols[i]
        return Table(self.base, (c,)).frame().column(c.name)

    def all_series(self) -> Iterator[pl.Series]:
        """The data of one column after the other."""
        frame = self.frame()
        return (frame.column(n) for n in frame.names)

    def numeric(self, i: int = 0) -> np.ndarray:
        """One column as float64, NaN where missing; enums give their codes."""
        frame = self.frame()
        return frame.numeric(frame.names[i])

    def values(self, i: int = 0) -> np.ndarray:
        """Like `numeric`, but an enum or text column is NaN throughout, as in H2O's statistics."""
        if self.cols[i].is_enum or self.cols[i].is_text:
            return np.full(self.nrow, np.nan)
        return self.numeric(i)

    def matrix(self) -> np.ndarray:
        """All columns as float64 ``(nrow, ncol)``; see `numeric`."""
        return np.column_stack([self.numeric(i) for i in range(self.ncol)]) if self.ncol else np.empty((self.nrow, 0))

    def gather(self, rows: Sequence[int] | np.ndarray) -> Table:
        """Rows by position."""
        index = pl.Series(np.asarray(rows, np.int64))
        return Table.of_frame(self.frame().gather(index))

    def filter(self, keep: pl.Series | np.ndarray) -> Table:
        mask = keep if isinstance(keep, pl.Series) else pl.Series(np.asarray(keep, bool))
        return Table.of_frame(self.frame().filter(mask))


def stored_column(name: str, base: str, stored_as: Dtype, uuid: bool = False) -> Col:
    """The column `base` of a frame's stored columns, as `name`."""
    dtype = visible(stored_as)
    expr = pl.col(base) if dtype == stored_as else pl.col(base).cast(dtype)
    return Col(name, expr, dtype, uuid, kept=base)


def _named(data: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for n, v in data.items():
        yield n, v.alias(n) if isinstance(v, pl.Series) else v


def unique(cols: Sequence[Col], taken: Iterable[str] = ()) -> tuple[Col, ...]:
    """Columns with distinct names: a name that occurs again gets 0, 1, … appended."""
    seen = set(taken)
    if len({c.name for c in cols}) == len(cols) and not seen.intersection(c.name for c in cols):
        return tuple(cols)
    out = []
    for c in cols:
        name, k = c.name, 0
        while name in seen:
            name, k = f"{c.name}{k}", k + 1
        seen.add(name)
        out.append(c if name == c.name else c.named(name))
    return tuple(out)


def joined(left: Table, right: Table) -> tuple[Table, Table]:
    """Both tables over one base, so that their columns can be combined.

    Raises
    ------
    H2OValueError
        When they differ in the number of rows.
    """
    left, right = left.shallow(), right.shallow()
    if left.base is right.base:
        return left, right
    slots = [n for n in left.base.columns if n.startswith("\0")]
    if len(slots) > CROWDED:
        used = {n for c in left.cols for n in c.expr.meta.root_names()}
        left = Table(left.base.drop(n for n in slots if n not in used), left.cols)
    if left.nrow != right.nrow:
        raise H2OValueError(f"frames have different numbers of rows: {left.nrow} and {right.nrow}")
    taken = set(left.base.columns)
    new, cols = [], []
    for c, s in zip(right.cols, right.frame().stored.iter_columns()):
        slot = f"\0{len(taken)}"
        while slot in taken:
            slot += "\0"
        taken.add(slot)
        new.append(s.alias(slot))
        cols.append(stored_column(c.name, slot, s.dtype, c.uuid))
    base = left.base.with_columns(new) if left.base.width else pl.DataFrame(new)
    return Table(base, left.cols), Table(base, tuple(cols))


def enum_series(name: str, codes: np.ndarray | pl.Series, levels: Sequence[str]) -> pl.Series:
    """An enum column from level indices; negative or null is missing."""
    if len(set(levels)) != len(levels):
        twice = next(v for i, v in enumerate(levels) if v in levels[:i])
        raise H2OValueError(f"level {twice!r} occurs twice; the levels of a column are distinct")
    s = codes if isinstance(codes, pl.Series) else pl.Series(np.asarray(codes, np.int64))
    s = s.cast(pl.Int64)
    s = pl.select(pl.when(s >= 0).then(s).otherwise(None)).to_series()
    small = pl.UInt8 if len(levels) <= 255 else pl.UInt16 if len(levels) <= 65535 else pl.UInt32
    return s.cast(small).cat.to(pl.Enum(list(levels))).alias(name)


def require_text(c: Col, what: str) -> None:
    if not (c.is_text or c.is_enum):
        raise H2OTypeError(f"{what} works on text and categorical columns; {c.name!r} is numeric (see ascharacter())")
