"""Numbers that describe a frame."""

from __future__ import annotations

from typing import Any, Self

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.h2oframe.base import Identity
from heavywater.h2oframe.values import column_position
from heavywater.rapids.node import Items

DEFAULT_PROBS = (0.01, 0.1, 0.25, 0.333, 0.5, 0.667, 0.75, 0.9, 0.99)


class Statistics(Identity):
    """Reductions.  Labels and texts count as missing."""

    def min(self) -> float:
        """Smallest value of all columns; NaN when one is missing."""
        return float(self._ask("min", self))

    def max(self) -> float:
        """Largest value of all columns; NaN when one is missing."""
        return float(self._ask("max", self))

    def sum(self, skipna: bool = True, axis: int = 0, return_frame: bool = False, **legacy: Any) -> Any:
        """Sum of everything, or with `return_frame` per column (axis 0) or row (axis 1).

        Parameters
        ----------
        skipna : bool
            Leave missing values out.
        """
        skipna = bool(legacy.get("na_rm", skipna))
        if return_frame or axis == 1:
            return self._call("sumaxis", self, skipna, axis)
        return float(self._ask("sumNA" if skipna else "sum", self))

    def mean(self, skipna: bool = True, axis: int = 0, return_frame: bool = False, **legacy: Any) -> Any:
        """Mean per column as a list, or as a frame per column (axis 0) or row (axis 1)."""
        skipna = bool(legacy.get("na_rm", skipna))
        made = self._call("mean", self, skipna, axis)
        return made if return_frame or axis == 1 else list(self._ask("getrow", made))

    def median(self, na_rm: bool = False) -> list[float]:
        """Median per column; NaN with a missing value unless `na_rm`."""
        return list(self._ask("median", self, na_rm))

    def sd(self, na_rm: bool = False) -> list[float]:
        """Standard deviation (n - 1) per column."""
        return list(self._ask("sd", self, na_rm))

    def skewness(self, na_rm: bool = False) -> list[float]:
        """Skewness per column."""
        return list(self._ask("skewness", self, na_rm))

    def kurtosis(self, na_rm: bool = False) -> list[float]:
        """Kurtosis per column; 3 for a normal distribution."""
        return list(self._ask("kurtosis", self, na_rm))

    def prod(self, na_rm: bool = False) -> float:
        """Product of all values."""
        return float(self._ask("prod.na" if na_rm else "prod", self))

    def any(self) -> bool:
        """Whether some value is not 0."""
        return bool(self._ask("any", self))

    def all(self) -> bool:
        """Whether no value is 0."""
        return bool(self._ask("all", self))

    def any_na_rm(self) -> bool:
        """Whether some value that is not missing is not 0."""
        return self.any()

    def anyna(self) -> bool:
        """Whether some value is missing."""
        return bool(self._ask("any.na", self))

    def nacnt(self) -> list[float]:
        """Missing values per column."""
        return list(self._ask("naCnt", self))

    def var(self, y: Any = None, na_rm: bool = False, use: str | None = None) -> Any:
        """Covariances with the columns of `y` (default: of this frame); a number for single columns.

        Parameters
        ----------
        use : {"everything", "all.obs", "complete.obs"}, optional
            What to do with missing values: let them show, refuse them, leave their rows out.
        """
        return self._moments("var", y, na_rm, use, y is None)

    def cor(self, y: Any = None, na_rm: bool = False, use: str | None = None, method: str = "Pearson") -> Any:
        """Correlations (``Pearson`` or ``Spearman``) with the columns of `y`; see `var`."""
        return self._moments("cor", y, na_rm, use, method)

    def _moments(self, op: str, y: Any, na_rm: bool, use: str | None, last: Any) -> Any:
        other = self if y is None else y
        if not isinstance(other, Identity):
            raise H2OTypeError(f"{op}: y must be a frame; got {type(y).__name__}")
        how = use or ("complete.obs" if na_rm else "everything")
        value = self._ask(op, self, other, how, last)
        return value if isinstance(value, float) else type(self)._of(value)

    def quantile(self, prob: Any = None, combine_method: str = "interpolate", weights_column: Any = None) -> Self:
        """Quantiles: ``Probs`` and a column ``<name>Quantiles`` per column.

        Parameters
        ----------
        prob : list of float, optional
            Probabilities; 0.01 to 0.99 in nine steps by default.
        combine_method : {"interpolate", "average", "low", "high"}
            What to do between two values.
        weights_column : str or one-column frame, optional
            Weight of each row.
        """
        probs = Items(tuple(float(p) for p in ([prob] if isinstance(prob, (int, float)) else prob or DEFAULT_PROBS)))
        if weights_column is None:
            return self._call("quantile", self, probs, combine_method, "_")
        if isinstance(weights_column, Identity):
            name = weights_column.names[0]
            frame = self if name in self.names else self._call("cbind", self, weights_column)
        else:
            name = self.names[column_position(weights_column, self.names)]
            frame = self
        return self._call("quantile", frame, probs, combine_method, name)

    def table(self, data2: Any = None, dense: bool = True) -> Self:
        """Counts of values, or of pairs of values with a second column; not `dense`: one column per level."""
        return self._call("table", self, dense) if data2 is None else self._call("table", self, data2, dense)

    def unique(self, include_nas: bool = False) -> Self:
        """Distinct values of one column, sorted."""
        return self._call("unique", self, include_nas)

    def hist(
        self, breaks: Any = "sturges", plot: bool = True, save_plot_path: str | None = None, **options: Any
    ) -> Any:
        """Histogram of one column: a table of breaks and counts, or with `plot` a figure.

        Parameters
        ----------
        breaks : str, int or list
            ``sturges``, ``rice``, ``sqrt``, ``doane``, ``fd``, ``scott``, a number of bins, or their edges.
        """
        made = self._call("hist", self, breaks)
        if not plot:
            return made
        from heavywater.h2oframe.printing import histogram_figure

        return histogram_figure(made, self.names[0], save_plot_path)

    def _running(self, op: str, axis: int) -> Self:
        if axis not in (0, 1):
            raise H2OValueError(f"axis must be 0 (down the columns) or 1 (along the rows); got {axis!r}")
        return self._call(op, self, axis)

    def cumsum(self, axis: int = 0) -> Self:
        """Running sum."""
        return self._running("cumsum", axis)

    def cumprod(self, axis: int = 0) -> Self:
        """Running product."""
        return self._running("cumprod", axis)

    def cummin(self, axis: int = 0) -> Self:
        """Running minimum."""
        return self._running("cummin", axis)

    def cummax(self, axis: int = 0) -> Self:
        """Running maximum."""
        return self._running("cummax", axis)

    def idxmax(self, skipna: bool = True, axis: int = 0) -> Self:
        """Row (axis 0) or column (axis 1) index of the largest value."""
        return self._call("which.max", self, skipna, axis)

    def idxmin(self, skipna: bool = True, axis: int = 0) -> Self:
        """Row (axis 0) or column (axis 1) index of the smallest value."""
        return self._call("which.min", self, skipna, axis)

    def topNBottomN(self, column: Any = 0, nPercent: float = 10, grabTopN: int = -1) -> Self:  # noqa: N802, N803
        """The top (1) or bottom (-1) percent of a column, with the row numbers."""
        return self._call("topn", self, column_position(column, self.names), nPercent, grabTopN)

    def topN(self, column: Any = 0, nPercent: float = 10) -> Self:  # noqa: N802, N803
        """The largest values of a column."""
        return self.topNBottomN(column, nPercent, 1)

    def bottomN(self, column: Any = 0, nPercent: float = 10) -> Self:  # noqa: N802, N803
        """The smallest values of a column."""
        return self.topNBottomN(column, nPercent, -1)

    def distance(self, y: Any, measure: str = "l2") -> Self:
        """Distance or similarity of every row (rows of the result) to every row of `y` (columns C1, C2, …).

        Parameters
        ----------
        y : H2OFrame
            As many numeric columns as this frame has; neither may have missing values.
        measure : {"l2", "l1", "cosine", "cosine_sq"}
            Root of the sum of squared differences; sum of absolute differences; cosine of the angle; its square.
        """
        return self._call("distance", self, y, measure or "l2")

    def mult(self, matrix: Any) -> Self:
        """Matrix product."""
        return self._call("x", self, matrix)

    def transpose(self) -> Self:
        """Rows become columns."""
        return self._call("t", self)

    def scale(self, center: Any = True, scale: Any = True) -> Self:
        """``(x - center) / scale`` of the numeric columns; True means mean and standard deviation."""
        return self._call("scale", self, center, scale)
