"""Where training starts: random weights, given weights, an autoencoder's layers, or a model to continue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from heavywater.core.mlp.init import initialise
from heavywater.core.mlp.layout import MAXOUT, Network, Topology
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.params import Message

if TYPE_CHECKING:
    from heavywater.algos.base import TrainContext
    from heavywater.algos.deeplearning.data import TrainingData
    from heavywater.algos.deeplearning.model import DeepLearningModel

SHAPE = ("hidden", "autoencoder", "use_all_factor_levels", "max_categorical_features", "categorical_encoding")
"""What decides the shape of a network; a continued model keeps it."""

FIXED_IN_H2O = (
    "nfolds", "response_column", "ignored_columns", "ignore_const_cols", "use_all_factor_levels", "standardize",
    "activation",
    "hidden", "adaptive_rate", "rho", "epsilon", "rate", "rate_annealing", "rate_decay", "momentum_start",
    "momentum_ramp",
    "momentum_stable", "nesterov_accelerated_gradient", "autoencoder", "distribution", "quantile_alpha",
    "tweedie_power",
    "huber_alpha", "sparse", "col_major", "sparsity_beta", "max_categorical_features",
)  # fmt: skip
"""What H2O does not let a continued model change, compared as the user gave it."""


@dataclass
class Start:
    """State of a run before its first iteration; `best` is the best network of a run that was broken off."""

    network: Network
    processed: int = 0
    iterations: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    values: list[dict[str, float]] = field(default_factory=list)
    best: Network | None = None


def starting_point(ctx: TrainContext, data: TrainingData) -> Start:
    """The network to begin with, and for a continued model its counters and history."""
    p = data.params
    topology = Topology(data.units, maxout=data.hyper.activation == MAXOUT)
    if p.checkpoint is not None:
        start = _continued(checkpoint_of(ctx), topology)
        start.network.allocate(data.hyper)
        return start
    network = initialise(
        topology,
        distribution=p.initial_weight_distribution,
        scale=p.initial_weight_scale,
        seed=ctx.seed,
        classifier=data.category in ("Binomial", "Multinomial"),
        activation=data.hyper.activation,
    )
    if p.pretrained_autoencoder is not None:
        _copy_hidden_layers(network, _model(ctx, p.pretrained_autoencoder))
    if p.initial_weights is not None or p.initial_biases is not None:
        layers = range(topology.layers)
        given_w = _each(p.initial_weights, ctx.frames, topology.layers)
        given_b = _each(p.initial_biases, ctx.frames, topology.layers)
        for l, w, b in zip(layers, given_w, given_b):
            if w is not None:
                network.W(l)[:] = _matrix(w, network.W(l).shape, f"initial_weights[{l}]")
            if b is not None:
                network.b(l)[:] = _matrix(b, (topology.rows[l], 1), f"initial_biases[{l}]")[:, 0].astype(np.float32)
    network.allocate(data.hyper)
    return Start(network)


def _continued(model: DeepLearningModel, topology: Topology) -> Start:
    o = model.output
    network = model.network.copy()
    if network.topology != topology:
        raise H2OValueError(f"the checkpoint's network is {network.topology}, this one would be {topology}")
    table = model.table("scoring_history")
    rows = [] if table is None else [dict(zip(table.col_header, r)) for r in table.cell_values]
    values = [dict(v) for v in o["stopping_history"]]
    return Start(network, int(o["samples"]), int(o["iterations"]), rows, values, _best_of(model, network))


def _best_of(model: DeepLearningModel, network: Network) -> Network | None:
    arrays = model.state.arrays
    if "best_weights" not in arrays:
        return None
    best = network.copy()
    best.weights[:], best.biases[:] = arrays["best_weights"], arrays["best_biases"]
    return best


def checkpoint_of(ctx: TrainContext) -> DeepLearningModel:
    """The model that `checkpoint` names."""
    return _model(ctx, ctx.params.checkpoint)


def _model(ctx: TrainContext, which: Any) -> DeepLearningModel:
    assert ctx.models is not None
    found = ctx.models(which)
    if found.algo != "deeplearning":
        raise H2OValueError(f"{found.key!r} is a {found.algo} model; a Deep Learning model is needed")
    return found  # type: ignore[return-value]


def check_start(ctx: TrainContext) -> Iterator[Message]:
    """Problems of `checkpoint`, `pretrained_autoencoder`, `initial_weights` and `initial_biases`."""
    p = ctx.params
    if p.pretrained_autoencoder is not None:
        encoder = _model(ctx, p.pretrained_autoencoder)
        if encoder.category != "AutoEncoder":
            yield _error("pretrained_autoencoder", f"pretrained_autoencoder: {encoder.key!r} is not an autoencoder")
        if p.autoencoder:
            yield _error(
                "pretrained_autoencoder", "pretrained_autoencoder is for a model with a response, not an autoencoder"
            )
        if list(encoder.actual.hidden) != list(p.hidden):
            text = f"hidden must be that of the autoencoder, {list(encoder.actual.hidden)}; got {list(p.hidden)}"
            yield _error("pretrained_autoencoder", text)
    if p.checkpoint is None:
        return
    model = checkpoint_of(ctx)
    before = model.state.params
    fixed = SHAPE if p.compat == "booklet" else FIXED_IN_H2O
    for name in fixed:
        old, new = before.get(name), getattr(p, name, None)
        if _plain(old) != _plain(new):
            yield _error(
                name, f"Cannot change parameter: '_{name}': {old} -> {_plain(new)}; a continued model keeps it"
            )
    kinds = [str(a).removesuffix("WithDropout") for a in (before["activation"], p.activation)]
    if kinds[0] != kinds[1]:
        yield _error(
            "activation",
            f"a continued model keeps its activation {kinds[0]} (with or without dropout); got {p.activation}",
        )
    if model.response is not None and ctx.y != model.response.name:
        yield _error("response_column", f"the checkpoint predicts {model.response.name!r}; got {ctx.y!r}")
    missing = [c for c in model.design.names if c not in ctx.train.names]
    if missing:
        yield _error(
            "training_frame",
            f"the checkpoint's columns {', '.join(map(repr, missing[:5]))} are not in the training frame",
        )
    if model.response is not None and model.response.levels is not None and ctx.y in ctx.train.names:
        new_levels = set(ctx.train.levels(str(ctx.y)) or ()) - set(model.response.levels)
        if new_levels:
            yield _error(
                "response_column",
                f"the response has classes that the checkpoint does not know: {sorted(new_levels)[:5]}",
            )
    trained = float(model.output["epochs"])
    if p.epochs <= trained:
        text = f"epochs counts from the very beginning and must exceed the {trained:g} epochs that are trained already"
        yield _error("epochs", f"{text}; got {p.epochs:g}")


def _copy_hidden_layers(network: Network, encoder: DeepLearningModel) -> None:
    """All layers but the output's (booklet section 7.2.2)."""
    for l in range(network.topology.layers - 1):
        ours, theirs = network.W(l), encoder.network.W(l)
        if ours.shape != theirs.shape:
            raise H2OValueError(
                f"pretrained_autoencoder: layer {l + 1} has {theirs.shape[1]} inputs and {theirs.shape[0]} units "
                f"there, here {ours.shape[1]} and {ours.shape[0]}; use the same columns, ignore_const_cols and "
                "use_all_factor_levels"
            )
        ours[:] = theirs
        network.b(l)[:] = encoder.network.b(l)


def _each(given: Any, frames: Callable[[Any], Frame] | None, layers: int) -> Sequence[Frame | None]:
    assert frames is not None
    return [None] * layers if given is None else [None if g is None else frames(g) for g in given]


def _matrix(frame: Frame, shape: tuple[int, ...], what: str) -> np.ndarray:
    if (frame.nrow, frame.ncol) != shape:
        raise H2OValueError(
            f"{what} must have {shape[0]} rows and {shape[1]} columns; got {frame.nrow} and {frame.ncol}"
        )
    values = np.stack([frame.numeric(n) for n in frame.names], axis=1)
    if not np.isfinite(values).all():
        raise H2OValueError(f"{what} has missing or infinite values")
    return values


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def _error(name: str, text: str) -> Message:
    return Message(name, "error", text)
