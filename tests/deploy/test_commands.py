"""`heavywater score` and `heavywater deploy` as processes."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from heavywater.cli import main

pytestmark = pytest.mark.filterwarnings("ignore:column .*(not seen|missing)")


@pytest.mark.parametrize("kind", ["heavywater", "MOJO", "ONNX"])
def test_score(
    files: dict[str, Path], model: Any, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import heavywater as h2o

    data = tmp_path / "data.csv"
    data.write_text("sex,age,other,pay\nf,31,x,900\nm,,y,1000\nnobody,99.5,z,\n", encoding="utf-8")
    assert main(["score", str(files[kind]), str(data), "-o", str(tmp_path / "out.csv"), "--flags"]) == 0
    assert "3 rows written" in capsys.readouterr().out
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream))
    ours = model.predict(
        h2o.H2OFrame({"sex": ["f", "m", "nobody"], "age": [31.0, None, 99.5], "pay": [900.0, 1000.0, None]})
    )
    assert [float(r["yes"]) for r in found] == pytest.approx(ours.as_data_frame()["yes"].tolist(), rel=1e-9)
    assert [r["unseen"] for r in found] == ["", "", "sex"]


def test_score_says_what_is_wrong(files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data.csv"
    data.write_text("age,sex\nold,f\n")
    assert main(["score", str(files["heavywater"]), str(data)]) == 2
    assert "row 1: age must be a number; got 'old'" in capsys.readouterr().err
    assert main(["score", str(tmp_path / "none"), str(data)]) == 2


@pytest.mark.network
@pytest.mark.parametrize("kind", ["heavywater", "MOJO", "ONNX"])
def test_deploy(files: dict[str, Path], kind: str) -> None:
    pytest.importorskip("uvicorn", reason="needs heavywater[server]")
    command = [sys.executable, "-m", "heavywater.cli", "deploy", str(files[kind]), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", line)
            assert found, line
            request = urllib.request.Request(
                f"{found[1]}/predict", b'{"age": 31, "sex": "f", "pay": 900}', {"Authorization": f"Bearer {found[2]}"}
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert set(json.load(answer)["predictions"][0]) == {"predict", "no", "yes"}
        finally:
            process.terminate()
            process.wait(20)


def test_scoring_a_model_file_loads_no_large_library(files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("age,sex,pay\n31,f,900\n")
    code = (
        "import sys; from heavywater.cli import main; main(['score', *sys.argv[1:]]);"
        "print(sorted({'numba', 'polars', 'pyarrow', 'sklearn', 'scipy', 'torch', 'pandas'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(files["heavywater"]), str(tmp_path / "data.csv")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
