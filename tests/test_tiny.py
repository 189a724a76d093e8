"""A dozen lines end to end, a few seconds: run before every commit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris

import heavywater as h2o
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator


@pytest.fixture(scope="module")
def iris() -> h2o.H2OFrame:
    data = load_iris(as_frame=True)
    return h2o.H2OFrame(data.frame.assign(target=data.target.map(dict(enumerate(data.target_names)))))


def test_train_look_predict_save_load(iris: h2o.H2OFrame, tmp_path: Path) -> None:
    train, test = iris.split_frame([0.75], seed=1)
    model = H2ODeepLearningEstimator(hidden=[16, 16], epochs=60, seed=1)
    model.train(y="target", training_frame=train, validation_frame=test)
    assert model.mean_per_class_error(valid=True) < 0.1
    prediction = model.predict(test)
    assert prediction.names == ["predict", "setosa", "versicolor", "virginica"]
    np.testing.assert_allclose(prediction.as_data_frame().iloc[:, 1:].sum(axis=1), 1.0)
    again = h2o.load_model(h2o.save_model(model, tmp_path))
    assert again.predict(test).as_data_frame().equals(prediction.as_data_frame())
    assert "Status of Neuron Layers" in repr(again)


def test_two_classes_and_numbers() -> None:
    data = load_breast_cancer(as_frame=True)
    frame = h2o.H2OFrame(data.frame)
    frame["target"] = frame["target"].asfactor()
    model = H2ODeepLearningEstimator(hidden=[10], epochs=5, seed=1)
    model.train(y="target", training_frame=frame)
    assert model.auc() > 0.97
    regression = H2ODeepLearningEstimator(hidden=[20], epochs=20, seed=1)
    regression.train(y="mean area", training_frame=frame)
    assert regression.r2() > 0.9


def test_autoencoder_finds_the_odd_row(iris: h2o.H2OFrame) -> None:
    numbers = iris[:, :4]
    odd = h2o.H2OFrame(np.array([[1.0, 9.0, 0.1, 9.0]]), column_names=numbers.names)
    model = H2OAutoEncoderEstimator(activation="Tanh", hidden=[3], epochs=50, seed=1)
    model.train(x=numbers.names, training_frame=numbers)
    errors = model.anomaly(numbers.rbind(odd)).as_data_frame()["Reconstruction.MSE"].to_numpy()
    assert errors.argmax() == len(errors) - 1
