"""Groups: ``frame.group_by("g").sum("x").mean("y").get_frame()``."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from heavywater.errors import H2OValueError
from heavywater.h2oframe.values import column_positions
from heavywater.rapids.node import Items
from heavywater.rapids.primitives.group import NA_MODES

if TYPE_CHECKING:
    from heavywater.h2oframe.frame import H2OFrame


class GroupBy:
    """Statistics of groups, collected by its methods and worked out by `get_frame`.

    Every method takes columns (``None``: all that are not keys) and what to do with missing values: ``"all"`` lets them
    show, ``"rm"`` leaves them out, ``"ignore"`` leaves them out but counts their rows.

    Parameters
    ----------
    fr : H2OFrame
        The frame.
    by : column names or indices
        The keys.
    """

    def __init__(self, fr: Any, by: Any):
        self._fr = fr
        self._by = column_positions(by, fr.names)
        if not self._by:
            raise H2OValueError("group_by needs at least one column")
        self._specs: list[tuple[str, int, str]] = []
        self._done: Any = None

    def _add(self, op: str, col: Any, na: str) -> Self:
        if na not in NA_MODES:
            raise H2OValueError(f"na must be one of {', '.join(NA_MODES)}; got {na!r}")
        names, kinds = self._fr.names, self._fr._kinds()
        chosen = [i for i in range(len(names)) if i not in self._by] if col is None else column_positions(col, names)
        if op == "mode" and col is None:
            chosen = [i for i in chosen if kinds[names[i]] == "enum"]
        texts = [names[i] for i in chosen if kinds[names[i]] in ("string", "uuid")]
        if texts:
            warnings.warn(f"group_by: text columns are left out: {', '.join(texts)}", stacklevel=3)
        self._specs += [(op, i, na) for i in chosen if names[i] not in texts]
        self._done = None
        return self

    def min(self, col: Any = None, na: str = "all") -> Self:
        """Smallest value."""
        return self._add("min", col, na)

    def max(self, col: Any = None, na: str = "all") -> Self:
        """Largest value."""
        return self._add("max", col, na)

    def mean(self, col: Any = None, na: str = "all") -> Self:
        """Mean."""
        return self._add("mean", col, na)

    def sum(self, col: Any = None, na: str = "all") -> Self:
        """Sum."""
        return self._add("sum", col, na)

    def sd(self, col: Any = None, na: str = "all") -> Self:
        """Standard deviation."""
        return self._add("sdev", col, na)

    def var(self, col: Any = None, na: str = "all") -> Self:
        """Variance."""
        return self._add("var", col, na)

    def ss(self, col: Any = None, na: str = "all") -> Self:
        """Sum of squares."""
        return self._add("sumSquares", col, na)

    def median(self, col: Any = None, na: str = "all") -> Self:
        """Median."""
        return self._add("median", col, na)

    def mode(self, col: Any = None, na: str = "all") -> Self:
        """Index of the most frequent level of categorical columns."""
        return self._add("mode", col, na)

    def count(self, na: str = "all") -> Self:
        """Number of rows, in a column ``nrow``."""
        if na not in NA_MODES:
            raise H2OValueError(f"na must be one of {', '.join(NA_MODES)}; got {na!r}")
        self._specs.append(("nrow", 0, na))
        self._done = None
        return self

    def get_frame(self) -> H2OFrame:
        """The keys and one column per statistic, such as ``mean_x``, sorted by key."""
        if self._done is None:
            args: list[Any] = [self._fr, Items(tuple(float(i) for i in self._by))]
            for spec in self._specs:
                args.extend(spec)
            self._done = self._fr._call("GB", *args)
        return self._done

    @property
    def frame(self) -> H2OFrame:
        """The same as `get_frame`."""
        return self.get_frame()

    def __repr__(self) -> str:
        return repr(self.get_frame())

    def _repr_html_(self) -> str:
        return self.get_frame()._repr_html_()
