"""Python objects to frames, and frames to pandas, polars, arrow and numpy; nothing goes through text.

Columns of text are given a kind by the same vote as in a file (`heavywater.frame.parse.columns`): text that says
numbers becomes numeric, times become time, mostly different texts stay strings, the rest becomes enum.  Booleans become
an enum with the levels False and True; categoricals keep the order of their levels; NaN, None and NaT are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.frame.frame import Frame
from heavywater.frame.parse.columns import Wanted, frame_of, wanted_kind
from heavywater.frame.parse.options import NaStrings, Types, na_strings_of, skipped_of, types_of, unique_names
from heavywater.frame.python_columns import WHAT, columns_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def from_python(
    obj: object,
    column_names: Sequence[str] | None = None,
    column_types: Types | None = None,
    na_strings: NaStrings | None = None,
    *,
    header: int = 0,
    skipped_columns: Sequence[int | str] | None = None,
) -> Frame:
    """A frame with the data of a Python object.

    Parameters
    ----------
    obj : object
        dict of columns; list of rows or of dicts; flat list, tuple, range (one column); numpy array of one or two
        dimensions or with named fields; pandas, polars or pyarrow table or column; scipy sparse matrix.
        Columns of a dict and rows of a list that are too short are filled up with NA.
    column_names : sequence of str, optional
        Names of the columns; by default those of `obj`, or C1, C2, ...
    column_types : sequence or dict, optional
        As `col_types` of `heavywater.frame.parse.parse`.
    na_strings : str, list, list of lists or dict, optional
        Texts that mean a missing value.
    header : {0, 1, -1}
        1: the first row of a list of rows holds the names.
    skipped_columns : sequence of int or str, optional
        Columns to leave out.

    Raises
    ------
    H2OTypeError, H2OValueError, ParseError
        When `obj` is no table, names do not fit, or a column holds values that a frame cannot hold.
    """
    if isinstance(obj, Frame):
        columns, names = obj.stored.get_columns(), list(obj.names)
    else:
        columns, names = columns_of(obj, header)
    if column_names is not None:
        if isinstance(column_names, str) or not all(isinstance(n, str) for n in column_names):
            raise H2OTypeError(f"column_names must be a list of texts; got {column_names!r}")
        if len(column_names) != len(columns):
            raise H2OValueError(f"{len(column_names)} column_names are given for {len(columns)} column(s)")
        names = list(column_names)
    names = unique_names(names, WHAT)
    types = _column_types(column_types, names)
    na = na_strings_of(na_strings, names)
    skip = skipped_of(skipped_columns, names)
    keep = [i for i in range(len(names)) if i not in skip]
    return frame_of(
        [columns[i].alias(names[i]) for i in keep],
        [types[i] for i in keep],
        [na[i] for i in keep],
        what=WHAT,
        first_row=0,
    )


def _column_types(types: Types | None, names: Sequence[str]) -> list[Wanted | None]:
    if isinstance(types, str):
        return [wanted_kind(types, n) for n in names]
    return types_of(types, names)


def to_polars(frame: Frame) -> pl.DataFrame:
    """The data as a Polars table; enum columns are ``Enum``, times ``Datetime("ms")``."""
    return frame.data


def to_arrow(frame: Frame) -> pa.Table:
    """The data as an Arrow table; enum columns are dictionaries."""
    return frame.data.to_arrow()


def to_pandas(frame: Frame) -> pd.DataFrame:
    """The data as H2O's ``as_data_frame`` gives it.

    Enum, string and uuid columns hold text (missing: NaN), whole numbers are int64 (float64 if any are missing), times
    are ``datetime64[ms]``.
    """
    try:
        import pandas as pd
    except ImportError as e:
        raise H2OTypeError("as_data_frame needs pandas: pip install 'heavywater[pandas]', or use as_polars()") from e

    columns: dict[str, Any] = {}
    for col in frame.stored.iter_columns():
        if col.dtype == pl.String or isinstance(col.dtype, pl.Enum):
            values = np.array(col.cast(pl.String).to_list(), dtype=object)
            if col.null_count():
                values[col.is_null().to_numpy()] = np.nan
            columns[col.name] = pd.Series(values, dtype=object)
        elif isinstance(col.dtype, pl.Datetime):
            columns[col.name] = pd.Series(col.to_numpy())
        else:
            whole = frame.kind(col.name) == "int" and not col.null_count()
            if whole and col.dtype == pl.Float64:
                whole = bool((col.abs() < 2.0**63).all())
            dtype, na = (pl.Int64, 0) if whole else (pl.Float64, float("nan"))
            columns[col.name] = pd.Series(col.cast(dtype).fill_null(na).to_numpy())
    return pd.DataFrame(columns, columns=pd.Index(frame.names))


def to_numpy(frame: Frame) -> np.ndarray:
    """All columns as float64, shape ``(nrow, ncol)``: NaN where missing, level indices for enum, ms for time.

    Raises
    ------
    H2OTypeError
        When the frame holds strings or UUIDs.
    """
    out = np.empty((frame.nrow, frame.ncol))
    for i, name in enumerate(frame.names):
        out[:, i] = frame.numeric(name)
    return out
