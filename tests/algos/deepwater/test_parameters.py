"""What each parameter changes, and what is refused; see also the tests of training, images and networks."""

from __future__ import annotations

import numpy as np
import pytest

import heavywater as h2o
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.algos.deepwater.resolve import resolve
from heavywater.errors import InvalidParams
from heavywater.estimators.deepwater import H2ODeepWaterEstimator
from heavywater.params import canonical, check, infos
from tests.algos.deepwater.conftest import SMALL, read
from tests.algos.deepwater.effects import EFFECTS, WITHOUT_EFFECT

FAST = {"hidden": [6], "gpu": False, "seed": 5, "epochs": 1, "score_interval": 0}


@pytest.fixture
def frame() -> h2o.H2OFrame:
    random = np.random.default_rng(4)
    x = random.normal(size=(400, 3))
    return h2o.H2OFrame(
        {
            **{f"x{i}": (x[:, i] * (10**i)).tolist() for i in range(3)},
            "kind": random.choice(["a", "b", "c"], 400).tolist(),
            "same": [1.0] * 400,
            "class": [("no", "yes")[int(v > 0)] for v in x[:, 0] + 0.5 * x[:, 1]],
            "three": random.choice(["u", "v", "w"], 400).tolist(),
            "number": x[:, 2].tolist(),
        }
    )


def trained(frame, y="class", x=("x0", "x1", "kind"), **settings) -> H2ODeepWaterEstimator:
    return H2ODeepWaterEstimator(**{**FAST, **settings}).train(x=list(x), y=y, training_frame=frame)


def same(a: H2ODeepWaterEstimator, b: H2ODeepWaterEstimator) -> bool:
    return a._model.checksum == b._model.checksum


def errors(**settings) -> str:
    return "\n".join(str(m) for m in check(DeepWaterParams(**settings)) if m.severity == "error")


def test_every_parameter_has_a_test_that_exists():
    import importlib
    from pathlib import Path

    assert list(EFFECTS) == list(infos(DeepWaterParams))
    assert set(WITHOUT_EFFECT) <= set(EFFECTS)
    for where in set(EFFECTS.values()):
        file, test = where.split("::")
        module = importlib.import_module(f"tests.algos.deepwater.{Path(file).stem}")
        assert callable(getattr(module, test)), where


def test_defaults_are_those_of_the_booklet():
    p = DeepWaterParams()
    wanted = {
        "epochs": 10.0, "mini_batch_size": 32, "learning_rate": 1e-3, "learning_rate_annealing": 1e-6,
        "momentum_start": 0.9, "momentum_ramp": 1e4, "momentum_stable": 0.9, "clip_gradient": 10.0,
        "train_samples_per_iteration": -2, "score_interval": 5.0, "score_duty_cycle": 0.1,
        "score_training_samples": 10000, "score_validation_samples": 0, "stopping_rounds": 5, "stopping_tolerance": 0.0,
        "overwrite_with_best_model": True, "shuffle_training_data": True, "channels": 3, "input_dropout_ratio": 0.0,
        "standardize": True, "gpu": True, "cache_data": True, "network": "auto", "problem_type": "auto",
        "categorical_encoding": "AUTO", "max_after_balance_size": 5.0, "nfolds": 0, "seed": -1,
    }  # fmt: skip
    assert {n: getattr(p, n) for n in wanted} == wanted
    assert list(p.device_id) == [0]
    assert list(p.image_shape) == [0, 0]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"mini_batch_size": 0}, "mini_batch_size"),
        ({"clip_gradient": 0}, "clip_gradient"),
        ({"image_shape": [1, 2, 3]}, "image_shape must be .width, height."),
        ({"image_shape": [-1, 2]}, "image_shape"),
        ({"image_shape": [0, 2]}, "both width and height"),
        ({"problem_type": "image", "channels": 2}, "channels must be 1 .gray. or 3"),
        ({"categorical_encoding": "Enum"}, "categorical_encoding Enum"),
        ({"autoencoder": True}, "autoencoder is not available"),
        ({"network": "user"}, "network='user' needs"),
        ({"network_definition_file": "nowhere.json"}, "there is no file 'nowhere.json'"),
        ({"network_definition_file": "."}, "the folder '.' is no SavedModel"),
        ({"network_parameters_file": "nowhere.params"}, "there is no file"),
        ({"mean_image_file": "nowhere.nd"}, "there is no file"),
        ({"network": "lenet", "network_module": "a:b"}, "goes with network='user'"),
        ({"network": "lenet", "hidden": [3]}, "hidden is for the network of hidden layers"),
        ({"network": "lenet", "activation": "Tanh"}, "activation is for the network of hidden layers"),
        ({"hidden": [3], "hidden_dropout_ratios": [0.1, 0.1]}, "one number per hidden layer: 1; got 2"),
        ({"score_training_samples": -1}, "score_training_samples"),
        ({"score_validation_samples": -1}, "score_validation_samples"),
        ({"class_sampling_factors": [1.0]}, "class_sampling_factors needs balance_classes"),
        ({"nfolds": 1}, "nfolds must be 0"),
        ({"distribution": "poisson"}, "distribution poisson has no loss here"),
        ({"augmentation": ["flop"]}, "there is no 'flop' .did you mean 'flip'"),
        ({"device_id": []}, "device_id"),
        ({"offset_column": "o"}, "offset_column has no place"),
        ({"network": "lenett"}, "did you mean 'lenet'"),
        ({"export_native_parameters_prefix": "/nowhere/at/all/x"}, "the folder of"),
        ({"image_root": "/nowhere/at/all"}, "there is no folder"),
        ({"custom_metric_func": "f"}, "must be a Python function"),
        ({"checkpoint": "m", "nfolds": 3}, "checkpoint cannot be used with cross-validation"),
    ],
)
def test_what_is_refused(settings, fault):
    import re

    assert re.search(fault, errors(**settings)), errors(**settings)


