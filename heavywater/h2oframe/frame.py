"""`H2OFrame` itself: how it is made, shown and given back to Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from heavywater.display.table import Table
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.h2oframe.base import current_session
from heavywater.h2oframe.columns import Columns
from heavywater.h2oframe.munging import Munging
from heavywater.h2oframe.printing import as_html, as_text
from heavywater.h2oframe.statistics import Statistics
from heavywater.rapids.node import Leaf

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class H2OFrame(Munging, Columns, Statistics):
    """A table of typed columns.

    What is done with a frame is recorded as a tree and worked out when data is wanted.  Assignment (``frame["x"] = …``)
    changes this object only; other frames made from it before keep what they had.

    Parameters
    ----------
    python_obj : object, optional
        dict of columns, list of rows, numpy array, pandas, polars or pyarrow table, or scipy sparse matrix.
    destination_frame : str, optional
        Name in the session.
    header : {0, 1, -1}
        1: the first row of a list of rows holds the names.
    separator : str
        Accepted for H2O's sake; nothing goes through text here.
    column_names : list of str, optional
        Names of the columns.
    column_types : list or dict, optional
        ``"numeric"``, ``"enum"``, ``"string"``, ``"time"``, ``"uuid"`` by position or name.
    na_strings : list or dict, optional
        Texts that mean a missing value.
    skipped_columns : list, optional
        Columns to leave out.

    Examples
    --------
    >>> import heavywater as h2o
    >>> frame = h2o.H2OFrame({"x": [1, 2, 3], "g": ["a", "b", "a"]})
    >>> frame["x"].sum()
    6.0
    >>> frame[frame["g"] == "a", "x"].nrow
    2
    """

    def __init__(
        self,
        python_obj: Any = None,
        destination_frame: str | None = None,
        header: int = 0,
        separator: str = ",",
        column_names: Sequence[str] | None = None,
        column_types: Sequence[str] | Mapping[str, str] | None = None,
        na_strings: Sequence[Any] | Mapping[str, Any] | None = None,
        skipped_columns: Sequence[int | str] | None = None,
        force_col_types: bool = False,
    ) -> None:
        import polars as pl

        from heavywater.frame.convert import from_python

        if isinstance(python_obj, H2OFrame):
            python_obj = python_obj._frame()
        if python_obj is None:
            frame = Frame.of(pl.DataFrame())
        else:
            frame = from_python(
                python_obj, column_names, column_types, na_strings, header=header, skipped_columns=skipped_columns
            )
        frame = current_session().adopt(frame, destination_frame)
        self._node, self._key = Leaf(frame, destination_frame), destination_frame

    @staticmethod
    def from_python(
        python_obj: Any,
        destination_frame: str | None = None,
        header: int = 0,
        separator: str = ",",
        column_names: Sequence[str] | None = None,
        column_types: Sequence[str] | Mapping[str, str] | None = None,
        na_strings: Sequence[Any] | Mapping[str, Any] | None = None,
    ) -> H2OFrame:
        """The same as the constructor."""
        return H2OFrame(python_obj, destination_frame, header, separator, column_names, column_types, na_strings)

    # -- out to Python ---------------------------------------------------------------------------------------------

    def as_data_frame(self, use_pandas: bool = True, header: bool = True, use_multi_thread: bool = False) -> Any:
        """A pandas data frame, or with ``use_pandas=False`` a list of rows of texts (the names first if `header`)."""
        if use_pandas:
            return self.as_pandas()
        frame = self._frame()
        texts = self.ascharacter()._frame().data if frame.ncol else frame.data
        rows = [["" if v is None else v for v in row] for row in texts.iter_rows()]
        return [frame.names, *rows] if header else rows

    def as_pandas(self) -> pandas.DataFrame:
        """A pandas data frame."""
        from heavywater.frame.convert import to_pandas

        return to_pandas(self._frame())

    def as_polars(self) -> polars.DataFrame:
        """A polars data frame."""
        from heavywater.frame.convert import to_polars

        return to_polars(self._frame())

    def as_arrow(self) -> pyarrow.Table:
        """An Arrow table."""
        from heavywater.frame.convert import to_arrow

        return to_arrow(self._frame())

    def as_numpy(self) -> np.ndarray:
        """All columns as float64 ``(nrow, ncol)``: NaN where missing, level indices, ms."""
        from heavywater.frame.convert import to_numpy

        return to_numpy(self._frame())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        made = self.as_numpy()
        return made if dtype is None else made.astype(dtype, copy=False)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._frame().data.__arrow_c_stream__(requested_schema)

    def get_frame_data(self) -> str:
        """The data as CSV text."""
        return self._frame().data.write_csv()

    def save(self, path: str | os.PathLike[str], force: bool = True) -> str:
        """Write to a CSV or Parquet file."""
        from heavywater.frame.export import export_file

        return str(export_file(self._frame(), path, force=force))

    # -- looks -----------------------------------------------------------------------------------------------------

    def show(self, use_pandas: bool | None = None, rows: int = 10, cols: int = 200, **ignored: Any) -> None:
        """Print the first rows."""
        print(as_text(self._frame(), rows, cols))

    def __repr__(self) -> str:
        return as_text(self._frame())

    def _repr_html_(self) -> str:
        return as_html(self._frame())

    def get_summary(self) -> Table:
        """Kind, extremes, mean, deviation, zeros and missing values of each column, and the first rows."""
        from heavywater.frame.summary import describe_table

        return describe_table(self._frame())

    def summary(self, return_data: bool = False) -> Any:
        """Print the summary, or return it with `return_data`."""
        made = self.get_summary()
        if return_data:
            return made
        made.show()
        return None

    def show_summary(self) -> None:
        """Print the summary."""
        self.get_summary().show()

    def describe(self, chunk_summary: bool = False) -> None:
        """Print the size of the frame and a summary of each column."""
        print(f"Rows: {self.nrow}\nCols: {self.ncol}\n")
        self.get_summary().show()

    def structure(self) -> None:
        """Print each column's name, kind and first values on one line."""
        frame = self._frame()
        print(f"H2OFrame {self.frame_id!r}: {frame.nrow} rows, {frame.ncol} columns")
        for name in frame.names:
            levels = frame.levels(name)
            kind = f"enum with {len(levels)} levels" if levels is not None else str(frame.kind(name))
            values = " ".join("NA" if v is None else str(v) for v in frame.stored_column(name).head(10).to_list())
            print(f" $ {name}: {kind}: {values}")

    def __copy__(self) -> H2OFrame:
        return H2OFrame._of_node(self._node)

    def __deepcopy__(self, memo: Any) -> H2OFrame:
        return H2OFrame._of_node(self._node)

    def __reduce__(self) -> Any:
        raise H2OValueError("a frame is not pickled; use as_data_frame() or save()")
