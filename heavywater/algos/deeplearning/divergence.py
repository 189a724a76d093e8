"""Divergence: which layer has run away, and which parameter to change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heavywater.core.mlp.inspect import LARGEST_BIAS, LARGEST_WEIGHT
from heavywater.core.mlp.layout import Network


def sick_layers(network: Network) -> str:
    """The layers whose weights or biases are not finite or beyond any sensible size, in words; empty: all are well."""
    layers = range(network.topology.layers)
    if not any(np.isfinite(network.W(l)).any() for l in layers):
        return "all layers, where no weight is a finite number any more"
    found = []
    for l in layers:
        parts = [("weights", network.W(l), LARGEST_WEIGHT), ("biases", network.b(l), LARGEST_BIAS)]
        faults = [f"{what} {fault}" for what, values, most in parts if (fault := _fault(values, most))]
        if faults:
            found.append(f"{_name(network, l)} ({', '.join(faults)})")
    return " and ".join(found)


def _fault(values: np.ndarray, most: float) -> str:
    v = values.astype(np.float64)
    if not np.isfinite(v).all():
        return f"not finite in {int((~np.isfinite(v)).sum())} of {v.size} places"
    if abs(v.mean()) > most or v.std() > most:
        return f"up to {np.abs(v).max():.2g}"
    return ""


def advice(p: Any) -> str:
    """What to change, with the values in force, the likeliest first."""
    out = []
    if not p.adaptive_rate:
        out.append(f"a smaller rate (now {p.rate:g})")
        if max(p.momentum_start, p.momentum_stable) > 0:
            out.append(f"a smaller momentum_stable (now {p.momentum_stable:g})")
    elif p.epsilon < 1e-10 or p.rho < 0.9:
        out.append(f"rho=0.99 and epsilon=1e-8 (now {p.rho:g} and {p.epsilon:g})")
    if p.initial_weight_distribution != "UniformAdaptive" and p.initial_weight_scale > 1:
        out.append(f"a smaller initial_weight_scale (now {p.initial_weight_scale:g})")
    if not p.standardize:
        out.append("standardize=True")
    if not p.activation.startswith("Tanh"):
        out.append(f"a bounded activation, activation='Tanh' (now {p.activation})")
        if math.isinf(p.max_w2) or p.max_w2 > 1e30:
            out.append("max_w2=10")
    if p.l1 == p.l2 == 0:
        out.append("l1 or l2 around 1e-5")
    if p.adaptive_rate:
        out.append("adaptive_rate=False with a smaller rate")
    return "; ".join(out)


def report(network: Network, before: Network | None, p: Any, epochs: float) -> str:
    """The whole sentence; `before` is the network of the last scoring, where the sick layer may still stand out."""
    where = sick_layers(network) or "its outputs, which are no longer finite numbers"
    text = f"the network became unstable after {epochs:.2f} epochs, in {where}"
    if before is not None:
        layers = range(before.topology.layers)
        largest = [float(np.abs(before.W(l)).max()) for l in layers]
        worst = int(np.argmax(largest))
        text += (
            f"; at the scoring before, the largest weights were those of {_name(before, worst)}, {largest[worst]:.2g}"
        )
    return f"{text}. What usually helps: {advice(p)}"


def _name(network: Network, layer: int) -> str:
    return f"hidden layer {layer + 1}" if layer < network.topology.layers - 1 else "the output layer"