@pytest.mark.parametrize("name", ["net.pt", "weights.pth", "model.pkl", "state.ckpt"])
def test_pickles_are_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04.")
    for parameter in ("network_definition_file", "network_parameters_file", "mean_image_file"):
        assert "looks like a pickle, which can run code" in errors(**{parameter: str(tmp_path / name)})


def test_all_faults_come_at_once():
    found = errors(mini_batch_size=0, clip_gradient=-1, autoencoder=True, nfolds=1)
    assert all(n in found for n in ("mini_batch_size", "clip_gradient", "autoencoder", "nfolds"))


def test_values_in_force():
    p = canonical(DeepWaterParams())
    table = resolve(p, nclasses=3, images=False)
    assert (table.network, table.hidden, table.activation) == ("mlp", [200, 200], "Rectifier")
    assert (table.problem_type, table.distribution, table.stopping_metric) == ("dataset", "multinomial", "logloss")
    image = resolve(p, nclasses=1, images=True)
    assert (image.network, image.image_shape, image.distribution) == ("inception_bn", [299, 299], "gaussian")
    sizes = {
        n: resolve(canonical(DeepWaterParams(network=n)), nclasses=2, images=True).image_shape[0]
        for n in ("lenet", "vgg", "resnet")
    }
    assert sizes == {"lenet": 28, "vgg": 320, "resnet": 224}
    assert resolve(canonical(DeepWaterParams(optimizer="adamw")), nclasses=2, images=False).weight_decay == 0.01
    frozen = resolve(canonical(DeepWaterParams(compat="deepwater", momentum_start=0.3)), nclasses=2, images=False)
    assert frozen.momentum_stable == 0.3
    assert resolve(canonical(DeepWaterParams(nfolds=3)), nclasses=2, images=False).overwrite_with_best_model is False


def test_columns_and_names(frame):
    model = H2ODeepWaterEstimator(**FAST, model_id="mine", ignored_columns=["number", "three", "x2"])
    with pytest.warns(UserWarning, match="constant and empty columns take no part: 'same'"):
        model.train(y="class", training_frame=frame, validation_frame=frame)
    assert model.model_id == "mine"
    assert set(model._model.columns.names) == {"x0", "x1", "kind"}
    assert model.logloss(valid=True) > 0
    by_parameter = H2ODeepWaterEstimator(**FAST, response_column="class").train(x=["x0"], training_frame=frame)
    assert by_parameter._model.response.name == "class"


def test_constant_columns(frame):
    kept = trained(frame, x=["x0", "same"], ignore_const_cols=False)
    assert kept._model.columns.design.nums == ("x0", "same")


def test_standardize_and_sparse(frame):
    scaled, bare, sparse = (trained(frame, **s) for s in ({}, {"standardize": False}, {"sparse": True}))
    assert scaled._model.columns.design.sub != sparse._model.columns.design.sub
    assert set(sparse._model.columns.design.sub) == {0.0}
    assert bare._model.columns.design.mul is None
    regression = trained(frame, "number", standardize=False)
    assert regression._model.response.mul is None


@pytest.mark.parametrize(
    "encoding", ["OneHotInternal", "Binary", "LabelEncoder", "Eigen", "SortByResponse", "EnumLimited"]
)
def test_categorical_encoding(frame, encoding):
    widths = {"OneHotInternal": 6, "Binary": 4, "LabelEncoder": 3, "Eigen": 3, "SortByResponse": 6, "EnumLimited": 6}
    model = trained(frame, categorical_encoding=encoding)
    assert model._model.columns.shape == (widths[encoding],)
    assert model.predict(frame).nrow == 400


