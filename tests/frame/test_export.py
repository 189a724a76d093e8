"""Writing frames, and reading them back."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.frame.convert import from_python
from heavywater.frame.export import export_file, write_csv
from heavywater.frame.parse import parse


def frame() -> Frame:
    return from_python(
        {
            "n": [1.5, None, -2.0],
            "a b": ["x,y", 'say "hi"', "x,y"],
            "t": [np.datetime64("2020-01-01T10:00:00.5"), None, np.datetime64("1969-12-31")],
            "i": [2**60, None, 0],
        }
    )


def test_csv_text() -> None:
    out = io.BytesIO()
    write_csv(frame(), out)
    assert out.getvalue().decode().splitlines() == [
        '"n","a b","t","i"',
        '1.5,"x,y",2020-01-01T10:00:00.500,1152921504606846976',
        ',"say ""hi""",,',
        '-2.0,"x,y",1969-12-31T00:00:00.000,0',
    ]
    out = io.BytesIO()
    write_csv(frame().select(["n", "a b"]), out, sep=";", quote_header=False)
    assert out.getvalue().decode().splitlines()[:2] == ['n;"a b"', '1.5;"x,y"']
    out = io.BytesIO()
    write_csv(frame().select(["n"]), out, header=False)
    assert out.getvalue() == b"1.5\n\n-2.0\n"


@pytest.mark.parametrize("name", ["f.csv", "f.csv.gz", "f.parquet", "f.dat"])
def test_files_read_back(tmp_path: Path, name: str) -> None:
    path = export_file(frame(), tmp_path / name)
    back = parse(path, col_types={"a b": "enum"})
    assert back.kinds == frame().kinds
    assert back.data.rows() == frame().data.rows()
    assert (gzip.decompress(path.read_bytes()) if name.endswith("gz") else b"") is not None
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("precious")
    with pytest.raises(H2OValueError, match="exists already; force=True replaces it"):
        export_file(frame(), path)
    assert path.read_text() == "precious"
    export_file(frame(), path, force=True)
    assert path.read_text() != "precious"
    for target, message in ((tmp_path, "is a folder"), (tmp_path / "no" / "f.csv", "there is no folder")):
        with pytest.raises(H2OValueError, match=message):
            export_file(frame(), target)
    with pytest.raises(H2OValueError, match="format must be"):
        export_file(frame(), tmp_path / "g", format="xls")  # type: ignore[arg-type]
    with pytest.raises(H2OValueError, match="sep must be"):
        export_file(frame(), tmp_path / "g", sep='"')


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("heavywater.frame.export.write_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        export_file(frame(), tmp_path / "f.csv")
    assert list(tmp_path.iterdir()) == []


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\r\x85\u2028\u2029"), max_size=6
) | st.sampled_from(["NA", "1", "a\nb", '"', "", " x ", "#", "'q'", "2020-01-01", "é,"])
KINDS = {
    "real": st.floats(allow_nan=False),
    "int": st.integers(-(2**63), 2**63 - 1),
    "enum": TEXT,
    "string": TEXT,
    "time": st.datetimes().map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)),
}
DTYPES = {"real": pl.Float64, "int": pl.Int64, "enum": pl.String, "string": pl.String, "time": pl.Datetime("ms")}


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    n = draw(st.integers(1, 5))
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    columns = {"id": pl.Series(range(n))}  # a line of nothing but NA in the only column would be a blank line
    for i, kind in enumerate(kinds):
        values = draw(st.lists(st.none() | KINDS[kind], min_size=n, max_size=n))
        columns[f"{kind}{i}"] = pl.Series(values, dtype=DTYPES[kind])
    return from_python(columns, column_types={f"{k}{i}": k for i, k in enumerate(kinds)})


@settings(max_examples=200, deadline=None)
@given(frames(), st.sampled_from([",", ";", "\t", "|"]))
def test_any_frame_survives_csv(tmp_path_factory: pytest.TempPathFactory, original: Frame, sep: str) -> None:
    folder = tmp_path_factory.mktemp("csv")
    kinds = {n: n.rstrip("0123456789") for n in original.names if n != "id"}
    path = export_file(original, folder / "f.csv", sep=sep)
    back = parse(path, header=1, sep=sep, quotechar='"', col_types=kinds)
    assert back.names == original.names
    for name in original.names:
        assert back.levels(name) == original.levels(name)
        if original.kind(name) in ("string", "time"):
            assert back.data[name].to_list() == original.data[name].to_list()
        else:
            assert np.array_equal(back.numeric(name), original.numeric(name), equal_nan=True)
            if original.data[name].dtype == pl.Int64 and original.data[name].null_count() < original.nrow:
                assert back.data[name].to_list() == original.data[name].to_list()
