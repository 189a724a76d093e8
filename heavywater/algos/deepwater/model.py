"""A trained network: predictions, performance, deep features, its layers."""

from __future__ import annotations

import re
import time
import warnings
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from heavywater.algos.deepwater.build import BaseNet, net_of_state, one_setting
from heavywater.algos.deepwater.data import Columns
from heavywater.algos.deepwater.inputs import Source
from heavywater.algos.deepwater.manifest import check_manifest
from heavywater.algos.deepwater.optimiser import PREFIXES
from heavywater.algos.deepwater.params import DeepWaterParams
from heavywater.algos.deepwater.result import MEAN_IMAGE, columns_from_json
from heavywater.algos.deepwater.scoring import Scorer
from heavywater.algos.tabular.model import TabularModel
from heavywater.errors import H2OTypeError, H2OValueError, NotFound, NotSupported
from heavywater.frame import Frame
from heavywater.frame.checksum import frame_checksum
from heavywater.metrics import ModelMetrics
from heavywater.models.state import ArraySpec, ModelState
from heavywater.networks.graph import Graph


class DeepWaterModel(TabularModel):
    """A network with its recipe for the inputs."""

    module: Any = None
    """The user's own network; no file holds it."""

    @cached_property
    def columns(self) -> Columns:
        return columns_from_json(self.state.schema["columns"], self.state.arrays.get(MEAN_IMAGE))

    @cached_property
    def actual(self) -> DeepWaterParams:
        """Parameters in force."""
        return DeepWaterParams(**{k: v["actual"] for k, v in self.output["parameters"].items()})

    @cached_property
    def net(self) -> BaseNet:
        columns = self.columns
        return net_of_state(
            self.state, columns.shape, self.response.nclasses, self.actual, self.module, columns.table_width
        )

    @property
    def graph(self) -> Graph:
        """The network as a graph.

        Raises
        ------
        NotSupported
            The network is a module of the user's, which has none.
        """
        stored = self.state.schema["network"]
        if "module" in stored:
            raise NotSupported(f"the network {stored['module']!r} is code of its user's; it is no graph")
        return Graph.from_json(stored)

    def use_module(self, module: Any) -> None:
        """Give the code of a network that its user wrote (see the parameter `network_module`)."""
        self.module = module
        self.__dict__.pop("net", None)
        _ = self.net

    def layers(self, *, threads: int = 1) -> list[str]:
        """Names of the layers that `deepfeatures` can give, in the order of computation."""
        return self.net.layers()

    # -- predictions ------------------------------------------------------------------------------------------------

    def scorer(self) -> Scorer:
        """What scoring needs besides the rows."""
        prior, balanced = (self.output[k] for k in ("prior_class_distrib", "model_class_distrib"))
        return Scorer(
            self.net,
            self.columns.pixels,
            self.response,
            self.category,
            dict(self.state.schema["metric_options"]),
            prior=None if balanced is None else np.array(prior),
            model_prior=None if balanced is None else np.array(balanced),
            custom=self.custom_metric,
        )

    def predict(self, frame: Frame, *, threads: int = 1) -> Frame:
        """Predictions in H2O's columns: ``predict``, and for classes one probability each.

        Rows without a usable image: see the parameter ``on_missing``; with ``skip`` their predictions are missing.
        """
        source = self._source(frame, threads)
        made = self.prediction_frame(self._answered(source, threads))
        bad = self._bad(source)
        if bad is None or self.actual.on_missing != "skip":
            return made
        keep = pl.Series(~bad)
        return Frame(made.data.select(pl.when(keep).then(pl.col(n)).alias(n) for n in made.names))

    def evaluate(self, answers: np.ndarray, frame: Frame) -> ModelMetrics:
        """Metrics of given predictions (see `answers`) for the rows of `frame`."""
        return self.scorer().metrics_of(answers, self.response.actual(frame), self._weights(frame))

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
            raise H2OTypeError(f"performance of a Deep Water model has no option {next(iter(options))!r}")
        began = time.time()
        actual = self.response.actual(frame, _warn)
        source, weights = self._source(frame, threads), self._weights(frame)
        answers = self._answered(source, threads)
        bad = self._bad(source)
        if bad is not None and self.actual.on_missing == "skip":
            answers, actual = answers[~bad], actual[~bad]
            weights = None if weights is None else weights[~bad]
        scorer = self.scorer()
        if auc_type is not None:
            scorer.options["auc_type"] = auc_type
        return scorer.metrics_of(answers, actual, weights).described(
            description="Metrics reported on the given frame",
            model_id=self.key,
            model_checksum=self.checksum,
            frame_id=frame_key,
            frame_checksum=frame_checksum(frame),
            scoring_time=int(began * 1000),
            duration_ms=round((time.time() - began) * 1000),
        )

    def deepfeatures(self, frame: Frame, *, layer: int | str, threads: int = 1) -> Frame:
        """Values of a layer for every row, float32, in columns ``DF.<layer>.C<i>`` (channels, height, width flattened).

        Parameters
        ----------
        layer : str or int
            A name of `layers`, or for the network of hidden layers the index of one, from 0.

        Raises
        ------
        NotFound
            There is no such layer; the message lists all.
        """
        name = self._layer(layer)
        source = self._source(frame, threads)
        with one_setting(threads):
            values = self.scorer().features(source, np.arange(source.nrow), name)
        self._bad(source)
        width = values.shape[1]
        values = values.astype(np.float64)
        return Frame(pl.DataFrame({f"DF.{name}.C{i + 1}": np.ascontiguousarray(values[:, i]) for i in range(width)}))

    def _layer(self, layer: int | str) -> str:
        if isinstance(layer, str) and not re.fullmatch(r"\d+", layer):
            return layer
        if isinstance(layer, bool) or not isinstance(layer, (int, str, np.integer)):
            raise H2OTypeError(f"layer must be the name of a layer; got {layer!r}")
        hidden = list(self.actual.hidden or ())
        if self.actual.network != "mlp":
            listed = "\n".join(self.layers())
            raise NotFound(f"layers of {self.actual.network} have names, no numbers; they are\n{listed}")
        if not 0 <= int(layer) < len(hidden):
            raise H2OValueError(f"layer must be between 0 and {len(hidden) - 1}; got {layer}")
        return self.net.hidden_layers()[int(layer)]

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _source(self, frame: Frame, threads: int) -> Source:
        image = self.columns.image
        if image is not None and image not in frame.names:
            raise NotFound(f"the frame has no column {image!r} of images")
        return self.columns.source(frame, _warn, root=self.actual.image_root, threads=threads)

    def _answers(self, frame: Frame, threads: int) -> np.ndarray:
        return self._answered(self._source(frame, threads), threads)

    def _answered(self, source: Source, threads: int) -> np.ndarray:
        with one_setting(threads):
            out = self.scorer().answers(source, np.arange(source.nrow))
        self._bad(source, say=True)
        return out

    def _bad(self, source: Source, *, say: bool = False) -> np.ndarray | None:
        """Rows whose image could not be read, once all were; None when there are none.

        Raises
        ------
        H2OValueError
            With ``on_missing='raise'``, when there are any.
        """
        report = "" if source.images is None else source.images.report()
        if not report:
            return None
        assert source.images is not None
        if self.actual.on_missing == "raise":
            raise H2OValueError(f"{report}; a model trained with on_missing='skip' or 'zeros' goes on")
        if say:
            _warn(report)
        return source.images.unusable()


def build_model(state: ModelState, key: str, params: DeepWaterParams | None = None) -> DeepWaterModel:
    """The model of a state; `params` are those it was just trained with, which may hold what no file can."""
    model = DeepWaterModel(state, key)
    if params is not None:
        model.custom_metric, model.module = params.custom_metric_func, params.network_module
    return model


def expected_arrays(state: Any) -> dict[str, ArraySpec]:
    """What the arrays of a model file must look like, from its manifest alone, which is checked first."""
    arrays, shape = check_manifest(state)
    learned = {name for name, spec in arrays.items() if spec.trainable}
    specs = {name: ArraySpec("F32", spec.shape) for name, spec in arrays.items()}
    for prefixes in PREFIXES.values():
        for prefix in prefixes:
            specs |= {f"{prefix}{name}": ArraySpec("F32", arrays[name].shape, optional=True) for name in learned}
    if state.schema["columns"]["mean_image"]:
        specs[MEAN_IMAGE] = ArraySpec("F32", shape)
    return specs


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)
