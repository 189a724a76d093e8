"""The reference frames parse to the arrays that H2O's server had, bit for bit."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from heavywater.frame import Frame
from heavywater.frame.parse import parse
from heavywater.frame.summary import rollup


def folders(shared: Path) -> list[Path]:
    return sorted(p.parent for p in (shared / "reference" / "bitexact").glob("*/params.json"))


@pytest.fixture(scope="module")
def parsed(shared: Path) -> list[tuple[str, Frame, dict, dict]]:
    """(name, frame, arrays of its columns, what the server said about it) of every reference frame."""
    out = []
    for folder in folders(shared):
        params = json.loads((folder / "params.json").read_text())
        said = json.loads((folder / "output.json").read_text()).get("frames", {})
        arrays = np.load(folder / "arrays.npz") if (folder / "arrays.npz").exists() else {}
        for part, file in (("train", "data.csv"), ("test", "test.csv"), ("valid", "valid.csv")):
            if part not in said or not (folder / file).exists():
                continue
            header = (folder / file).read_text().partition("\n")[0].split(",")
            types = {n: t for n, t in params["column_types"].items() if n in header}
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                frame = parse(folder / file, header=1, sep=",", col_types=types)
            prefix = f"{part}.col."
            columns = {k[len(prefix) :]: arrays[k] for k in arrays if k.startswith(prefix)}
            out.append((f"{folder.name}/{file}", frame, columns, said[part]))
    return out


def test_there_are_many(parsed) -> None:
    assert len(parsed) > 180
    assert sum(len(columns) for _, _, columns, _ in parsed) > 1400


def test_values_are_equal_in_every_bit(parsed) -> None:
    for name, frame, columns, _ in parsed:
        for column, expected in columns.items():
            if expected.dtype.kind == "i":
                assert np.array_equal(frame.codes(column), expected), (name, column)
            else:
                got = frame.numeric(column)
                same = (got.view(np.int64) == expected.view(np.int64)) | (np.isnan(got) & np.isnan(expected))
                assert same.all(), (name, column)


def test_types_and_levels_are_equal(parsed) -> None:
    for name, frame, _, said in parsed:
        assert frame.nrow == said["rows"]
        for column in said["columns"]:
            assert frame.kind(column["name"]) == column["type"], (name, column["name"])
            if column["domain"] is not None:
                assert frame.levels(column["name"]) == column["domain"], (name, column["name"])


def test_mean_and_sigma_are_those_of_the_models(shared: Path) -> None:
    """``normsub`` and ``1 / normmul`` of a standardised model are the mean and the standard deviation."""
    checked = 0
    for name in ("reg_gaussian_boston", "cls2_titanic_na", "reg_laplace_cars", "cls3_ce_tanh"):
        folder = shared / "reference" / "bitexact" / name
        params = json.loads((folder / "params.json").read_text())
        output = json.loads((folder / "output.json").read_text())["final"]["model"]
        frame = parse(folder / "data.csv", header=1, sep=",", col_types=params["column_types"])
        numeric = [n for n in output["names"] if n in params["x"] and frame.kind(n) in ("int", "real")]
        subs, muls = output["normsub"], output["normmul"]
        assert len(subs) == len(muls)
        for column, sub, mul in zip(numeric, subs, muls, strict=True):
            stats = rollup(frame, column)
            assert stats.mean == sub, (name, column)
            assert (1 / stats.sigma if stats.sigma else 1.0) == mul, (name, column)
            checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    ("file", "rows", "kinds"),
    [
        ("tabular/BostonHousing.csv", 506, {"crim": "real", "chas": "int"}),
        ("tabular/adult.csv.gz", 48842, {"C1": "int", "C2": "enum", "C15": "enum"}),
        ("tabular/cal_housing.csv", 20640, {"longitude": "real", "households": "int"}),
        ("tabular/cars.csv", 406, {"name": "enum", "economy": "real", "year": "int"}),
        ("tabular/covtype.20k.csv", 20000, {"C1": "int", "C55": "int"}),
        ("tabular/iris.csv", 150, {"C1": "real", "C5": "enum"}),
        ("tabular/iris_wheader.csv", 150, {"sepal_len": "real", "class": "enum"}),
        ("tabular/prostate.csv", 380, {"ID": "int", "PSA": "real"}),
        ("tabular/prostate_missing.csv", 380, {"DPROS": "int", "VOL": "real"}),
        ("tabular/weather.csv", 355, {"Date": "time", "MaxWindPeriod": "enum", "Sunshine": "real"}),
        ("anomaly/ecg_discord_train.csv", 20, {"C1": "real", "C210": "real"}),
        ("anomaly/ecg_discord_test.csv", 23, {"C1": "real", "C210": "real"}),
        ("mnist/test.csv.gz", 10000, {"C1": "int", "C785": "int"}),
    ],
)
def test_data_sets_import_with_sensible_types(shared: Path, file: str, rows: int, kinds: dict[str, str]) -> None:
    frame = parse(shared / "data" / file)
    assert frame.nrow == rows
    assert {n: frame.kind(n) for n in kinds} == kinds


def test_text_in_a_numeric_column_is_reported(shared: Path) -> None:
    with pytest.warns(
        UserWarning, match=r"'ticket' is numeric, but 352 of its values are not .*'PC 17609' in data row"
    ):
        frame = parse(shared / "data" / "tabular" / "titanic.csv", skipped_columns=["boat"])
    assert " ".join(frame.kinds.values()) == "int int string enum real int int int real enum enum int enum"


def test_latin1_is_reported_and_read(shared: Path) -> None:
    with pytest.warns(UserWarning, match=r"line 27988 is not UTF-8; the file is read as Latin-1"):
        frame = parse(shared / "data" / "tabular" / "allyears2k_headers.zip")
    assert frame.nrow == 43978
    assert frame.ncol == 31
    assert frame.levels("IsDepDelayed") == ["NO", "YES"]
    assert frame.kind("DepTime") == "int"
