"""Models that came as MOJOs: scored, looked at, trained further, written again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import heavywater as h2o
from heavywater.errors import H2OValueError, InvalidParams
from heavywater.estimators import H2ODeepLearningEstimator, H2OGenericEstimator
from tests.export.java import compile_java, read_scores, score_java, write_rows
from tests.export.test_mojo import HERE, REAL, differences

pytestmark = pytest.mark.filterwarnings("ignore:column .*(not seen|missing):UserWarning")


def opened(shared: Path, name: str) -> tuple[H2OGenericEstimator, h2o.H2OFrame, dict[str, Any], Path]:
    folder = shared / "reference" / "mojo" / name
    about = json.loads((folder / "about.json").read_text())
    frame = h2o.import_file(str(folder / "frame.csv"), col_types=about["types"])
    return H2OGenericEstimator.from_file(folder / "model.zip"), frame, about, folder


def trained_further(shared: Path, name: str) -> tuple[Any, Any, h2o.H2OFrame]:
    generic, frame, about, _ = opened(shared, name)
    before = generic._trained().output["epochs"]
    model = generic.continued(epochs=before + 6, seed=3, train_samples_per_iteration=0, stopping_rounds=0)
    model.train(x=about["x"], y=about.get("y"), training_frame=frame)
    return generic, model, frame


@pytest.mark.parametrize("name", REAL)
def test_h2os_own_report_is_there(shared, name):
    generic, frame, _, folder = opened(shared, name)
    details = json.loads(_entry(folder / "model.zip", "experimental/modelDetails.json"))
    theirs = details["output"]["training_metrics"]
    assert generic.mse() == theirs["MSE"]
    importances = details["output"]["variable_importances"]["data"]
    assert [v[0] for v in generic.varimp()] == importances[0]
    assert [v[1] for v in generic.varimp()] == importances[1]
    history = generic.scoring_history()
    assert history["epochs"].iloc[-1] == generic._trained().output["epochs"] > 0
    assert str(generic).count("\n") > 30
    again = generic.model_performance(frame).mse()
    assert again == pytest.approx(theirs["MSE"], rel=1e-6)


@pytest.mark.parametrize("name", REAL)
def test_training_goes_on_where_h2o_ended(shared, name, tmp_path):
    generic, model, frame = trained_further(shared, name)
    assert model.mse() <= generic.mse()
    assert model._trained().output["samples"] > generic._trained().output["samples"]
    back = h2o.import_mojo(model.download_mojo(tmp_path), model_id="back")
    assert differences(back.predict(frame)._frame(), model.predict(frame)._frame().data)[1] == 0
    rows = model.scoring_history()
    assert len(rows) > len(generic.scoring_history())
    path = h2o.save_model(generic, tmp_path)
    assert h2o.load_model(path).mse() == generic.mse()


@pytest.mark.slow
def test_java_scores_what_was_trained_further(shared, tmp_path):
    compile_java([HERE / "Score.java"], tmp_path)
    jobs, expected = [], {}
    for name in REAL:
        _, model, frame = trained_further(shared, name)
        own = model._trained()
        write_rows(frame._frame(), list(own.design.names), tmp_path / f"{name}.in")
        jobs.append((model.download_mojo(tmp_path / f"{name}.zip"), tmp_path / f"{name}.in", tmp_path / f"{name}.out"))
        expected[name] = model.predict(frame)._frame()
    score_java(jobs, tmp_path)
    for name, ours in expected.items():
        worst, labels = differences(*read_scores(tmp_path / f"{name}.out", ours))
        print(f"{name:40} {worst:.1e} {labels}")
        assert labels == 0
        assert worst < 1e-11


def test_what_does_not_fit_is_refused(shared, tmp_path):
    generic, frame, about, _ = opened(shared, "titanic_binomial_missing")
    with pytest.raises(InvalidParams, match="epochs"):
        generic.continued(epochs=3).train(x=about["x"], y=about["y"], training_frame=frame)
    with pytest.raises(InvalidParams, match="hidden"):
        generic.continued(epochs=99, hidden=[3]).train(x=about["x"], y=about["y"], training_frame=frame)
    with pytest.raises(H2OValueError, match="without arguments"):
        generic.train(x=["age"], training_frame=frame)
    with pytest.raises(H2OValueError, match="path"):
        H2OGenericEstimator().train()


def test_a_model_of_the_session_under_its_key():
    frame = h2o.H2OFrame({"a": np.arange(40.0), "y": ["p", "q"] * 20})
    model = H2ODeepLearningEstimator(hidden=[3], epochs=1, seed=1).train(y="y", training_frame=frame)
    generic = H2OGenericEstimator(model_key=model.key)
    generic.train()
    assert generic.predict(frame)._frame().data.equals(model.predict(frame)._frame().data)


@pytest.mark.parametrize("change", [
    {"output": None}, {"output": []}, {"parameters": {}}, {"output": {"training_metrics": {"model_category": "Binomial"}}},
    {"output": {"variable_importances": {"name": "x", "columns": [{"name": "a", "type": "evil"}], "data": [[1]]}}},
    {"output": {"scoring_history": {"name": "x", "columns": [{"name": ["a"]}], "data": {}}}},
    {"parameters": [{"name": "seed", "input_value": 2**200}, {"name": "epochs", "input_value": "NaN"}]},
])  # fmt: skip
def test_strange_descriptions_are_left_out(shared, tmp_path, change):
    import zipfile

    source = shared / "reference" / "mojo" / "iris_multinomial_rectifier" / "model.zip"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(tmp_path / "m.zip", "w") as new:
        for entry in old.namelist():
            data = old.read(entry)
            if entry.endswith("modelDetails.json"):
                data = json.dumps(json.loads(data) | change).encode()
            new.writestr(entry, data)
    generic = h2o.import_mojo(tmp_path / "m.zip")
    frame = h2o.import_file(str(source.parent / "frame.csv"))
    assert pl.Series(generic.predict(frame)._frame().names).to_list()[0] == "predict"
    assert "Model Details" in str(generic)


def _entry(path: Path, name: str) -> bytes:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def test_our_mojos_tell_as_much(tmp_path):
    random = np.random.default_rng(2)
    x = random.normal(size=(120, 2))
    frame = h2o.H2OFrame({"a": x[:, 0], "b": x[:, 1], "c": ["u", "v"] * 60, "y": np.where(x[:, 0] > 0, "p", "n")})
    given = {"hidden": [4], "epochs": 4, "seed": 1, "rho": 0.95, "train_samples_per_iteration": 0}
    model = H2ODeepLearningEstimator(**given).train(y="y", training_frame=frame, validation_frame=frame)
    generic = h2o.import_mojo(model.download_mojo(tmp_path), model_id="told")
    for name in ("auc", "logloss", "mse", "rmse", "gini"):
        for valid in (False, True):
            assert getattr(generic, name)(valid=valid) == getattr(model, name)(valid=valid)
    assert generic.varimp() == model.varimp()
    assert generic.confusion_matrix().to_list() == model.confusion_matrix().to_list()
    told, own = generic.scoring_history(), model.scoring_history()
    assert list(told.columns) == list(own.columns)
    assert told["training_logloss"].tolist() == pytest.approx(own["training_logloss"].tolist(), nan_ok=True)
    params = generic._trained().state.params
    assert {k: params[k] for k in given} == given
