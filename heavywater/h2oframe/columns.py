"""Conversions of columns, levels of categories, texts and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.h2oframe.base import Identity
from heavywater.h2oframe.values import column_position, node_of
from heavywater.rapids.node import Call, Items

TYPES = {"numeric", "categorical", "string", "time", "uuid", "bad"}


class Columns(Identity):
    """Types, levels, names, texts and times."""

    # -- types -----------------------------------------------------------------------------------------------------

    def asfactor(self) -> Self:
        """Categorical: labels sorted, numbers in numeric order."""
        return self._call("as.factor", self)

    def ascharacter(self) -> Self:
        """Texts."""
        return self._call("as.character", self)

    def isfactor(self) -> list[bool]:
        """Whether each column is categorical."""
        return [bool(v) for v in self._ask("is.factor", self)]

    def isnumeric(self) -> list[bool]:
        """Whether each column is numeric."""
        return [bool(v) for v in self._ask("is.numeric", self)]

    def isstring(self) -> list[bool]:
        """Whether each column holds text."""
        return [bool(v) for v in self._ask("is.character", self)]

    def ischaracter(self) -> list[bool]:
        """The same as `isstring`."""
        return self.isstring()

    def anyfactor(self) -> bool:
        """Whether some column is categorical."""
        return bool(self._ask("any.factor", self))

    def columns_by_type(self, coltype: str = "numeric") -> list[float]:
        """Positions of the columns of a type: numeric, categorical, string, time, uuid or bad (all missing)."""
        if coltype not in TYPES:
            raise H2OValueError(f"coltype must be one of {', '.join(sorted(TYPES))}; got {coltype!r}")
        return list(self._ask("columnsByType", self, coltype))

    def filter_na_cols(self, frac: float = 0.2) -> list[float]:
        """Positions of the columns with less than this fraction of missing values."""
        return list(self._ask("filterNACols", self, frac))

    # -- names -----------------------------------------------------------------------------------------------------

    def set_names(self, names: Sequence[str]) -> Self:
        """Give this frame other column names; returns the frame."""
        self._rename_all(names)
        return self

    def set_name(self, col: Any = None, name: str | None = None) -> None:
        """Rename one column (which may be left out when there is only one)."""
        if not isinstance(name, str):
            raise H2OTypeError(f"name must be a text; got {name!r}")
        if col is None and self.ncol != 1:
            raise H2OValueError(f"set_name needs a column; this frame has {self.ncol}")
        position = 0 if col is None else column_position(col, self.names)
        self._set(self._call("colnames=", self, position, name)._node)

    def rename(self, columns: Mapping[Any, str] | None = None) -> Self:
        """Rename columns by a dictionary old name → new name; returns the frame."""
        if not isinstance(columns, Mapping):
            raise H2OTypeError(f"columns must be a dictionary of old and new names; got {type(columns).__name__}")
        names = self.names
        for old, new in columns.items():
            names[column_position(old, self.names)] = new
        self._rename_all(names)
        return self

    # -- levels ----------------------------------------------------------------------------------------------------

    def levels(self) -> list[list[str]]:
        """Levels of each column; an empty list for columns that are not categorical."""
        frame = self._frame()
        return [frame.levels(n) or [] for n in frame.names]

    def nlevels(self) -> list[int]:
        """Number of levels of each column."""
        return [len(v) for v in self.levels()]

    def categories(self) -> list[str]:
        """Levels of a single categorical column."""
        if self.ncol != 1:
            raise H2OValueError(f"categories() works on one column; this frame has {self.ncol}")
        return self.levels()[0]

    def set_level(self, level: str) -> Self:
        """Every row set to one of the levels."""
        return self._call("setLevel", self, level)

    def set_levels(self, levels: Sequence[str]) -> Self:
        """The same rows with other labels, as many as before."""
        return self._call("setDomain", self, False, Items(tuple(levels)))

    def append_levels(self, levels: Sequence[str]) -> Self:
        """More levels, which no row has yet."""
        return self._call("appendLevels", self, False, Items(tuple([levels] if isinstance(levels, str) else levels)))

    def relevel(self, y: str) -> Self:
        """Level `y` moved to the front."""
        return self._call("relevel", self, y)

    def relevel_by_frequency(self, weights_column: Any = None, top_n: int = -1) -> Self:
        """Levels by falling frequency; with `top_n` only the most frequent are moved to the front."""
        return self._call("relevel.by.freq", self, weights_column, top_n)

    # -- texts -----------------------------------------------------------------------------------------------------

    def toupper(self) -> Self:
        """Upper case."""
        return self._call("toupper", self)

    def tolower(self) -> Self:
        """Lower case."""
        return self._call("tolower", self)

    def trim(self) -> Self:
        """Without white space at either end."""
        return self._call("trim", self)

    def lstrip(self, set: str = " ") -> Self:  # noqa: A002
        """Without leading characters of a set."""
        return self._call("lstrip", self, set or " ")

    def rstrip(self, set: str = " ") -> Self:  # noqa: A002
        """Without trailing characters of a set."""
        return self._call("rstrip", self, set or " ")

    def substring(self, start_index: int, end_index: int | None = None) -> Self:
        """Characters from `start_index`, counted from 0, to `end_index`, excluded."""
        return self._call("substring", self, start_index, end_index)

    def nchar(self) -> Self:
        """Number of characters."""
        return self._call("strlen", self)

    def sub(self, pattern: str, replacement: str, ignore_case: bool = False) -> Self:
        """The first match of a regular expression replaced (``$1`` for a group)."""
        return self._call("replacefirst", self, pattern, replacement, ignore_case)

    def gsub(self, pattern: str, replacement: str, ignore_case: bool = False) -> Self:
        """Every match of a regular expression replaced (``$1`` for a group)."""
        return self._call("replaceall", self, pattern, replacement, ignore_case)

    def grep(self, pattern: str, ignore_case: bool = False, invert: bool = False, output_logical: bool = False) -> Self:
        """Numbers of the rows that match a regular expression, or 0/1 per row."""
        return self._call("grep", self, pattern, ignore_case, invert, output_logical)

    def strsplit(self, pattern: str) -> Self:
        """Pieces between matches of a regular expression, in columns C1, C2, …"""
        return self._call("strsplit", self, pattern)

    def tokenize(self, split: str) -> Self:
        """Pieces between matches of a regular expression, one per row, with a missing value after each input row."""
        return self._call("tokenize", self, split)

    def countmatches(self, pattern: str | Sequence[str]) -> Self:
        """How often the text, or any of several, occurs."""
        return self._call("countmatches", self, pattern if isinstance(pattern, str) else Items(tuple(pattern)))

    def entropy(self) -> Self:
        """Shannon entropy of the characters, in bits."""
        return self._call("entropy", self)

    def num_valid_substrings(self, path_to_words: str) -> Self:
        """How many substrings are words of a list, a file with one word per line."""
        return self._call("num_valid_substrings", self, path_to_words)

    def strdistance(self, y: Any, measure: str = "lv", compare_empty: bool = True) -> Self:
        """Likeness of texts, row by row: lv, lcs, qgram, jaccard, jw or soundex."""
        return self._call("strDistance", self, y, measure or "lv", compare_empty)

    # -- times -----------------------------------------------------------------------------------------------------

    def year(self) -> Self:
        """Year of a time."""
        return self._call("year", self)

    def month(self) -> Self:
        """Month of a time, from 1."""
        return self._call("month", self)

    def week(self) -> Self:
        """ISO week of a time."""
        return self._call("week", self)

    def day(self) -> Self:
        """Day of the month."""
        return self._call("day", self)

    def dayOfWeek(self) -> Self:  # noqa: N802
        """Mon … Sun as categories."""
        return self._call("dayOfWeek", self)

    def hour(self) -> Self:
        """Hour of a time, in UTC."""
        return self._call("hour", self)

    def minute(self) -> Self:
        """Minute of a time."""
        return self._call("minute", self)

    def second(self) -> Self:
        """Second of a time."""
        return self._call("second", self)

    def as_date(self, format: str) -> Self:  # noqa: A002
        """Times from texts by a pattern such as ``%Y-%m-%d`` or ``yyyy-MM-dd``."""
        return self._call("as.Date", self, format)

    @classmethod
    def moment(
        cls,
        year: Any = None,
        month: Any = None,
        day: Any = None,
        hour: Any = None,
        minute: Any = None,
        second: Any = None,
        msec: Any = None,
        date: Any = None,
        time: Any = None,
    ) -> Self:
        """A time column from its parts (numbers or columns; month and day from 1), or from a Python date."""
        if date is not None or time is not None:
            if any(v is not None for v in (year, month, day, hour, minute, second, msec)):
                raise H2OValueError("moment: give either date or time, or the parts")
            return cls._of_node(node_of(date if date is not None else time))
        parts = (year, 1 if month is None else month, 1 if day is None else day)
        clock = (0 if v is None else v for v in (hour, minute, second, msec))
        if year is None:
            raise H2OValueError("moment: the year is missing")
        return cls._of_node(Call("moment", tuple(node_of(v) for v in (*parts, *clock))))

    @classmethod
    def mktime(
        cls,
        year: Any = 1970,
        month: Any = 0,
        day: Any = 0,
        hour: Any = 0,
        minute: Any = 0,
        second: Any = 0,
        msec: Any = 0,
    ) -> Self:
        """Like `moment`, with month and day counted from 0."""
        return cls._of_node(Call("mktime", tuple(node_of(v) for v in (year, month, day, hour, minute, second, msec))))

    def difflag1(self) -> Self:
        """Each value less the one before."""
        return self._call("difflag1", self)
