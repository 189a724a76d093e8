"""Deep Learning model files with a changed manifest: refused or harmless; never a crash, never a read out of bounds."""

from __future__ import annotations

import copy
import json
import random
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import heavywater as h2o
from heavywater.errors import HeavywaterError, ModelFileError
from heavywater.estimators.deeplearning import H2OAutoEncoderEstimator, H2ODeepLearningEstimator

SMALL: dict[str, Any] = {"hidden": [3, 2], "epochs": 2, "seed": 1}
KINDS: dict[str, tuple[str | None, dict[str, Any]]] = {
    "binomial": ("two", {}),
    "multinomial": ("three", {"activation": "MaxoutWithDropout", "balance_classes": True}),
    "regression": ("number", {"activation": "Tanh", "adaptive_rate": False, "stopping_rounds": 0}),
    "poisson": ("count", {"distribution": "poisson", "offset_column": "offset"}),
    "weights": ("number", {"weights_column": "weight", "distribution": "quantile", "hidden": []}),
    "folds": ("two", {"nfolds": 2}),
    "exact": ("three", {"reproducible": True, "use_all_factor_levels": False, "standardize": False}),
    "original": ("two", {"compat": "h2o-3.46", "max_w2": float("inf"), "variable_importances": False}),
    "hashed": ("number", {"max_categorical_features": 2}),
    "autoencoder": (None, {"activation": "Tanh"}),
}


@pytest.fixture(scope="module")
def frame() -> h2o.H2OFrame:
    rng = random.Random(1)
    n = 60
    made = h2o.H2OFrame(
        {
            "a": [rng.gauss(0, 1) for _ in range(n)],
            "b": [rng.choice(["x", "y", "z", None]) for _ in range(n)],
            "two": [rng.choice(["no", "yes"]) for _ in range(n)],
            "three": [rng.choice(["u", "v", "w"]) for _ in range(n)],
            "number": [rng.gauss(3, 2) for _ in range(n)],
            "count": [rng.randrange(5) for _ in range(n)],
            "offset": [rng.random() for _ in range(n)],
            "weight": [rng.choice([0.5, 1, 2]) for _ in range(n)],
        },
        column_types={"b": "enum", "two": "enum", "three": "enum"},
    )
    h2o.no_progress()
    return made


def trained(kind: str, frame: h2o.H2OFrame) -> Any:
    y, options = KINDS[kind]
    estimator = H2OAutoEncoderEstimator if y is None else H2ODeepLearningEstimator
    model = estimator(**SMALL | options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.train(x=["a", "b"], y=y, training_frame=frame)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_comes_back(kind, frame, tmp_path):
    model = trained(kind, frame)
    before = model.predict(frame).as_data_frame()
    again = h2o.load_model(h2o.save_model(model, str(tmp_path)))
    assert again.predict(frame).as_data_frame().equals(before)
    assert repr(again) == repr(model)


def parts(path: Path) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    raw = path.read_bytes()
    (n,) = struct.unpack("<Q", raw[:8])
    head = json.loads(raw[8 : 8 + n])
    return head, json.loads(head["__metadata__"]["manifest"]), raw[8 + n :]


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    keys = value if isinstance(value, dict) else range(min(len(value), 2)) if isinstance(value, list) else ()
    for key in keys:
        yield from places(value[key], (*at, key))


def changed(manifest: dict[str, Any], at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = inner = copy.deepcopy(manifest)
    for key in at[:-1]:
        inner = inner[key]
    if value is DELETED:
        del inner[at[-1]]
    else:
        inner[at[-1]] = value
    return made


DELETED = object()
VALUES = [None, "x", -1, 10**9, 1.5, True, [], [1e9], {}, DELETED]


@pytest.mark.filterwarnings("ignore:column .* is missing:UserWarning", "ignore:column .* not seen:UserWarning")
@pytest.mark.parametrize("kind", ["binomial", "hashed", "autoencoder"])
def test_a_changed_manifest_is_refused_or_harmless(kind, frame, tmp_path):
    path = Path(h2o.save_model(trained(kind, frame), str(tmp_path)))
    head, manifest, data = parts(path)
    rng = random.Random(2)
    cases = [(at, v) for at in places(manifest) if at[0] == "schema" or len(at) < 4 for v in VALUES]
    refused = 0
    for at, value in rng.sample(cases, min(len(cases), 150)):
        head["__metadata__"]["manifest"] = json.dumps(changed(manifest, at, value))
        text = json.dumps(head).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + data)
        try:
            model = h2o.load_model(path)
            model.predict(frame).as_data_frame()
            repr(model)
        except HeavywaterError:
            refused += 1
    assert refused > 30


def test_a_recipe_wider_than_the_network_is_refused(frame, tmp_path):
    path = Path(h2o.save_model(trained("binomial", frame), str(tmp_path)))
    head, manifest, data = parts(path)
    manifest["schema"]["design"]["levels"] = [["x", *(f"q{i}" for i in range(100_000)), "y", "z"]]
    head["__metadata__"]["manifest"] = json.dumps(manifest)
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    with pytest.raises(ModelFileError, match="the design has 100005 inputs, the network 5"):
        h2o.load_model(path)
