"""`H2OFrame`: making, selecting, assigning, naming, showing."""

from __future__ import annotations

import copy
import datetime as dt
import gc

import numpy as np
import polars as pl
import pytest

from heavywater.engine import session
from heavywater.errors import H2OTypeError, H2OValueError, HeavywaterError, NotFound
from heavywater.frame import Frame
from heavywater.h2oframe import H2OFrame


@pytest.fixture(autouse=True)
def _own_session():
    session.use(None)
    yield
    session.use(None)


@pytest.fixture
def frame():
    return H2OFrame._of(
        Frame.of(
            pl.DataFrame(
                {
                    "x": [1.0, 2.0, None, 4.5, -1.0],
                    "i": [3, 1, 2, 3, 1],
                    "g": pl.Series(["a", "b", "a", None, "b"], dtype=pl.Enum(["a", "b"])),
                    "s": ["Foo bar", "b", "c d e", "", None],
                    "t": [dt.datetime(2020, 1, 1, 3), None, dt.datetime(2021, 2, 3), dt.datetime(1969, 5, 5), None],
                }
            )
        )
    )


def column(f: H2OFrame, i: int = 0) -> list:
    return f.as_polars().to_series(i).to_list()


# -- making -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "obj",
    [
        {"a": [1, 2, 3], "b": ["x", "y", "x"]},
        pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "x"]}),
        pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "x"]}).to_arrow(),
    ],
)
def test_from_python(obj):
    f = H2OFrame(obj)
    assert (f.names, f.shape, f.nrows, f.ncols, f.dim, len(f)) == (["a", "b"], (3, 2), 3, 2, [3, 2], 3)
    assert f.columns == f.col_names == f.names
    assert f.types == {"a": "int", "b": "enum"}
    assert f.type("a") == f.type(0) == "int"


def test_from_rows_and_options():
    f = H2OFrame(
        [[1, "p"], [2, "q"]], column_names=["n", "c"], column_types={"c": "string"}, destination_frame="rows.hex"
    )
    assert f.types == {"n": "int", "c": "string"}
    assert f.frame_id == "rows.hex"
    assert H2OFrame.get_frame("rows.hex").shape == (2, 2)
    assert H2OFrame().shape == (0, 0)
    assert H2OFrame(f).names == ["n", "c"]
    assert H2OFrame.from_python(np.eye(2)).shape == (2, 2)


# -- selecting ----------------------------------------------------------------------------------------------------


def test_columns(frame):
    assert frame["x"].names == frame[0].names == frame[-5].names == ["x"]
    assert frame[["s", "x"]].names == ["s", "x"]
    assert frame[[0, "g"]].names == ["x", "g"]
    assert frame[1:3].names == frame[:, 1:3].names == ["i", "g"]
    assert [c.names[0] for c in frame] == frame.names


def test_rows(frame):
    assert column(frame[1, :]) == [2.0]
    assert column(frame[-1, :]) == [-1.0]
    assert column(frame[1:3, "i"]) == [1, 2]
    assert column(frame[::2, "i"]) == [3, 2, 1]
    assert column(frame[::-1, "i"]) == [1, 3, 2, 1, 3]
    assert column(frame[[4, 0], "i"]) == [1, 3]
    assert column(frame[[True, False, False, False, True], "i"]) == [3, 1]
    assert column(frame[frame["x"] > 1, "i"]) == [1, 3]
    assert column(frame[frame["g"] == "a"]["i"]) == [3, 2]
    assert frame[frame["x"] > 99, :].shape == (0, 5)
    assert frame[[], :].shape == (0, 5)


def test_cells(frame):
    assert frame[0, "x"] == 1.0
    assert frame[0, "g"] == "a"
    assert frame[0, "s"] == "Foo bar"
    assert np.isnan(frame[2, "x"])
    assert frame[0, 4] == 1577847600000.0
    assert float(frame[3, :]["x"]) == 4.5


def test_head_tail_drop_pop(frame):
    assert frame.head(2).shape == (2, 5)
    assert frame.head(100).nrow == 5
    assert column(frame.tail(2), 1) == [3, 1]
    assert frame.head(2, 2).names == ["x", "i"]
    assert frame.drop("x").names == frame.drop(0).names == frame.drop(["x"]).names == ["i", "g", "s", "t"]
    assert frame.drop(frame[["x", "s", "t"]]).names == ["i", "g"]
    assert column(frame.drop([0, -1], axis=0), 1) == [1, 2, 3]
    taken = frame.pop("i")
    assert (taken.names, frame.names) == (["i"], ["x", "g", "s", "t"])


