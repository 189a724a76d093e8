"""A trained ensemble of trees."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from heavywater.algos.gbm.forest import from_arrays, specs
from heavywater.algos.gbm.params import GBMParams
from heavywater.algos.tabular.model import TabularModel
from heavywater.algos.tabular.result import DESIGN, check_manifest, checked_design
from heavywater.core.mlp.forward import inverse_link
from heavywater.core.mlp.layout import DISTRIBUTIONS
from heavywater.core.trees import Trees, sum_of_trees
from heavywater.frame import Frame
from heavywater.frame.design import Design
from heavywater.models.state import ArraySpec, ModelState

FOREST = {"nodes": int, "words": int, "trees": int, "depths": [int], "leaves": [int]}
"""What a state's schema tells of its trees."""


class GBMModel(TabularModel):
    """Trees whose sum, through the inverse link, is the prediction."""

    @cached_property
    def design(self) -> Design:
        return Design.from_json(self.state.schema["design"])

    @cached_property
    def trees(self) -> Trees:
        return from_arrays(self.state.arrays, len(self.design.names), self.outputs)

    @property
    def outputs(self) -> int:
        """Sums of trees per row: one per class when there are more than two."""
        classes = self.response.nclasses
        return classes if classes > 2 else 1

    def _answers(self, frame: Frame, threads: int) -> np.ndarray:
        return answers_of(self.raw(frame, threads=threads), self.response.distribution)

    def raw(self, frame: Frame, *, threads: int = 1) -> np.ndarray:
        """Sums of the leaves, offset included, before the inverse link: float64 ``(n, outputs)``."""
        sums = sum_of_trees(self.trees, matrix(self.design, self.design.adapt(frame)), self.outputs, threads)
        offsets = self._offsets(frame)
        return sums if offsets is None else sums + offsets[:, None]


def matrix(design: Design, frame: Frame) -> np.ndarray:
    """Level indices and numbers, NaN where missing, float64 ``(n, columns)``; `frame` has the design's columns."""
    x = np.empty((frame.nrow, len(design.names)))
    for j, name in enumerate(design.cats):
        codes = frame.codes(name)
        x[:, j] = np.where(codes < 0, np.nan, codes)
    for j, name in enumerate(design.nums, start=len(design.cats)):
        x[:, j] = frame.numeric(name)
    return x


def answers_of(raw: np.ndarray, distribution: str) -> np.ndarray:
    """Predictions from sums of trees: probabilities ``(n, classes)`` or numbers ``(n, 1)``."""
    if distribution == "bernoulli":
        p = 1.0 / (1.0 + np.exp(-raw[:, 0]))
        return np.column_stack([1.0 - p, p])
    if distribution == "multinomial":
        e = np.exp(raw - raw.max(axis=1, keepdims=True))
        found: np.ndarray = e / e.sum(axis=1, keepdims=True)
        return found
    return inverse_link(raw[:, 0], DISTRIBUTIONS[distribution])[:, None]


def build_model(state: ModelState, key: str, params: Any = None) -> GBMModel:
    """The model of a state; `params` are those it was just trained with, which may hold what no file can."""
    model = GBMModel(state, key)
    model.custom_metric = None if params is None else params.custom_metric_func
    return model


def expected_arrays(state: Any) -> dict[str, ArraySpec]:
    """What the arrays of a model file must look like, from its manifest alone, which is checked first."""
    check_manifest(state, GBMParams, {"design": DESIGN, "forest": FOREST}, {"ntrees": int})
    checked_design(state)
    forest = state.schema["forest"]
    return specs(forest["nodes"], forest["words"], forest["trees"])
