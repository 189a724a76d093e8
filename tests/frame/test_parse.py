"""Layouts, options and kinds of delimited files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heavywater.errors import H2OTypeError, H2OValueError, NotFound, ParseError
from heavywater.frame import Frame
from heavywater.frame.parse import guess_setup, importer, parse
from heavywater.frame.parse.records import split_records
from heavywater.frame.parse.text import cleaned, read_columns, well_quoted
from tests.naive.delimited import split

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_file


def rows(frame: Frame) -> list[tuple]:
    return frame.data.rows()


@pytest.mark.parametrize("sep", [",", ";", "|", "\t", " ", "\x01"])
def test_separators_are_guessed(write: Write, sep: str) -> None:
    frame = parse(write(f"a{sep}b{sep}c\n1{sep}x{sep}2.5\n2{sep}x{sep}3\n"))
    assert frame.kinds == {"a": "int", "b": "enum", "c": "real"}
    assert rows(frame) == [(1, "x", 2.5), (2, "x", 3.0)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,2\n", ["a", "b"]),
        ("1,2\n3,4\n", ["C1", "C2"]),
        ("a,b\nx,y\n", ["C1", "C2"]),
        ("a,2\nx,3\n", ["C1", "C2"]),
        ("a,b\n,\n1,2\n", ["a", "b"]),
        ("day,x\n2020-01-01,z\n", ["day", "x"]),
        ("2019-01-01,x\n2020-01-01,z\n", ["C1", "C2"]),
        ("a,b\n", ["a", "b"]),
        ("a,,c\n1,2,3\n", ["a", "C2", "c"]),
        (" a ,'b c'\n1,2\n", ["a", "b c"]),
    ],
)
def test_header_is_guessed(write: Write, text: str, names: list[str]) -> None:
    assert parse(write(text)).names == names


def test_header_can_be_forced(write: Write) -> None:
    path = write("a,b\nx,y\nx,z\n")
    assert parse(path, header=1).names == ["a", "b"]
    assert parse(path, header=-1).nrow == 3
    assert parse(write("1,2\n3,4\n"), header=1).names == ["1", "2"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2", "-3", "+4"], "int"),
        (["1", "2.5", "1e3", ".5", "5."], "real"),
        (["1.0", "2.0"], "int"),
        (["1", "", "3"], "int"),
        (["1", "NA", "3"], "int"),
        (["", "", ""], "int"),
        (["x", "x", "x"], "enum"),
        (["x", "y", "x", "y"], "enum"),
        (["x", "y", "z"], "string"),
        (["0", "x", "y", "x", "y"], "enum"),
        (["True", "False", "True", "False"], "enum"),
        (["2020-01-01", "2020-01-02", ""], "time"),
        (["2020-01-01", "2020-01-02", "NA"], "time"),
        (["3-Jul-04", "4-aug-05"], "time"),
        (["123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174001"], "uuid"),
    ],
)
def test_kinds_are_guessed(write: Write, values: list[str], kind: str) -> None:
    frame = parse(write("".join(f"{v},1\n" for v in values)), header=-1)
    assert frame.kind("C1") == kind
    assert frame.nrow == len(values)


def test_strings_when_nearly_all_differ(write: Write) -> None:
    many = [f"t{i}" for i in range(100)]
    at_95 = many[:95] + many[:5]
    below = many[:94] + many[:6]
    assert parse(write("\n".join(at_95)), header=-1).kind("C1") == "string"
    assert parse(write("\n".join(below)), header=-1).kind("C1") == "enum"


def test_a_late_text_does_not_lose_numbers(write: Write) -> None:
    text = "a,b\n" + "".join(f"{i},{i}\n" for i in range(20)) + "oops,1.5\n"
    with pytest.warns(
        UserWarning, match=r"'a' is numeric, but 1 of its values are not \(first: 'oops' in data row 21\)"
    ):
        frame = parse(write(text))
    assert frame.kinds == {"a": "int", "b": "real"}
    assert frame.column("a").null_count() == 1


def test_levels_are_in_byte_order(write: Write) -> None:
    frame = parse(write("b\n10\n9\n9\né\nZ\na\n"), header=1, col_types=["enum"])
    assert frame.levels("b") == ["10", "9", "Z", "a", "é"]


def test_na_in_an_enum_is_a_level_and_an_empty_cell_is_missing(write: Write) -> None:
    path = write('a,b\nNA,1\nx,2\n,3\n"",4\nx,5\n')
    frame = parse(path, col_types={"a": "enum"})
    assert frame.levels("a") == ["", "NA", "x"]
    assert frame.codes("a").tolist() == [1, 2, -1, 0, 2]
    assert parse(path, col_types={"a": "enum"}, na_strings=["NA"]).levels("a") == ["", "x"]


@pytest.mark.parametrize("na", [["9", "y"], [["9"], ["y"]], {"a": ["9"], "b": "y"}, {"a": ["9"], 1: ["y"]}])
def test_na_strings(write: Write, na: object) -> None:
    frame = parse(write("a,b\n9,x\n1,y\n2,x\n3,x\n"), na_strings=na)  # type: ignore[arg-type]
    assert rows(frame) == [(None, "x"), (1, None), (2, "x"), (3, "x")]


def test_types_can_be_forced(write: Write) -> None:
    path = write("a,b,c\n1,2,2020-01-01\n3,x,5\n")
    frame = parse(path, col_types=["Factor", "string", "time"])
    assert frame.kinds == {"a": "enum", "b": "string", "c": "time"}
    assert frame.numeric("c").tolist() == [1577836800000.0, 5.0]
    assert parse(path, col_types={"b": "enum", 2: "string"}).kinds == {"a": "int", "b": "enum", "c": "string"}
    assert parse(path, col_types=["enum", "string"], skipped_columns=["a"]).names == ["b", "c"]


def test_names_and_skipped_columns(write: Write) -> None:
    path = write("1,2,3\n4,5,6\n")
    assert parse(path, col_names=["x", "y", "z"], skipped_columns=[1]).names == ["x", "z"]
    assert parse(path, col_names=["x", "z"], skipped_columns=[1]).names == ["x", "z"]
    assert parse(path, skipped_columns=[-1, 0]).names == ["C2"]
    with pytest.warns(UserWarning, match="'a' -> 'a1'"):
        assert parse(write("a,a,a0\n1,2,3\n")).names == ["a", "a1", "a0"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sep": ",,"}, H2OValueError, "sep must be one"),
        ({"quotechar": "''"}, H2OValueError, "quotechar must be one"),
        ({"header": 2}, H2OValueError, "header must be"),
        ({"col_names": ["a"]}, ParseError, "1 col_names are given for 2 columns"),
        ({"col_names": [1, 2]}, H2OTypeError, "col_names must be text"),
        ({"col_types": ["enum"]}, H2OValueError, "1 entries for 2 columns"),
        ({"col_types": ["enom", "real"]}, H2OValueError, "did you mean 'enum'"),
        ({"col_types": {"aa": "enum"}}, NotFound, "col_types: there is no column 'aa'"),
        ({"col_types": "enum"}, H2OTypeError, "list or a dict"),
        ({"na_strings": [1, 2]}, H2OTypeError, "na_strings must be texts"),
        ({"skipped_columns": [7]}, NotFound, "no column 7"),
        ({"skipped_columns": [0, 1]}, H2OValueError, "leaves no column"),
        ({"skipped_columns": [1.5]}, H2OTypeError, "by name or position"),
        ({"parse_type": "XLS"}, H2OValueError, "'XLS' is unknown"),
    ],
)
def test_wrong_options(write: Write, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        parse(write("a,b\n1,2\n"), **options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,b\n1,"x, y"\n2,"q ""w"""\n', [(1, "x, y"), (2, 'q "w"')]),
        ('a,b\n1,"x\n\ny"\n2,z\n', [(1, "x\n\ny"), (2, "z")]),
        ("a,b\n1,'x, y'\n2,'it''s'\n", [(1, "x, y"), (2, "it's")]),
        ("a,b\r\n1,x\r\n\r\n2,y\r\n", [(1, "x"), (2, "y")]),
        ("a,b\r1,x\r2,y\r", [(1, "x"), (2, "y")]),
        ("\n\n a, b\n\n 1,  x\n   \n2, y\n\n", [(1, "x"), (2, "y")]),
        ('# don"t\na,b\n#\n1,x\n#2,y\n3,z', [(1, "x"), (3, "z")]),
        ("a  b\n 1   x \n2 y\n", [(1, "x"), (2, "y")]),
        ('a b\n1 "x  y"\n2 z\n', [(1, "x  y"), (2, "z")]),
        ('a,b\n1,x"y\n2,"q"r\n3,5" pipe\n', [(1, 'x"y'), (2, "qr"), (3, '5" pipe')]),
        ("a,b\n1,é\n2,日本 語\n", [(1, "é"), (2, "日本 語")]),
        ("\ufeffa,b\n1,x\n2,y\n", [(1, "x"), (2, "y")]),
        ('a;b\n1;"x;""y"\n2; z\n', [(1, 'x;"y'), (2, "z")]),
        ("a,b\n1,x\n,\n2,y\n", [(1, "x"), (None, None), (2, "y")]),
        ("a\n2020-01-01\n2020-01-02 10:00:00\n", None),
    ],
)
def test_awkward_text(write: Write, text: str, expected: list[tuple] | None) -> None:
    frame = parse(write(text))
    assert frame.names == ["a", "b"][: frame.ncol]
    if expected is None:
        assert frame.numeric("a").tolist() == [1577836800000.0, 1577959200000.0]
    else:
        assert rows(frame) == expected


