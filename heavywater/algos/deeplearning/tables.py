"""Tables of the report: status of neuron layers, variable importances, and the sentence above them."""

from __future__ import annotations

from typing import Any

import numpy as np

from heavywater.algos.deeplearning.data import TrainingData
from heavywater.core.mlp.inspect import gedeon_importance, layer_statistics
from heavywater.core.mlp.layout import Network
from heavywater.display.table import Table

_COLUMNS = [
    "layer", "units", "type", "dropout", "l1", "l2", "mean_rate", "rate_rms", "momentum", "mean_weight", "weight_rms",
    "mean_bias", "bias_rms",
]  # fmt: skip


def layers_table(data: TrainingData, network: Network, processed: int) -> Table:
    """The table "Status of Neuron Layers": one row per layer, the input layer first."""
    p, units = data.params, data.units
    kind = p.activation.removesuffix("WithDropout")
    hidden_type = kind + ("Dropout" if p.activation.endswith("WithDropout") else "")
    last = {"AutoEncoder": kind, "Regression": "Linear"}.get(data.category, "Softmax")
    ratios = list(p.hidden_dropout_ratios or [0.0] * len(p.hidden))
    single = set() if data.hyper.adaptive else {"mean_rate"}  # which H2O shows as float32
    rows: list[list[Any]] = [[1, units[0], "Input", 100.0 * p.input_dropout_ratio, *[None] * 9]]
    for l, numbers in enumerate(layer_statistics(network, data.hyper, processed)):
        s: dict[str, Any] = {**numbers}
        output = l == len(units) - 2
        rows.append(
            [
                l + 2,
                units[l + 1],
                last if output else hidden_type,
                None if output else 100.0 * ratios[l],
                float(p.l1),
                float(p.l2),
                *(float(np.float32(s[c])) if c in single else float(s[c]) for c in _COLUMNS[6:]),
            ]
        )
    types = ["int", "int", "string"] + ["double"] * 10
    return Table("Status of Neuron Layers", _COLUMNS, types, rows, description=describe(data, network, processed))


def describe(data: TrainingData, network: Network, processed: int) -> str:
    """What is predicted, how, with how large a network after how many rows."""
    p, r = data.params, data.response
    if r is None:
        task = "auto-encoder"
    else:
        task = f"predicting {r.name}, " + ("regression" if r.levels is None else f"{r.nclasses}-class classification")
    size = network.topology.size
    return (
        f"{task}, {p.distribution} distribution, {p.loss} loss, {size:,} weights/biases, {_bytes(network)}, "
        f"{processed:,} training samples, mini-batch size {p.mini_batch_size:,}"
    )


def _bytes(network: Network) -> str:
    total = float(sum(a.nbytes for a in network.arrays().values()))
    for unit in ("B", "KB", "MB"):
        if total < 1024:
            return f"{total:.1f} {unit}"
        total /= 1024
    return f"{total:.1f} GB"


def importances_table(data: TrainingData, network: Network) -> Table:
    """Variable importances by Gedeon's method, most important first (Gedeon 1997; booklet section 6.3.1)."""
    v = gedeon_importance(network, h2o=data.hyper.h2o).astype(np.float64)
    if not data.design.buckets:
        for slot, seen in zip(data.design.na_slots(), data.na_seen):
            if not seen:
                v[slot] = 0.0
    order = np.argsort(-v, kind="stable")
    names, top, total = data.design.coefficient_names(), v.max() or 1.0, v.sum() or 1.0
    rows = [[names[i], float(v[i]), float(v[i] / top), float(v[i] / total)] for i in order]
    columns = ["variable", "relative_importance", "scaled_importance", "percentage"]
    return Table("Variable Importances", columns, ["string", "double", "double", "double"], rows)
