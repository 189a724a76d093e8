"""The scikit-learn faces: what goes in, what comes out, what is refused."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.engine import session
from heavywater.errors import H2OTypeError, H2OValueError, InvalidParams
from heavywater.params import infos
from heavywater.sklearn import DeepLearningAutoencoder, DeepLearningClassifier, DeepLearningRegressor

SMALL = {"hidden": (8,), "epochs": 20, "seed": 1, "reproducible": True}


@pytest.fixture(scope="module")
def blobs():
    """Three groups of points in four dimensions and their names."""
    draw = np.random.default_rng(1)
    codes = draw.integers(0, 3, 240)
    centres = np.array([[0, 0, 0, 0], [4, 0, 4, 0], [0, 4, 0, 4]])
    return draw.normal(size=(240, 4)) + centres[codes], np.array(["ash", "birch", "cedar"])[codes]


@pytest.fixture(scope="module")
def line():
    """Two numbers and their weighted sum."""
    X = np.random.default_rng(2).normal(size=(200, 2))
    return X, X @ [2.0, -1.0] + 5


@pytest.fixture(scope="module")
def table():
    """A data frame with numbers, categories, booleans and holes."""
    draw = np.random.default_rng(3)
    n = 200
    colour = draw.choice(["red", "green", "blue"], n)
    size = draw.normal(size=n)
    size[::17] = np.nan
    flag = draw.random(n) < 0.5
    y = np.where(colour == "red", 3.0, 0.0) + np.where(flag, 1.0, 0.0)
    return pd.DataFrame({"size": size, "colour": colour, "flag": flag}), y


def test_parameters_are_those_of_deep_learning():
    for face in (DeepLearningClassifier, DeepLearningRegressor, DeepLearningAutoencoder):
        assert set(face().get_params()) == set(infos(DeepLearningParams))
        assert clone(face(hidden=(3,), seed=4)).seed == 4
    assert "hidden=(3,)" in repr(DeepLearningClassifier(hidden=(3,)))


def test_a_misspelt_parameter_gets_a_guess():
    with pytest.raises(H2OTypeError, match="did you mean 'hidden'"):
        DeepLearningClassifier(hiden=[3])
    with pytest.raises(ValueError, match="Invalid parameter 'hiden'"):
        DeepLearningClassifier().set_params(hiden=[3])


def test_wrong_values_are_reported_by_fit_all_together(blobs):
    model = DeepLearningClassifier(l1=-1, activation="Tahn")
    with pytest.raises(InvalidParams, match="(?s)activation.*l1"):
        model.fit(*blobs)
    assert model.l1 == -1


def test_classes(blobs):
    X, y = blobs
    model = DeepLearningClassifier(**SMALL).fit(X, y)
    assert model.classes_.tolist() == ["ash", "birch", "cedar"]
    assert model.score(X, y) > 0.95
    p = model.predict_proba(X)
    assert p.shape == (240, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p)
    assert model.model_.response.levels == ("ash", "birch", "cedar")
    assert model.n_features_in_ == 4


def test_classes_may_be_anything_that_sorts(blobs):
    X, y = blobs
    for classes in (np.array([10, -3, 7]), np.array([True, False, False]), np.array([1.0, 2.0, 3.0])):
        codes = np.unique(y, return_inverse=True)[1]
        model = DeepLearningClassifier(**{**SMALL, "epochs": 1}).fit(X, classes[codes])
        assert model.classes_.dtype == classes.dtype
        assert set(model.predict(X)) <= set(classes)


def test_numbers(line):
    X, y = line
    model = DeepLearningRegressor(**{**SMALL, "epochs": 60}).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.predict(X).dtype == np.float64


def test_the_link_is_undone_for_counts(line):
    X, _ = line
    y = np.random.default_rng(4).poisson(np.exp(X[:, 0] / 2 + 1)).astype(float)
    model = DeepLearningRegressor(**SMALL, distribution="poisson").fit(X, y)
    assert (model.predict(X) > 0).all()
    assert model.predict(X).mean() == pytest.approx(y.mean(), rel=0.3)


def test_a_response_of_zeros_and_ones_gives_no_warning(line):
    X, y = line
    DeepLearningRegressor(**{**SMALL, "epochs": 1}).fit(X, (y > 5).astype(float))


def test_equal_seeds_give_equal_models(line):
    X, y = line
    first, second = (DeepLearningRegressor(**SMALL).fit(X, y).predict(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "convert", [pd.DataFrame, pl.DataFrame, sparse.csr_array, sparse.coo_matrix, np.asfortranarray, list]
)
def test_every_container_gives_the_same_model(line, convert):
    X, y = line
    wanted = DeepLearningRegressor(**SMALL).fit(X, y).predict(X)
    given = convert(X) if convert is not pl.DataFrame else pl.DataFrame(X, schema=["a", "b"])
    model = DeepLearningRegressor(**SMALL).fit(given, y)
    np.testing.assert_array_equal(model.predict(given), wanted)


def test_categories_flags_and_holes(table):
    X, y = table
    model = DeepLearningRegressor(**{**SMALL, "epochs": 40}).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.feature_names_in_.tolist() == ["size", "colour", "flag"]
    assert "colour" in model.model_.design.cats
    np.testing.assert_array_equal(model.predict(X.iloc[:1]), model.predict(X)[:1])
    for other in (pl.from_pandas(X), pa.Table.from_pandas(X)):
        again = DeepLearningRegressor(**{**SMALL, "epochs": 40}).fit(other, y)
        np.testing.assert_allclose(again.predict(other), model.predict(X), rtol=1e-9)


def test_pandas_categories_keep_their_order(table):
    X, y = table
    X = X.assign(colour=pd.Categorical(X["colour"], ["red", "green", "blue"]))
    model = DeepLearningRegressor(**{**SMALL, "epochs": 2}).fit(X, y)
    inputs = [n for n in model.model_.design.coefficient_names() if n.startswith("colour.")]
    assert inputs[:3] == ["colour.red", "colour.green", "colour.blue"]


def test_a_model_of_categories_wants_a_data_frame(table):
    X, y = table
    model = DeepLearningRegressor(**{**SMALL, "epochs": 1}).fit(X, y)
    with pytest.raises(H2OTypeError, match="fitted on a data frame with columns that are not numbers"):
        model.predict(np.zeros((2, 3)))


def test_unseen_levels_are_missing(table):
    X, y = table
    model = DeepLearningRegressor(**{**SMALL, "epochs": 1}).fit(X, y)
    with pytest.warns(UserWarning, match="colour"):
        found = model.predict(X.head(3).assign(colour="mauve"))
    assert np.isfinite(found).all()


def test_infinity_is_refused(table, line):
    X, y = table
    with pytest.raises(H2OValueError, match="Input X contains infinity: column 'size'"):
        DeepLearningRegressor(**SMALL).fit(X.assign(size=np.inf), y)
    with pytest.raises(ValueError, match="infinity"):
        DeepLearningRegressor(**SMALL).fit(np.full((4, 2), np.inf), [1, 2, 3, 4])


def test_columns_in_another_order_are_refused(table):
    X, y = table
    model = DeepLearningRegressor(**{**SMALL, "epochs": 1}).fit(X, y)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[["flag", "colour", "size"]])
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[["size"]])


def test_rows_of_weight_zero_teach_nothing(line):
    X, y = line
    wrong = np.where(np.arange(200) % 2, y, 100.0)
    weights = (np.arange(200) % 2).astype(float)
    model = DeepLearningRegressor(**{**SMALL, "epochs": 100}).fit(X, wrong, weights)
    assert model.score(X[1::2], y[1::2]) > 0.9
    assert DeepLearningRegressor(**SMALL).fit(X, wrong).score(X[1::2], y[1::2]) < 0


@pytest.mark.parametrize("weights", [[1.0], np.ones((200, 1)), -np.ones(200), np.full(200, np.nan), np.zeros(200)])
def test_bad_weights_are_refused(line, weights):
    with pytest.raises(H2OValueError, match="sample_weight"):
        DeepLearningRegressor(**SMALL).fit(*line, weights)


def test_weights_are_given_once(line):
    X, y = line
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(w=1.0)
    with pytest.raises(H2OValueError, match="sample_weight and weights_column"):
        DeepLearningRegressor(**SMALL, weights_column="w").fit(frame, y, np.ones(200))
    model = DeepLearningRegressor(**SMALL, weights_column="w").fit(frame, y)
    assert model.model_.design.names == ("a", "b")


def test_columns_named_like_the_response(line):
    X, y = line
    frame = pd.DataFrame(X, columns=["y", "weights"])
    model = DeepLearningRegressor(**{**SMALL, "epochs": 60}).fit(frame, y, np.ones(200))
    assert model.score(frame, y) > 0.9


def test_validation_rows_are_scored(blobs):
    X, y = blobs
    model = DeepLearningClassifier(**SMALL).fit(X[:150], y[:150], validation=(X[150:], y[150:]))
    assert model.model_.metrics("valid").nobs() == 90
    with pytest.raises(H2OValueError, match="'fir'"):
        DeepLearningClassifier(**SMALL).fit(X, y, validation=(X[:2], ["ash", "fir"]))


def test_offsets_by_column(line):
    X, y = line
    frame = pd.DataFrame({"a": X[:, 0], "shift": -X[:, 1]})
    model = DeepLearningRegressor(**{**SMALL, "epochs": 60}, offset_column="shift").fit(frame, y)
    moved = frame.assign(shift=frame["shift"] + 7)
    np.testing.assert_allclose(model.predict(moved) - model.predict(frame), 7, rtol=1e-6)


def test_one_class_one_row_and_no_training(blobs):
    X, y = blobs
    with pytest.raises(H2OValueError, match="only one class"):
        DeepLearningClassifier(**SMALL).fit(X, ["ash"] * 240)
    with pytest.raises(ValueError, match="1 sample"):
        DeepLearningClassifier(**SMALL).fit(X[:1], y[:1])
    with pytest.raises(NotFittedError):
        DeepLearningClassifier(**SMALL).predict(X)
    with pytest.raises(InvalidParams, match="Response cannot be constant"):
        DeepLearningRegressor(**SMALL).fit(X, np.ones(240))


@pytest.mark.parametrize("name", ["training_frame", "validation_frame", "response_column", "ignored_columns"])
def test_data_are_given_to_fit(line, name):
    value = ["x"] if name == "ignored_columns" else "x"
    with pytest.raises(H2OValueError, match=f"{name} has no place"):
        DeepLearningRegressor(**SMALL, **{name: value}).fit(*line)


def test_autoencoders_have_a_face_of_their_own(line):
    with pytest.raises(H2OValueError, match="use DeepLearningAutoencoder"):
        DeepLearningRegressor(autoencoder=True).fit(*line)


def test_models_stay_out_of_the_session_unless_named(line):
    before = set(session.current().keys())
    DeepLearningRegressor(**{**SMALL, "epochs": 1}).fit(*line)
    assert {k for k in set(session.current().keys()) - before if "model" in k} == set()
    DeepLearningRegressor(**{**SMALL, "epochs": 1}, model_id="kept").fit(*line)
    assert session.current().model("kept").key == "kept"
    session.current().remove("kept")


def test_copies_predict_the_same(line):
    X, y = line
    model = DeepLearningRegressor(**SMALL).fit(X, y)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(X), model.predict(X))


def test_autoencoder():
    draw = np.random.default_rng(5)
    X = draw.normal(size=(300, 1)) @ draw.normal(size=(1, 6)) + 0.01 * draw.normal(size=(300, 6))
    model = DeepLearningAutoencoder(hidden=(4, 2, 4), activation="Tanh", epochs=60, seed=1, reproducible=True).fit(X)
    assert model.transform(X).shape == (300, 2)
    np.testing.assert_array_equal(model.transform(X), model.deepfeatures(X, 1))
    assert model.deepfeatures(X, 0).shape == (300, 4)
    assert list(model.get_feature_names_out()) == ["deeplearningautoencoder0", "deeplearningautoencoder1"]
    strange = X[:5] * [1, -1, 1, -1, 1, -1]
    assert model.score_samples(strange).mean() < 5 * model.score_samples(X).mean()
    assert model.score(X) == pytest.approx(model.score_samples(X).mean())
    np.testing.assert_allclose(model.anomaly(X, per_feature=True).mean(axis=1), model.anomaly(X))
    assert model.autoencoder is False
    with pytest.raises(InvalidParams, match="Maxout"):
        DeepLearningAutoencoder(activation="Maxout").fit(X)
    with pytest.raises(H2OValueError, match="needs a hidden layer"):
        DeepLearningAutoencoder(hidden=(), activation="Tanh", epochs=1, reproducible=True).fit(X).transform(X)


def test_at_home_in_scikit_learn(blobs, line):
    X, y = blobs
    pipe = make_pipeline(StandardScaler(), DeepLearningClassifier(**SMALL))
    assert cross_val_score(pipe, X, y, cv=3).min() > 0.9
    choices = {"hidden": [(), (2,)], "l1": [0.0, 0.5]}
    search = GridSearchCV(DeepLearningRegressor(**{**SMALL, "epochs": 40}), choices, cv=2)
    assert search.fit(*line).best_params_["l1"] == 0.0


@pytest.mark.parametrize("rows", [2, 5, 40])
def test_few_rows_on_all_threads(rows):
    X = np.arange(rows * 2.0).reshape(rows, 2)
    model = DeepLearningRegressor(hidden=(4,), epochs=30, seed=1).fit(X, X[:, 0])
    assert np.isfinite(model.predict(X)).all()
