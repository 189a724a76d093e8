"""The numbers of a training: which activation, loss and optimiser, and their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

TANH, RECTIFIER, EXPRECTIFIER, MAXOUT = range(4)
SOFTMAX, LINEAR, AUTOENCODER = range(3)
CROSSENTROPY, QUADRATIC, GAUSSIAN, LAPLACE, QUANTILE, HUBER, POISSON, GAMMA, TWEEDIE = range(9)

ACTIVATIONS = {
    name + suffix: code
    for name, code in (("Tanh", TANH), ("Rectifier", RECTIFIER), ("ExpRectifier", EXPRECTIFIER), ("Maxout", MAXOUT))
    for suffix in ("", "WithDropout")
}
DISTRIBUTIONS = {
    "gaussian": GAUSSIAN,
    "laplace": LAPLACE,
    "quantile": QUANTILE,
    "huber": HUBER,
    "poisson": POISSON,
    "gamma": GAMMA,
    "tweedie": TWEEDIE,
}


class Hyper(NamedTuple):
    """All numbers that forward pass and training need; make one with `hyper`."""

    activation: int
    output: int
    loss: int
    adaptive: bool
    rho: float
    epsilon: float
    rate: float
    rate_annealing: float
    rate_decay: float
    momentum_start: float
    momentum_ramp: float
    momentum_stable: float
    nesterov: bool
    l1: float
    l2: float
    max_w2: float
    fast_mode: bool
    input_dropout: float
    hidden_dropout: np.ndarray
    sparsity_beta: float
    average_activation: float
    quantile_alpha: float
    tweedie_power: float
    huber_delta: float
    h2o: bool
    seed: int
    input_scale: float


def hyper(
    *,
    activation: str | int = "Rectifier",
    output: int = SOFTMAX,
    loss: int = CROSSENTROPY,
    adaptive: bool = True,
    rho: float = 0.99,
    epsilon: float = 1e-8,
    rate: float = 0.005,
    rate_annealing: float = 1e-6,
    rate_decay: float = 1.0,
    momentum_start: float = 0.0,
    momentum_ramp: float = 1e6,
    momentum_stable: float = 0.0,
    nesterov: bool = True,
    l1: float = 0.0,
    l2: float = 0.0,
    max_w2: float = 3.4028235e38,
    fast_mode: bool = True,
    input_dropout: float = 0.0,
    hidden_dropout: Sequence[float] | np.ndarray = (),
    sparsity_beta: float = 0.0,
    average_activation: float = 0.0,
    quantile_alpha: float = 0.5,
    tweedie_power: float = 1.5,
    huber_delta: float = 1.0,
    h2o: bool = False,
    seed: int = 0,
) -> Hyper:
    """Hyper-parameters with every number in the type that the kernels expect.

    Parameters
    ----------
    activation : str or int
        H2O's name, with or without ``WithDropout`` (only `hidden_dropout` decides about dropout), or a code.
    output : int
        ``SOFTMAX``, ``LINEAR`` or ``AUTOENCODER`` (the activation of the hidden layers).
    loss : int
        ``CROSSENTROPY`` or ``QUADRATIC`` for classes, else the code of the distribution.
    hidden_dropout : sequence of float
        One ratio per hidden layer; empty: no dropout.
    huber_delta : float
        Width of the quadratic part of the Huber loss, in units of the (standardised) response.
    h2o : bool
        Follow H2O-3 3.46 where it departs from its own documents: momentum never ramps and without Nesterov keeps
        only the last step, dropout masks are the same in all layers, dropped Tanh, ExpRectifier and Maxout units
        still learn, inputs are not scaled after input dropout, max_w2 of Maxout counts both channels together.
    seed : int
        Seed of the dropout masks.
    """
    code = ACTIVATIONS[activation] if isinstance(activation, str) else int(activation)
    signed = int(seed) % (1 << 64)
    return Hyper(
        activation=code,
        output=int(output),
        loss=int(loss),
        adaptive=bool(adaptive),
        rho=float(rho),
        epsilon=float(epsilon),
        rate=float(rate),
        rate_annealing=float(rate_annealing),
        rate_decay=float(rate_decay),
        momentum_start=float(momentum_start),
        momentum_ramp=float(momentum_ramp),
        momentum_stable=float(momentum_stable),
        nesterov=bool(nesterov),
        l1=float(l1),
        l2=float(l2),
        max_w2=float(max_w2),
        fast_mode=bool(fast_mode),
        input_dropout=float(input_dropout),
        hidden_dropout=np.ascontiguousarray(hidden_dropout, np.float64).reshape(-1),
        sparsity_beta=float(sparsity_beta),
        average_activation=float(average_activation),
        quantile_alpha=float(quantile_alpha),
        tweedie_power=float(tweedie_power),
        huber_delta=float(huber_delta),
        h2o=bool(h2o),
        seed=signed - (1 << 64) if signed >> 63 else signed,
        input_scale=1.0 if h2o else 1.0 - float(input_dropout),
    )
