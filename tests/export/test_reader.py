"""The reader of one file, and the bundle that it comes in."""

from __future__ import annotations

import ast
import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from heavywater.algos.deeplearning import build_model, expected_arrays
from heavywater.errors import H2OValueError
from heavywater.export import reader
from heavywater.export.bundle import export_bundle
from heavywater.export.reader import Scorer
from heavywater.frame import Frame
from heavywater.models.container import read
from tests.export.test_mojo import differences
from tests.export.zoo import OTHERS, ZOO, awkward_frame, model

pytestmark = pytest.mark.filterwarnings("ignore:column .*(not seen|missing):UserWarning")


def rows_of(frame: Frame) -> dict[str, list[object]]:
    texts = {n: frame.data[n].cast(pl.String) if frame.kind(n) == "enum" else frame.data[n] for n in frame.names}
    return {n: col.to_list() for n, col in texts.items()}


@pytest.mark.parametrize("name", [*ZOO, *OTHERS])
def test_the_reader_scores_as_the_model_does(tmp_path, name):
    m = model(name)
    folder = export_bundle(m, tmp_path / "b")
    found = Scorer(str(folder / "model.hw")).predict(rows_of(awkward_frame()))
    ours = m.predict(awkward_frame())
    columns = {k: v.tolist() for k, v in found.items()}
    worst, labels = differences(ours, pl.DataFrame(columns))
    print(f"{name:40} {worst:.1e} {labels}")
    assert labels == 0
    assert worst < 1e-11


def test_the_bundle_is_a_model_file_too(tmp_path):
    folder = export_bundle(model("binomial"), tmp_path / "b")
    state = read(folder / "model.hw", validators={"deeplearning": expected_arrays})
    assert (
        build_model(state, "again")
        .predict(awkward_frame())
        .data.equals(model("binomial").predict(awkward_frame()).data)
    )
    with pytest.raises(H2OValueError, match="exists"):
        export_bundle(model("binomial"), folder)
    export_bundle(model("multinomial"), folder, force=True)


def test_it_runs_alone(tmp_path):
    folder = export_bundle(model("binomial"), tmp_path / "b")
    frame = awkward_frame().data.tail(20)
    frame.write_csv(folder / "data.csv")
    done = subprocess.run(
        [sys.executable, "-I", "reader.py", "model.hw", "data.csv"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    header, *lines = csv.reader(done.stdout.splitlines())
    expected = model("binomial").predict(Frame.of(frame))
    assert header == expected.names
    assert [line[0] for line in lines] == expected.data["predict"].cast(pl.String).to_list()
    assert np.allclose([float(line[2]) for line in lines], expected.numeric(expected.names[2]), atol=1e-12)


def test_golden_rows_are_checked_on_load(tmp_path):
    path = export_bundle(model("gaussian"), tmp_path / "b") / "model.hw"
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[:8], "little")
    end = 8 + length + json.loads(data[8 : 8 + length])["W2"]["data_offsets"][1]
    data[end - 4 : end] = np.float32(3.5).tobytes()
    path.write_bytes(data)
    with pytest.raises(ValueError, match="golden rows"):
        Scorer(str(path))
    path.write_bytes(data[:100])
    with pytest.raises(ValueError, match="cut short"):
        Scorer(str(path))


def test_it_is_one_short_file_that_needs_numpy_only():
    text = Path(reader.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    imported = {name.split(".")[0] for node in ast.walk(ast.parse(text)) for name in named(node)}
    assert imported <= {"numpy", *sys.stdlib_module_names}


def named(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [a.name for a in node.names]
    return [str(node.module)] if isinstance(node, ast.ImportFrom) else []
