"""Whole numbers that are stored in a few bytes: nobody sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import heavywater as h2o
from heavywater.core.mlp.layout import Inputs
from heavywater.frame import Frame
from heavywater.frame.checksum import frame_checksum
from heavywater.frame.convert import from_python, to_arrow, to_numpy, to_pandas, to_polars
from heavywater.frame.design import SPARSE_ROWS, build_design
from heavywater.frame.export import export_file
from heavywater.frame.parse import parse
from heavywater.frame.stored import pack, unpack
from heavywater.frame.summary import extremes, histogram, quantiles, rollups
from heavywater.h2oframe import H2OFrame
from heavywater.rapids.node import Leaf

ROWS = 300


def pair(seed: int = 0) -> tuple[Frame, Frame]:
    """The same table with narrow and with wide storage."""
    random = np.random.default_rng(seed)
    columns: dict[str, list[object]] = {
        "byte": random.integers(0, 256, ROWS).tolist(),
        "short": random.integers(-30000, 30000, ROWS).tolist(),
        "int": random.integers(-(2**31), 2**31, ROWS).tolist(),
        "long": random.integers(-(2**62), 2**62, ROWS).tolist(),
        "gaps": [None if i % 7 == 0 else i % 100 for i in range(ROWS)],
        "flat": [200] * ROWS,
        "real": random.normal(size=ROWS).tolist(),
        "word": [("a", "b", "c")[i % 3] for i in range(ROWS)],
    }
    schema = dict.fromkeys(columns, pl.Int64) | {"real": pl.Float64, "word": pl.Enum(["a", "b", "c"])}
    wide = Frame(pl.DataFrame(columns, schema=schema))
    return wide.narrowed(), wide


def test_storage_and_what_is_seen() -> None:
    narrow, wide = pair()
    stored = [str(t) for t in narrow.stored.dtypes[:6]]
    assert stored == ["UInt8", "Int16", "Int32", "Int64", "UInt8", "UInt8"]
    assert narrow.data.equals(wide.data)
    assert narrow.data.schema == wide.data.schema
    assert narrow.kinds == wide.kinds
    for n in wide.names:
        assert narrow.column(n).dtype == wide.column(n).dtype
        assert narrow.column(n).equals(wide.column(n))
        np.testing.assert_array_equal(narrow.numeric(n), wide.numeric(n))


@pytest.mark.parametrize("value", [0, 255, 256, -1, 2**15 - 1, 2**15, -(2**15), -(2**15) - 1, 2**31, -(2**31) - 1])
def test_the_narrowest_type_holds_every_value(value: int) -> None:
    frame = Frame(pl.DataFrame({"x": [value, None, 3]}, schema={"x": pl.Int64})).narrowed()
    assert frame.data["x"].to_list() == [value, None, 3]
    narrower = {"UInt8": None, "Int16": pl.UInt8, "Int32": pl.Int16, "Int64": pl.Int32}[str(frame.stored["x"].dtype)]
    if narrower is not None:
        assert pl.Series([value]).cast(narrower, strict=False).null_count() == 1


def test_rows_and_columns_stay_narrow() -> None:
    narrow, wide = pair()
    keep = np.arange(ROWS) % 3 == 0
    pairs = [
        (narrow.slice(5, 9), wide.slice(5, 9)),
        (narrow.gather(np.array([7, 7, 1])), wide.gather(np.array([7, 7, 1]))),
        (narrow.filter(keep), wide.filter(keep)),
        (narrow.select(["short", "byte"]), wide.select(["short", "byte"])),
        (narrow.rename({"byte": "b"}), wide.rename({"byte": "b"})),
        (narrow.with_columns(pl.Series("byte", [1] * ROWS)), wide.with_columns(pl.Series("byte", [1] * ROWS))),
    ]
    for a, b in pairs:
        assert a.data.equals(b.data)
        assert a.stored["short"].dtype == pl.Int16


def test_summaries_and_checksum() -> None:
    narrow, wide = pair()
    assert rollups(narrow) == rollups(wide)
    assert frame_checksum(narrow) == frame_checksum(wide)
    for n in wide.names[:6]:
        assert extremes(narrow, n) == extremes(wide, n)
        assert quantiles(narrow, n) == quantiles(wide, n)
        assert histogram(narrow, n) == histogram(wide, n)


def test_exports_and_what_is_stored(tmp_path: Path) -> None:
    narrow, wide = pair()
    assert to_polars(narrow).schema == to_polars(wide).schema
    assert to_polars(narrow).equals(to_polars(wide))
    assert to_arrow(narrow).equals(to_arrow(wide))
    np.testing.assert_array_equal(to_numpy(narrow), to_numpy(wide))
    a, b = to_pandas(narrow), to_pandas(wide)
    assert a.equals(b)
    assert (a.dtypes == b.dtypes).all()
    for name in ("t.csv", "t.parquet"):
        export_file(narrow, tmp_path / f"narrow-{name}")
        export_file(wide, tmp_path / f"wide-{name}")
        assert (tmp_path / f"narrow-{name}").read_bytes() == (tmp_path / f"wide-{name}").read_bytes()
    again = unpack(pack(narrow), "t")[0]
    assert again.stored.schema == narrow.stored.schema
    assert again.data.equals(wide.data)
    assert from_python(narrow).data.equals(wide.data)


EXPRESSIONS = {
    "sum": lambda f: f["byte"] + f["flat"],
    "difference": lambda f: f["byte"] - f["flat"],
    "product": lambda f: f["short"] * f["short"] * f["int"],
    "negative": lambda f: -f["byte"],
    "power": lambda f: f["flat"] ** 3,
    "remainder": lambda f: f["short"] % f["flat"],
    "integer division": lambda f: f["short"].__floordiv__(f["flat"]),
    "comparison": lambda f: f["byte"] > f["short"],
    "cumulative": lambda f: f["byte"].cumsum().cbind((f["flat"] / 199).cumprod()),
    "bound": lambda f: f["byte"].cbind(f["short"]).rbind(f["byte"].cbind(f["int"].set_names(["short"]))),
    "factor": lambda f: f["byte"].asfactor(),
    "text": lambda f: f["short"].ascharacter(),
    "time": lambda f: f["int"].year(),
    "ifelse": lambda f: (f["byte"] > 100).ifelse(f["byte"], f["short"]),
    "filled": lambda f: f.fillna(method="forward", axis=0, maxlen=2),
    "filled along": lambda f: f[["gaps", "byte", "short"]].fillna(method="backward", axis=1, maxlen=1),
    "without gaps": lambda f: f.na_omit(),
    "sorted": lambda f: f.sort("byte"),
    "distinct": lambda f: f[["byte", "word"]].drop_duplicates(["byte"]),
    "rows": lambda f: f[f["byte"] > 128, :],
    "slice": lambda f: f[3:8, ["byte", "short"]],
    "group": lambda f: f[["word", "byte", "flat", "int"]].group_by("word").sum().mean().max().var().count().get_frame(),
    "group by number": lambda f: f[["gaps", "byte"]].group_by("gaps").sum().get_frame(),
    "table": lambda f: f["gaps"].table(),
    "merge": lambda f: f[["byte", "word"]].merge(f[["byte", "short"]].drop_duplicates(["byte"])),
    "apply": lambda f: f[["byte", "flat"]].apply(lambda c: c.sum()),
    "apply rows": lambda f: f[["byte", "flat"]].apply(lambda r: r.sum(), axis=1),
    "scale": lambda f: f[["byte", "short"]].scale(),
    "difference of rows": lambda f: f["byte"].difflag1(),
    "cut": lambda f: f["byte"].cut([0, 50, 255]),
    "pivot": lambda f: f[["word", "flat", "byte"]].pivot("word", "flat", "byte"),
    "isin": lambda f: f["byte"].isin([1, 200, 255]),
    "match": lambda f: f["byte"].match([1, 200, 255]),
    "unique": lambda f: f["byte"].unique(),
    "quantile": lambda f: f[["byte", "short"]].quantile([0.1, 0.5]),
    "rank": lambda f: f[["byte", "word"]].rank_within_group_by(["word"], ["byte"], sort_cols_sorted=True),
    "stratified": lambda f: f["word"].stratified_split(seed=1),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions_give_the_same(name: str) -> None:
    results = [EXPRESSIONS[name](H2OFrame._of_node(Leaf(f)))._frame().data for f in pair()]
    assert results[0].schema == results[1].schema
    assert results[0].equals(results[1])


SCALARS = {
    "sum": lambda f: f[["byte", "flat", "int"]].sum(return_frame=True).as_data_frame().values.tolist(),
    "mean": lambda f: f[["byte", "short"]].mean(),
    "min, max": lambda f: (f[["byte", "short"]].min(), f[["byte", "int"]].max()),
    "sd, var": lambda f: (f["byte"].sd(), f["byte"].var()),
    "correlation": lambda f: f[["byte", "short"]].cor().as_data_frame().values.tolist(),
    "cell": lambda f: f[4, "byte"],
    "any, all": lambda f: (f["byte"].any(), f["byte"].all(), f.anyna()),
    "types": lambda f: f.types,
    "counts of NA": lambda f: f.nacnt(),
    "columns": lambda f: f.columns_by_type("numeric"),
    "text": lambda f: f.get_frame_data(),
    "lists": lambda f: f.as_data_frame(use_pandas=False),
}


@pytest.mark.parametrize("name", SCALARS)
def test_values_are_the_same(name: str) -> None:
    narrow, wide = (SCALARS[name](H2OFrame._of_node(Leaf(f))) for f in pair())
    assert narrow == wide


ASSIGNMENTS = {
    "a number beyond the type": lambda f: f.__setitem__((3, "byte"), 70000),
    "a real number": lambda f: f.__setitem__((3, "byte"), 1.5),
    "missing": lambda f: f.__setitem__((3, "byte"), None),
    "a column of a wider type": lambda f: f.__setitem__((slice(0, 4), "byte"), f[0:4, "long"]),
    "a column": lambda f: f.__setitem__("byte", f["byte"] * 1000),
    "by condition": lambda f: f.__setitem__((f["byte"] > 100, "byte"), -5),
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_assignments_give_the_same(name: str) -> None:
    results = []
    for frame in pair():
        f = H2OFrame._of_node(Leaf(frame))
        ASSIGNMENTS[name](f)
        results.append(f._frame())
    assert results[0].data.schema == results[1].data.schema
    assert results[0].data.equals(results[1].data)
    assert results[0].stored["short"].dtype == pl.Int16  # columns that nobody touched


def test_imported_columns_are_narrow_whatever_the_way(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n1,300,x\n2,,y\n255,-7,x\n")
    frame = parse(str(path))
    assert frame.stored.dtypes[:2] == [pl.UInt8, pl.Int16]
    assert frame.data.dtypes[:2] == [pl.Int64, pl.Int64]
    assert frame.data.rows() == [(1, 300, "x"), (2, None, "y"), (255, -7, "x")]


# -- the design matrix ---------------------------------------------------------------------------------------------------


def encoded(frame: Frame, names: list[str], scaling: str = "standardize") -> tuple[Inputs, Inputs]:
    design = build_design(frame, names, scaling=scaling)  # type: ignore[arg-type]
    return tuple(design.encode(frame, training=True, packed=p) for p in (False, True))  # type: ignore[return-value]


@pytest.mark.parametrize("scaling", ["standardize", "scale", "range", "none"])
@pytest.mark.parametrize("lowest", [0, -200, 10**9, -(2**40)])
def test_numbers_that_fit_a_byte_are_packed_with_the_same_bits(lowest: int, scaling: str) -> None:
    random = np.random.default_rng(0)
    columns = {f"x{i}": random.integers(lowest, lowest + 256, 5000) for i in range(20)}
    frame = Frame(pl.DataFrame(columns | {"word": ["a", "b"] * 2500}, schema_overrides={"word": pl.Enum(["a", "b"])}))
    for f in (frame, frame.narrowed()):
        matrix, packed = encoded(f, f.names, scaling)
        assert packed.dense.shape == (5000, 0)
        assert packed.packed.codes.shape == (5000, 20)
        every = np.arange(5000)
        assert packed.number_rows(every).tobytes() == matrix.dense.tobytes()
        np.testing.assert_array_equal(packed.slots, matrix.slots)


@pytest.mark.parametrize("stored", ["bytes", "wide", "mixed"])
def test_compressed_rows_are_what_is_not_zero_in_the_matrix(stored: str) -> None:
    random = np.random.default_rng(1)
    n = 2 * SPARSE_ROWS + 77
    columns = {f"x{i}": random.integers(0, 256, n) * (random.random(n) < 0.1 * (i % 4)) for i in range(21)}
    columns["x5"][:] = 3  # a column and, below, rows without a zero, and rows of nothing else
    for i in range(21):
        columns[f"x{i}"][100:140], columns[f"x{i}"][200:300] = i + 1, 0
    if stored == "mixed":
        columns["x3"][7] = 300
    frame = Frame(pl.DataFrame({k: np.asarray(v, np.int64) for k, v in columns.items()}))
    frame = frame if stored == "wide" else frame.narrowed()
    design = build_design(frame, frame.names, scaling="scale")
    dense = design.encode(frame, training=True, dtype=np.float32).dense
    rows = design.encode(frame, training=True, dtype=np.float32, csr=True)
    assert rows.indptr.tolist() == np.concatenate(([0], np.cumsum((dense != 0).sum(axis=1)))).tolist()
    at, column = np.nonzero(dense)
    assert rows.indices.tolist() == column.tolist()
    assert rows.values.tobytes() == dense[at, column].tobytes()


@pytest.mark.parametrize("column", [[0, 256], [1, None], [0.5, 1.0], [0, 2**62], [-(2**62), -(2**62) + 5]])
def test_other_numbers_are_not_packed(column: list[object]) -> None:
    frame = Frame.of(pl.DataFrame({"x": column * 10, "y": [1, 2] * 10}, strict=False))
    matrix, same = encoded(frame, ["x", "y"])
    assert same.packed.codes.shape == (0, 0)
    np.testing.assert_array_equal(same.dense, matrix.dense)


def test_a_model_is_the_same_whatever_the_storage() -> None:
    h2o.init()
    columns = {f"x{i}": np.random.default_rng(i).integers(0, 100 * (1 + i % 4), ROWS) for i in range(6)}
    y = ["p" if a + b > 250 else "q" for a, b in zip(columns["x3"], columns["x2"])]
    wide = Frame.of(pl.DataFrame(columns | {"y": y}, schema_overrides={"y": pl.Enum(["p", "q"])}))
    found = []
    for frame in (wide.narrowed(), wide):
        f = H2OFrame._of_node(Leaf(frame))
        model = h2o.estimators.H2ODeepLearningEstimator(hidden=[8], epochs=3, seed=1, reproducible=True)
        model.train(y="y", training_frame=f)
        found.append(model.predict(f)._frame().data)
    assert found[0].equals(found[1])
