"""A trained network: predictions, performance, reconstruction errors, features, weights."""

from __future__ import annotations

import time
import warnings
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from heavywater.algos.deeplearning.custom import CustomMetric
from heavywater.algos.deeplearning.data import network_hyper
from heavywater.algos.deeplearning.manifest import check_manifest
from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.algos.deeplearning.resolve import is_exact
from heavywater.algos.deeplearning.response import Response
from heavywater.algos.deeplearning.result import from_arrays
from heavywater.algos.deeplearning.scored_frames import adapt, special_columns
from heavywater.algos.deeplearning.scoring import Scorer, ScoringSet, expand
from heavywater.core.mlp.layout import Inputs, Network, Topology
from heavywater.errors import H2OTypeError, H2OValueError
from heavywater.frame import Frame
from heavywater.frame.checksum import frame_checksum
from heavywater.frame.design import Design
from heavywater.frame.encoding import Encoding
from heavywater.frame.predictions import enum_of, probability_names
from heavywater.metrics import ModelMetrics
from heavywater.models.model import Model
from heavywater.models.state import ArraySpec, ModelState


class DeepLearningModel(Model):
    """A multi-layer feed-forward network with its recipe for the inputs."""

    custom_metric: CustomMetric | None = None
    """The user's own metric; known only in the process that trained the model."""

    @cached_property
    def design(self) -> Design:
        return Design.from_json(self.state.schema["design"])

    @cached_property
    def encoding(self) -> Encoding | None:
        stored = self.state.schema["encoding"]
        return None if stored is None else Encoding.from_json(stored)

    @cached_property
    def response(self) -> Response | None:
        stored = self.state.schema["response"]
        return None if stored is None else Response.from_json(stored)

    @cached_property
    def actual(self) -> DeepLearningParams:
        """Parameters in force."""
        return DeepLearningParams(**{k: v["actual"] for k, v in self.output["parameters"].items()})

    @cached_property
    def network(self) -> Network:
        return from_arrays(topology_of(self.state), self.state.arrays)

    def scorer(self, threads: int = 1) -> Scorer:
        """What scoring needs besides the weights."""
        classes = 0 if self.response is None else self.response.nclasses
        h = network_hyper(self.actual, classes, int(self.output["seed"]))
        prior, balanced = (self.output[k] for k in ("prior_class_distrib", "model_class_distrib"))
        return Scorer(
            self.design,
            self.response,
            h,
            self.category,
            dict(self.state.schema["metric_options"]),
            prior=None if balanced is None else np.array(prior),
            model_prior=None if balanced is None else np.array(balanced),
            threads=threads,
            custom=self.custom_metric,
            exact=is_exact(self.actual),
        )

    # -- predictions ------------------------------------------------------------------------------------------------

    def predict(self, frame: Frame, *, threads: int = 1) -> Frame:
        """Predictions in H2O's columns.

        ``predict`` for regression; ``predict`` and one probability per class for classification; ``reconstr_<input>``
        for autoencoders.
        """
        adapted = self._adapted(frame)
        if self.category == "AutoEncoder":
            return self._reconstruction(adapted, threads)
        return self.prediction_frame(self._answers(adapted, threads, self._offsets(frame)))

    def labels(self, probabilities: np.ndarray) -> np.ndarray:
        """Class indices: by the max-F1 threshold for two classes, else the most probable class."""
        if self.category == "Binomial":
            return (probabilities[:, 1] >= float(self.output["default_threshold"])).astype(np.int64)
        return probabilities.argmax(axis=1)

    def _outputs(self, adapted: Frame, threads: int, offsets: np.ndarray | None = None) -> np.ndarray:
        scorer, parts, start = self.scorer(threads), [], 0
        for block in scorer.encoded(adapted):
            part = None if offsets is None else offsets[start : start + block.nrow]
            parts.append(scorer.outputs(self.network, block, part))
            start += block.nrow
        return np.concatenate(parts)

    def _offsets(self, frame: Frame) -> np.ndarray | None:
        """Offsets of a frame to be scored, in the space of the network's output."""
        column = self.actual.offset_column
        if not column or self.response is None:
            return None
        return self.response.network_offsets(frame.numeric(column), h2o=self.actual.compat != "booklet")

    def _reconstruction(self, adapted: Frame, threads: int) -> Frame:
        d = self.design
        out = self._outputs(adapted, threads)
        if d.mul is not None and d.sub is not None:
            out[:, d.num_start :] = out[:, d.num_start :] / np.array(d.mul) + np.array(d.sub)
        return _columns([f"reconstr_{c}" for c in d.coefficient_names()], out)

    def answers(self, frame: Frame, *, threads: int = 1) -> np.ndarray:
        """Predictions, float64: probabilities ``(n, classes)``, numbers ``(n, 1)``, reconstructions ``(n, inputs)``."""
        return self._answers(self._adapted(frame), threads, self._offsets(frame))

    def _answers(self, adapted: Frame, threads: int, offsets: np.ndarray | None) -> np.ndarray:
        return self.scorer(threads).answers(self._outputs(adapted, threads, offsets))

    def evaluate(self, answers: np.ndarray, frame: Frame) -> ModelMetrics:
        """Metrics of given predictions (see `answers`) for the rows of `frame`."""
        assert self.response is not None
        weights, _ = special_columns(frame, self.actual)
        return self.scorer().metrics_of(answers, self.response.actual(frame), weights)

    def prediction_frame(self, answers: np.ndarray) -> Frame:
        """Predictions of a supervised model in H2O's columns."""
        r = self.response
        assert r is not None
        if r.levels is None:
            return Frame.of(pl.DataFrame({"predict": np.ascontiguousarray(answers[:, 0])}))
        table = pl.DataFrame({"predict": enum_of(pl.Series(self.labels(answers).astype(np.uint32)), r.levels)})
        names = probability_names(r.levels)
        return Frame(table.hstack(pl.DataFrame({n: np.ascontiguousarray(answers[:, i]) for i, n in enumerate(names)})))

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
            raise H2OTypeError(f"performance of a Deep Learning model has no option {next(iter(options))!r}")
        began = time.time()
        weights, _ = special_columns(frame, self.actual)
        actual = np.zeros(0) if self.response is None else self.response.actual(frame, _warn)
        rows = ScoringSet(self._adapted(frame), actual, weights, self._offsets(frame))
        scorer = self.scorer(threads)
        if auc_type is not None:
            scorer.options["auc_type"] = auc_type
        metrics = scorer.metrics(self.network, rows)
        return metrics.described(
            description="Metrics reported on the given frame",
            model_id=self.key,
            model_checksum=self.checksum,
            frame_id=frame_key,
            frame_checksum=frame_checksum(frame),
            scoring_time=int(began * 1000),
            duration_ms=round((time.time() - began) * 1000),
        )

    # -- what else a network can tell ---------------------------------------------------------------------------------

    def anomaly(self, frame: Frame, *, per_feature: bool = False, threads: int = 1) -> Frame:
        """Reconstruction error per row, or squared errors per network input (booklet section 7.2)."""
        if self.category != "AutoEncoder":
            raise H2OTypeError("anomaly() needs an autoencoder; this model predicts a response")
        scorer = self.scorer(threads)
        errors = np.concatenate([scorer.squared_errors(self.network, b) for b in scorer.encoded(self._adapted(frame))])
        if per_feature:
            return _columns([f"reconstr_{c}.SE" for c in self.design.coefficient_names()], errors)
        return _columns(["Reconstruction.MSE"], errors.mean(axis=1)[:, None])

    def deepfeatures(self, frame: Frame, *, layer: int | str, threads: int = 1) -> Frame:
        """Activations of a hidden layer, counted from 0."""
        hidden = len(self.actual.hidden)
        if isinstance(layer, bool) or not isinstance(layer, (int, np.integer)):
            raise H2OTypeError(f"layer must be the index of a hidden layer, 0 to {hidden - 1}; got {layer!r}")
        if not 0 <= layer < hidden:
            raise H2OValueError(
                f"layer must be between 0 and {hidden - 1} (the network has {hidden} hidden layers); got {layer}"
            )
        scorer = self.scorer(threads)
        parts = [scorer.hidden(self.network, b, int(layer)) for b in scorer.encoded(self._adapted(frame))]
        values = np.concatenate(parts)
        return _columns([f"DF.L{layer + 1}.C{i + 1}" for i in range(values.shape[1])], values)

    def weights(self, *, matrix_id: int = 0, threads: int = 1) -> Frame:
        """Weights into layer ``matrix_id + 1``: a row per unit (Maxout: per channel), a column per input."""
        self._exported(matrix_id, "weights")
        w = self.network.W(matrix_id)
        names = self.design.coefficient_names() if matrix_id == 0 else [f"C{i + 1}" for i in range(w.shape[1])]
        return _columns(names, w.astype(np.float64))

    def biases(self, *, vector_id: int = 0, threads: int = 1) -> Frame:
        """Biases of layer ``vector_id + 1`` as the column ``C1``."""
        self._exported(vector_id, "biases")
        return _columns(["C1"], self.network.b(vector_id)[:, None])

    def _exported(self, index: int, what: str) -> None:
        if not self.actual.export_weights_and_biases:
            raise H2OValueError(f"{what}() needs a model trained with export_weights_and_biases=True")
        layers = len(self.state.schema["units"]) - 1
        if not 0 <= index < layers:
            raise H2OValueError(f"{what}: the index must be between 0 and {layers - 1}; got {index}")

    def _adapted(self, frame: Frame) -> Frame:
        return adapt(frame, self.design, self.encoding, _warn, h2o=self.actual.compat != "booklet")

    def inputs(self, frame: Frame) -> np.ndarray:
        """The network's input vectors for a frame, float64 ``(n, inputs)``."""
        encoded: Inputs = self.design.encode(self._adapted(frame), training=False)
        return expand(encoded, self.design.width)


