"""Rules between the parameters of Deep Learning that need no data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from heavywater.params import Message, infos

if TYPE_CHECKING:
    from heavywater.algos.deeplearning.params import DeepLearningParams

REGRESSION_LOSSES = {"laplace": "Absolute", "quantile": "Quantile", "huber": "Huber"}
"""Distributions with a loss of their own."""
WITHOUT_LOSS = ("tweedie", "gamma", "poisson")
"""Distributions trained on their deviance."""

_NO_EFFECT_WHEN_ADAPTIVE = (
    "rate", "rate_annealing", "rate_decay", "momentum_start", "momentum_ramp", "momentum_stable",
)  # fmt: skip


def rules(p: DeepLearningParams) -> Iterator[Message]:
    """All problems, errors and warnings."""
    yield from _network(p)
    yield from _optimiser(p)
    yield from _batches(p)
    yield from _loss(p)
    yield from _autoencoder(p)
    yield from _data(p)
    if p.col_major:
        yield _error("col_major", "column-major weights are not supported any more; leave col_major out")
    if not p.diagnostics:
        yield Message("diagnostics", "warn", "Deprecated option: Diagnostics are always enabled.")
    if p.elastic_averaging:
        yield Message("elastic_averaging", "warn", "elastic_averaging averages between nodes; one node trains alone")
        if p.sparse:
            yield _error("elastic_averaging", "elastic_averaging cannot be used together with sparse")
        if not 0 <= p.elastic_averaging_moving_rate <= 1:
            yield _error("elastic_averaging_moving_rate", "elastic_averaging_moving_rate must be between 0 and 1")
        if p.elastic_averaging_regularization < 0:
            yield _error("elastic_averaging_regularization", "elastic_averaging_regularization must not be negative")


def _network(p: DeepLearningParams) -> Iterator[Message]:
    layers = len(p.hidden)
    ratios = p.hidden_dropout_ratios
    if ratios is not None:
        if not p.activation.endswith("WithDropout"):
            text = f"hidden_dropout_ratios needs an activation with dropout: {p.activation}WithDropout"
            yield _error("hidden_dropout_ratios", text)
        elif len(ratios) != layers:
            text = f"hidden_dropout_ratios needs one number per hidden layer: {layers}; got {len(ratios)}"
            yield _error("hidden_dropout_ratios", text)
    for name in ("initial_weights", "initial_biases"):
        frames = getattr(p, name)
        if frames is None:
            continue
        if len(frames) != layers + 1:
            text = f"{name} needs {layers + 1} entries, one per hidden layer and one for the output; got {len(frames)}"
            yield _error(name, text)
        if p.checkpoint is not None:
            yield _error("checkpoint", f"checkpoint brings its own weights; {name} cannot be given with it")
    if p.checkpoint is not None and (p.nfolds or p.fold_column is not None):
        yield _error("checkpoint", "checkpoint cannot be used with cross-validation")


def _optimiser(p: DeepLearningParams) -> Iterator[Message]:
    if not p.adaptive_rate:
        return
    for name in ("rho", "epsilon"):
        if getattr(p, name) == 0:
            yield _error(name, f"{name} must be > 0 with adaptive_rate")
    declared = infos(type(p))
    for name in _NO_EFFECT_WHEN_ADAPTIVE:
        if getattr(p, name) != declared[name].default:
            yield Message(name, "warn", f"{name} cannot be specified if adaptive_rate is enabled.")


def _loss(p: DeepLearningParams) -> Iterator[Message]:
    if p.distribution in ("quasibinomial", "ordinal", "custom"):
        yield _error("distribution", f"distribution {p.distribution} is not available for Deep Learning")
    own = REGRESSION_LOSSES.get(p.distribution)
    if own is not None and p.loss not in ("Automatic", own):
        yield _error("distribution", f"distribution {p.distribution} goes with loss Automatic or {own}; got {p.loss}")
    if p.distribution in WITHOUT_LOSS and p.loss != "Automatic":
        yield _error("distribution", f"distribution {p.distribution} goes with loss Automatic; got {p.loss}")
    if p.distribution == "gaussian" and p.loss in REGRESSION_LOSSES.values():
        text = f"loss {p.loss} has no effect: distribution gaussian means the squared error; leave distribution out"
        yield Message("loss", "warn", text)
    for name, distribution, loss in (("quantile_alpha", "quantile", "Quantile"), ("huber_alpha", "huber", "Huber")):
        used = p.distribution == distribution or (p.distribution == "AUTO" and p.loss == loss)
        if used and not 0 <= getattr(p, name) <= 1:
            yield _error(name, f"{name} must be between 0 and 1; got {getattr(p, name)}")


def _autoencoder(p: DeepLearningParams) -> Iterator[Message]:
    if not p.autoencoder:
        if p.sparsity_beta != 0:
            yield _error("sparsity_beta", "sparsity_beta is only for autoencoders")
        return
    if p.activation.startswith("Maxout"):
        yield _error("activation", f"activation {p.activation} is not available for autoencoders")
    if p.loss == "CrossEntropy":
        yield _error("loss", "loss CrossEntropy is for classification, not for autoencoders")
    if p.stopping_metric not in ("AUTO", "MSE"):
        text = f"stopping_metric must be AUTO or MSE for autoencoders; got {p.stopping_metric}"
        yield _error("stopping_metric", text)
    if p.categorical_encoding == "SortByResponse":
        text = "categorical_encoding SortByResponse needs a response, which autoencoders do not have"
        yield _error("categorical_encoding", text)
    if p.nfolds or p.fold_column is not None:
        name = "nfolds" if p.nfolds else "fold_column"
        yield _error(name, f"{name}: autoencoders cannot be cross-validated")
    if p.custom_metric_func is not None:
        yield _error("custom_metric_func", "custom_metric_func is not available for autoencoders")
    if p.pretrained_autoencoder is not None:
        yield _error("pretrained_autoencoder", "pretrained_autoencoder is for supervised models, not for autoencoders")
    if p.balance_classes:
        yield _error("balance_classes", "balance_classes is for classification, not for autoencoders")
    if p.sparsity_beta > 0:
        if p.activation.startswith("Rectifier"):
            if p.average_activation <= 0:
                text = f"average_activation must be > 0 for {p.activation}; got {p.average_activation}"
                yield _error("average_activation", text)
        elif not -1 < p.average_activation < 1:
            text = f"average_activation must be > -1 and < 1 for {p.activation}; got {p.average_activation}"
            yield _error("average_activation", text)


def _batches(p: DeepLearningParams) -> Iterator[Message]:
    if p.compat != "booklet" and p.mini_batch_size < 1:
        yield _error("mini_batch_size", "mini_batch_size must be >= 1 with compat='h2o-3.46'")


def _data(p: DeepLearningParams) -> Iterator[Message]:
    if p.categorical_encoding == "Enum":
        text = "categorical_encoding Enum leaves categories as they are; a network needs numbers"
        yield _error("categorical_encoding", text)
    if p.categorical_encoding == "OneHotExplicit":
        text = "categorical_encoding OneHotExplicit is refused; OneHotInternal does the same much faster"
        yield _error("categorical_encoding", text)
    if p.custom_metric_func is not None and not callable(p.custom_metric_func):
        text = "custom_metric_func must be a Python function f(actual, predicted, weights) that returns a number"
        yield _error("custom_metric_func", f"{text}; got {type(p.custom_metric_func).__name__}")
    if p.class_sampling_factors is not None and not p.balance_classes:
        yield _error("class_sampling_factors", "class_sampling_factors needs balance_classes")


def _error(field: str, text: str) -> Message:
    return Message(field, "error", text)
