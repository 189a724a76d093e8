"""Scoring: from a frame through the network to predictions and metrics, in training and after it alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from heavywater import metrics as M
from heavywater.algos.deeplearning.custom import CustomMetric, custom_value
from heavywater.algos.deeplearning.response import Response
from heavywater.core.mlp import fast_forward, forward
from heavywater.core.mlp.fast_forward import Columns
from heavywater.core.mlp.layout import MAXOUT, Hyper, Inputs, Network
from heavywater.errors import UnstableModel
from heavywater.frame import Frame
from heavywater.frame.design import BLOCK, Design

_CACHE_BYTES = 512 << 20
"""Encoded inputs of a scoring set are kept up to this size; larger ones are encoded again at each scoring."""
_SMALLEST_DELTA = 1e-9
"""The Huber loss needs a quadratic part, however small."""


@dataclass(frozen=True)
class Scorer:
    """Everything but the weights that scoring needs.

    Attributes
    ----------
    design : Design
        Recipe for the inputs.
    response : Response or None
        The response; None for an autoencoder.
    hyper : Hyper
        Activation, kind of output, dropout ratios.
    category : str
        Binomial, Multinomial, Regression or AutoEncoder.
    options : dict
        Options of the metrics (distribution parameters, bins, ...).
    prior, model_prior : ndarray or None
        Class frequencies before and after balancing, to correct probabilities.
    threads : int
        Threads for the forward pass.
    custom : callable or None
        The user's own metric.
    exact : bool
        Whether sums have H2O's order, as those of exact training have; otherwise the fast forward pass is taken.
    """

    design: Design
    response: Response | None
    hyper: Hyper
    category: str
    options: dict[str, Any] = field(default_factory=dict)
    prior: np.ndarray | None = None
    model_prior: np.ndarray | None = None
    threads: int = 1
    custom: CustomMetric | None = None
    exact: bool = True

    @cached_property
    def zero(self) -> np.ndarray:
        """From where each input counts in the fast forward pass."""
        return self.design.zero()

    @property
    def by_columns(self) -> bool:
        """Whether the network takes its inputs from the columns of a frame."""
        return self.fast and self.category != "AutoEncoder"

    @cached_property
    def fast(self) -> bool:
        """Whether the fast forward pass is taken; it knows no Maxout units."""
        return not self.exact and self.hyper.activation != MAXOUT

    def encoded(self, frame: Frame) -> Iterator[Inputs | Columns]:
        """Inputs of a frame: its columns for the fast forward pass, else matrices of a block of rows at a time."""
        if self.by_columns:
            yield self.design.columns(frame)
            return
        for start in range(0, max(frame.nrow, 1), BLOCK):
            yield self.design.encode(frame.slice(start, BLOCK), training=False)

    def outputs(
        self,
        network: Network,
        inputs: Inputs | Columns,
        offsets: np.ndarray | None = None,
        mean_activation: np.ndarray | None = None,
    ) -> np.ndarray:
        """Network outputs, float64 ``(n, units)``: corrected probabilities, linear outputs or reconstructions."""
        common: dict[str, Any] = {"offsets": offsets, "threads": self.threads}
        if self.fast and mean_activation is None:
            out = fast_forward.predict(network, self.hyper, inputs, zero=self.zero, **common)
        else:
            out = forward.predict(network, self.hyper, inputs, mean_activation=mean_activation, **common)
        if self.prior is not None and self.model_prior is not None:
            factor = np.where((self.prior > 0) & (self.model_prior > 0), self.prior / self.model_prior, 1.0)
            out = out * factor
            out /= out.sum(axis=1, keepdims=True)
        return out

    def hidden(self, network: Network, inputs: Inputs | Columns, layer: int) -> np.ndarray:
        """Activations of hidden layer `layer` (0-based), float64 ``(n, units)``."""
        if self.fast:
            return fast_forward.hidden_activations(
                network, self.hyper, inputs, layer, zero=self.zero, threads=self.threads
            )
        return forward.hidden_activations(network, self.hyper, inputs, layer, threads=self.threads)

    def squared_errors(
        self, network: Network, inputs: Inputs | Columns, mean_activation: np.ndarray | None = None
    ) -> np.ndarray:
        """Squared reconstruction errors of an autoencoder in scaled space, float64 ``(n, inputs)``."""
        assert isinstance(inputs, Inputs)
        out = self.outputs(network, inputs, mean_activation=mean_activation)
        return (out - expand(inputs, self.design.width)) ** 2

    def metrics(self, network: Network, rows: ScoringSet) -> M.ModelMetrics:
        """Metrics on a scoring set."""
        if self.category == "AutoEncoder":
            # in H2O the scoring passes too move the running mean activations of a sparse autoencoder
            mean = network.mean_activation if self.hyper.h2o and len(network.mean_activation) else None
            errors = [self.squared_errors(network, b, mean).mean(axis=1) for b in rows.blocks(self)]
            found: M.ModelMetrics = M.autoencoder(
                self._finite(np.concatenate(errors)), None if self.hyper.h2o else rows.weights
            )
            return found
        return self.metrics_of(self.answers_on(network, rows), rows.actual, rows.weights)

    def answers_on(self, network: Network, rows: ScoringSet) -> np.ndarray:
        """Predictions (see `answers`) of a supervised network for a scoring set."""
        parts, start = [], 0
        for b in rows.blocks(self):
            offsets = None if rows.offsets is None else rows.offsets[start : start + b.nrow]
            parts.append(self.outputs(network, b, offsets))
            start += b.nrow
        return self.answers(self._finite(np.concatenate(parts)))

    def huber_delta(self, network: Network, rows: ScoringSet) -> float:
        """The `huber_alpha` quantile of the absolute errors on a scoring set, in units of the network's output."""
        assert self.response is not None
        predicted = self.answers_on(network, rows)[:, 0]
        known = ~np.isnan(rows.actual)
        if rows.weights is not None:
            known &= rows.weights > 0
        weights = None if rows.weights is None else rows.weights[known]
        delta = M.huber_delta(rows.actual[known], predicted[known], self.options["huber_alpha"], weights)
        return max(delta * (self.response.mul or 1.0), _SMALLEST_DELTA)

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs as predictions: probabilities ``(n, classes)``, or numbers in the response's units ``(n, 1)``."""
        if self.category != "Regression":
            return outputs
        assert self.response is not None
        return self.response.predictions(outputs)[:, None]

    def metrics_of(self, answers: np.ndarray, actual: np.ndarray, weights: np.ndarray | None) -> M.ModelMetrics:
        """Metrics of a supervised model from its predictions (see `answers`)."""
        assert self.response is not None
        return measured(self.category, self.response, self.options, answers, actual, weights, self.custom)

    @staticmethod
    def _finite(values: np.ndarray) -> np.ndarray:
        if not np.isfinite(values).all():
            raise UnstableModel("the network's outputs are no longer finite numbers")
        return values


