"""Combining, splitting, sorting, grouping, filling."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from heavywater.errors import H2OTypeError, H2OValueError, NotSupported
from heavywater.h2oframe.base import Identity, current_session
from heavywater.h2oframe.groupby import GroupBy
from heavywater.h2oframe.operators import Traced
from heavywater.h2oframe.selection import Selection
from heavywater.h2oframe.values import column_position, column_positions, scalar_of
from heavywater.rapids.node import Items, Lambda, Leaf, Name
from heavywater.rapids.primitives.impute import impute
from heavywater.rapids.primitives.rand import random_seed
from heavywater.rapids.table import Table


def _frames(data: Any, what: str) -> list[Any]:
    parts = list(data) if isinstance(data, (list, tuple)) else [data]
    for p in parts:
        if not isinstance(p, Identity) and not (what == "cbind" and isinstance(p, (int, float, str))):
            raise H2OTypeError(f"{what} takes frames; got {type(p).__name__}")
    return parts


def _seed(seed: int | None) -> int:
    if seed is None or seed == -1:
        return random_seed()
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise H2OTypeError(f"seed must be a whole number; got {seed!r}")
    return int(seed)


class Munging(Selection):
    """Work on whole frames."""

    # -- combining -------------------------------------------------------------------------------------------------

    def cbind(self, data: Any) -> Self:
        """This frame with the columns of others (frames, or scalars) at its right."""
        return self._call("cbind", self, *_frames(data, "cbind"))

    def rbind(self, data: Any) -> Self:
        """This frame with the rows of others, which have the same columns, below it."""
        return self._call("rbind", self, *_frames(data, "rbind"))

    def concat(self, frames: Sequence[Any], axis: int = 1) -> Self:
        """`cbind` (axis 1) or `rbind` (axis 0) of several frames."""
        if axis not in (0, 1):
            raise H2OValueError(f"axis must be 0 (rows) or 1 (columns); got {axis!r}")
        return self.cbind(frames) if axis == 1 else self.rbind(frames)

    def merge(
        self,
        other: Any,
        all_x: bool = False,
        all_y: bool = False,
        by_x: Any = None,
        by_y: Any = None,
        method: str = "auto",
    ) -> Self:
        """Join with another frame on equal keys.

        Parameters
        ----------
        other : H2OFrame
            The right side.
        all_x, all_y : bool
            Keep the rows of this frame, or of the other, that have no match.
        by_x, by_y : column names or indices, optional
            The keys; by default all columns of the same name.
        method : {"auto", "radix", "hash"}
            ``hash`` keeps the order of this frame, the others sort by key.
        """
        _frames(other, "merge")
        if by_x is None and by_y is None:
            common = [n for n in self.names if n in other.names]
            if not common:
                raise H2OValueError("merge: the frames have no column name in common; give by_x and by_y")
            by_x = by_y = common
        bx, by = (
            column_positions(by_x if by_x is not None else by_y, self.names),
            column_positions(by_y if by_y is not None else by_x, other.names),
        )
        if len(bx) != len(by):
            raise H2OValueError(f"merge: by_x has {len(bx)} columns and by_y {len(by)}")
        return self._call("merge", self, other, all_x, all_y, bx, by, method)

    # -- splitting -------------------------------------------------------------------------------------------------

    def split_frame(
        self,
        ratios: Sequence[float] | None = None,
        destination_frames: Sequence[str] | None = None,
        seed: int | None = None,
    ) -> list[Self]:
        """Random parts; each row falls into a part with the given probability.

        Parameters
        ----------
        ratios : list of float, optional
            Shares of all parts but the last, which takes the rest; 0.75 by default.
        destination_frames : list of str, optional
            Names of the parts.
        seed : int, optional
            The same seed gives the same rows, and those that H2O draws.
        """
        shares = (
            [0.75] if ratios is None else [float(r) for r in ([ratios] if isinstance(ratios, (int, float)) else ratios)]
        )
        if not shares or any(not 0 < r < 1 for r in shares) or sum(shares) >= 1:
            raise H2OValueError(f"ratios must each lie between 0 and 1 and add up to less than 1; got {ratios!r}")
        keys = list(destination_frames or [])
        if keys and len(keys) != len(shares) + 1:
            raise H2OValueError(f"{len(shares) + 1} parts need as many destination_frames; got {len(keys)}")
        if len(set(keys)) != len(keys):
            raise H2OValueError("destination_frames must differ")
        draw = self._call("h2o.runif", self, _seed(seed))
        draw = type(self)._of_node(Leaf(draw._frame()))
        out, low = [], 0.0
        for r in shares:
            high = low + r
            inside = draw <= high if low == 0 else (draw > low) & (draw <= high)
            out.append(self[inside])
            low = high
        out.append(self[draw > low])
        for part, key in zip(out, keys):
            part.frame_id = key
        return out

    def runif(self, seed: int | None = None) -> Self:
        """Uniform random numbers in [0, 1), one per row."""
        return self._call("h2o.runif", self, _seed(seed))

    def kfold_column(self, n_folds: int = 3, seed: int = -1) -> Self:
        """A random fold per row."""
        return self._call("kfold_column", self, n_folds, _seed(seed))

    def modulo_kfold_column(self, n_folds: int = 3) -> Self:
        """Fold ``i mod n_folds`` of row i."""
        return self._call("modulo_kfold_column", self, n_folds)

    def stratified_kfold_column(self, n_folds: int = 3, seed: int = -1) -> Self:
        """Random folds, drawn class by class of this one categorical column."""
        return self._call("stratified_kfold_column", self, n_folds, _seed(seed))

    def stratified_split(self, test_frac: float = 0.2, seed: int = -1) -> Self:
        """``train`` or ``test`` per row, with the same share of each class of this one column."""
        return self._call("h2o.random_stratified_split", self, test_frac, _seed(seed))

    # -- arranging -------------------------------------------------------------------------------------------------

    def sort(self, by: Any, ascending: Any = ()) -> Self:
        """Rows sorted by columns, missing values first; `ascending` is a list of True and False, one per column."""
        flags = [ascending] if isinstance(ascending, bool) else list(ascending)
        positions = column_positions(by, self.names)
        if flags and len(flags) != len(positions):
            raise H2OValueError(f"{len(positions)} sort columns need as many directions; got {len(flags)}")
        if any(not isinstance(f, (bool, np.bool_)) for f in flags):
            raise H2OTypeError(f"ascending must be True or False for each column; got {ascending!r}")
        text = next((self.names[i] for i in positions if list(self._kinds().values())[i] == "string"), None)
        if text is not None:
            raise H2OTypeError(f"sort: column {text!r} holds text; use asfactor() first")
        order = [1 if f else -1 for f in flags] or [1] * len(positions)
        return self._call("sort", self, positions, order)

    def drop_duplicates(self, columns: Any, keep: str = "first") -> Self:
        """One row per combination of the columns, the first or the last."""
        if keep not in ("first", "last"):
            raise H2OValueError(f"keep must be 'first' or 'last'; got {keep!r}")
        return self._call("dropdup", self, column_positions(columns, self.names), keep)

    def group_by(self, by: Any) -> GroupBy:
        """Groups of equal values of columns; see `GroupBy`."""
        return GroupBy(self, by)

    def rank_within_group_by(
        self,
        group_by_cols: Any,
        sort_cols: Any,
        ascending: Sequence[bool] = (),
        new_col_name: str = "New_Rank_column",
        sort_cols_sorted: bool = False,
    ) -> Self:
        """Rank of each row in its group; the result is sorted by group."""
        by, order = column_positions(group_by_cols, self.names), column_positions(sort_cols, self.names)
        flags = [1 if a else -1 for a in ascending] or [1] * len(order)
        return self._call("rank_within_groupby", self, by, order, flags, new_col_name, int(sort_cols_sorted))

    def pivot(self, index: str, column: str, value: str) -> Self:
        """Wide form: a row per value of `index`, a column per value of `column`."""
        for n in (index, column, value):
            column_position(n, self.names)
        return self._call("pivot", self, index, column, value)

    def melt(
        self,
        id_vars: Any,
        value_vars: Any = None,
        var_name: str = "variable",
        value_name: str = "value",
        skipna: bool = False,
    ) -> Self:
        """Long form: the id columns, a column's name and its value."""
        names = self.names
        ids = [names[i] for i in column_positions(id_vars, names)]
        values = None if value_vars is None else [names[i] for i in column_positions(value_vars, names)]
        return self._call("melt", self, ids, values, var_name, value_name, skipna)

    def rep_len(self, length_out: int) -> Self:
        """The values of a column repeated up to a length."""
        return self._call("rep_len", self, length_out)

    def isax(self, num_words: int, max_cardinality: int, optimize_card: bool = False, **ignored: Any) -> Self:
        """Rows as iSAX words."""
        return self._call("isax", self, num_words, max_cardinality, optimize_card)

    # -- values ----------------------------------------------------------------------------------------------------

    def cut(
        self,
        breaks: Sequence[float] | int,
        labels: Sequence[str] | None = None,
        include_lowest: bool = False,
        right: bool = True,
        dig_lab: int = 3,
    ) -> Self:
        """Intervals of a numeric column as categories."""
        edges = breaks if isinstance(breaks, (int, float)) else Items(tuple(float(b) for b in breaks))
        return self._call(
            "cut", self, edges, None if labels is None else Items(tuple(labels)), include_lowest, right, dig_lab
        )

    def which(self) -> Self:
        """Numbers of the rows that are not 0."""
        return self._call("which", self)

    def match(self, table: Any, nomatch: float = float("nan"), start_index: int = 1) -> Self:
        """Position of each value in a list, counted from `start_index`."""
        return self._call(
            "match", self, table if isinstance(table, (str, int, float)) else list(table), nomatch, start_index
        )

    def isin(self, item: Any) -> Self:
        """1 where a value is one of the given."""
        wanted = list(item) if isinstance(item, (list, tuple, set, range, np.ndarray)) else [item]
        if not wanted:
            return self._call("-", self._call("is.na", self), self._call("is.na", self))
        label = self._kinds()[self.names[0]] in ("enum", "string") if self.ncol else False
        if label and self.ncol == 1:
            return self._call(">", self.match([str(w) for w in wanted], 0, 1), 0)
        found = self._binary("==", wanted[0])
        for w in wanted[1:]:
            found = found._binary("|", self._binary("==", w))
        return found

    def na_omit(self) -> Self:
        """The rows without a missing value."""
        return self._call("na.omit", self)

    def fillna(self, method: str = "forward", axis: int = 0, maxlen: int = 1) -> Self:
        """Gaps of up to `maxlen` filled with the value before (``forward``) or after (``backward``)."""
        if axis not in (0, 1) or not isinstance(maxlen, int) or maxlen < 0:
            raise H2OValueError(f"fillna: axis must be 0 or 1 and maxlen at least 0; got {axis!r} and {maxlen!r}")
        return self._call("h2o.fillna", self, method, axis, maxlen)

    def impute(
        self,
        column: Any = -1,
        method: str = "mean",
        combine_method: str = "interpolate",
        by: Any = None,
        group_by_frame: Any = None,
        values: Sequence[float] | None = None,
    ) -> Any:
        """Fill the missing values of a column (-1: of all) in place.

        Parameters
        ----------
        method : {"mean", "median", "mode"}
            Categorical columns always take their most frequent level.
        by : columns, optional
            Fill with the statistic of the row's group.
        group_by_frame : H2OFrame, optional
            Groups and their values, as this method returned them for other data.
        values : list of float, optional
            Values to fill in, one per column.

        Returns
        -------
        list of float or H2OFrame
            What was filled in per column (NaN: nothing), or per group.
        """
        everything = isinstance(column, (int, np.integer)) and not isinstance(column, bool) and column == -1
        which = -1.0 if everything else float(column_position(column, self.names))
        keys = None if by is None else Items(tuple(float(i) for i in column_positions(by, self.names)))
        known = group_by_frame._table() if isinstance(group_by_frame, Identity) else None
        given = None if values is None else Items(tuple(float(v) if v is not None else float("nan") for v in values))
        filled, found = impute(self._table(), which, method, combine_method, keys, known, given)
        key = self._key
        self._node = Leaf(filled.frame(), key)
        if key is not None:
            current_session().put(key, filled.frame())
        return type(self)._of(found.frame()) if isinstance(found, Table) else found.numbers()

    def insert_missing_values(self, fraction: float = 0.1, seed: int | None = None) -> Self:
        """Make a fraction of the cells missing, in place; the same seed hits the same cells as in H2O."""
        made = self._call("insert.missing", self, fraction, _seed(seed))
        key = self._key
        self._node = Leaf(made._frame(), key)
        if key is not None:
            current_session().put(key, made._frame())
        return self

    def interaction(
        self,
        factors: Sequence[Any],
        pairwise: bool,
        max_factors: int,
        min_occurrence: int,
        destination_frame: str | None = None,
    ) -> Self:
        """Combined levels of categorical columns; see `heavywater.interaction`."""
        names = [self.names[i] for i in column_positions(factors, self.names)]
        made = self._call("interaction", self, names, pairwise, max_factors, min_occurrence)
        if destination_frame:
            made.frame_id = destination_frame
        return made

    def apply(self, fun: Callable[[Any], Any] | None = None, axis: int = 0) -> Self:
        """A function of each column (axis 0) or each row (axis 1).

        The function is called once with a stand-in that records what is done with it: operators, functions of numbers,
        ``sum mean min max median sd prod``, ``ifelse isna round``, and columns of a row by name or index.

        Raises
        ------
        H2OTypeError
            When the function does something else.
        """
        if axis not in (0, 1):
            raise H2OValueError(f"axis must be 0 (columns) or 1 (rows); got {axis!r}")
        if fun is None:
            body: Any = Name("x")
        else:
            if not callable(fun):
                raise H2OTypeError(f"fun must be a function; got {type(fun).__name__}")
            wanted = [p for p in inspect.signature(fun).parameters.values() if p.default is p.empty]
            if len(wanted) != 1:
                raise H2OTypeError(f"fun must take one argument, a row or a column; it takes {len(wanted)}")
            made = fun(Traced(Name("x")))
            body = made._node if isinstance(made, Traced) else scalar_of(made)
        return self._call("apply", self, 1 if axis == 1 else 2, Lambda(("x",), body))

    def save_to_hive(self, *args: Any, **options: Any) -> None:
        """Not available: there is no Hive here."""
        raise NotSupported("save_to_hive is not available; use heavywater.export_file(frame, path)")
