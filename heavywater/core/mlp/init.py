"""Initial weights and biases."""

from __future__ import annotations

import math
from typing import Literal

from heavywater.core.mlp.layout import ACTIVATIONS, MAXOUT, RECTIFIER, Network, Topology
from heavywater.core.rng import Pcg, uniform_fill

LAYER_SEED = 0x0BAD5EED
Distribution = Literal["UniformAdaptive", "Uniform", "Normal"]


def initialise(
    topology: Topology,
    *,
    distribution: Distribution = "UniformAdaptive",
    scale: float = 1.0,
    seed: int,
    classifier: bool,
    activation: str | int,
) -> Network:
    """A network with random weights, the same ones as H2O's for the same seed.

    Parameters
    ----------
    topology : Topology
    distribution : str
        ``UniformAdaptive``: uniform in +-sqrt(6 / (inputs + units)), four times that in the last layer of a
        classifier (Glorot and Bengio 2010); ``Uniform``: in +-`scale`; ``Normal``: standard deviation `scale`.
    scale : float
    seed : int
    classifier : bool
    activation : str or int
        Rectifier and Maxout start with bias 0.5 in the first hidden layer and 1 in further ones, others with 0.

    Returns
    -------
    Network
    """
    code = ACTIVATIONS[activation] if isinstance(activation, str) else int(activation)
    net = Network(topology)
    t = topology
    for i in range(t.layers):
        w = net.weights[t.weight_offsets[i] : t.weight_offsets[i + 1]]
        rng = Pcg(seed + LAYER_SEED + i + 1)
        if distribution == "UniformAdaptive":
            r = math.sqrt(6.0 / (t.units[i] + t.units[i + 1]))
            factor = 4.0 if classifier and i == t.layers - 1 else 1.0
            uniform_fill(rng.state, -r, 2 * r, factor, w)
        elif distribution == "Uniform":
            uniform_fill(rng.state, -scale, 2 * scale, 1.0, w)
        elif distribution == "Normal":
            w[:] = [rng.next_gaussian() * scale for _ in range(len(w))]
        else:
            raise ValueError(f"unknown distribution of initial weights {distribution!r}")
        if i < t.layers - 1 and code in (RECTIFIER, MAXOUT):
            net.b(i)[:] = 0.5 if i == 0 else 1.0
    return net
