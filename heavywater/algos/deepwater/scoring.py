"""Scoring: from rows through the network to predictions and metrics, in training and after it alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heavywater.algos.deeplearning.custom import CustomMetric
from heavywater.algos.deeplearning.response import Response
from heavywater.algos.deeplearning.scoring import measured
from heavywater.algos.deepwater.build import BaseNet
from heavywater.algos.deepwater.data import ScoringRows
from heavywater.algos.deepwater.inputs import Pixels, Source, ahead
from heavywater.errors import UnstableModel
from heavywater.metrics import ModelMetrics

_CELLS = 1 << 18
"""Numbers of the input that are scored at a time, about."""
_SMALLEST, _LARGEST = 32, 1024


@dataclass
class Scorer:
    """Everything but the rows that scoring needs.

    Attributes
    ----------
    net : Net
    pixels : Pixels or None
    response : Response
    category : str
        Binomial, Multinomial or Regression.
    options : dict
        Options of the metrics.
    prior, model_prior : ndarray or None
        Class frequencies before and after balancing, to correct probabilities.
    custom : callable or None
        The user's own metric.
    """

    net: BaseNet
    pixels: Pixels | None
    response: Response
    category: str
    options: dict[str, Any] = field(default_factory=dict)
    prior: np.ndarray | None = None
    model_prior: np.ndarray | None = None
    custom: CustomMetric | None = None

    def answers(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """Predictions, float64: probabilities ``(n, classes)``, or numbers in the response's units ``(n, 1)``.

        Raises
        ------
        UnstableModel
            When they are not finite.
        """
        with self.net.scoring():
            parts = [self.net.logits(x, table) for x, table in self.inputs(source, rows)]
        out = np.concatenate(parts).astype(np.float64) if parts else np.zeros((0, self.response.nclasses))
        if not np.isfinite(out).all():
            raise UnstableModel("the network's outputs are no longer finite numbers")
        if self.category == "Regression":
            return self.response.predictions(out)[:, None]
        out = np.exp(out - out.max(axis=1, keepdims=True))
        out /= out.sum(axis=1, keepdims=True)
        if self.prior is not None and self.model_prior is not None:
            out *= np.where((self.prior > 0) & (self.model_prior > 0), self.prior / self.model_prior, 1.0)
            out /= out.sum(axis=1, keepdims=True)
        return out

    def features(self, source: Source, rows: np.ndarray, layer: str) -> np.ndarray:
        """Values of a layer, float32 ``(n, width)``, in the order channels, height, width."""
        with self.net.scoring():
            parts = [self.net.features(x, table, layer) for x, table in self.inputs(source, rows)]
        return np.concatenate(parts)

    def inputs(self, source: Source, rows: np.ndarray) -> Iterator[tuple[Any, Any]]:
        """Tensors of the main input and the table, a batch at a time, prepared while the network works."""
        size = int(np.clip(_CELLS // max(1, int(np.prod(source.shape))), _SMALLEST, _LARGEST))
        blocks = [rows[i : i + size] for i in range(0, len(rows), size)]
        for data, table in ahead(blocks, source.batch):
            yield self.net.tensors(data, table, self.pixels)

    def metrics(self, rows: ScoringRows) -> ModelMetrics:
        """Metrics on a scoring set."""
        return self.metrics_of(self.answers(rows.source, rows.rows), rows.actual, rows.weights)

    def metrics_of(self, answers: np.ndarray, actual: np.ndarray, weights: np.ndarray | None) -> ModelMetrics:
        """Metrics from predictions (see `answers`)."""
        return measured(self.category, self.response, self.options, answers, actual, weights, self.custom)
