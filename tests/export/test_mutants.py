"""Faulty MOJOs, model files and ONNX graphs are refused or read: no crash, no hang, no memory beyond honest need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from heavywater.export.bundle import export_bundle
from heavywater.export.mojo import write_mojo
from heavywater.export.onnx_graph import write_onnx
from tests.export.mutants import mutants
from tests.export.zoo import model
from tests.test_layers import ROOT_PACKAGE

pytest.importorskip("onnxruntime", reason="needs heavywater[onnx]")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")]
COUNT = 240


def test_faulty_model_files_do_no_harm(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    bad.mkdir()
    for name in ("label", "eigen", "autoencoder_dropout"):
        export_bundle(model(name), tmp_path / name)
        (good / f"{name}.hw").write_bytes((tmp_path / name / "model.hw").read_bytes())
        write_mojo(model(name), good / f"{name}.zip")
        write_onnx(model(name), good / f"{name}.onnx")
    for name, data in mutants({p.name: p.read_bytes() for p in good.iterdir()}, COUNT, seed=1):
        (bad / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "tests.export.mutants", str(bad), str(good)],
        cwd=ROOT_PACKAGE.parent, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-500:]
    assert done.stderr.count("\n") >= COUNT
