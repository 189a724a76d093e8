"""ARFF, SVMLight and Parquet files, and times in text."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heavywater.frame.parse import parse
from heavywater.frame.parse.times import parse_times


def test_arff(tmp_path: Path) -> None:
    path = tmp_path / "t.arff"
    path.write_text(
        "% comment\n@RELATION r\n\n@attribute 'sepal len' REAL\n@attribute c {b, 'a x', z}\n"
        "@attribute d date 'yyyy-MM-dd'\n"
        "@attribute s string\n@DATA\n1.5,b,2020-01-01,'it\\'s'\n% more\n?, 'a x',?,\"q, r\"\n"
    )
    frame = parse(path)
    assert frame.kinds == {"sepal len": "real", "c": "enum", "d": "time", "s": "string"}
    assert frame.levels("c") == ["b", "a x", "z"]
    assert frame.data.rows() == [(1.5, "b", dt.datetime(2020, 1, 1), "it's"), (None, "a x", None, "q, r")]
    path.write_text(
        "@relation r\n@attribute a numeric\n@attribute b {x,y}\n@attribute c numeric\n@data\n{0 5}\n{1 y, 2 ?}\n"
    )
    assert parse(path).data.rows() == [(5, "x", 0), (0, "y", None)]


def test_svmlight(tmp_path: Path) -> None:
    path = tmp_path / "t.svm"
    path.write_text("1 1:0.5 3:2 # note\n\n-1 qid:3 2:1\n0\n")
    frame = parse(path, parse_type="SVMLight")
    assert frame.data.rows() == [(1, 0.5, 0, 2), (-1, 0.0, 1, 0), (0, 0.0, 0, 0)]
    assert frame.kinds == {"C1": "int", "C2": "real", "C3": "int", "C4": "int"}
    path.write_text("1 0:4\n1 1:5\n")
    assert parse(path).data.rows() == [(1, 4, 0), (1, 0, 5)]


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {
            "i": [1, None],
            "f": [0.5, float("nan")],
            "b": [True, False],
            "s": ["x", "x"],
            "d": [dt.date(2020, 1, 1), None],
        }
    ).write_parquet(path)
    frame = parse(path, col_types={"i": "enum"})
    assert frame.kinds == {"i": "enum", "f": "real", "b": "enum", "s": "enum", "d": "time"}
    assert frame.data.rows() == [("1", 0.5, "True", "x", dt.datetime(2020, 1, 1)), (None, None, "False", "x", None)]
    assert parse([path, path], skipped_columns=["i"]).nrow == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2007-11-6", "2007-11-06 00:00:00.000"),
        ("2020-01", "2020-01-01 00:00:00.000"),
        ("2020-02-29 23:59:59", "2020-02-29 23:59:59.000"),
        ("2020-01-02 03:04:05.678", "2020-01-02 03:04:05.678"),
        ("2020-01-02 03:04:05.678901234", "2020-01-02 03:04:05.678"),
        ("2020-01-02 3:04:05 PM", "2020-01-02 15:04:05.000"),
        ("2020-01-02 12:04:05 am", "2020-01-02 00:04:05.000"),
        ("2020-01-02T03:04:05Z", "2020-01-02 03:04:05.000"),
        ("2020-01-02T03:04:05+02:00", "2020-01-02 01:04:05.000"),
        ("2020-01-02T03:04:05-0230", "2020-01-02 05:34:05.000"),
        ("2020-01-02 10:30", "2020-01-02 10:30:00.000"),
        ("20200102-10:11:12", "2020-01-02 10:11:12.000"),
        ("3-Jul-04", "2004-07-03 00:00:00.000"),
        ("03JULY1969", "1969-07-03 00:00:00.000"),
        ("3-Jul-69 1:2:3", "1969-07-03 01:02:03.000"),
        ("jul-68", "2068-07-01 00:00:00.000"),
        ("04-Jul", "2004-07-01 00:00:00.000"),
        ("10:11:12", "1970-01-01 10:11:12.000"),
        ("3/2/10", "2010-03-02 00:00:00.000"),
        ("12-31-1999 23:59:59", "1999-12-31 23:59:59.000"),
        ("1969-12-31 23:59:59.999", "1969-12-31 23:59:59.999"),
        *((t, None) for t in ("2020-02-30", "2021-02-29", "2020-13-01", "13/1/2020", "1.2.3.4", "13:00:00 PM",
                              "24:00:00", "mayor-12", "2020", "20200102", "x", "", "NA", "2020-01-02 x", "1.5")),
    ],
)  # fmt: skip
def test_times(text: str, expected: str | None) -> None:
    assert parse_times(pl.Series([text])).dt.to_string("%Y-%m-%d %H:%M:%S%.3f").to_list() == [expected]


@settings(max_examples=200, deadline=None)
@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)))
def test_any_time_is_read_back(t: dt.datetime) -> None:
    t = t.replace(microsecond=t.microsecond // 1000 * 1000)
    assert parse_times(pl.Series([t.isoformat(" ", "milliseconds"), t.isoformat()])).to_list() == [t, t]
