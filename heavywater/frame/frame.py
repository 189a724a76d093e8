"""`Frame`: a table as the engine sees it — columns of six kinds over Polars (Arrow) memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, NotFound, did_you_mean

Kind = Literal["real", "int", "enum", "time", "string", "uuid"]
"""Column kinds, by H2O's names."""


@dataclass(frozen=True, eq=False)
class Frame:
    """An immutable table.

    Missing values are Arrow nulls in every kind; a float column never holds NaN.  The physical types are

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
    data : polars.DataFrame
        The columns; use `Frame.of` to bring any Polars frame into the types above.
    uuids : frozenset of str
        Names of the String columns that hold UUIDs.
    """

    data: pl.DataFrame
    uuids: frozenset[str] = frozenset()
    _cache: dict[str, object] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, data: pl.DataFrame, uuids: Sequence[str] = ()) -> Frame:
        """Bring `data` into the six physical types (narrow integers widen, booleans become 0/1, NaN becomes null)."""
        return cls(data.select(_normalised(s) for s in data.iter_columns()), frozenset(uuids) & set(data.columns))

    @property
    def names(self) -> list[str]:
        return self.data.columns

    @property
    def nrow(self) -> int:
        return self.data.height

    @property
    def ncol(self) -> int:
        return self.data.width

    def kind(self, name: str) -> Kind:
        """Kind of a column; as in H2O, a Float64 column of whole numbers only, or of none at all, is ``"int"``."""
        dtype = self.column(name).dtype
        if name in self.uuids:
            return "uuid"
        if isinstance(dtype, pl.Enum):
            return "enum"
        if isinstance(dtype, pl.Datetime):
            return "time"
        if dtype == pl.String:
            return "string"
        if dtype == pl.Int64:
            return "int"
        key = f"whole:{name}"
        if key not in self._cache:
            s = self.data[name].drop_nulls()
            self._cache[key] = bool((s == s.floor()).all()) and bool(s.is_finite().all())
        return "int" if self._cache[key] else "real"

    @property
    def kinds(self) -> dict[str, Kind]:
        return {n: self.kind(n) for n in self.names}

    def column(self, name: str) -> pl.Series:
        """The column called `name`.

        Raises
        ------
        NotFound
            With the closest existing names.
        """
        try:
            return self.data.get_column(name)
        except (pl.exceptions.ColumnNotFoundError, TypeError):
            hint = did_you_mean(name, self.names)
            raise NotFound(f"there is no column {name!r} among the {self.ncol} columns{hint}") from None

    def levels(self, name: str) -> list[str] | None:
        """Levels (domain) of an enum column in their order; None for every other kind."""
        dtype = self.column(name).dtype
        return dtype.categories.to_list() if isinstance(dtype, pl.Enum) else None

    def codes(self, name: str) -> np.ndarray:
        """Level indices of an enum column as int32, -1 where missing; shape ``(nrow,)``."""
        col = self.column(name)
        if not isinstance(col.dtype, pl.Enum):
            raise H2OTypeError(f"column {name!r} is {self.kind(name)}, not enum; use asfactor() first")
        physical = col.to_physical().cast(pl.Int32)
        return np.ascontiguousarray((physical.fill_null(-1) if col.null_count() else physical).to_numpy())

    def numeric(self, name: str) -> np.ndarray:
        """A column as float64, NaN where missing: level indices of enum, ms since 1970 of time; shape ``(nrow,)``."""
        col = self.column(name)
        if col.dtype == pl.String:
            raise H2OTypeError(f"column {name!r} is {self.kind(name)} and has no numeric values")
        if not col.dtype.is_numeric():
            col = col.to_physical()
        return np.ascontiguousarray(col.cast(pl.Float64).to_numpy())  # nulls become NaN

    def select(self, names: Sequence[str]) -> Frame:
        for n in names:
            self.column(n)
        return Frame(self.data.select(names), self.uuids & set(names))

    def rename(self, mapping: Mapping[str, str]) -> Frame:
        return Frame(self.data.rename(dict(mapping)), frozenset(mapping.get(u, u) for u in self.uuids))


def _normalised(s: pl.Series) -> pl.Series:
    """One column in its physical type (see `Frame`)."""
    t = s.dtype
    if isinstance(t, pl.Enum) or t == pl.String or t == pl.Int64 or t == pl.Datetime("ms"):
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