@pytest.mark.parametrize(
    ("which", "kind", "message"),
    [
        ("xx", NotFound, "did you mean 'x'"),
        (5, NotFound, "0..4"),
        (-6, NotFound, "0..4"),
        (["x", "nope"], NotFound, "'nope'"),
        (1.5, H2OTypeError, "name or index"),
        (True, H2OTypeError, "name or index"),
        ((0, 0, 0), H2OTypeError, "two parts"),
        ((9, "x"), NotFound, "row index 9 is outside 0..4"),
        (("x", "x"), H2OTypeError, "rows are chosen"),
        (([True], "x"), NotFound, "5 entries"),
        (slice("x", "g"), H2OTypeError, "indices"),
    ],
)
def test_what_is_not_there_is_said(frame, which, kind, message):
    with pytest.raises(kind, match=message):
        frame[which]


def test_masks_must_fit(frame):
    with pytest.raises(H2OValueError, match="3 rows, the frame 5"):
        frame[frame[0:3, "x"] > 1, :]
    with pytest.raises(H2OTypeError, match="one column"):
        frame[frame]


# -- assigning ----------------------------------------------------------------------------------------------------


def test_whole_columns(frame):
    frame["x"] = 7
    frame["i"] = frame["i"] * 2
    frame["new"] = frame["i"] > 2
    frame["word"] = "w"
    frame["s"] = None
    assert column(frame["x"]) == [7.0] * 5
    assert column(frame["i"]) == [6, 2, 4, 6, 2]
    assert column(frame["new"]) == [1, 0, 1, 1, 0]
    assert frame.types["word"] == "string"
    assert column(frame["s"]) == [None] * 5
    frame[["x", "i"]] = 0
    assert column(frame["i"]) == [0] * 5
    frame["g"] = frame["g"].ascharacter()
    assert frame.types["g"] == "string"
    frame[1] = [5, 4, 3, 2, 1]
    assert column(frame["i"]) == [5, 4, 3, 2, 1]
    frame["when"] = dt.date(2020, 2, 29)
    assert frame.types["when"] == "time"


def test_parts_of_columns(frame):
    frame[0, "x"] = 99
    frame[frame["x"].isna(), "x"] = -5
    frame[1:3, "i"] = 0
    frame[[0, 4], "g"] = "b"
    frame[frame["i"] == 0, ["x", "i"]] = 1.5
    assert column(frame["x"]) == [99.0, 1.5, 1.5, 4.5, -1.0]
    assert column(frame["i"]) == [3.0, 1.5, 1.5, 3.0, 1.0]
    assert column(frame["g"]) == ["b", "b", "a", None, "b"]
    frame[0, "x"] = None
    assert column(frame["x"])[0] is None


def test_a_frame_made_before_keeps_its_values(frame):
    before, doubled = frame["x"], frame["x"] * 2
    twin = copy.copy(frame)
    frame["x"] = 0
    assert column(before) == column(twin["x"]) == [1.0, 2.0, None, 4.5, -1.0]
    assert column(doubled) == [2.0, 4.0, None, 9.0, -2.0]


def test_what_cannot_be_assigned(frame):
    with pytest.raises(H2OValueError, match="Cannot assign value zz.*'a', 'b'"):
        frame[0, "g"] = "zz"
    with pytest.raises(H2OTypeError, match="holds numbers"):
        frame[0, "x"] = "text"
    with pytest.raises(NotFound, match="all rows"):
        frame[0, "unknown"] = 1
    with pytest.raises(H2OValueError, match="rows"):
        frame["x"] = frame[0:3, "x"]
    with pytest.raises(H2OValueError, match="2 columns cannot take"):
        frame[["x", "i"]] = frame[["x", "i", "x"]]
    with pytest.raises(H2OTypeError):
        frame["x"] = {1: 2}
    assert column(frame["x"]) == [1.0, 2.0, None, 4.5, -1.0]


def test_many_assignments_are_fast_enough_and_flat():
    f = H2OFrame({"x": list(range(50))})
    for k in range(400):
        f["x"] = f["x"] + 1
        f[k % 50, "x"] = 0
    for k in range(300):
        f = f[f["x"] >= -1, :] if k % 2 else f
    assert f.nrow == 50
    total = H2OFrame({"x": [1.0]})["x"]
    for _ in range(1500):
        total = total + 1
    assert total.flatten() == 1501


