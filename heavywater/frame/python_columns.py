"""Columns of Python objects of many kinds, types still as they come; see `heavywater.frame.convert`."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from heavywater.errors import H2OTypeError, ParseError
from heavywater.frame.parse.columns import number_levels

if TYPE_CHECKING:
    import pandas as pd

WHAT = "the Python object"


def _default_names(n: int) -> list[str]:
    return [f"C{i + 1}" for i in range(n)]


def columns_of(obj: object, header: int) -> tuple[list[pl.Series], list[str]]:
    """Columns (types still as they come) and their names."""
    module = type(obj).__module__.split(".")[0]
    if isinstance(obj, pl.LazyFrame):
        obj = obj.collect()
    if isinstance(obj, pl.DataFrame):
        return [_series(s) for s in obj.iter_columns()], list(obj.columns)
    if isinstance(obj, pl.Series):
        return [_series(obj)], [obj.name or "C1"]
    if module == "pandas":
        return _from_pandas(obj)
    if module == "pyarrow":
        return _from_arrow(obj)
    if module == "scipy" and hasattr(obj, "tocsc"):
        return _from_sparse(obj)
    if isinstance(obj, np.ndarray):
        return _from_numpy(obj)
    if isinstance(obj, Mapping):
        return _from_dict(obj)
    if isinstance(obj, (str, bytes)) or not isinstance(obj, Iterable):
        hint = "; import_file reads files" if isinstance(obj, str) else ""
        raise H2OTypeError(
            f"a frame cannot be made from {type(obj).__name__}{hint}; pass a dict, list, array or data frame"
        )
    return _from_list(list(obj), header)


def _from_dict(obj: Mapping[Any, Any]) -> tuple[list[pl.Series], list[str]]:
    if not obj:
        raise ParseError(f"{WHAT} is empty: a dict without columns")
    columns = [_dict_column(str(k), v) for k, v in obj.items()]
    n = max(c.len() for c in columns)
    if short := [str(k) for k, c in zip(obj, columns) if c.len() < n]:
        warnings.warn(
            f"{WHAT}: column(s) {', '.join(short[:5])} are shorter than {n} rows; NA is filled in", stacklevel=4
        )
    return [c if c.len() == n else c.extend_constant(None, n - c.len()) for c in columns], [str(k) for k in obj]


def _dict_column(name: str, values: Any) -> pl.Series:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        return _from_values([values], name)
    if isinstance(values, (list, tuple, range)):
        return _from_values([v[0] if isinstance(v, (list, tuple)) and len(v) == 1 else v for v in values], name)
    parts, _ = columns_of(values, 0)
    if len(parts) != 1:
        raise H2OTypeError(f"the values of column {name!r} are a table of {len(parts)} columns, not one column")
    return parts[0]


def _from_list(rows: list[Any], header: int) -> tuple[list[pl.Series], list[str]]:
    if not rows:
        raise ParseError(f"{WHAT} is empty: a list without rows")
    if all(isinstance(r, Mapping) for r in rows):
        names = list(dict.fromkeys(k for r in rows for k in r))
        return [_from_values([r.get(k) for r in rows], str(k)) for k in names], [str(k) for k in names]
    nested = [
        isinstance(r, (list, tuple, np.ndarray)) and np.ndim(r) > 0 if not isinstance(r, str) else False for r in rows
    ]
    if not any(nested):
        names = _default_names(1)
        if header == 1:
            names, rows = [str(rows[0])], rows[1:]
        return [_from_values(rows, names[0])], names
    if not all(nested):
        i = nested.index(False)
        raise H2OTypeError(f"a list of rows is expected, but element {i} is {rows[i]!r}, not a list")
    names = _default_names(max(len(r) for r in rows))
    if header == 1:
        names, rows = [str(v) for v in rows[0]], rows[1:]
    width = max([len(names), *(len(r) for r in rows)])
    if short := sum(len(r) < width for r in rows):
        warnings.warn(f"{WHAT}: {short} row(s) have fewer than {width} values; NA is filled in", stacklevel=4)
    names += _default_names(width)[len(names) :]
    columns = list(itertools.zip_longest(*rows)) if rows else []
    columns += [()] * (width - len(columns))
    return [_from_values(list(c), n) for c, n in zip(columns, names)], names


def _from_values(values: list[Any], name: str) -> pl.Series:
    """One column from Python values."""
    kinds = {_class_of(v) for v in values} - {"na"}
    plain = [None if _class_of(v) == "na" else v for v in values]
    if not kinds:
        return pl.Series(name, [None] * len(values), dtype=pl.Float64)
    if kinds == {"bool"}:
        return number_levels(pl.Series(name, plain, dtype=pl.Boolean))
    if kinds == {"int"}:
        if all(v is None or -(2**63) <= int(v) < 2**63 for v in plain):
            return pl.Series(name, [None if v is None else int(v) for v in plain], dtype=pl.Int64)
        kinds = {"float"}
    if kinds <= {"int", "float", "bool"} and kinds != {"bool"}:
        return pl.Series(name, [None if v is None else float(v) for v in plain], dtype=pl.Float64)
    if kinds == {"time"}:
        return _series(pl.Series(name, [None if v is None else _utc(v) for v in plain], dtype=pl.Datetime("ms")))
    if "other" in kinds:
        bad = next(v for v in values if _class_of(v) == "other")
        raise H2OTypeError(
            f"column {name!r} holds a value of type {type(bad).__name__}; a cell is a number, text, bool or time"
        )
    return pl.Series(name, [None if v is None else _as_text(v) for v in plain], dtype=pl.String)


def _class_of(v: object) -> str:
    if v is None or v is pl.Null:
        return "na"
    if isinstance(v, (bool, np.bool_)):
        return "bool"
    if isinstance(v, (int, np.integer)):
        return "int"
    if isinstance(v, (float, np.floating)):
        return "na" if v != v else "float"
    if isinstance(v, (str, uuid.UUID)):
        return "text"
    if isinstance(v, np.datetime64):
        return "na" if np.isnat(v) else "time"
    if isinstance(v, (dt.datetime, dt.date)):
        return "na" if v != v else "time"  # NaT is not equal to itself
    if type(v).__name__ in ("NAType", "NaTType"):
        return "na"
    if type(v).__name__ == "Decimal":
        return "na" if v != v else "float"
    return "other"


def _as_text(v: object) -> str:
    if isinstance(v, (dt.datetime, dt.date, np.datetime64)):
        return str(v).replace("T", " ")
    return str(v)


def _utc(v: Any) -> Any:
    if isinstance(v, np.datetime64):
        return v.astype("datetime64[ms]").item()
    if isinstance(v, dt.datetime):
        return v.astimezone(dt.UTC).replace(tzinfo=None) if v.tzinfo else v
    return dt.datetime(v.year, v.month, v.day)


def _series(s: pl.Series) -> pl.Series:
    """A Polars column, with those types changed that `Frame.of` would treat otherwise."""
    if s.dtype == pl.Boolean:
        return number_levels(s)
    if s.dtype == pl.Object:
        return _from_values(s.to_list(), s.name)
    if s.dtype.is_nested() or s.dtype == pl.Binary:
        raise H2OTypeError(f"column {s.name!r} has type {s.dtype}; a cell is a number, text, bool or time")
    if s.dtype == pl.Categorical or isinstance(s.dtype, pl.Enum):
        return s
    return s.fill_nan(None) if s.dtype.is_float() else s


def _from_numpy(a: np.ndarray) -> tuple[list[pl.Series], list[str]]:
    if a.dtype.names:
        return [_from_vector(a[n], n) for n in a.dtype.names], list(a.dtype.names)
    if a.ndim not in (1, 2):
        raise H2OTypeError(f"an array of shape {a.shape} is no table; it must have one or two dimensions")
    if a.ndim == 1:
        return [_from_vector(a, "C1")], ["C1"]
    names = _default_names(a.shape[1])
    if not names:
        raise ParseError(f"{WHAT} is empty: an array of shape {a.shape}")
    return [_from_vector(a[:, i], n) for i, n in enumerate(names)], names


def _from_vector(a: np.ndarray, name: str) -> pl.Series:
    mask = np.ma.getmaskarray(a) if np.ma.isMaskedArray(a) else None
    a = np.asarray(a)
    if a.ndim != 1:
        raise H2OTypeError(f"column {name!r} has shape {a.shape}; it must have one dimension")
    kind = a.dtype.kind
    if kind == "O":
        out = _from_values(a.tolist(), name)
    elif kind in "biuf":
        wide = a.astype(np.float64) if kind == "f" else a
        out = _series(pl.Series(name, np.ascontiguousarray(wide)))
    elif kind in "US":
        out = pl.Series(name, np.char.decode(a) if kind == "S" else a.astype(object), dtype=pl.String)
    elif kind == "M":
        out = pl.Series(name, a.astype("datetime64[ms]"))
    elif kind == "m":
        out = pl.Series(name, a.astype("timedelta64[ms]").astype(np.int64)).set(pl.Series(np.isnat(a)), None)
    else:
        raise H2OTypeError(f"column {name!r} has type {a.dtype}; a cell is a number, text, bool or time")
    return out if mask is None else out.set(pl.Series(mask), None)


def _from_pandas(obj: Any) -> tuple[list[pl.Series], list[str]]:
    import pandas as pd

    if isinstance(obj, pd.Index):
        obj = obj.to_series()
    if isinstance(obj, pd.Series):
        return [_from_pandas_column(obj, str(obj.name))], ["C1" if obj.name is None else str(obj.name)]
    if not isinstance(obj, pd.DataFrame):
        raise H2OTypeError(f"a frame cannot be made from pandas.{type(obj).__name__}")
    names = ["_".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in obj.columns]
    if not names:
        raise ParseError(f"{WHAT} is empty: a data frame without columns")
    return [_from_pandas_column(obj.iloc[:, i], n) for i, n in enumerate(names)], names


def _from_pandas_column(col: pd.Series, name: str) -> pl.Series:
    import pandas as pd

    dtype = col.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = pl.Series(np.asarray(col.cat.codes, np.int64))
        return _enum(name, codes.set(codes < 0, None), [str(v) for v in col.cat.categories])
    if isinstance(dtype, pd.DatetimeTZDtype):
        col = col.dt.tz_convert("UTC").dt.tz_localize(None)
    elif isinstance(dtype, pd.PeriodDtype):
        col = col.dt.to_timestamp()
    elif isinstance(dtype, pd.SparseDtype):
        col = col.sparse.to_dense()
    elif isinstance(dtype, pd.IntervalDtype):
        col = col.astype(str)
    if isinstance(col.dtype, np.dtype):
        return _from_vector(col.to_numpy(), name)
    na = col.isna().to_numpy()
    if pd.api.types.is_bool_dtype(col.dtype) or pd.api.types.is_numeric_dtype(col.dtype):
        plain = col.to_numpy(dtype=col.dtype.numpy_dtype, na_value=0)
        return _series(pl.Series(name, plain).set(pl.Series(na), None))
    return _from_values([None if missing else v for v, missing in zip(col.tolist(), na)], name)


def _enum(name: str, codes: pl.Series, levels: list[str]) -> pl.Series:
    """Enum column from level indices (null: missing); levels of the same text are one."""
    distinct = list(dict.fromkeys(levels))
    text = codes.replace_strict(dict(enumerate(levels)), return_dtype=pl.String) if levels else codes.cast(pl.String)
    return text.cast(pl.Enum(distinct)).alias(name)


def _from_arrow(obj: Any) -> tuple[list[pl.Series], list[str]]:
    import pyarrow as pa

    if isinstance(obj, (pa.Array, pa.ChunkedArray)):
        return [_from_arrow_column(obj, "C1")], ["C1"]
    if isinstance(obj, pa.RecordBatch):
        obj = pa.Table.from_batches([obj])
    if not isinstance(obj, pa.Table):
        raise H2OTypeError(f"a frame cannot be made from pyarrow.{type(obj).__name__}")
    return [_from_arrow_column(obj.column(i), n) for i, n in enumerate(obj.column_names)], list(obj.column_names)


def _from_arrow_column(col: Any, name: str) -> pl.Series:
    import pyarrow as pa

    if pa.types.is_dictionary(col.type):
        if isinstance(col, pa.ChunkedArray):
            col = col.unify_dictionaries().combine_chunks()
            col = col.chunk(0) if isinstance(col, pa.ChunkedArray) else col
        codes = pl.Series(values=pl.from_arrow(col.indices)).cast(pl.Int64)
        return _enum(name, codes, [str(v) for v in col.dictionary.to_pylist()])
    return _series(pl.Series(name, pl.from_arrow(col)))


def _from_sparse(obj: Any) -> tuple[list[pl.Series], list[str]]:
    csc = obj.tocsc()
    if csc.ndim != 2:
        raise H2OTypeError(f"a sparse array of shape {csc.shape} is no table; it must have two dimensions")
    names = _default_names(csc.shape[1])
    block = max(1, (32 << 20) // (8 * max(1, csc.shape[0])))
    columns: list[pl.Series] = []
    for start in range(0, len(names), block):
        dense = csc[:, start : start + block].toarray()
        columns += [_from_vector(dense[:, j], names[start + j]) for j in range(dense.shape[1])]
    return columns, names
