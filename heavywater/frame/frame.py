"""`Frame`: a table as the engine sees it — columns of six kinds over Polars (Arrow) memory.

Whole numbers are stored in as few bytes as they need and are Int64 for whoever looks at them: a table of bytes would
otherwise take eight times its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, NotFound, did_you_mean

Kind = Literal["real", "int", "enum", "time", "string", "uuid"]
"""Column kinds, by H2O's names."""

NARROW = {pl.UInt8: (0, 255), pl.Int16: (-(2**15), 2**15 - 1), pl.Int32: (-(2**31), 2**31 - 1)}
"""Types in which whole numbers that do not need Int64 are stored, with their least and greatest number."""
_INTEGERS = frozenset((pl.Int64, *NARROW))


@dataclass(frozen=True, eq=False)
class Frame:
    """An immutable table.

    Missing values are Arrow nulls in every kind; a float column never holds NaN.  The types of `data` and `column` are

    ====== ================================================
    kind   Polars type
    ====== ================================================
    real   Float64
    int    Int64 (also a Float64 column of whole numbers)
    enum   Enum(levels), levels in H2O's order
    time   Datetime("ms"), UTC without a zone
    string String
    uuid   String, and the column is named in `uuids`
    ====== ================================================

    Parameters
    ----------
    stored : polars.DataFrame
        The columns in the types above, or whole numbers in one of `NARROW`; use `Frame.of` to bring any Polars frame
        into these.
    uuids : frozenset of str
        Names of the String columns that hold UUIDs.
    """

    stored: pl.DataFrame
    uuids: frozenset[str] = frozenset()
    _cache: dict[str, object] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, data: pl.DataFrame, uuids: Sequence[str] = ()) -> Frame:
        """Bring `data` into the types of a frame (booleans become 0/1, NaN becomes null)."""
        return cls(data.select(_normalised(s) for s in data.iter_columns()), frozenset(uuids) & set(data.columns))

    @property
    def data(self) -> pl.DataFrame:
        """The columns in their documented types: a copy of those that are stored narrower, made on every call."""
        if "narrow" not in self._cache:
            self._cache["narrow"] = [n for n, t in self.stored.schema.items() if visible(t) != t]
        narrow = self._cache["narrow"]
        assert isinstance(narrow, list)
        return self.stored.with_columns(pl.col(narrow).cast(pl.Int64)) if narrow else self.stored

    @property
    def names(self) -> list[str]:
        return self.stored.columns

    @property
    def nrow(self) -> int:
        return self.stored.height

    @property
    def ncol(self) -> int:
        return self.stored.width

    def kind(self, name: str) -> Kind:
        """Kind of a column; as in H2O, a Float64 column of whole numbers only, or of none at all, is ``"int"``."""
        dtype = self.stored_column(name).dtype
        if name in self.uuids:
            return "uuid"
        if isinstance(dtype, pl.Enum):
            return "enum"
        if isinstance(dtype, pl.Datetime):
            return "time"
        if dtype == pl.String:
            return "string"
        if dtype in _INTEGERS:
            return "int"
        key = f"whole:{name}"
        if key not in self._cache:
            s = self.stored[name].drop_nulls()
            self._cache[key] = bool((s == s.floor()).all()) and bool(s.is_finite().all())
        return "int" if self._cache[key] else "real"

    @property
    def kinds(self) -> dict[str, Kind]:
        return {n: self.kind(n) for n in self.names}

    def column(self, name: str) -> pl.Series:
        """The column called `name`, in its documented type.

        Raises
        ------
        NotFound
            With the closest existing names.
        """
        col = self.stored_column(name)
        return col.cast(pl.Int64) if visible(col.dtype) != col.dtype else col

    def stored_column(self, name: str) -> pl.Series:
        """Like `column`, but whole numbers as they are stored: for reading values, not for arithmetic in their type."""
        try:
            return self.stored.get_column(name)
        except (pl.exceptions.ColumnNotFoundError, TypeError):
            hint = did_you_mean(name, self.names)
            raise NotFound(f"there is no column {name!r} among the {self.ncol} columns{hint}") from None

    def levels(self, name: str) -> list[str] | None:
        """Levels (domain) of an enum column in their order; None for every other kind."""
        dtype = self.stored_column(name).dtype
        return dtype.categories.to_list() if isinstance(dtype, pl.Enum) else None

    def codes(self, name: str) -> np.ndarray:
        """Level indices of an enum column as int32, -1 where missing; shape ``(nrow,)``."""
        col = self.stored_column(name)
        if not isinstance(col.dtype, pl.Enum):
            raise H2OTypeError(f"column {name!r} is {self.kind(name)}, not enum; use asfactor() first")
        physical = col.to_physical().cast(pl.Int32)
        return np.ascontiguousarray((physical.fill_null(-1) if col.null_count() else physical).to_numpy())

    def numeric(self, name: str) -> np.ndarray:
        """A column as float64, NaN where missing: level indices of enum, ms since 1970 of time; shape ``(nrow,)``."""
        col = self.stored_column(name)
        if col.dtype == pl.String:
            raise H2OTypeError(f"column {name!r} is {self.kind(name)} and has no numeric values")
        if not col.dtype.is_numeric():
            col = col.to_physical()
        return np.ascontiguousarray(col.cast(pl.Float64).to_numpy())  # nulls become NaN

    def select(self, names: Sequence[str]) -> Frame:
        for n in names:
            self.stored_column(n)
        return Frame(self.stored.select(names), self.uuids & set(names))

    def rename(self, mapping: Mapping[str, str]) -> Frame:
        return Frame(self.stored.rename(dict(mapping)), frozenset(mapping.get(u, u) for u in self.uuids))

    def slice(self, start: int, count: int | None = None) -> Frame:
        """Rows `start` to ``start + count``, or to the end."""
        return Frame(self.stored.slice(start, count), self.uuids)

    def gather(self, rows: np.ndarray | pl.Series) -> Frame:
        """Rows by position."""
        return Frame(self.stored[rows], self.uuids)

    def filter(self, keep: np.ndarray | pl.Series) -> Frame:
        """Rows where `keep`, booleans, is true."""
        return Frame(self.stored.filter(keep), self.uuids)

    def with_columns(self, columns: pl.Series | Iterable[pl.Series]) -> Frame:
        """The frame with columns, in types of a frame, put in place of those with their names, others at the end."""
        return Frame(self.stored.with_columns(columns), self.uuids)

    def narrowed(self) -> Frame:
        """The frame with its whole numbers stored in as few bytes as they need."""
        return Frame(pl.DataFrame([_narrowed(s) for s in self.stored.iter_columns()]), self.uuids)


