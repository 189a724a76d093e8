"""The ONNX graph, run by onnxruntime on the raw columns."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from heavywater.errors import H2OValueError
from heavywater.export.onnx_graph import onnx_inputs, write_onnx
from tests.export.test_mojo import differences
from tests.export.test_reader import rows_of
from tests.export.zoo import OTHERS, ZOO, awkward_frame, model

onnx = pytest.importorskip("onnx", reason="needs heavywater[onnx]")
runtime = pytest.importorskip("onnxruntime", reason="needs heavywater[onnx]")
pytestmark = pytest.mark.filterwarnings("ignore:column .*(not seen|missing):UserWarning")


@pytest.mark.parametrize("name", [*ZOO, *OTHERS])
def test_the_graph_scores_as_the_model_does(tmp_path, name):
    m = model(name)
    path = write_onnx(m, tmp_path / "m.onnx")
    onnx.checker.check_model(str(path), full_check=True)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    out = session.run(None, onnx_inputs(m, rows_of(awkward_frame())))
    columns = [np.asarray(part) for part in out]
    ours = m.predict(awkward_frame())
    flat = [part[:, i] for part in columns for i in range(part.shape[1])]
    found = pl.DataFrame({n: c.tolist() for n, c in zip(ours.names, flat, strict=True)})
    worst, labels = differences(ours, found)
    print(f"{name:40} {worst:.1e} {labels}")
    assert labels == 0
    assert worst < 1e-11


def test_inputs_and_outputs_are_named_and_typed(tmp_path):
    path = write_onnx(model("binomial"), tmp_path / "m.onnx")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert {i.name: i.type for i in session.get_inputs()} == {
        "a": "tensor(string)", "b": "tensor(string)", "one": "tensor(string)", "n": "tensor(double)", "m": "tensor(double)",
    }  # fmt: skip
    assert [(o.name, o.type) for o in session.get_outputs()] == [
        ("label", "tensor(string)"),
        ("probabilities", "tensor(double)"),
    ]
    with pytest.raises(H2OValueError, match="exists"):
        write_onnx(model("binomial"), path, force=False)