def test_quotes_escapes_and_comments_can_be_chosen(write: Write) -> None:
    assert rows(parse(write("a,b\n1,'x\n2,'y\n"), quotechar="")) == [(1, "'x"), (2, "'y")]
    assert rows(parse(write('a,b\n"x\\"y, z",1\n"q\\\\",2\n'), escapechar="\\")) == [('x"y, z', 1), ("q\\", 2)]
    assert rows(parse(write("% c\na,b\n#x,1\n@y,2\n"), custom_non_data_line_markers="%@")) == [("#x", 1)]
    assert parse(write("#x,1\n#y,2\n"), custom_non_data_line_markers="", header=-1).nrow == 2


def test_utf16_and_latin1(write: Write) -> None:
    assert rows(parse(write("a,b\n1,é\n2,x\n".encode("utf-16")))) == [(1, "é"), (2, "x")]
    with pytest.warns(UserWarning, match="line 2 is not UTF-8"):
        assert rows(parse(write("a,b\n1,é\n2,x\n".encode("latin-1")))) == [(1, "é"), (2, "x")]


def test_compressed_files(write: Write, tmp_path: Path) -> None:
    text = b"a,b\n1,x\n2,y\n"
    packed = {
        "f.csv.gz": gzip.compress(text[:8]) + gzip.compress(text[8:]),
        "f.csv.bz2": bz2.compress(text),
        "f.csv.xz": lzma.compress(text),
        "f.csv.zst": pa.Codec("zstd").compress(text, asbytes=True),
        "f.other": gzip.compress(text),
    }
    for name, data in packed.items():
        assert rows(parse(write(data, name))) == [(1, "x"), (2, "y")], name
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as z:
        z.writestr("one.csv", text)
        z.writestr("folder/two.csv", b"a,b\n3,z\n")
    assert rows(parse(tmp_path / "f.zip")) == [(1, "x"), (2, "y"), (3, "z")]


