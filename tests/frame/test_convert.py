"""Frames from Python objects and back."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from heavywater.errors import H2OTypeError, H2OValueError, NotFound, ParseError
from heavywater.frame.convert import from_python, to_arrow, to_numpy, to_pandas, to_polars

NAN = float("nan")
DAY = dt.datetime(2020, 1, 1)


@pytest.mark.parametrize(
    ("obj", "names", "rows"),
    [
        ([1, 2, None], ["C1"], [(1,), (2,), (None,)]),
        ((1.5, NAN), ["C1"], [(1.5,), (None,)]),
        (range(2), ["C1"], [(0,), (1,)]),
        ((v for v in "aab"), ["C1"], [("a",), ("a",), ("b",)]),
        ([[1, "a"], [2, "a"]], ["C1", "C2"], [(1, "a"), (2, "a")]),
        ([{"x": 1}, {"y": 2.5, "x": 3}], ["x", "y"], [(1, None), (3, 2.5)]),
        ({"x": [1, 2], "y": ("a", "a")}, ["x", "y"], [(1, "a"), (2, "a")]),
        ({"x": 1, "y": [2]}, ["x", "y"], [(1, 2)]),
        ({"x": np.array([1, 2], np.int8), "y": pd.Series([1.5, None])}, ["x", "y"], [(1, 1.5), (2, None)]),
        (np.arange(4).reshape(2, 2), ["C1", "C2"], [(0, 1), (2, 3)]),
        (np.arange(6.0).reshape(3, 2)[::2, ::-1], ["C1", "C2"], [(1.0, 0.0), (5.0, 4.0)]),
        (np.array([1, NAN], np.float32), ["C1"], [(1.0,), (None,)]),
        (np.array([(1, "x"), (2, "x")], dtype=[("i", "i4"), ("s", "U1")]), ["i", "s"], [(1, "x"), (2, "x")]),
        (np.ma.masked_array([1, 2], [0, 1]), ["C1"], [(1,), (None,)]),
        (np.array(["2020-01-01", "NaT"], "datetime64[D]"), ["C1"], [(DAY,), (None,)]),
        (pl.Series("s", [1, 2]), ["s"], [(1,), (2,)]),
        (pl.DataFrame({"a": [1]}).lazy(), ["a"], [(1,)]),
        (pa.table({"a": [1, None], "d": [DAY.date(), None]}), ["a", "d"], [(1, DAY), (None, None)]),
        (pa.RecordBatch.from_pydict({"a": [1]}), ["a"], [(1,)]),
        (pa.chunked_array([[1], [2]]), ["C1"], [(1,), (2,)]),
        (sp.csr_matrix([[0, 1.5], [2, 0]]), ["C1", "C2"], [(0.0, 1.5), (2.0, 0.0)]),
        (sp.coo_array(np.eye(2, dtype=int)), ["C1", "C2"], [(1, 0), (0, 1)]),
        ([2**70, 1], ["C1"], [(float(2**70),), (1.0,)]),
        ([decimal.Decimal("1.5"), None], ["C1"], [(1.5,), (None,)]),
        ([DAY, dt.datetime(2020, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2)))], ["C1"], [(DAY,), (DAY,)]),
        (["1", "2.5", ""], ["C1"], [(1.0,), (2.5,), (None,)]),
        (["2020-01-01", None], ["C1"], [(DAY,), (None,)]),
        ([None, None], ["C1"], [(None,), (None,)]),
    ],
)
def test_objects(obj: object, names: list[str], rows: list[tuple]) -> None:
    frame = from_python(obj)
    assert frame.names == names
    assert frame.data.rows() == rows


def test_kinds() -> None:
    frame = from_python(
        {
            "bool": [True, None, False],
            "mixed numbers": [1, True, 2.5],
            "text": ["b", "a", "b"],
            "distinct": ["b", "a", "c"],
            "uuid": [uuid.UUID(int=1), None, uuid.UUID(int=2)],
            "np bool": np.array([True, True, True]),
            "only NA": [None, NAN, pd.NA],
            "time": [DAY, None, np.datetime64("2020-01-01")],
        }
    )
    assert list(frame.kinds.values()) == ["enum", "real", "enum", "string", "uuid", "enum", "int", "time"]
    assert frame.levels("bool") == ["False", "True"]
    assert frame.levels("np bool") == ["True"]
    assert frame.levels("text") == ["a", "b"]


def test_pandas_columns_keep_their_meaning() -> None:
    table = pd.DataFrame(
        {
            "cat": pd.Categorical(["z", "a", None], categories=["z", "a", "unused"]),
            "Int": pd.array([1, None, 3], dtype="Int64"),
            "Bool": pd.array([True, None, False], dtype="boolean"),
            "string": pd.array(["x", None, "x"], dtype="string"),
            "zoned": pd.to_datetime(["2020-01-01 02:00", None, None]).tz_localize("Etc/GMT-2"),
            "delta": pd.to_timedelta(["1s", None, "2ms"]),
            "object": np.array([1, None, 2], dtype=object),
            7: [1, 2, 3],
        }
    )
    frame = from_python(table)
    assert frame.names == ["cat", "Int", "Bool", "string", "zoned", "delta", "object", "7"]
    assert list(frame.kinds.values()) == ["enum", "int", "enum", "enum", "time", "int", "int", "int"]
    assert frame.levels("cat") == ["z", "a", "unused"]
    assert frame.codes("cat").tolist() == [0, 1, -1]
    assert frame.data["zoned"].to_list() == [DAY, None, None]
    assert frame.data["delta"].to_list() == [1000, None, 2]
    assert frame.data["Int"].to_list() == [1, None, 3]
    assert from_python(table["cat"]).names == ["cat"]
    assert from_python(pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))).names == [
        "a_x",
        "a_y",
    ]


def test_arrow_dictionaries_keep_the_order_of_levels() -> None:
    column = pa.chunked_array([pa.array(["z", "a"]).dictionary_encode(), pa.array(["q", None]).dictionary_encode()])
    frame = from_python(pa.table({"c": column}))
    assert frame.levels("c") == ["z", "a", "q"]
    assert frame.codes("c").tolist() == [0, 1, 2, -1]


def test_options() -> None:
    frame = from_python([["a", "b"], [1, "x"], [2, "NA"]], header=1, na_strings=["NA"], column_types={"a": "enum"})
    assert frame.names == ["a", "b"]
    assert frame.kinds == {"a": "enum", "b": "enum"}
    assert frame.column("b").null_count() == 1
    assert from_python([[1, 2]], ["x", "y"], skipped_columns=["x"]).names == ["y"]
    numbers = from_python({"n": [10.0, 9.0, 9.5, None]}, column_types=["enum"])
    assert numbers.levels("n") == ["9.0", "9.5", "10.0"]
    assert from_python({"n": [10, 9, 9]}, column_types=["factor"]).levels("n") == ["9", "10"]
    assert from_python({"n": [10.0, 9]}, column_types=["string"]).data["n"].to_list() == ["10", "9"]
    assert from_python({"n": [True]}, column_types=["numeric"]).kind("n") == "int"


def test_short_columns_and_rows_are_filled_up() -> None:
    with pytest.warns(UserWarning, match=r"column\(s\) b are shorter than 2 rows"):
        assert from_python({"a": [1, 2], "b": [3]}).data.rows() == [(1, 3), (2, None)]
    with pytest.warns(UserWarning, match=r"1 row\(s\) have fewer than 2 values"):
        assert from_python([[1, 2], [3]]).data.rows() == [(1, 2), (3, None)]
    with pytest.warns(UserWarning, match="'a' -> 'a0'"):
        assert from_python([[1, 2]], ["a", "a"]).names == ["a", "a0"]


@pytest.mark.parametrize(
    ("obj", "options", "error", "message"),
    [
        (5, {}, H2OTypeError, "cannot be made from int"),
        ("file.csv", {}, H2OTypeError, "import_file reads files"),
        ([], {}, ParseError, "a list without rows"),
        ({}, {}, ParseError, "a dict without columns"),
        (np.zeros((2, 0)), {}, ParseError, "is empty"),
        (np.zeros((2, 2, 2)), {}, H2OTypeError, r"shape \(2, 2, 2\)"),
        (np.zeros(2, complex), {}, H2OTypeError, "type complex128"),
        ([[1], 2], {}, H2OTypeError, "element 1 is 2, not a list"),
        ({"a": [object()]}, {}, H2OTypeError, "column 'a' holds a value of type object"),
        (pl.DataFrame({"a": [[1]]}), {}, H2OTypeError, "column 'a' has type List"),
        ([1, 2], {"column_names": ["a", "b"]}, H2OValueError, r"2 column_names are given for 1 column\(s\)"),
        ([1, 2], {"column_names": [1]}, H2OTypeError, "list of texts"),
        ([1, 2], {"column_types": ["fktor"]}, H2OValueError, "did you mean 'factor'"),
        ([1, 2], {"skipped_columns": ["x"]}, NotFound, "no column 'x'"),
    ],
)
def test_errors(obj: object, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        from_python(obj, **options)


def test_to_pandas_is_like_as_data_frame() -> None:
    frame = from_python(
        {"i": [1, 2], "n": [1, None], "r": [0.5, None], "e": [True, None], "t": [DAY, None], "s": ["a", "b"]}
    )
    table = to_pandas(frame)
    assert [str(t) for t in table.dtypes] == ["int64", "float64", "float64", "object", "datetime64[ms]", "object"]
    assert table["e"].tolist()[0] == "True"
    assert np.isnan(table["e"].tolist()[1])
    assert table["t"].isna().tolist() == [False, True]
    assert list(table.columns) == frame.names


def test_to_numpy_arrow_and_polars() -> None:
    frame = from_python({"i": [1, 2], "e": [True, None], "t": [DAY, None]})
    assert np.array_equal(to_numpy(frame), [[1, 0, 1577836800000.0], [2, NAN, NAN]], equal_nan=True)
    assert to_polars(frame) is frame.data
    assert from_python(to_arrow(frame)).levels("e") == ["True"]
    with pytest.raises(H2OTypeError, match="string"):
        to_numpy(from_python(["a", "b"]))


CELL = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_infinity=False)
    | st.text("ab ", max_size=3)
)


@settings(max_examples=150, deadline=None)
@given(st.lists(CELL, min_size=1, max_size=6))
def test_any_cells_keep_their_place(values: list) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = from_python({"a": values})
    assert frame.nrow == len(values)
    for value, got in zip(values, frame.data["a"].to_list(), strict=True):
        if value is None or value != value:
            assert got is None
        elif isinstance(got, (int, float)) and isinstance(value, (int, float)):
            assert got == value


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=True) | st.none(), min_size=1, max_size=8))
def test_numbers_survive_pandas_polars_and_arrow(values: list) -> None:
    frame = from_python({"a": pl.Series(values, dtype=pl.Float64)})
    expected = [None if v is None or v != v else v for v in values]
    for way in (to_pandas, to_polars, to_arrow):
        assert from_python(way(frame)).data["a"].cast(pl.Float64).to_list() == expected
