"""The backend tensorflow: Keras trains and scores what PyTorch trains and scores, on the library that Keras found."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import heavywater as h2o
from heavywater.errors import H2OValueError
from heavywater.estimators.deepwater import H2ODeepWaterEstimator
from tests.algos.deepwater.conftest import SMALL, read
from tests.networks.keras_models import keras

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # in Keras itself
    pytest.mark.filterwarnings("ignore:.*Keras computes with torch"),
]


def trained(frame, backend, *, x="uri", **options):
    settings = {**SMALL, "learning_rate": 0.01, "epochs": 2, "stopping_rounds": 0, "backend": backend, **options}
    names = {"x": x, "y": "label"} if "uri" in frame.columns else {"y": "y"}
    return H2ODeepWaterEstimator(**settings).train(**names, training_frame=frame)


def near(one, other, tolerance=1e-4):
    a, b = one._model.net.arrays(), other._model.net.arrays()
    assert list(a) == list(b)
    for name in a:
        assert np.abs(a[name] - b[name]).max() < tolerance, name


@pytest.mark.parametrize("options", [{}, {"optimizer": "adamw", "learning_rate": 1e-3, "clip_gradient": 0.01}], ids=str)
def test_both_learn_the_same_and_score_each_others_models(pictures, tmp_path, options):
    frame = read(pictures)
    torch, other = trained(frame, "pytorch", **options), trained(frame, "tensorflow", **options)
    assert other._model.net.library == "keras"
    assert torch._model.net.library == "pytorch"
    near(torch, other)
    start = trained(frame, "tensorflow", epochs=0)
    name = "fullyconnected1_weight"
    assert np.abs(start._model.net.arrays()[name] - other._model.net.arrays()[name]).max() > 1e-3

    # The model of one in the other: the file says which library trained it, and both give its numbers.
    loaded = h2o.load_model(h2o.save_model(other, str(tmp_path)))._model
    want = other._model.answers(frame._frame())
    assert np.array_equal(loaded.answers(frame._frame()), want)
    loaded = h2o.load_model(h2o.save_model(other, str(tmp_path), force=True))._model
    loaded.actual.backend = "pytorch"
    assert loaded.net.library == "pytorch"
    assert np.abs(loaded.answers(frame._frame()) - want).max() < 1e-5
    features = [m.deepfeatures(frame, "pooling1_output").as_data_frame() for m in (torch, other)]
    assert np.abs(np.asarray(features[0]) - np.asarray(features[1])).max() < 1e-3


def test_equal_seeds_dropout_and_continuing(pictures):
    frame = read(pictures)
    options = {"network": "mlp", "hidden": [8], "hidden_dropout_ratios": [0.5], "pixel_scaling": "channel"}
    one, same = (trained(frame, "tensorflow", **options) for _ in range(2))
    assert one._model.checksum == same._model.checksum
    without = trained(frame, "tensorflow", **{**options, "hidden_dropout_ratios": [0.0]})
    assert one._model.checksum != without._model.checksum
    # Half of the way in PyTorch, the rest in Keras, with the momentum kept.
    half = trained(frame, "pytorch", epochs=1)
    whole = trained(frame, "pytorch", epochs=2)
    near(trained(frame, "tensorflow", epochs=2, checkpoint=half), whole)


def test_numbers_tables_and_bfloat16(pictures):
    random = np.random.default_rng(1)
    x = random.normal(size=(200, 3))
    frame = h2o.H2OFrame({**{f"c{i}": x[:, i].tolist() for i in range(3)}, "y": (x @ [1.0, -2.0, 0.5] + 3).tolist()})
    options = {"network": "mlp", "hidden": [8], "image_shape": [0, 0], "epochs": 20}
    torch, other = (trained(frame, b, **options) for b in ("pytorch", "tensorflow"))
    near(torch, other, 1e-3)
    assert other.r2() > 0.9
    low = trained(frame, "tensorflow", **options, autocast=True)
    assert low.r2() > 0.8
    assert low._model.checksum != other._model.checksum
    pixels = read(pictures).cbind(h2o.H2OFrame({"hint": random.normal(size=90).tolist()}))
    both = [trained(pixels, b, x=["uri", "hint"], augmentation=["flip"]) for b in ("pytorch", "tensorflow")]
    near(*both)
    assert both[1]._model.columns.table_width == 1


def test_what_is_said_and_refused(pictures, monkeypatch):
    from heavywater.algos.deepwater import build
    from heavywater.networks import keras_found

    frame = read(pictures)
    with pytest.raises(H2OValueError, match="device_id: backend='tensorflow' trains on one device"):
        trained(frame, "tensorflow", device_id=[0, 1])
    monkeypatch.setattr(build, "_said", set())
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        trained(frame, "tensorflow", epochs=0, gpu=True)
    assert any("gpu=True, but Keras finds no GPU here" in str(w.message) for w in said)
    if keras.backend.backend() != "tensorflow":
        assert any("Keras computes with torch, as KERAS_BACKEND says" in str(w.message) for w in said)
    monkeypatch.setattr(keras_found, "keras_backend", lambda: None)
    with pytest.warns(UserWarning, match=r"TensorFlow is not installed here; pip install 'heavywater\[tensorflow\]'"):
        model = trained(frame, "tensorflow", epochs=0)
    assert model._model.net.library == "pytorch"
    assert model.actual_params["backend"] == "tensorflow"


def test_keras_is_found_only_with_what_computes(monkeypatch):
    import sys

    from heavywater.networks.keras_found import keras_backend

    assert keras_backend() == keras.backend.backend()
    monkeypatch.delitem(sys.modules, "keras")
    for name, found in (("torch", "torch"), ("numpy", None), ("no_such", None)):
        monkeypatch.setenv("KERAS_BACKEND", name)
        assert keras_backend() == found
