"""A naive Bayes model: shares of levels, means and deviations of numbers, by class."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from heavywater.algos.gbm.model import matrix
from heavywater.algos.naivebayes.params import NaiveBayesParams
from heavywater.algos.tabular.model import TabularModel
from heavywater.algos.tabular.result import DESIGN, check_manifest, checked_design, need
from heavywater.frame import Frame
from heavywater.frame.design import Design
from heavywater.models.state import ArraySpec, ModelState


class NaiveBayesModel(TabularModel):
    """Columns tell of the class independently of each other; a missing value tells nothing."""

    @cached_property
    def design(self) -> Design:
        return Design.from_json(self.state.schema["design"])

    def _answers(self, frame: Frame, threads: int) -> np.ndarray:
        x = matrix(self.design, self.design.adapt(frame))
        least = {name: float(self._actual_parameter(name)) for name in ("eps_prob", "min_prob")}
        return posterior(x, self.design, self.state.arrays, **least)

    def conditionals(self) -> list[tuple[str, list[str], np.ndarray]]:
        """For every column its name, what it is known by (levels, or mean and deviation), and the numbers by class."""
        a, out, start = self.state.arrays, [], 0
        for name, levels in zip(self.design.cats, self.design.levels):
            out.append((name, list(levels), a["shares"][:, start : start + len(levels)]))
            start += len(levels)
        for j, name in enumerate(self.design.nums):
            out.append((name, ["mean", "std_dev"], np.column_stack([a["mean"][:, j], a["deviation"][:, j]])))
        return out


def posterior(
    x: np.ndarray, design: Design, arrays: dict[str, np.ndarray], *, eps_prob: float, min_prob: float
) -> np.ndarray:
    """Probabilities of the classes, float64 ``(n, classes)``.

    Parameters
    ----------
    x : ndarray of float64
        Level indices and numbers ``(n, columns)``, NaN where missing.
    design : Design
    arrays : dict of ndarray
        ``prior (classes,)``, ``shares (classes, levels of all columns)``, ``mean, deviation (classes, numbers)``.
    eps_prob, min_prob : float
        Densities up to `eps_prob` count as `min_prob`.
    """
    logs = np.tile(np.log(np.maximum(arrays["prior"], 1e-300)), (len(x), 1))
    start = 0
    for j, levels in enumerate(design.levels):
        known = ~np.isnan(x[:, j])
        places = start + x[known, j].astype(np.int64)
        logs[known] += np.log(arrays["shares"][:, places].T)
        start += len(levels)
    for k in range(len(design.nums)):
        values = x[:, len(design.cats) + k]
        known = ~np.isnan(values)
        deviation = arrays["deviation"][:, k]
        z = (values[known, None] - arrays["mean"][:, k]) / deviation
        density = np.exp(-0.5 * z * z) / (deviation * math.sqrt(2.0 * math.pi))
        logs[known] += np.log(np.where(density <= eps_prob, min_prob, density))
    p = np.exp(logs - logs.max(axis=1, keepdims=True))
    found: np.ndarray = p / p.sum(axis=1, keepdims=True)
    return found


def build_model(state: ModelState, key: str, params: Any = None) -> NaiveBayesModel:
    """The model of a state."""
    return NaiveBayesModel(state, key)


def expected_arrays(state: Any) -> dict[str, ArraySpec]:
    """What the arrays of a model file must look like, from its manifest alone, which is checked first."""
    check_manifest(state, NaiveBayesParams, {"design": DESIGN}, {})
    design = checked_design(state)
    classes = len(state.schema["response"]["levels"] or ())
    need(classes >= 2, "its response has no classes")
    levels, numbers = sum(len(v) for v in design.levels), len(design.nums)
    return {
        "prior": ArraySpec("F64", (classes,)),
        "shares": ArraySpec("F64", (classes, levels)),
        "mean": ArraySpec("F64", (classes, numbers)),
        "deviation": ArraySpec("F64", (classes, numbers)),
    }
