"""Every kind of model survives its file, and goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heavywater as h2o
from tests.algos.small import W, X, data, encode, fast, fit, history, numbers

ALL = [*X, "u", "v"]
ENCODINGS = ["OneHotInternal", "Binary", "Eigen", "LabelEncoder", "SortByResponse", "EnumLimited"]


def unseen() -> h2o.H2OFrame:
    """Levels that training never saw, missing cells, and columns in another order."""
    return h2o.H2OFrame(
        {
            "v": ["v2", None, "v9", "v1"], "a": [0.1, None, 2.0, -1.0], "c": [0.0, 0.0, 1.0, 5.0], "b": [5.0, 4.0,
            3.0, None],
            "u": ["u1", "new", None, "u5"], "o": [0.5, -0.5, 0.0, 1.0], "w": [1, 2, 0, 1],
            "y": ["yes", "no", "no", "yes"], "k": ["k1", "k2", "k3", "k1"], "z": [1.0, 2.0, 3.0, 4.0],
        },
        column_types={"u": "enum", "v": "enum", "y": "enum", "k": "enum"},
    )  # fmt: skip


def again(model: Any, folder: Path) -> Any:
    """The model after a trip through a file; the session forgets the original in between."""
    path = h2o.save_model(model, str(folder), force=True)
    h2o.remove(model.key)
    return h2o.load_model(path)


@pytest.mark.filterwarnings("ignore:.*(not seen in training|is missing)")
@pytest.mark.parametrize("y", ["y", "k", "z"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_and_unseen_levels(y: str, encoding: str, tmp_path: Path) -> None:
    model = fit(y, x=ALL, categorical_encoding=encoding)
    before = [numbers(model.predict(f)) for f in (data(), unseen())]
    loaded = again(model, tmp_path)
    for old, frame in zip(before, (data(), unseen())):
        new = numbers(loaded.predict(frame))
        assert np.isfinite(new).all()
        assert (new == old).all()
    assert loaded.model_performance(data()).mse() == pytest.approx(model.mse(), rel=1e-9)


SPECIAL: dict[str, dict[str, Any]] = {
    "hashing": {"max_categorical_features": 4},
    "not all levels": {"use_all_factor_levels": False},
    "not standardised": {"standardize": False},
    "sparse": {"sparse": True},
    "maxout": {"activation": "MaxoutWithDropout"},
    "balanced": {"balance_classes": True},
    "linear": {"hidden": []},
    "original": {"compat": "h2o-3.46"},
    "momentum": {"adaptive_rate": False, "momentum_start": 0.5},
    "dropout": {"activation": "TanhWithDropout", "input_dropout_ratio": 0.2},
    "folds": {"nfolds": 2},
}


@pytest.mark.filterwarnings("ignore:.*(not seen in training|is missing)")
@pytest.mark.parametrize("name", SPECIAL)
def test_settings(name: str, tmp_path: Path) -> None:
    model = fit(x=ALL, **SPECIAL[name])
    loaded = again(model, tmp_path)
    assert repr(loaded) == repr(model)
    for frame in (data(), unseen()):
        assert (numbers(loaded.predict(frame)) == numbers(model.predict(frame))).all()
    assert loaded.varimp() == model.varimp()


@pytest.mark.filterwarnings("ignore:.*(not seen in training|is missing)")
def test_offsets_and_weights(tmp_path: Path) -> None:
    more = h2o.H2OFrame({"o": np.linspace(-2, 2, 240), "w": np.arange(240) % 3})
    model = fit("z", x=ALL, frame=data().cbind(more), offset_column="o", weights_column="w")
    loaded = again(model, tmp_path)
    assert (numbers(loaded.predict(unseen())) == numbers(model.predict(unseen()))).all()
    assert loaded.model_performance(unseen()).nobs() == 3


@pytest.mark.filterwarnings("ignore:.*(not seen in training|is missing)")
def test_autoencoder(tmp_path: Path) -> None:
    model = encode(x=ALL)
    loaded = again(model, tmp_path)
    for frame in (data(), unseen()):
        assert (numbers(loaded.predict(frame)) == numbers(model.predict(frame))).all()
        assert (numbers(loaded.anomaly(frame)) == numbers(model.anomaly(frame))).all()
        assert (numbers(loaded.deepfeatures(frame, 0)) == numbers(model.deepfeatures(frame, 0))).all()


# -- going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["estimator", "key", "loaded"])
def test_continuing_by_model_key_or_file_is_the_same(how: str, tmp_path: Path) -> None:
    first = fit(epochs=2, model_id=f"first_{how}")
    whole = fit(epochs=4)
    checkpoint = {"estimator": first, "key": first.key}.get(how) or again(first, tmp_path)
    second = fit(epochs=4, checkpoint=checkpoint)
    assert (W(second) == W(whole)).all()
    assert history(second)["epochs"].tolist() == [0, 1, 2, 3, 4]
    assert second.logloss() == whole.logloss()


@pytest.mark.parametrize("settings", [{"mini_batch_size": 8}, {"force_load_balance": False}], ids=["batches", "rows"])
def test_a_shuffled_run_goes_on_in_its_order(settings: dict[str, Any]) -> None:
    """Order of the rows and dropout go on where they were, as if training had not been broken off."""
    settings |= {"activation": "TanhWithDropout", "shuffle_training_data": True, "train_samples_per_iteration": 100}
    second = fast(epochs=4, checkpoint=fast(epochs=2, **settings), **settings)
    assert (W(second) == W(fast(epochs=4, **settings))).all()


def test_first_suggestion_more_epochs_in_other_iterations() -> None:
    """Booklet: train for more epochs with another train_samples_per_iteration."""
    first = fast(epochs=1, train_samples_per_iteration=0)
    second = fast(epochs=3, checkpoint=first, train_samples_per_iteration=60, score_each_iteration=True)
    assert history(second)["samples"].iloc[-1] == 3 * 240
    assert set(np.diff(history(second)["samples"])[1:]) == {60}


def test_second_suggestion_other_regularisation() -> None:
    """Booklet: change l1, l2 and dropout."""
    first = fit(epochs=5, hidden=[30], adaptive_rate=False, rate=0.05)
    same = fit(epochs=40, hidden=[30], adaptive_rate=False, rate=0.05, checkpoint=first)
    decayed = fit(
        epochs=40, hidden=[30], adaptive_rate=False, rate=0.05, checkpoint=first, l2=0.02, l1=1e-4, max_w2=5.0
    )
    assert (W(decayed) ** 2).sum() < 0.8 * (W(same) ** 2).sum()


def test_third_suggestion_dropout_later() -> None:
    """Booklet: begin with RectifierWithDropout and ratios of 0, and turn dropout on later."""
    first = fit(epochs=2, activation="RectifierWithDropout", hidden_dropout_ratios=[0.0])
    plain = fit(epochs=2)
    assert (W(first) == W(plain)).all()
    second = fit(
        epochs=4,
        activation="RectifierWithDropout",
        hidden_dropout_ratios=[0.5],
        input_dropout_ratio=0.1,
        checkpoint=first,
    )
    assert second.summary()["dropout"][:2] == [10.0, 50.0]
    assert (W(second) != W(fit(epochs=4))).any()


def test_other_data_keeps_the_standardisation_of_the_checkpoint() -> None:
    first = fit(epochs=2, frame=data()[:120, :])
    shifted = data()[120:, :]
    shifted["a"] = shifted["a"] + 100
    second = fit(epochs=4, frame=shifted, checkpoint=first)
    assert second._model.design == first._model.design
    original = fit(epochs=2, frame=data()[:120, :], compat="h2o-3.46")
    renewed = fit(epochs=4, frame=shifted, checkpoint=original, compat="h2o-3.46")
    assert renewed._model.design != original._model.design


def test_what_changes_besides_in_booklet_mode() -> None:
    """The learning rate, the kind of optimiser, the loss, a validation frame."""
    first = fit(epochs=1)
    for change in ({"rho": 0.9}, {"adaptive_rate": False, "rate": 0.01}, {"loss": "Quadratic"}, {"valid": data()}):
        second = fit(epochs=2, checkpoint=first, **change)
        assert history(second)["epochs"].iloc[-1] == 2
    with pytest.raises(h2o.errors.InvalidParams, match=r"Cannot change parameter: '_rho': 0.99 -> 0.9"):
        fit(epochs=2, checkpoint=first, rho=0.9, compat="h2o-3.46")


ERRORS: dict[str, tuple[dict[str, Any], str]] = {
    "epochs": ({"epochs": 2}, "_epochs: epochs counts from the very beginning and must exceed the 2 epochs"),
    "hidden": ({"hidden": [7]}, "Cannot change parameter: '_hidden'"),
    "activation": ({"activation": "Tanh"}, "_activation: a continued model keeps its activation Rectifier"),
    "response": ({"y": "k"}, "_response_column: the checkpoint predicts 'y'; got 'k'"),
    "levels": ({"use_all_factor_levels": False}, "Cannot change parameter: '_use_all_factor_levels'"),
    "folds": ({"nfolds": 2}, "_checkpoint: checkpoint cannot be used with cross-validation"),
    "weights": ({"initial_weights": [None, None]}, "_checkpoint: checkpoint brings its own weights"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_change(name: str) -> None:
    params, text = ERRORS[name]
    with pytest.raises(h2o.errors.InvalidParams) as e:
        fit(**{"checkpoint": fit(epochs=2), "epochs": 4, **params})
    assert text in str(e.value)


def test_unknown_checkpoint_and_missing_columns() -> None:
    with pytest.raises(h2o.errors.NotFound, match="no object with the key 'nobody'"):
        fit(checkpoint="nobody")
    first = fit(epochs=1)
    with pytest.raises(h2o.errors.InvalidParams, match="checkpoint's columns 'c' are not in the training frame"):
        fit(x=["a", "b"], frame=data()[["a", "b", "y"]], epochs=2, checkpoint=first)


def test_the_best_model_of_the_first_part_is_not_forgotten() -> None:
    """Going on with a rate that ruins everything returns the checkpoint's network."""
    best = {"overwrite_with_best_model": True}
    first = fit(epochs=20, **best)
    ruined = fit(epochs=25, checkpoint=first, adaptive_rate=False, rate=1.0, **best)
    assert (W(ruined) == W(first)).all()
    assert ruined.logloss() == first.logloss()
