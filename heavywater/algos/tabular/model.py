"""`TabularModel`: from raw answers to predictions and metrics in H2O's form."""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from heavywater.algos.deeplearning.response import Response
from heavywater.algos.deeplearning.scoring import measured
from heavywater.errors import H2OTypeError
from heavywater.frame import Frame
from heavywater.frame.checksum import frame_checksum
from heavywater.frame.predictions import enum_of, probability_names
from heavywater.metrics import ModelMetrics
from heavywater.models.model import Model


class TabularModel(Model):
    """A supervised model on a table; a subclass says what it answers (`_answers`)."""

    custom_metric: Any = None
    """The user's own metric; known only in the process that trained the model."""

    @cached_property
    def response(self) -> Response:
        return Response.from_json(self.state.schema["response"])

    @abstractmethod
    def _answers(self, frame: Frame, threads: int) -> np.ndarray:
        """Predictions, float64: probabilities ``(n, classes)`` or numbers ``(n, 1)``."""

    def answers(self, frame: Frame, *, threads: int = 1) -> np.ndarray:
        """Predictions, float64: probabilities ``(n, classes)`` or numbers ``(n, 1)``."""
        return self._answers(frame, threads)

    def predict(self, frame: Frame, *, threads: int = 1) -> Frame:
        """``predict`` for regression; ``predict`` and one probability per class for classification."""
        return self.prediction_frame(self.answers(frame, threads=threads))

    def labels(self, probabilities: np.ndarray) -> np.ndarray:
        """Class indices: by the max-F1 threshold for two classes, else the most probable class."""
        if self.category == "Binomial":
            return (probabilities[:, 1] >= float(self.output["default_threshold"])).astype(np.int64)
        return probabilities.argmax(axis=1)

    def prediction_frame(self, answers: np.ndarray) -> Frame:
        """Predictions in H2O's columns."""
        levels = self.response.levels
        if levels is None:
            return Frame.of(pl.DataFrame({"predict": np.ascontiguousarray(answers[:, 0])}))
        table = pl.DataFrame({"predict": enum_of(pl.Series(self.labels(answers).astype(np.uint32)), levels)})
        names = probability_names(levels)
        return Frame(table.hstack(pl.DataFrame({n: np.ascontiguousarray(answers[:, i]) for i, n in enumerate(names)})))

    def evaluate(self, answers: np.ndarray, frame: Frame) -> ModelMetrics:
        """Metrics of given predictions (see `answers`) for the rows of `frame`."""
        actual = self.response.actual(frame, _warn)
        return self._measured(answers, actual, self._weights(frame), dict(self.state.schema["metric_options"]))

    def performance(
        self,
        frame: Frame,
        *,
        threads: int = 1,
        frame_key: str | None = None,
        auc_type: str | None = None,
        **options: Any,
    ) -> ModelMetrics:
        """Metrics on a frame that holds the response."""
        if options:
            raise H2OTypeError(f"performance of a {self.algo} model has no option {next(iter(options))!r}")
        began = time.time()
        settings = dict(self.state.schema["metric_options"])
        if auc_type is not None:
            settings["auc_type"] = auc_type
        actual = self.response.actual(frame, _warn)
        metrics = self._measured(self.answers(frame, threads=threads), actual, self._weights(frame), settings)
        return metrics.described(
            description="Metrics reported on the given frame",
            model_id=self.key,
            model_checksum=self.checksum,
            frame_id=frame_key,
            frame_checksum=frame_checksum(frame),
            scoring_time=int(began * 1000),
            duration_ms=round((time.time() - began) * 1000),
        )

    def _measured(
        self, answers: np.ndarray, actual: np.ndarray, weights: np.ndarray | None, options: dict[str, Any]
    ) -> ModelMetrics:
        return measured(self.category, self.response, options, answers, actual, weights, self.custom_metric)

    def _actual_parameter(self, name: str) -> Any:
        """The value in force; None where the algorithm has no such parameter."""
        stored = self.output["parameters"].get(name)
        return None if stored is None else stored["actual"]

    def _weights(self, frame: Frame) -> np.ndarray | None:
        column = self._actual_parameter("weights_column")
        return frame.numeric(column) if column and column in frame.names else None

    def _offsets(self, frame: Frame) -> np.ndarray | None:
        column = self._actual_parameter("offset_column")
        return frame.numeric(column) if column else None


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)
