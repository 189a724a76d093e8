"""Tables of whole numbers: the fast reader gives what the general one gives, and steps back where it cannot."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from heavywater.errors import ParseError
from heavywater.frame.parse import importer, parse, stream, whole_numbers
from heavywater.frame.parse.decompress import Limits
from heavywater.frame.parse.whole_numbers import read_whole_numbers
from tests.naive import whole_numbers as naive

NAMES = ["a", "b", "c"]


def read(
    text: str, *, skip: int = 0, separator: str = ",", part: int = 1 << 20, expected: int = 0
) -> pl.DataFrame | None:
    data = text.encode()
    parts = [data[i : i + part] for i in range(0, len(data), part)]
    return read_whole_numbers([(parts, skip)], NAMES, separator=separator, expected=expected)


def table_text(values: np.ndarray, newline: str = "\n", end: str = "\n") -> str:
    return newline.join(",".join(map(str, row)) for row in values.tolist()) + end


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("rows", [1, 2, 3, 1000])
def test_numbers_and_signs_come_back(rows: int, newline: str, end: str) -> None:
    values = np.random.default_rng(rows).integers(-(10**17), 10**17, (rows, 3)) // 10 ** (np.arange(rows)[:, None] % 17)
    table = read(table_text(values, newline, end))
    assert table is not None
    assert table.columns == NAMES
    np.testing.assert_array_equal(table.to_numpy(), values)


@pytest.mark.parametrize("part", [1, 7, 64, 1000])
@pytest.mark.parametrize("expected", [0, 10**6])
@pytest.mark.parametrize("seed", range(6))
def test_columns_widen_wherever_a_number_asks_for_it(seed: int, expected: int, part: int) -> None:
    random = np.random.default_rng(seed)
    values = random.integers(0, 256, (400, 3)) * (random.random((400, 3)) < 0.5)
    for _ in range(8):
        row, column, digits = random.integers(400), random.integers(3), random.integers(1, 19)
        values[row, column] = random.integers(-(10**digits) + 1, 10**digits)
    text = "x,y,z\n" + table_text(values)
    table = read(text, skip=1, part=part, expected=expected)
    wanted = naive.read(text, 3, ",", 1)
    assert table is not None
    assert wanted is not None
    assert [list(r) for r in table.rows()] == wanted
    assert [str(t) for t in table.dtypes] == [naive.narrowest([r[c] for r in wanted]) for c in range(3)]


@pytest.mark.parametrize("value", [255, 256, -1, 2**15 - 1, 2**15, -(2**15) - 1, 2**31 - 1, 2**31, -(2**31) - 1])
def test_the_type_is_the_narrowest_that_holds_all_numbers(value: int) -> None:
    table = read(f"1,2,{value}\n")
    assert table is not None
    assert table.rows() == [(1, 2, value)]
    assert str(table["c"].dtype) == naive.narrowest([value])


def test_skipped_lines_and_another_separator() -> None:
    table = read("x;y;z\n1;02;3\n-4;5;999999999999999999\n", skip=1, separator=";")
    assert table is not None
    assert table.rows() == [(1, 2, 3), (-4, 5, 999999999999999999)]


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n",
        "1,2,3,4\n",
        "1,2,3\n4,5\n",
        "1,,3\n",
        "1,2,\n",
        ",2,3\n",
        "1,2,3,\n",
        "0,0,0,0\n",
        "0,0\n",
        "1,2,3\n\n4,5,6\n",
        "1,2,3.0\n",
        "1,2,x\n",
        "1,2, 3\n",
        "1,2,+3\n",
        "1,2,--3\n",
        "1,2,3-\n",
        "1,2,-\n",
        "1,2,1e3\n",
        '1,2,"3"\n',
        "1,2,NA\n",
        "1,2,9999999999999999999\n",
        "1,2,0000000000000000001\n",
        "1,\r2,3\n",
        "1,2,3\n4",
        "",
        "1,2,3",
        "-",
        "0",
        "\n",
    ],
)
def test_anything_else_is_left_to_the_general_reader(text: str) -> None:
    skip = 1 if text == "1,2,3" else 0
    assert naive.read(text, 3, ",", skip) is None
    assert read(text, skip=skip) is None
    assert read("4,5,6\n" * 50 + text, skip=50 + skip, part=100) is None


@pytest.mark.parametrize("separator", ["1", "-", "\n", "\r"])
def test_a_separator_that_may_be_part_of_a_number_is_left_alone(separator: str) -> None:
    assert read("1,2,3\n", separator=separator) is None


def test_no_more_memory_is_asked_for_than_the_text_can_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    original = whole_numbers._reserved
    monkeypatch.setattr(whole_numbers, "_reserved", lambda size: asked.append(size) or original(size))
    assert read("1\n" * 1000, expected=10**6) is None  # many lines, but of one field where there should be three
    assert max(asked) <= 10**6


# -- import ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each import since was read as a stream; small files are as well."""
    taken: list[bool] = []
    original = importer._streamed

    def noting(*a: object) -> object:
        frame = original(*a)  # type: ignore[arg-type]
        taken.append(frame is not None)
        return frame

    monkeypatch.setattr(importer, "STREAMED", 200)
    monkeypatch.setattr(stream, "BLOCK", 256)
    monkeypatch.setattr(importer, "_streamed", noting)
    return taken


