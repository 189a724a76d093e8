"""MLflow's flavour: saved, logged, loaded, and scored as a pyfunc, with signature and input example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import H2OTypeError, H2OValueError
from tests.deploy.conftest import table

mlflow = pytest.importorskip("mlflow", reason="needs heavywater[mlflow]")
pd = pytest.importorskip("pandas", reason="needs heavywater[pandas]")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import heavywater.mlflow

    path = tmp_path_factory.mktemp("mlflow") / "saved"
    heavywater.mlflow.save_model(model, path, metadata={"why": "test"})
    return path


def rows() -> Any:
    return pd.DataFrame(table(50)).drop(columns="risk")


def test_a_saved_model_comes_back(model: Any, folder: Path) -> None:
    import heavywater.mlflow

    again = heavywater.mlflow.load_model(str(folder))
    frame = h2o.H2OFrame(rows())
    assert again.predict(frame)._frame().data.equals(model.predict(frame)._frame().data)
    assert (folder / "requirements.txt").read_text() == f"heavywater=={h2o.__version__}\n"
    assert not [p for p in folder.rglob("*") if p.suffix in (".pkl", ".pickle")]


def test_as_a_pyfunc_it_scores_the_same(model: Any, folder: Path) -> None:
    loaded = mlflow.pyfunc.load_model(str(folder))
    found = loaded.predict(rows())
    expected = model.predict(h2o.H2OFrame(rows())).as_data_frame()
    assert list(found.columns) == list(expected.columns)
    assert found["predict"].tolist() == expected["predict"].tolist()
    np.testing.assert_allclose(found["yes"], expected["yes"], atol=1e-12)
    flagged = loaded.predict(pd.DataFrame({"age": [200.0], "sex": ["nobody"], "pay": [None]}), params={"flags": True})
    assert flagged[["missing", "unseen", "out_of_range"]].iloc[0].tolist() == ["pay", "sex", "age"]


def test_signature_and_example_are_the_models(folder: Path) -> None:
    described = mlflow.models.Model.load(str(folder))
    inputs = {c.name: str(c.type) for c in described.signature.inputs}
    assert {k: v.rpartition(".")[2] for k, v in inputs.items()} == {"age": "double", "sex": "string", "pay": "double"}
    assert [c.name for c in described.signature.outputs] == ["predict", "no", "yes"]
    assert described.metadata == {"why": "test"}
    example = described.load_input_example(str(folder))
    assert set(example.columns) == {"age", "sex", "pay"}
    assert mlflow.pyfunc.load_model(str(folder)).predict(example).shape == (3, 3)


def test_logged_to_a_run(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import heavywater.mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    with mlflow.start_run():
        info = heavywater.mlflow.log_model(model, name="risk")
    assert mlflow.pyfunc.load_model(info.model_uri).predict(rows()).shape == (50, 3)
    assert heavywater.mlflow.load_model(info.model_uri).algo == "deeplearning"


def test_what_cannot_be_saved(model: Any, folder: Path, tmp_path: Path) -> None:
    import heavywater.mlflow

    with pytest.raises(H2OValueError, match="empty"):
        heavywater.mlflow.save_model(model, folder)
    with pytest.raises(H2OTypeError, match="estimator"):
        heavywater.mlflow.save_model(object(), tmp_path / "x")
    with pytest.raises(H2OValueError, match="not trained"):
        heavywater.mlflow.save_model(h2o.H2ODeepLearningEstimator(), tmp_path / "x")
