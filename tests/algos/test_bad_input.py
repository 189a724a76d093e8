"""What people do wrong, and what they are told."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import (
    H2OTypeError,
    H2OValueError,
    InvalidParams,
    NotFound,
    NotSupported,
    ParseError,
    UnstableModel,
)
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator


@pytest.fixture
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(1)
    n = 80
    return h2o.H2OFrame(
        {
            "a": random.normal(size=n),
            "b": random.integers(0, 5, n),
            "c": random.choice(["u", "v", "w"], n),
            "y": random.choice(["no", "yes"], n),
            "flat": np.ones(n),
        }
    )


def model(**params: Any) -> H2ODeepLearningEstimator:
    return H2ODeepLearningEstimator(**{"hidden": [4], "epochs": 1, "seed": 1, **params})


def test_unknown_parameter() -> None:
    with pytest.raises(H2OTypeError, match=r"no parameter 'hiden' \(did you mean 'hidden'\?\)"):
        H2ODeepLearningEstimator(hiden=[3])


def test_all_wrong_parameters_at_once(frame: h2o.H2OFrame) -> None:
    with pytest.raises(InvalidParams) as e:
        model(hidden=[0], activation="Rektifier", rho=2.0, epochs="many").train(y="y", training_frame=frame)
    text = str(e.value)
    assert [name for name in ("hidden", "activation", "rho", "epochs") if f"_{name}:" not in text] == []
    assert "did you mean 'Rectifier'" in text


def test_unknown_columns_are_all_named(frame: h2o.H2OFrame) -> None:
    with pytest.raises(H2OValueError) as e:
        model().train(x=["a", "bb", "cc"], y="y", training_frame=frame)
    assert "'bb'" in str(e.value)
    assert "'cc'" in str(e.value)
    with pytest.raises(H2OValueError, match=r"no column 'Y' in the training frame \(did you mean 'y'\?\)"):
        model().train(y="Y", training_frame=frame)
    with pytest.raises(H2OValueError, match=r"column index 9 is outside 0\.\.4"):
        model().train(x=[0, 9], y="y", training_frame=frame)


def test_no_frame_no_response() -> None:
    with pytest.raises(H2OValueError, match="training_frame is missing"):
        model().train(y="y")


def test_response_missing_or_constant(frame: h2o.H2OFrame) -> None:
    with pytest.raises(InvalidParams, match="response_column is missing; give y, or set autoencoder=True"):
        model().train(x=["a"], training_frame=frame)
    with pytest.raises(InvalidParams, match="cannot be constant"):
        model().train(x=["a"], y="flat", training_frame=frame)


@pytest.mark.filterwarnings("ignore:.*take no part")
def test_useless_predictors(frame: h2o.H2OFrame) -> None:
    with pytest.raises(H2OValueError, match="no usable predictor is left of the 1 given"):
        model().train(x=["flat"], y="y", training_frame=frame)
    empty = frame.cbind(h2o.H2OFrame({"hole": [None] * 80}, column_types={"hole": "real"}))
    with pytest.warns(UserWarning, match="constant and empty columns take no part: 'flat', 'hole'"):
        trained = model().train(x=["a", "flat", "hole"], y="y", training_frame=empty)
    assert [v[0] for v in trained.varimp()] == ["a"]


def test_one_row_and_one_class(frame: h2o.H2OFrame) -> None:
    with pytest.raises(InvalidParams, match="cannot be constant"):
        model().train(x=["a"], y="y", training_frame=frame[0, :])
    one_class = frame[frame["y"] == "yes", :]
    with pytest.raises(InvalidParams, match="cannot be constant"):
        model().train(x=["a"], y="y", training_frame=one_class)


def test_infinite_values_count_as_missing(frame: h2o.H2OFrame) -> None:
    values = np.random.default_rng(0).normal(size=80)
    values[3], values[4] = math.inf, -math.inf
    with_inf = frame[["y"]].cbind(h2o.H2OFrame({"a": values}))
    with pytest.warns(UserWarning, match="infinite values count as missing in 'a'"):
        trained = model().train(x=["a"], y="y", training_frame=with_inf)
    assert math.isfinite(trained.logloss())


def test_unseen_levels_and_missing_columns_when_predicting(frame: h2o.H2OFrame) -> None:
    trained = model().train(x=["a", "b", "c"], y="y", training_frame=frame)
    other = h2o.H2OFrame({"a": [0.1, 0.2], "c": ["u", "new"]})
    with pytest.warns(UserWarning, match="missing") as seen:
        prediction = trained.predict(other)
    text = " | ".join(str(w.message) for w in seen)
    assert "column 'b' is missing" in text
    assert "not seen in training ('new')" in text
    assert prediction.shape == (2, 3)
    assert np.isfinite(prediction["yes"].as_data_frame().to_numpy()).all()


def test_wrong_kind_of_column_when_predicting(frame: h2o.H2OFrame) -> None:
    trained = model().train(x=["a", "b"], y="y", training_frame=frame)
    with pytest.raises(H2OTypeError, match="column 'a' was numeric in training"):
        trained.predict(h2o.H2OFrame({"a": ["p", "q"] * 3, "b": [1] * 6}))


def test_performance_without_response(frame: h2o.H2OFrame) -> None:
    trained = model().train(x=["a"], y="y", training_frame=frame)
    with pytest.raises(NotFound, match="no response column 'y'"):
        trained.model_performance(frame[["a"]])


def test_untrained_model_says_so() -> None:
    with pytest.raises(H2OValueError, match="not trained yet; call train"):
        model().auc()


def test_metrics_that_do_not_exist(frame: h2o.H2OFrame) -> None:
    trained = model().train(x=["a"], y="y", training_frame=frame)
    with pytest.raises(H2OValueError, match="no valid metrics; train with validation_frame="):
        trained.auc(valid=True)
    with pytest.raises(NotSupported, match=r"Binomial models have no hit_ratio_table\(\)"):
        trained.hit_ratio_table()


def test_divergence_is_named(frame: h2o.H2OFrame) -> None:
    numbers = frame[["a", "b"]]
    with pytest.raises(UnstableModel, match="became unstable .* smaller rate"):
        model(adaptive_rate=False, rate=1e6, epochs=20, hidden=[50, 50]).train(x="a", y="b", training_frame=numbers)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (bytes(range(256)) * 40, "binary|text"),
        (b"a,b\n1,2\n3,4,5\n6\n", None),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, content: bytes, message: str | None) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    if message is None:
        with pytest.warns(UserWarning, match="data.csv"):
            assert h2o.import_file(str(path)).nrow == 3
        return
    with pytest.raises(ParseError, match=message):
        h2o.import_file(str(path))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="nothing.csv"):
        h2o.import_file(str(tmp_path / "nothing.csv"))


def test_saving_never_overwrites_unasked(frame: h2o.H2OFrame, tmp_path: Path) -> None:
    trained = model(model_id="m1").train(x=["a"], y="y", training_frame=frame)
    h2o.save_model(trained, tmp_path)
    with pytest.raises(H2OValueError, match="force"):
        h2o.save_model(trained, tmp_path)
    h2o.save_model(trained, tmp_path, force=True)


def test_unknown_keys() -> None:
    with pytest.raises(NotFound, match="no object with the key 'nothing'"):
        h2o.get_model("nothing")
    with pytest.raises(NotFound):
        h2o.get_frame("nothing")