@pytest.mark.parametrize(
    "change",
    [
        {"activation": "Tanh"}, {"hidden": [7]}, {"input_dropout_ratio": 0.2}, {"mini_batch_size": 16},
        {"learning_rate": 0.01}, {"learning_rate_annealing": 0.1}, {"momentum_start": 0.1, "momentum_stable": 0.1},
        {"momentum_ramp": 1e6, "momentum_start": 0.1}, {"clip_gradient": 1e-3}, {"shuffle_training_data": False},
        {"seed": 6}, {"optimizer": "adamw"}, {"weight_decay": 0.1}, {"schedule": "cosine"}, {"network": "mlp", "hidden": [3, 3]},
        {"compat": "deepwater"},
    ],
    ids=str,
)  # fmt: skip
def test_what_changes_the_weights(frame, change):
    assert not same(trained(frame), trained(frame, **change))


def test_what_changes_nothing(frame):
    assert same(trained(frame), trained(frame, target_ratio_comm_to_comp=0.5))


def test_epochs_of_zero_build_the_network_alone(frame):
    model = trained(frame, epochs=0)
    assert model._model.output["samples"] == 0
    assert model.logloss() > 0
    assert trained(frame, epochs=0.5)._model.output["samples"] == 200


def test_how_often_is_scored(frame):
    settings = {"epochs": 4, "train_samples_per_iteration": 100, "stopping_rounds": 0}

    def events(**more) -> int:
        return len(trained(frame, **settings, **more)._model.table("scoring_history").cell_values)

    assert events(score_each_iteration=True) == 17
    assert events(score_interval=1000.0) == 3
    assert events(score_duty_cycle=0.0) == 3
    assert events(score_interval=0.0, score_duty_cycle=1.0) == 17


def test_rows_that_are_scored(frame):
    model = H2ODeepWaterEstimator(**FAST, score_training_samples=100, score_validation_samples=50)
    model.train(x=["x0"], y="class", training_frame=frame, validation_frame=frame)
    train, valid = model._model.metrics("train"), model._model.metrics("valid")
    assert 60 < train.nobs() < 140
    assert 25 < valid.nobs() < 80
    assert "temporary training frame" in train.description


def test_options_of_metrics(frame):
    assert len(trained(frame, gainslift_bins=5)._model.metrics("train").gains_lift().cell_values) <= 5
    three = trained(frame, "three", max_hit_ratio_k=2, auc_type="MACRO_OVR")
    assert len(three._model.metrics("train").hit_ratio_table().cell_values) == 2
    assert three._model.metrics("train").auc() > 0


def test_distribution(frame):
    assert trained(frame, distribution="bernoulli")._model.category == "Binomial"
    with pytest.raises(InvalidParams, match="distribution gaussian is for numbers"):
        trained(frame, distribution="gaussian")


def test_problem_type(frame, pictures):
    words = read(pictures)
    with pytest.raises(InvalidParams, match="all predictors are text, and none of them names images"):
        H2ODeepWaterEstimator(**FAST, problem_type="dataset").train(x="uri", y="label", training_frame=words)
    settings = {k: v for k, v in SMALL.items() if k != "network"}
    model = H2ODeepWaterEstimator(**settings, problem_type="image", network="lenet", epochs=0)
    assert model.train(x="uri", y="label", training_frame=words)._model.columns.image == "uri"


def test_image_shape_and_channels(pictures):
    frame = read(pictures)
    for shape, channels in (([20, 16], 3), ([16, 24], 1)):
        model = H2ODeepWaterEstimator(**{**SMALL, "image_shape": shape}, channels=channels, epochs=1)
        model.train(x="uri", y="label", training_frame=frame)
        assert model._model.columns.shape == (channels, shape[1], shape[0])
        assert model.deepfeatures(frame, "convolution0_output").ncol == 20 * (shape[1] - 4) * (shape[0] - 4)


def test_legacy_gray_gamma(pictures):
    settings = {**SMALL, "epochs": 0}
    model = H2ODeepWaterEstimator(**settings, legacy_gray_gamma=True)
    assert model.train(x="uri", y="label", training_frame=read(pictures))._model.columns.recipe.gray_gamma


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # PyTorch's compiler uses what PyTorch calls deprecated
def test_compiled(frame):
    import shutil

    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler")
    plain, compiled = trained(frame), trained(frame, compile=True)
    for name, w in plain._model.net.arrays().items():
        assert np.allclose(w, compiled._model.net.arrays()[name], atol=1e-5)