def test_folders_globs_and_lists(write: Write, tmp_path: Path) -> None:
    (tmp_path / "d" / "sub").mkdir(parents=True)
    for i in range(3):
        write(f"A,b\n{i},x{i}\n{i},y\n", f"d/part_{i}.csv")
    write("not a table", "d/.hidden")
    folder = tmp_path / "d"
    frame = parse(folder)
    assert frame.data["A"].to_list() == [0, 0, 1, 1, 2, 2]
    assert frame.levels("b") == ["x0", "x1", "x2", "y"]
    assert parse(str(folder / "part_[01].csv")).nrow == 4
    assert parse(folder, pattern=".*_2").nrow == 2
    assert parse([folder / "part_2.csv", folder / "part_0.csv"]).data["A"].to_list() == [2, 2, 0, 0]
    assert parse(f"file://{folder}/part_1.csv").nrow == 2
    write("a,B\n7,w\n", "d/part_3.csv")  # names differ in case only
    assert parse(folder).nrow == 7
    write("9,y\n9,z\n", "d/part_4.csv")  # no header
    assert parse(folder).nrow == 9


def test_large_files_are_read_as_small_ones(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{i},{i / 7},{'x' if i % 3 else 'y'},{'' if i % 5 else -i}" for i in range(500)]
    texts = {
        "clean": lines,
        "late float": [*lines, "1.5,2,x,4"],
        "late NA": [*lines, "NA,NA,x,NA"],
        "blank lines": [*lines[:400], "", "", *lines[400:]],
        "late quotes": [*lines, '"7","8","x","9"', '1,2,"a ""b"" c",3'],
    }
    for name, content in texts.items():
        path = write("a,b,c,d\n" + "\n".join(content) + "\n")
        monkeypatch.setattr(importer, "SAMPLE", 1 << 30)
        small = parse(path)
        monkeypatch.setattr(importer, "SAMPLE", 1000)
        large = parse(path)
        assert small.kinds == large.kinds, name
        for column in small.names:
            assert small.data[column].cast(pl.String).to_list() == large.data[column].cast(pl.String).to_list() or (
                small.numeric(column).tobytes() == large.numeric(column).tobytes()
            ), (name, column)


def test_guess_setup_says_how_a_file_would_be_read(write: Write) -> None:
    setup = guess_setup(write("a|b|when\n1|x|2020-01-01\n2|x|2020-01-02\n"))
    assert (setup.parse_type, setup.separator, setup.header) == ("CSV", "|", True)
    assert setup.names == ("a", "b", "when")
    assert setup.wanted == ("numeric", "enum", "time")
    assert setup.preview == (("1", "x", "2020-01-01"), ("2", "x", "2020-01-02"))


def test_numbers_are_those_of_python(write: Write) -> None:
    texts = ["0.1", "1e-320", "2.2250738585072011e-308", "179769313486231570e291", "5e-324", "123456789012345678",
             "1e23", "9007199254740993", "0.30000000000000004", "8.41e21", "1E+2", "-.5"]  # fmt: skip
    frame = parse(write("\n".join(texts)), header=-1)
    assert frame.numeric("C1").tolist() == [float(t) for t in texts]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=5))