def build_model(state: ModelState, key: str, params: DeepLearningParams | None = None) -> DeepLearningModel:
    """The model of a state; `params` are those it was just trained with, which may hold what no file can."""
    model = DeepLearningModel(state, key)
    model.custom_metric = None if params is None else params.custom_metric_func
    return model


def topology_of(state: ModelState) -> Topology:
    """Shape of the network of a state."""
    activation = state.output["parameters"]["activation"]["actual"]
    return Topology([int(u) for u in state.schema["units"]], maxout=str(activation).startswith("Maxout"))


def expected_arrays(state: Any) -> dict[str, ArraySpec]:
    """What the arrays of a model file must look like, from its manifest alone, which is checked first."""
    check_manifest(state)
    t = topology_of(state)
    specs = {f"W{i}": ArraySpec("F32", (t.rows[i], t.units[i])) for i in range(t.layers)}
    specs |= {f"b{i}": ArraySpec("F64", (t.rows[i],)) for i in range(t.layers)}
    for name in ("ada_weight_d", "ada_weight_g", "velocity_weights"):
        specs[name] = ArraySpec("F32", (t.n_weights,), optional=True)
    for name in ("ada_bias_d", "ada_bias_g", "velocity_biases"):
        specs[name] = ArraySpec("F64", (t.n_biases,), optional=True)
    specs["best_weights"] = ArraySpec("F32", (t.n_weights,), optional=True)
    specs["best_biases"] = ArraySpec("F64", (t.n_biases,), optional=True)
    specs["mean_activation"] = ArraySpec("F64", (t.n_hidden,), optional=True)
    return specs


def _columns(names: list[str], values: np.ndarray) -> Frame:
    return Frame.of(pl.DataFrame({n: np.ascontiguousarray(values[:, i]) for i, n in enumerate(names)}))


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)