# -- names --------------------------------------------------------------------------------------------------------


def test_temporary_names_go_with_the_object(frame):
    key = frame.frame_id
    assert session.current().keys() == [key]
    assert frame.frame_id == key
    assert H2OFrame.get_frame(key).shape == (5, 5)
    derived = frame[["x"]] + 1
    other = derived.frame_id
    assert other != key
    del derived
    gc.collect()
    assert session.current().keys() == [key]


def test_given_names_stay():
    f = H2OFrame({"x": [1, 2]}, destination_frame="first")
    f.frame_id = "second"
    assert session.current().keys() == ["second"]
    f["x"] = 9
    assert f.frame_id != "second"
    assert column(H2OFrame.get_frame("second")) == [1, 2]
    del f
    gc.collect()
    assert session.current().keys() == ["second"]
    with pytest.raises(NotFound, match="second"):
        H2OFrame.get_frame("secnd")
    with pytest.raises(H2OTypeError, match="frame_id"):
        H2OFrame({"x": [1]}).frame_id = 5


def test_renaming(frame):
    frame.names = ["a", "b", "c", "d", "e"]
    assert frame.names == ["a", "b", "c", "d", "e"]
    frame.rename({"a": "A", "e": "E"})
    frame.set_name("b", "B")
    assert frame.set_names([n.lower() for n in frame.names]).names == ["a", "b", "c", "d", "e"]
    frame.columns = ["p", "q", "r", "s", "t"]
    assert frame.names[0] == "p"
    with pytest.raises(H2OValueError, match="5 columns need as many names"):
        frame.names = ["a"]
    with pytest.raises(H2OValueError, match="two columns would be called 'q'"):
        frame.rename({"p": "q"})
    with pytest.raises(H2OTypeError, match="texts"):
        frame.names = [1, 2, 3, 4, 5]


# -- out of the frame ---------------------------------------------------------------------------------------------


def test_out_to_python(frame):
    assert frame.as_polars()["i"].to_list() == [3, 1, 2, 3, 1]
    assert frame.as_data_frame(use_pandas=False)[:2] == [
        ["x", "i", "g", "s", "t"],
        ["1", "3", "a", "Foo bar", "1577847600000"],
    ]
    assert frame.as_arrow().num_rows == 5
    assert np.asarray(frame[["x", "i"]]).tolist()[0] == [1.0, 3.0]
    assert np.asarray(frame["i"], dtype=np.float32).dtype == np.float32
    assert pl.DataFrame(frame).shape == (5, 5)
    assert frame.as_numpy is not None
    with pytest.raises(HeavywaterError):
        np.asarray(frame)


def test_pandas(frame):
    pytest.importorskip("pandas")
    table = frame.as_data_frame()
    assert list(table.columns) == frame.names
    assert table["i"].tolist() == [3, 1, 2, 3, 1]


def test_looks(frame, capsys):
    text = repr(frame)
    assert text.splitlines()[0].split() == ["x", "i", "g", "s", "t"]
    assert text.splitlines()[1].split() == ["real", "int", "enum", "string", "time"]
    assert "2020-01-01 03:00:00" in text
    assert text.endswith("[5 rows x 5 columns]")
    html = frame.rename({"x": "<b>"})._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    frame.show(rows=1)
    assert len(capsys.readouterr().out.splitlines()) == 5
    frame.describe()
    shown = capsys.readouterr().out
    assert "Rows: 5" in shown
    assert "sigma" in shown
    frame.structure()
    assert "enum with 2 levels" in capsys.readouterr().out
    assert frame.summary(return_data=True).col_header == frame.names
    assert repr(H2OFrame()) == "(no columns)\n[0 rows x 0 columns]"


def test_a_wide_frame_is_shown_in_blocks(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    f = H2OFrame._of(Frame.of(pl.DataFrame({f"column{i}": [i] for i in range(30)})))
    lines = repr(f).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("column" in line for line in lines) > 2


def test_files(frame, tmp_path):
    path = frame.save(tmp_path / "f.csv")
    assert path.endswith("f.csv")
    assert (tmp_path / "f.csv").read_text().splitlines()[1].split(",")[1] == "3"
