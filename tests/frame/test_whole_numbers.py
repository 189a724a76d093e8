"""Tables of whole numbers: the fast reader gives what the general one gives, and steps back where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from heavywater.frame.parse.whole_numbers import read_whole_numbers

NAMES = ["a", "b", "c"]


def read(text: str, *, skip: int = 0, separator: str = ","):  # type: ignore[no-untyped-def]
    return read_whole_numbers(text.encode(), NAMES, separator=separator, skip=skip)


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("rows", [1, 2, 3, 1000])
def test_numbers_and_signs_come_back(rows: int, newline: str, end: str) -> None:
    values = np.random.default_rng(rows).integers(-(10**17), 10**17, (rows, 3)) // 10 ** (np.arange(rows)[:, None] % 17)
    table = read(newline.join(",".join(map(str, row)) for row in values.tolist()) + end)
    assert table.columns == NAMES
    np.testing.assert_array_equal(table.to_numpy(), values)


def test_skipped_lines_and_another_separator() -> None:
    assert read("x;y;z\n1;02;3\n-4;5;999999999999999999\n", skip=1, separator=";").rows() == [
        (1, 2, 3),
        (-4, 5, 999999999999999999),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n",
        "1,2,3,4\n",
        "1,2,3\n4,5\n",
        "1,,3\n",
        "1,2,\n",
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
        "1,2,9999999999999999999\n",
        "1,\r2,3\n",
        "1,2,3\n4",
        "",
        "1,2,3",
    ],
)
def test_anything_else_is_left_to_the_general_reader(text: str) -> None:
    assert read(text, skip=1 if text == "1,2,3" else 0) is None


def test_an_import_takes_this_way_with_the_same_result(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from heavywater.frame.parse import importer, parse, whole_numbers

    path = tmp_path / "numbers.csv"
    values = np.random.default_rng(0).integers(-50, 300, (900, 3))
    path.write_text("a,b,c\n" + "\n".join(",".join(map(str, r)) for r in values.tolist()) + "\n")
    plain = parse(str(path))
    used = []
    original = whole_numbers.read_whole_numbers
    monkeypatch.setattr(importer, "SAMPLE", 1000)
    monkeypatch.setattr(whole_numbers, "read_whole_numbers", lambda *a, **k: used.append(1) or original(*a, **k))
    fast = parse(str(path))
    assert used
    assert fast.data.equals(plain.data)
    assert fast.kinds == plain.kinds
