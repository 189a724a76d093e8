"""A trained random forest."""

from __future__ import annotations

from typing import Any

import numpy as np

from heavywater.algos.drf.params import DRFParams
from heavywater.algos.gbm.forest import specs
from heavywater.algos.gbm.model import FOREST, GBMModel
from heavywater.algos.tabular.result import DESIGN, check_manifest, checked_design, need
from heavywater.frame import Frame
from heavywater.models.state import ArraySpec, ModelState


class DRFModel(GBMModel):
    """Trees whose mean is the prediction: shares of the classes, or numbers."""

    def _answers(self, frame: Frame, threads: int) -> np.ndarray:
        grown = max(1, len(self.trees.roots) // self.outputs)
        return votes(self.raw(frame, threads=threads) / grown, self.category, self.output["prior_class_distrib"])


def votes(means: np.ndarray, category: str, prior: list[float] | None) -> np.ndarray:
    """Predictions from mean leaves: probabilities ``(n, classes)`` or numbers ``(n, 1)``.

    Parameters
    ----------
    means : ndarray of float64
        ``(n, 1)``, for more than two classes ``(n, classes)``.
    category : str
    prior : list of float or None
        Shares of the classes, for rows to which no tree gives any class.
    """
    if category == "Regression":
        return means
    if category == "Binomial":
        p = np.clip(means[:, 0], 0.0, 1.0)
        return np.column_stack([1.0 - p, p])
    shares = np.clip(means, 0.0, 1.0)
    totals = shares.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, shares, np.asarray(prior)[None, :])
    found: np.ndarray = shares / shares.sum(axis=1, keepdims=True)
    return found


def build_model(state: ModelState, key: str, params: Any = None) -> DRFModel:
    """The model of a state; `params` are those it was just trained with, which may hold what no file can."""
    model = DRFModel(state, key)
    model.custom_metric = None if params is None else params.custom_metric_func
    return model


def expected_arrays(state: Any) -> dict[str, ArraySpec]:
    """What the arrays of a model file must look like, from its manifest alone, which is checked first."""
    check_manifest(state, DRFParams, {"design": DESIGN, "forest": FOREST}, {"ntrees": int})
    checked_design(state)
    classes = len(state.schema["response"]["levels"] or ())
    prior = state.output["prior_class_distrib"]
    need(classes == 0 or (prior is not None and len(prior) == classes), "its classes have no shares")
    forest = state.schema["forest"]
    return specs(forest["nodes"], forest["words"], forest["trees"])
