"""`Model`: a state with the questions one may ask of it; each algorithm completes it."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import numpy as np

from heavywater.display.table import Table
from heavywater.frame import Frame
from heavywater.metrics import ModelMetrics
from heavywater.models.state import ModelState
from heavywater.models.warrants import warrants

Part = Literal["train", "valid", "xval"]
_METRICS_KEY = {"train": "training_metrics", "valid": "validation_metrics", "xval": "cross_validation_metrics"}


class Model(ABC):
    """A trained model: a state (plain data) and what can be computed from it.

    Parameters
    ----------
    state : ModelState
        Everything there is to know; see `heavywater.models.state`.
    key : str
        The name under which the session keeps the model (``model_id``).
    """

    def __init__(self, state: ModelState, key: str) -> None:
        self.state = state
        self.key = key

    @property
    def algo(self) -> str:
        return self.state.algo

    @property
    def output(self) -> Mapping[str, Any]:
        return self.state.output

    @property
    def category(self) -> str:
        """Binomial, Multinomial, Regression or AutoEncoder."""
        return str(self.output["model_category"])

    @cached_property
    def checksum(self) -> int:
        """A number that depends on every weight: equal models have equal checksums."""
        return arrays_checksum(self.state.arrays)

    def metrics(self, part: Part) -> ModelMetrics | None:
        """Metrics computed during training on the training frame, the validation frame or the cross-validation holdouts."""
        stored = self.output.get(_METRICS_KEY[part])
        return None if stored is None else ModelMetrics.from_json(stored)

    def table(self, name: str) -> Table | None:
        """A table of the output: ``model_summary``, ``scoring_history``, ``variable_importances``, …"""
        stored = self.output.get(name)
        return None if stored is None else Table.from_json(stored)

    @abstractmethod
    def predict(self, frame: Frame, *, threads: int = 1) -> Frame:
        """Predictions for every row of `frame`, in H2O's columns."""

    def warrants(self, frame: Frame, *, threads: int = 1) -> Frame:
        """For every row the inputs that are missing, of a level never seen, or out of the range of training."""
        return warrants(self, frame)

    @abstractmethod
    def performance(self, frame: Frame, *, threads: int = 1, **options: Any) -> ModelMetrics:
        """Metrics on `frame`, which must hold the response."""


def arrays_checksum(arrays: Mapping[str, np.ndarray]) -> int:
    """CRC-32 of the names and contents of a model's arrays."""
    value = 0
    for name in sorted(arrays):
        value = zlib.crc32(name.encode(), value)
        value = zlib.crc32(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data, value)
    return value