def unstreamed(path: object, monkeypatch: pytest.MonkeyPatch, **options: object):  # type: ignore[no-untyped-def]
    with monkeypatch.context() as m:
        m.setattr(importer, "STREAMED", 1 << 40)
        return parse(path, **options)  # type: ignore[arg-type]


def numbers(seed: int = 0, rows: int = 900) -> np.ndarray:
    return np.random.default_rng(seed).integers(-50, 300, (rows, 3))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", ["", "a,b,c\n"])
def test_an_import_takes_this_way_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: list[bool], header: str, packed: bool
) -> None:
    path = tmp_path / ("numbers.csv.gz" if packed else "numbers.csv")
    text = (header + table_text(numbers())).encode()
    path.write_bytes(gzip.compress(text[:2000]) + gzip.compress(text[2000:]) if packed else text)
    plain = unstreamed(str(path), monkeypatch)
    fast = parse(str(path))
    assert streamed == [True]
    np.testing.assert_array_equal(fast.data.to_numpy(), numbers())
    assert fast.data.equals(plain.data)
    assert fast.data.schema == plain.data.schema
    assert fast.kinds == plain.kinds
    assert fast.stored.schema == plain.stored.schema


def test_parts_of_a_table_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: list[bool]) -> None:
    (tmp_path / "1.csv").write_text("a,b,c\n" + table_text(numbers(0)))
    (tmp_path / "2.csv.gz").write_bytes(gzip.compress(("a,b,c\n" + table_text(numbers(1) * 1000)).encode()))
    (tmp_path / "3.csv").write_text(table_text(numbers(2), end=""))
    fast = parse(str(tmp_path), skipped_columns=["b"])
    assert streamed == [True]
    assert fast.data.equals(unstreamed(str(tmp_path), monkeypatch, skipped_columns=["b"]).data)
    wanted = np.concatenate([numbers(0), numbers(1) * 1000, numbers(2)])[:, [0, 2]]
    np.testing.assert_array_equal(fast.data.to_numpy(), wanted)


LATE = {
    "a number with a point": "1,3.5,2\n",
    "a word": "1,word,2\n",
    "NA": "1,NA,2\n",
    "an empty cell": "1,,2\n",
    "a quoted number": '1,"7",2\n',
    "a blank line": "\n5,6,7\n",
    "a comment": "# no more\n5,6,7\n",
    "blanks": "1, 2, 3\n",
    "a long number": "1,12345678901234567890,3\n",
    "a short line": "1,2\n",
    "a long line": "1,2,3,4\n",
    "an old line end": "1,2,3\r4,5,6\n",
    "another alphabet": "1,é,3\n",
}