def visible(dtype: pl.DataType) -> pl.DataType:
    """The documented type of a column that is stored as `dtype`."""
    return pl.Int64() if dtype in _INTEGERS else dtype


def _narrowed(s: pl.Series) -> pl.Series:
    """A column of whole numbers in the smallest of the types `NARROW` that holds all its values; others unchanged."""
    if s.dtype != pl.Int64:
        return s
    low, high = s.min(), s.max()
    if not isinstance(low, int) or not isinstance(high, int):  # all missing
        return s
    for dtype, (least, greatest) in NARROW.items():
        if least <= low and high <= greatest:
            return s.cast(dtype)
    return s


def _normalised(s: pl.Series) -> pl.Series:
    """One column in a type of a frame (see `Frame`)."""
    t = s.dtype
    if isinstance(t, pl.Enum) or t == pl.String or t in _INTEGERS or t == pl.Datetime("ms"):
        return s
    if t == pl.Float64:
        return s.fill_nan(None)
    if t == pl.Float32 or isinstance(t, pl.Decimal):
        return s.cast(pl.Float64).fill_nan(None)
    if t == pl.UInt64:  # may exceed Int64
        return s.cast(pl.Float64)
    if t.is_integer() or t == pl.Boolean:
        return s.cast(pl.Int64)
    if t == pl.Categorical:
        levels = s.drop_nulls().unique().cast(pl.String).sort()
        return s.cast(pl.String).cast(pl.Enum(levels))
    if isinstance(t, pl.Datetime):
        if t.time_zone is not None:
            s = s.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return s.cast(pl.Datetime("ms"))
    if t == pl.Date:
        return s.cast(pl.Datetime("ms"))
    if isinstance(t, pl.Duration):
        return s.dt.total_milliseconds()
    if t == pl.Time:
        return s.cast(pl.Int64) // 1_000_000
    if t == pl.Null:
        return s.cast(pl.Float64)
    raise H2OTypeError(f"column {s.name!r} has type {t}; a frame holds numbers, text, enums and times")
