"""The exports as methods of an estimator, and MOJOs opened by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import H2OValueError, ModelFileError, NotSupported
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(5)
    x = random.normal(size=(200, 2))
    return h2o.H2OFrame(
        {"a": x[:, 0], "b": x[:, 1], "c": random.choice(["u", "v"], 200), "y": np.where(x[:, 0] > 0, "p", "n")}
    )


@pytest.fixture(scope="module")
def model(frame: h2o.H2OFrame) -> Any:
    return H2ODeepLearningEstimator(hidden=[6], epochs=5, seed=1, model_id="exported").train(
        y="y", training_frame=frame
    )


def test_a_mojo_comes_back_with_the_same_predictions(model: Any, frame: h2o.H2OFrame, tmp_path: Path) -> None:
    path = model.download_mojo(tmp_path)
    assert Path(path).name == "exported.zip"
    again = h2o.import_mojo(path, model_id="came_back")
    assert again.key == "came_back"
    ours, theirs = (m.predict(frame).as_data_frame() for m in (model, again))
    assert (ours["predict"] == theirs["predict"]).all()
    np.testing.assert_allclose(ours.iloc[:, 1:], theirs.iloc[:, 1:], atol=1e-12)
    assert h2o.upload_mojo(path).predict(frame).nrow == frame.nrow


def test_nothing_is_overwritten_unasked(model: Any, tmp_path: Path) -> None:
    model.save_mojo(tmp_path)
    with pytest.raises(H2OValueError, match="force"):
        model.save_mojo(tmp_path)
    model.save_mojo(tmp_path, force=True)


def test_java_source_is_printed_or_written(model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert model.download_pojo() is None
    assert "public class exported extends GenModel" in capsys.readouterr().out
    assert Path(model.download_pojo(tmp_path)).name == "exported.java"


def test_a_bundle_has_model_and_reader(model: Any, tmp_path: Path) -> None:
    folder = Path(model.export_bundle(tmp_path / "bundle"))
    assert (tmp_path / "bundle").is_dir()
    assert any(p.name == "reader.py" for p in (tmp_path / "bundle").iterdir()), folder


def test_onnx_is_written(model: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the extra [onnx] is not installed")
    assert Path(model.download_onnx(tmp_path)).stat().st_size > 500


def test_what_cannot_be_done_says_so(model: Any, tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="genmodel"):
        model.download_mojo(tmp_path, get_genmodel_jar=True)
    (tmp_path / "bad.zip").write_bytes(b"PK not a zip")
    with pytest.raises(ModelFileError):
        h2o.import_mojo(tmp_path / "bad.zip")
    with pytest.raises(H2OValueError, match="not trained yet"):
        H2ODeepLearningEstimator().download_mojo(tmp_path)
