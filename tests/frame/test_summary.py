"""Rollups, quantiles, histograms, checksums and the description."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heavywater.errors import H2OTypeError, H2OValueError, NotFound
from heavywater.frame import Frame
from heavywater.frame.checksum import frame_checksum
from heavywater.frame.convert import from_python
from heavywater.frame.parse import parse
from heavywater.frame.summary import describe_table, extremes, histogram, quantiles, rollup, rollups
from tests.naive.delimited import mean_and_sigma

NAN = float("nan")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.none() | st.floats(allow_nan=False, width=32), max_size=30))
def test_rollup_is_the_streaming_one(values: list[float | None]) -> None:
    frame = Frame.of(pl.DataFrame({"a": pl.Series(values, dtype=pl.Float64)}))
    r = rollup(frame, "a")
    finite = [v for v in values if v is not None and math.isfinite(v)]
    mean, sigma = mean_and_sigma([NAN if v is None else v for v in values])
    assert np.array_equal([r.mean, r.sigma], [mean, sigma], equal_nan=True)
    assert (r.nrow, r.missing) == (len(values), values.count(None))
    assert r.zeros == finite.count(0.0)
    assert r.positive_infinities == values.count(math.inf)
    assert r.negative_infinities == values.count(-math.inf)
    if finite:
        assert (r.min, r.max) == (min(finite), max(finite))
    else:
        assert math.isnan(r.min)
    assert r.all_na == (values.count(None) == len(values))
    assert r.constant == (len({v for v in values if v is not None}) == 1)


def test_each_kind() -> None:
    frame = from_python(
        {
            "two": ["b", "a", "b", None],
            "three": ["b", "a", "c", "a"],
            "text": ["b", "b", "b", None],
            "none": [None] * 4,
            "one": [7, None, None, 7],
            "time": [np.datetime64("1970-01-01"), None, np.datetime64("1970-01-02"), None],
        },
        column_types={"text": "string"},
    )
    stats = rollups(frame)
    assert (stats["two"].mean, stats["two"].zeros, stats["two"].cardinality) == (2 / 3, 1, 2)
    assert math.isnan(stats["three"].mean)
    assert (stats["three"].max, stats["three"].cardinality) == (2.0, 3)
    assert stats["text"].constant
    assert stats["text"].missing == 1
    assert stats["none"].all_na
    assert not stats["none"].constant
    assert stats["one"].constant
    assert stats["one"].sigma == 0.0
    assert stats["time"].max == 86400000.0
    assert rollup(frame, "two") is stats["two"]
    with pytest.raises(NotFound, match="did you mean 'two'"):
        rollup(frame, "twoo")


def test_agrees_with_what_the_server_said(shared: Path) -> None:
    trace = json.loads((shared / "spec" / "traces" / "import_parse.json").read_text())
    frame = parse(shared / "data" / "tabular" / "iris_wheader.csv")
    said = {}
    for step in trace["scenarios"]["import_parse"]:
        body = step.get("response", {}).get("body", {})
        if isinstance(body, dict) and "frames" in body and not said:
            said = {c["label"]: c for c in body["frames"][0]["columns"]}
    assert len(said) == 5
    for name, column in said.items():
        r = rollup(frame, name)
        assert [r.kind, r.missing, r.zeros] == [column["type"], column["missing_count"], column["zero_count"]]
        assert np.array_equal([r.mean, r.sigma], [float(column["mean"]), float(column["sigma"])], equal_nan=True)
        assert extremes(frame, name) == (tuple(column["mins"]), tuple(column["maxs"]))
        assert frame.levels(name) == column["domain"]


def test_extremes_of_short_columns_are_padded() -> None:
    low, high = extremes(from_python([3, 1, None, 2]), "C1")
    assert low[:3] == (1.0, 2.0, 3.0)
    assert high[:3] == (3.0, 2.0, 1.0)
    assert all(math.isnan(v) for v in low[3:] + high[3:])
    assert all(math.isnan(v) for v in extremes(from_python(["a", "b"]), "C1")[0])


def test_quantiles() -> None:
    frame = from_python({"a": [1, 2, 3, None, 10], "e": ["x", "x", "y", "x", "x"], "n": [None] * 5})
    assert quantiles(frame, "a", [0, 0.25, 0.5, 0.9, 1]) == pytest.approx([1, 1.75, 2.5, 7.9, 10])
    assert quantiles(frame, "a", [0.5], method="low") == [2]
    assert quantiles(frame, "a", [0.5], method="high") == [3]
    assert quantiles(frame, "a", [0.4], method="average") == [2.5]
    assert math.isnan(quantiles(frame, "n", [0.5])[0])
    assert len(quantiles(frame, "a")) == 17
    with pytest.raises(H2OTypeError, match="'e' is enum"):
        quantiles(frame, "e")
    with pytest.raises(H2OValueError, match="between 0 and 1"):
        quantiles(frame, "a", [1.5])
    with pytest.raises(H2OValueError, match="method"):
        quantiles(frame, "a", method="x")


def test_histograms() -> None:
    frame = from_python({"i": [3, 5, 5, None], "r": [0.0, 0.5, 1.0, 0.25], "e": ["x", "y", "x", "x"], "n": [None] * 4})
    h = histogram(frame, "i")
    assert (h.base, h.stride, h.counts) == (3.0, 1.0, (1, 0, 2))
    assert histogram(frame, "e").counts == (3, 1)
    assert histogram(frame, "r", bins=2).counts == (2, 2)
    assert sum(histogram(frame, "r").counts) == 4
    assert histogram(frame, "n").counts == ()


def test_description() -> None:
    frame = from_python({"a": [1, 2, None], "b": ["x", "y", "x"], "t": [np.datetime64("2020-01-01")] * 3})
    table = describe_table(frame, rows=2)
    assert table.row_labels == ["type", "mins", "mean", "maxs", "sigma", "zeros", "missing", "0", "1"]
    assert table["a"] == ["int", "1", "1.5", "2", "0.7071067812", "0", "1", "1", "2"]
    assert table["b"][0] == "enum"
    assert table["b"][-2:] == ["x", "y"]
    assert table["t"][1] == "2020-01-01 00:00:00"
    assert "Rows: 3" in repr(table)


def test_checksum_depends_on_content_only() -> None:
    base = {"a": [1, 2, None], "b": ["x", "y", "x"]}
    reference = frame_checksum(from_python(base))
    assert frame_checksum(from_python(base)) == reference
    assert -(2**63) <= reference < 2**63
    assert frame_checksum(from_python({"a": [1.0, 2.0, NAN], "b": ["x", "y", "x"]})) == reference
    others = [
        {"a": [1, 2, 3], "b": ["x", "y", "x"]},
        {"a": [2, 1, None], "b": ["x", "y", "x"]},
        {"A": [1, 2, None], "b": ["x", "y", "x"]},
        {"b": ["x", "y", "x"], "a": [1, 2, None]},
        {"a": [1, 2, None], "b": ["x", "z", "x"]},
        {"a": [1, 2, None], "b": ["x", "y", None]},
    ]
    sums = {frame_checksum(from_python(o)) for o in others}
    sums.add(frame_checksum(from_python(base, column_types={"b": "string"})))
    assert len(sums - {reference}) == 7
    assert frame_checksum(from_python([2**60])) != frame_checksum(from_python([2**60 + 1]))
    assert frame_checksum(from_python(["ab", "c"])) != frame_checksum(from_python(["a", "bc"]))
