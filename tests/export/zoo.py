"""Small models of every kind, and a frame with everything that is awkward to score."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl

from heavywater.algos.deeplearning.model import DeepLearningModel
from heavywater.engine.request import TrainRequest
from heavywater.engine.session import LocalSession
from heavywater.frame import Frame

INTS = ["1", "2", "5"]
WORDS = ["Grün", "x,y", 'sag "ja"', "日本", "\\n", "z'z"]
PLAIN = ["w", "x", "y", "zz"]
X = ["a", "b", "n", "m", "one"]
XP = ["a", "p", "n", "m"]

_BASE: dict[str, Any] = {"hidden": [5, 4], "epochs": 3, "seed": 7, "ignore_const_cols": False, "stopping_rounds": 0}
_BOOK, _H2O = {"compat": "booklet"}, {"compat": "h2o-3.46"}
_PLAIN_X = {"x": XP}

ZOO: dict[str, dict[str, Any]] = {
    "binomial": {"y": "two"},
    "binomial_h2o": {"y": "two", **_H2O},
    "binomial_tanh": {"y": "two", "activation": "Tanh"},
    "binomial_maxout": {"y": "two", "activation": "Maxout"},
    "binomial_exprectifier": {"y": "two", "activation": "ExpRectifier"},
    "binomial_rectifier_dropout": {
        "y": "two",
        "activation": "RectifierWithDropout",
        "hidden_dropout_ratios": [0.2, 0.4],
    },
    "binomial_tanh_dropout": {"y": "two", "activation": "TanhWithDropout"},
    "binomial_maxout_dropout": {"y": "two", "activation": "MaxoutWithDropout"},
    "binomial_exprectifier_dropout": {"y": "two", "activation": "ExpRectifierWithDropout"},
    "binomial_input_dropout": {"y": "two", "input_dropout_ratio": 0.3},
    "binomial_input_dropout_maxout": {"y": "two", "input_dropout_ratio": 0.3, "activation": "Maxout"},
    "binomial_input_dropout_h2o": {"y": "two", "input_dropout_ratio": 0.3, **_H2O},
    "binomial_not_all_levels": {"y": "two", "use_all_factor_levels": False},
    "binomial_not_standardized": {"y": "two", "standardize": False},
    "binomial_not_standardized_maxout": {"y": "two", "standardize": False, "activation": "Maxout"},
    "binomial_not_standardized_h2o": {"y": "two", "standardize": False, **_H2O},
    "binomial_weights": {"y": "two", "weights_column": "w"},
    "binomial_balanced": {"y": "two", "balance_classes": True},
    "binomial_quadratic": {"y": "two", "loss": "Quadratic"},
    "binomial_sparse": {"y": "two", "sparse": True},
    "binomial_skip": {"y": "two", "missing_values_handling": "Skip"},
    "binomial_no_hidden": {"y": "two", "hidden": []},
    "binomial_deep": {"y": "two", "hidden": [9, 17, 8, 3]},
    "binomial_numeric_only": {"y": "two", "x": ["n", "m"]},
    "binomial_categorical_only": {"y": "two", "x": ["a", "b"]},
    "multinomial": {"y": "three"},
    "multinomial_balanced": {"y": "three", "balance_classes": True},
    "multinomial_maxout_dropout": {"y": "three", "activation": "MaxoutWithDropout"},
    "binary": {"y": "two", "categorical_encoding": "Binary", **_PLAIN_X},
    "eigen": {"y": "two", "categorical_encoding": "Eigen", **_PLAIN_X},
    "label": {"y": "two", "categorical_encoding": "LabelEncoder", **_PLAIN_X},
    "label_regression": {"y": "amount", "categorical_encoding": "LabelEncoder", **_PLAIN_X},
    "eigen_multinomial": {"y": "three", "categorical_encoding": "Eigen", **_PLAIN_X},
    "binary_regression": {"y": "amount", "categorical_encoding": "Binary", **_PLAIN_X},
    "sort_by_response": {"y": "two", "categorical_encoding": "SortByResponse"},
    "gaussian": {"y": "amount"},
    "gaussian_not_standardized": {"y": "amount", "standardize": False},
    "laplace": {"y": "amount", "distribution": "laplace"},
    "huber": {"y": "amount", "distribution": "huber"},
    "quantile": {"y": "amount", "distribution": "quantile", "quantile_alpha": 0.3},
    "poisson": {"y": "count", "distribution": "poisson"},
    "gamma": {"y": "positive", "distribution": "gamma"},
    "tweedie": {"y": "count", "distribution": "tweedie"},
    "gaussian_maxout_h2o": {"y": "amount", "activation": "Maxout", **_H2O},
    "autoencoder_tanh": {"autoencoder": True, "activation": "Tanh"},
    "autoencoder_rectifier": {"autoencoder": True, "activation": "Rectifier"},
    "autoencoder_dropout": {"autoencoder": True, "activation": "TanhWithDropout"},
    "autoencoder_not_standardized_h2o": {"autoencoder": True, "activation": "Tanh", "standardize": False, **_H2O},
}
"""Models that a MOJO can carry; values besides parameters: ``y``, ``x``."""

OTHERS: dict[str, dict[str, Any]] = {
    "hashing": {"y": "two", "max_categorical_features": 4, "variable_importances": False},
    "enum_limited": {"y": "two", "categorical_encoding": "EnumLimited", "x": ["many", "n"]},
    "autoencoder_not_standardized": {"autoencoder": True, "activation": "Tanh", "standardize": False},
}
"""Models that only formats with more room can carry."""


@cache
def training_frame() -> Frame:
    rng = np.random.default_rng(5)
    n = 160
    a, b, p = (rng.choice(v, n) for v in (INTS, WORDS, PLAIN))
    num, m = rng.normal(size=n), np.round(rng.gamma(2.0, 50.0, n), 3)
    score = num + (a == "5") + 0.01 * m - 1 + rng.normal(size=n) * 0.3
    data = {
        "a": enum(_holes(a, rng), INTS),
        "b": enum(_holes(b, rng), WORDS),
        "p": enum(_holes(p, rng), PLAIN),
        "many": enum(list(rng.choice([f"L{i}" for i in range(14)], n)), [f"L{i}" for i in range(14)]),
        "one": enum(["only"] * n, ["only"]),
        "n": pl.Series([None if rng.random() < 0.1 else float(v) for v in num]),
        "m": pl.Series(m),
        "w": pl.Series(rng.choice([0.5, 1.0, 2.5], n)),
        "two": enum(np.where(score > 0.3, "yes", "no").tolist(), ["no", "yes"]),
        "three": enum(np.where(score > 1, "2", np.where(score > 0, "1", "ö")).tolist(), ["1", "2", "ö"]),
        "amount": pl.Series(10 + 3 * score),
        "count": pl.Series(rng.poisson(np.exp(np.clip(score, -2, 2)) + 0.2).astype(float)),
        "positive": pl.Series(np.exp(np.clip(score, -2, 2)) + 0.1),
    }
    return Frame.of(pl.DataFrame(data))


@cache
def awkward_frame() -> Frame:
    """Missing values, levels never seen, huge and tiny numbers, then the training rows."""
    rows: list[dict[str, Any]] = [
        {},
        {"a": "1", "b": "日本", "p": "w", "one": "only", "n": 0.0, "m": 0.0, "many": "L1"},
        {"a": "9", "b": "nie", "p": "?", "one": "two", "n": 1.0, "m": 2.0, "many": "L99"},
        {"a": "5", "b": "\\n", "p": "zz", "n": 1e308, "m": -1e308, "many": "L2"},
        {"a": "2", "b": "x,y", "p": "x", "one": "only", "n": 5e-324, "m": -0.0, "many": "L3"},
        {"a": "2", "b": 'sag "ja"', "p": "y", "one": "only", "n": 1e30, "m": 12.5, "many": "L13"},
        {"n": -3.25},
    ]
    words = ["a", "b", "p", "one", "many"]
    kinds = {**dict.fromkeys(words, pl.String), "n": pl.Float64, "m": pl.Float64}
    extra = pl.DataFrame(rows, schema=kinds)
    train = training_frame().data.select([pl.col(c).cast(t) for c, t in kinds.items()])
    whole = pl.concat([extra, train])
    as_enum = [whole[c].cast(pl.Enum(whole[c].drop_nulls().unique().sort().to_list())) for c in words]
    return Frame.of(whole.with_columns(as_enum))


def enum(values: Any, levels: list[str]) -> pl.Series:
    return pl.Series(list(values), dtype=pl.Enum(levels))


def _holes(values: np.ndarray, rng: np.random.Generator) -> list[str | None]:
    return [None if rng.random() < 0.08 else str(v) for v in values]


@cache
def model(name: str) -> DeepLearningModel:
    params = {**_BASE, **{**ZOO, **OTHERS}[name]}
    x, y = params.pop("x", X), params.pop("y", None)
    s = LocalSession(nthreads=1)
    found = s.train(TrainRequest("deeplearning", {**params, "model_id": name}, x, y, training_frame(), quiet=True))
    assert isinstance(found, DeepLearningModel)
    return found
