"""MOJO: those of H2O read, ours written and read back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from heavywater.algos.deeplearning import build_model
from heavywater.errors import H2OValueError, ModelFileError, NotFound, NotSupported
from heavywater.export.mojo import read_mojo, write_mojo
from heavywater.frame.parse import parse
from tests.export.zoo import OTHERS, ZOO, awkward_frame, model, training_frame

HERE = Path(__file__).parent
REAL = [
    "boston_gamma_rectifierdropout", "cars_gaussian_tanh", "iris_autoencoder", "iris_multinomial_rectifier",
    "prostate_autoencoder_cat", "prostate_binomial_maxoutdropout", "titanic_binomial_missing",
]  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore:column .*(not seen|missing):UserWarning")


def differences(ours, expected: pl.DataFrame) -> tuple[float, int]:
    """Largest relative difference of the numbers, and how many labels differ."""
    worst, labels = 0.0, 0
    for a, b in zip(ours.names, expected.columns, strict=True):
        if ours.kind(a) == "enum":
            labels += int((ours.data[a].cast(pl.String) != expected[b].cast(pl.String)).sum())
        else:
            x, y = ours.numeric(a), expected[b].to_numpy()
            assert np.array_equal(np.isnan(x), np.isnan(y))
            same = np.where(x == y, 0.0, np.abs(x - y)) / np.maximum(1.0, np.abs(y))
            worst = max(worst, float(np.nan_to_num(same).max()))
    return worst, labels


@pytest.mark.parametrize("name", REAL)
def test_mojos_of_h2o_score_as_h2o_said(shared, name):
    folder = shared / "reference" / "mojo" / name
    about = json.loads((folder / "about.json").read_text())
    m = build_model(read_mojo(folder / "model.zip"), name)
    frame = parse(str(folder / "frame.csv"), col_types=about["types"])
    expected = pl.read_csv(folder / "predictions.csv", infer_schema_length=None)
    assert m.predict(frame).names == expected.columns
    worst, labels = differences(m.predict(frame), expected)
    assert labels == 0
    assert worst < 1e-13
    if (folder / "anomaly.csv").exists():
        assert differences(m.anomaly(frame), pl.read_csv(folder / "anomaly.csv"))[0] < 1e-13


def test_what_a_real_mojo_tells_besides(shared):
    state = read_mojo(shared / "reference" / "mojo" / "titanic_binomial_missing" / "model.zip", key="mine")
    assert state.output["model_id"] == "mine"
    assert state.output["epochs"] > 5
    assert state.output["samples"] > 5000
    assert state.output["parameters"]["seed"]["actual"] == 5
    assert state.output["parameters"]["rho"]["actual"] == 0.99
    text = str(build_model(state, "mine").table("model_summary"))
    assert "Softmax" in text


@pytest.mark.parametrize("name", ZOO)
def test_ours_written_and_read_back_score_the_same(tmp_path, name):
    m = model(name)
    path = write_mojo(m, tmp_path / "m.zip")
    back = build_model(read_mojo(path), "back")
    for frame in (training_frame(), awkward_frame()):
        worst, labels = differences(back.predict(frame), m.predict(frame).data)
        assert labels == 0
        assert worst < (3e-6 if "input_dropout" in name and "h2o" not in name else 1e-12)


def test_equal_models_give_equal_bytes(tmp_path):
    a, b = write_mojo(model("binomial"), tmp_path / "a.zip"), write_mojo(model("binomial"), tmp_path / "b.zip")
    assert a.read_bytes() == b.read_bytes()
    assert a.read_bytes() != write_mojo(model("multinomial"), tmp_path / "c.zip").read_bytes()


@pytest.mark.parametrize(("name", "parameter"), [
    ("hashing", "max_categorical_features"), ("enum_limited", "EnumLimited"), ("autoencoder_not_standardized", "standardize"),
])  # fmt: skip
def test_what_a_mojo_cannot_carry_is_refused(tmp_path, name, parameter):
    assert name in OTHERS
    with pytest.raises(NotSupported, match=parameter):
        write_mojo(model(name), tmp_path / "m.zip")
    assert list(tmp_path.iterdir()) == []


def test_offsets_are_refused(tmp_path):
    from heavywater.engine.request import TrainRequest
    from heavywater.engine.session import LocalSession

    params = {"hidden": [2], "epochs": 1, "offset_column": "w", "seed": 1}
    m = LocalSession(nthreads=1).train(
        TrainRequest("deeplearning", params, ["n"], "amount", training_frame(), quiet=True)
    )
    with pytest.raises(NotSupported, match="offset_column"):
        write_mojo(m, tmp_path / "m.zip")


def test_existing_files_and_folders(tmp_path):
    path = write_mojo(model("binomial"), tmp_path / "m.zip")
    with pytest.raises(H2OValueError, match="exists"):
        write_mojo(model("binomial"), path, force=False)
    with pytest.raises(H2OValueError, match="folder"):
        write_mojo(model("binomial"), tmp_path)
    with pytest.raises(H2OValueError, match="cannot write"):
        write_mojo(model("binomial"), tmp_path / "no" / "m.zip")
    with pytest.raises(NotFound):
        read_mojo(tmp_path / "none.zip")
    (tmp_path / "text.zip").write_text("not a zip archive, but long enough to look at it as one")
    with pytest.raises(ModelFileError, match="zip"):
        read_mojo(tmp_path / "text.zip")