def test_any_float_is_read_exactly(values: list[float]) -> None:
    text = "\n".join(f"{v!r},x" for v in values).encode()
    table, _ = read_columns(text, [pl.Float64, pl.String], separator=",", quote='"', skip=0)
    assert table["column_0"].to_list() == values


FIELD = st.text(st.sampled_from('ab1 ,"\n#é'), max_size=5)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(FIELD, min_size=2, max_size=2), min_size=1, max_size=6), st.data())
def test_fast_and_slow_ways_split_alike(table: list[list[str]], data: st.DataObject) -> None:
    def written(field: str) -> str:
        plain = not set(field) & set(' ,"\n#')
        if plain and data.draw(st.booleans()):
            return field
        blanks = " " * data.draw(st.integers(0, 2))
        return blanks + '"' + field.replace('"', '""') + '"'

    end = data.draw(st.sampled_from(["\n", "\r\n", "\n\n", "\n  \n"]))
    text = end.join(",".join(written(f) for f in row) for row in table) + end
    expected = split(text, ",")
    assert [r.fields for r in split_records(text, ",", '"')] == expected
    clean = cleaned(text.encode(), ",", '"', "#")
    assert well_quoted(clean, ",", '"')
    fast, _ = read_columns(clean, [pl.String] * 2, separator=",", quote='"', skip=0)
    assert [list(r) for r in fast.rows()] == [[f.replace("\r\n", "\n") if f else f for f in r] for r in expected]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text("ab1,;\"' \n\r\t#-:.eN@%{", max_size=60).map(str.encode))
def test_any_bytes_give_a_frame_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "f.csv"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            frame = parse(path)
        except (ParseError, NotFound):
            return
    assert frame.ncol >= 1
