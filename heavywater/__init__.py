"""heavywater: H2O's Deep Learning and Deep Water, rebuilt in Python.

>>> import heavywater as h2o
>>> frame = h2o.H2OFrame({"x": [1, 2, 3], "y": ["a", "b", "a"]})
>>> frame.shape
(3, 2)

Public names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "H2OFrame": "heavywater.h2oframe",
    "interaction": "heavywater.h2oframe.functions",
    "H2ODeepLearningEstimator": "heavywater.estimators.deeplearning",
    "H2OAutoEncoderEstimator": "heavywater.estimators.deeplearning",
    "H2ODeepWaterEstimator": "heavywater.estimators.deepwater",
    "H2OGenericEstimator": "heavywater.estimators.generic",
    "H2OGeneralizedLinearEstimator": "heavywater.estimators.glm",
    "H2OGradientBoostingEstimator": "heavywater.estimators.gbm",
    "H2ONaiveBayesEstimator": "heavywater.estimators.naive_bayes",
    "H2ORandomForestEstimator": "heavywater.estimators.random_forest",
    "H2OStackedEnsembleEstimator": "heavywater.estimators.stackedensemble",
    "H2OGridSearch": "heavywater.grid.grid_search",
} | dict.fromkeys(
    (
        "as_list", "assign", "cluster", "cluster_status", "connect", "deep_copy", "deeplearning", "demo",
        "download_csv", "download_model", "export_file", "frames", "gbm", "get_frame", "get_grid", "get_model", "glm",
        "import_file", "import_mojo", "init", "load_grid", "load_model", "ls", "make_metrics", "no_progress", "predict", "remove",
        "remove_all", "save_grid", "save_model", "show_progress", "shutdown", "upload_file", "upload_model", "upload_mojo",
    ),
    "heavywater.api",
)  # fmt: skip
_MODULES = ("algos", "errors", "estimators", "frame", "grid", "metrics", "rapids", "sklearn")

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"heavywater.{name}")
    import difflib

    close = difflib.get_close_matches(name, [*_HOME, *_MODULES], n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise AttributeError(f"module 'heavywater' has no attribute {name!r}{hint}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_MODULES})


class _Package(ModuleType):
    """Lets ``h2o.rapids(text)`` be a call although `heavywater.rapids` is a package."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "rapids" and isinstance(value, ModuleType):
            value.__class__ = _Rapids
        super().__setattr__(name, value)


class _Rapids(ModuleType):
    """The package `heavywater.rapids`, which evaluates an expression when it is called."""

    def __call__(self, expr: str) -> dict[str, Any]:
        evaluate = importlib.import_module("heavywater.api").rapids
        return dict(evaluate(expr))


sys.modules[__name__].__class__ = _Package