@pytest.mark.parametrize("what", LATE)
@pytest.mark.parametrize("packed", [False, True])
def test_what_comes_late_is_read_in_the_general_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: list[bool], what: str, packed: bool
) -> None:
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    text = ("a,b,a\n" + table_text(numbers()) + LATE[what]).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    with warnings.catch_warnings(record=True) as plain_said:
        warnings.simplefilter("always")
        plain = unstreamed(str(path), monkeypatch)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fast = parse(str(path))
    assert streamed == [False]
    assert fast.data.equals(plain.data)
    assert [str(w.message) for w in said] == [str(w.message) for w in plain_said]


@pytest.mark.parametrize(
    "options",
    [
        {"col_types": ["enum", "numeric", "time"]},
        {"col_types": {"b": "string"}},
        {"na_strings": ["7"]},
        {"escapechar": "\\"},
        {"header": 1},
        {"sep": ","},
        {"custom_non_data_line_markers": "2"},
        {"quotechar": "1"},
        {"col_names": ["x", "y", "z"]},
    ],
)
def test_options_mean_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: list[bool], options: dict[str, object]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + table_text(abs(numbers())))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = unstreamed(str(path), monkeypatch, **options)
        fast = parse(str(path), **options)  # type: ignore[arg-type]
    assert fast.data.equals(plain.data)
    assert fast.kinds == plain.kinds


@pytest.mark.parametrize(
    "start", ["# comment\n", "\n\n", '"a\nb",b,c\n', "a, b, c\n", "\ufeffa,b,c\n", "1,2,3\n1,2,3\n", "é,b,c\n"]
)
def test_files_that_begin_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: list[bool], start: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(start + table_text(numbers()), encoding="utf-8")
    for header in (-1, 0, 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain = unstreamed(str(path), monkeypatch, header=header)
            fast = parse(str(path), header=header)
        assert fast.names == plain.names
        assert fast.data.equals(plain.data)


# -- hostile files -------------------------------------------------------------------------------------------------------


def message(path: Path, **options: object) -> str:
    with pytest.raises(ParseError) as e:
        parse(str(path), **options)  # type: ignore[arg-type]
    return str(e.value)


def test_a_bomb_is_refused(tmp_path: Path, streamed: list[bool]) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"0,0,0\n" * 200_000))
    assert "unpack to more than" in message(path, limits=Limits(max_ratio=5, free_bytes=10_000))
    assert "rows are more than" in message(path, limits=Limits(max_rows=1000))
    assert "columns are more than" in message(path, limits=Limits(max_columns=2))
    assert parse(str(path)).nrow == 200_000
    assert streamed[-1]


@pytest.mark.parametrize("damage", ["cut", "checksum", "length", "middle"])
def test_damaged_files_are_refused(tmp_path: Path, streamed: list[bool], damage: str) -> None:
    data = bytearray(gzip.compress(table_text(numbers()).encode()))
    if damage == "cut":
        del data[-100:]
    else:
        data[{"checksum": -6, "length": -2, "middle": len(data) // 2}[damage]] ^= 0x55
    path = tmp_path / "t.csv.gz"
    path.write_bytes(data)
    assert "damaged" in message(path)


def test_a_size_that_is_a_lie_does_no_harm(tmp_path: Path, streamed: list[bool]) -> None:
    """The size at the end of a file only says how much memory to ask for."""
    text = table_text(numbers()).encode()
    for size in (0, 2**32 - 1):
        garbage = gzip.compress(text) + b"nothing" + size.to_bytes(4, "little")
        path = tmp_path / "t.csv.gz"
        path.write_bytes(garbage)
        np.testing.assert_array_equal(parse(str(path)).data.to_numpy(), numbers())
        assert streamed[-1]


def test_a_line_without_end_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: list[bool]
) -> None:
    monkeypatch.setattr(whole_numbers, "LONGEST_LINE", 1000)
    assert read("1" * 5000, part=100) is None


def test_a_small_number_before_zeros_is_no_zero() -> None:
    lines = [[0] * 12 for _ in range(12)]
    for i, line in enumerate(lines):
        line[i] = 1 + i % 9
    text = "".join(",".join(map(str, line)) + "\n" for line in lines).encode()
    names = [f"C{i}" for i in range(12)]
    table = read_whole_numbers([([text], 0)], names, separator=",", expected=len(text))
    assert table is not None
    assert [list(row) for row in table.rows()] == lines
