"""The public face: every name that is promised is there, with a docstring; every algorithm has its faces."""

from __future__ import annotations

import dataclasses
import importlib
import inspect

import pytest

import heavywater
from heavywater.algos.base import ALGORITHMS
from heavywater.estimators.registry import ESTIMATORS

H2O_VERBS = [
    "H2OFrame",
    "as_list",
    "assign",
    "cluster",
    "deep_copy",
    "demo",
    "download_csv",
    "download_model",
    "export_file",
    "get_frame",
    "get_model",
    "import_file",
    "init",
    "interaction",
    "load_model",
    "ls",
    "no_progress",
    "remove",
    "remove_all",
    "save_model",
    "show_progress",
    "upload_file",
    "upload_model",
]


@pytest.mark.parametrize("name", sorted(set(heavywater.__all__) - {"__version__"}))
def test_every_public_name_is_there_and_documented(name):
    value = getattr(heavywater, name)
    assert name in dir(heavywater)
    assert callable(value), f"{name} is {value!r}"
    assert len(inspect.getdoc(value) or "") > 10


def test_h2os_verbs_are_public():
    assert [name for name in H2O_VERBS if name not in heavywater.__all__] == []


def test_every_public_function_of_the_api_is_exported():
    api = importlib.import_module("heavywater.api")
    own = [
        name
        for name, value in vars(api).items()
        if inspect.isfunction(value) and value.__module__ == api.__name__ and not name.startswith("_")
    ]
    helpers = {"memory_size"}
    assert [name for name in own if name not in heavywater.__all__ and name not in helpers] == []


def test_a_misspelt_name_gets_a_suggestion():
    with pytest.raises(AttributeError, match="did you mean 'import_file'"):
        heavywater.import_fil  # noqa: B018


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_every_algorithm_has_its_parts_and_faces(algo):
    module = importlib.import_module(ALGORITHMS[algo])
    for part in ("Params", "check_data", "train", "build_model", "expected_arrays"):
        assert hasattr(module, part), f"{module.__name__} lacks {part}"
    assert dataclasses.is_dataclass(module.Params)
    estimators = importlib.import_module(ESTIMATORS[algo][0])
    faces = [c for c in vars(estimators).values() if inspect.isclass(c) and getattr(c, "algo", None) == algo]
    assert any(issubclass(c, module.Params) for c in faces)
    if algo != "deeplearning":  # scikit-learn has learners of its own for the others
        return
    sklearn = importlib.import_module("heavywater.sklearn")
    assert any(inspect.isclass(c) and issubclass(c, module.Params) for c in vars(sklearn).values())
