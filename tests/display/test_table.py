"""Tables: content, conversions and looks."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from heavywater.display import Table
from heavywater.display.table import format_number
from heavywater.errors import H2OTypeError, H2OValueError, NotFound


def make(n=3, **options):
    rows = [[f"r{i}", i, i / 3, None if i else math.nan] for i in range(n)]
    return Table("Title", ["name", "count", "share", "gap"], ["string", "int", "double", "double"], rows, **options)


def test_content():
    t = make(description="about it")
    assert len(t) == 3
    assert t.shape == (3, 4)
    assert t.col_header == ["name", "count", "share", "gap"]
    assert t["count"] == t[1] == t[-3] == [0, 1, 2]
    assert t.cell_values[1] == ["r1", 1, 1 / 3, None]
    assert t.data[0] == ["r0", "r1", "r2"]
    assert "share" in t
    assert t.col_formats == ["%s", "%d", "%f", "%f"]
    t["count"].append(9)
    t.cell_values[0][0] = "changed"
    assert t == make(description="about it")
    assert t != make()


def test_numpy_numbers_become_plain():
    t = Table("", ["a"], ["double"], [[np.float32(0.5)], [np.float64(1.5)]])
    assert [type(v) for v in t["a"]] == [float, float]
    c = Table.from_columns("", ["i", "x"], ["int", "double"], [np.arange(2), np.array([0.1, 0.2])])
    assert [type(v) for v in c.cell_values[0]] == [int, float]


def test_json_round_trip():
    for t in (make(), make(0), make(row_labels=["x", "y", "z"])):
        assert Table.from_json(json.loads(json.dumps(t.to_json()))) == t
    assert make().to_json()["rowcount"] == 3


@pytest.mark.parametrize(
    "bad", [{}, {"name": "x", "columns": 3, "data": []}, {"name": "x", "columns": [{}], "data": []}]
)
def test_bad_json(bad):
    with pytest.raises(H2OValueError, match="not a table"):
        Table.from_json(bad)


def test_conversions():
    t = make()
    pandas, polars = t.as_data_frame(), t.as_polars()
    assert list(pandas.columns) == polars.columns == t.col_header
    assert pandas["share"].tolist() == polars["share"].to_list() == t["share"]
    assert polars["count"].dtype.is_integer()
    assert make(row_labels=["x", "y", "z"]).as_data_frame().index.tolist() == ["x", "y", "z"]
    empty = make(0)
    assert empty.as_data_frame().shape == (0, 4)
    assert empty.as_polars().shape == (0, 4)
    blank = Table("", ["", "x"], ["string", "double"], [["", 1.0]])
    assert blank.as_polars().columns == ["", "x"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": [[1]]}, "row 0 has 1 cells for 2"),
        ({"types": ["int"]}, "as many types"),
        ({"types": ["int", "number"]}, "'number'"),
        ({"formats": ["%d"]}, "formats"),
        ({"row_labels": ["a", "b"]}, "row labels"),
    ],
)
def test_bad_tables(arguments, message):
    good = {"title": "t", "columns": ["a", "b"], "types": ["int", "int"], "rows": [[1, 2]]}
    with pytest.raises(H2OValueError, match=message):
        Table(**{**good, **arguments})


def test_unknown_columns():
    with pytest.raises(NotFound, match="did you mean 'share'"):
        make()["shere"]
    with pytest.raises(NotFound, match="4 columns"):
        make()[4]
    with pytest.raises(H2OTypeError):
        make()[1.5]


def test_text_is_aligned():
    lines = make(description="about it").to_text(width=80).splitlines()
    assert lines[0] == "Title: about it"
    assert lines[1:] == [
        "name  count      share  gap",
        "----  -----  ---------  ---",
        "r0        0        0.0  nan",
        "r1        1  0.3333333",
        "r2        2  0.6666667",
    ]
    assert repr(make()).startswith("Title\n")


def test_long_tables_leave_out_the_middle(capsys):
    make(100).show(rows=4)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:-1]] == ["r0", "r1", "---", "r98", "r99"]
    assert lines[-1] == "[100 rows x 4 columns]"
    assert make(100)._repr_html_().count("<tr>") == 1 + 41


def test_wide_tables_are_broken_into_blocks():
    names = ["key", *(f"column_{i}" for i in range(12))]
    t = Table("", names, ["string", *["int"] * 12], [["a", *range(12)]])
    blocks = t.to_text(width=60).split("\n\n")
    assert len(blocks) == 3
    for block in blocks:
        assert block.startswith("key")
        assert max(map(len, block.splitlines())) <= 60
    assert sum(b.count("column_") for b in blocks) == 12


def test_row_labels_and_blank_first_columns():
    labelled = make(row_labels=["x", "y", "z"])
    assert labelled.to_text().splitlines()[3].startswith("x")
    assert "<td" in labelled._repr_html_()
    blank = Table("", ["", "x"], ["string", "double"], [["", 1.0], ["", 2.0]])
    assert blank.to_text().splitlines()[0] == "  x"


def test_html_is_escaped_and_self_contained():
    t = Table("<i>", ["<a>"], ["string"], [["<script>alert(1)</script>"]], description="a & b")
    html = t._repr_html_()
    for raw in ("<script", "<a>", "<i>", "http"):
        assert raw not in html
    assert "a &amp; b" in html


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (math.nan, "nan"), (-math.inf, "-inf"), (3, "3"), (12345678, "12345678"), (2.0, "2.0"),
        (0.1234567890, "0.1234568"), (1e-12, "1e-12"), (123456.789, "123456.8"), (1.5e300, "1.5e+300"),
        (True, "True"), ("x", "x"),
    ],
)  # fmt: skip
def test_numbers(value, text):
    assert format_number(value) == text