def measured(
    category: str,
    response: Response,
    options: Mapping[str, Any],
    answers: np.ndarray,
    actual: np.ndarray,
    weights: np.ndarray | None = None,
    custom: CustomMetric | None = None,
) -> M.ModelMetrics:
    """Metrics of any supervised model.

    Parameters
    ----------
    category : str
        Binomial, Multinomial or Regression.
    response : Response
    options : mapping
        See `heavywater.algos.deeplearning.data.metric_options`.
    answers : ndarray of float64
        Probabilities ``(n, classes)`` or numbers ``(n, 1)``.
    actual : ndarray
        Class indices (-1 is missing) or numbers (NaN is missing), ``(n,)``.
    weights : ndarray of float64, optional
        Observation weights ``(n,)``.
    custom : callable, optional
        The user's own metric.
    """
    predicted = answers[:, 0] if category == "Regression" else answers
    own = None if custom is None else custom_value(custom, actual, predicted, weights)
    common: dict[str, Any] = {"weights": weights, "custom": own, "compat": options["compat"]}
    if category == "Regression":
        common |= {k: options[k] for k in ("tweedie_power", "quantile_alpha", "huber_alpha")}
        return M.regression(actual, predicted, distribution=response.distribution, **common)
    domain = list(response.levels or ())
    if category == "Binomial":
        return M.binomial(actual, answers[:, 1], domain=domain, gainslift_bins=options["gainslift_bins"], **common)
    common |= {k: options[k] for k in ("auc_type", "max_hit_ratio_k")}
    return M.multinomial(actual, answers, domain=domain, **common)


@dataclass
class ScoringSet:
    """Rows that are scored again and again during training."""

    frame: Frame
    actual: np.ndarray
    weights: np.ndarray | None = None
    offsets: np.ndarray | None = None
    description: str = ""
    _kept: list[Inputs | Columns] | None = None

    def blocks(self, scorer: Scorer) -> Iterator[Inputs | Columns]:
        if self._kept is not None:
            yield from self._kept
            return
        design = scorer.design
        size = self.frame.nrow * (8 * len(design.nums) + 4 * len(design.cats))
        keep = scorer.by_columns or size <= _CACHE_BYTES
        kept: list[Inputs | Columns] = []
        for block in scorer.encoded(self.frame):
            if keep:
                kept.append(block)
            yield block
        if keep:
            self._kept = kept


def expand(inputs: Inputs, width: int) -> np.ndarray:
    """The full input vectors, float64 ``(n, width)``."""
    n = inputs.nrow
    x = np.zeros((n, width))
    for i in range(inputs.slots.shape[1]):
        rows = np.nonzero(inputs.slots[:, i] >= 0)[0]
        np.add.at(x, (rows, inputs.slots[rows, i]), 1.0)
    if inputs.dense.shape[1]:
        x[:, inputs.num_start :] = inputs.dense
    elif len(inputs.values):
        rows = np.repeat(np.arange(n), np.diff(inputs.indptr))
        x[rows, inputs.num_start + inputs.indices] = inputs.values
    return x
