"""Reads a golden run of H2O and builds the network inputs from its arrays, with nothing but numpy."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from heavywater.core.hashing import murmur2_slot
from heavywater.core.mlp import forward, init, layout, serial
from heavywater.core.sampling import balance_rows, general_weights, iteration_rows

DEFAULT_SEED = -1


def welford(x: np.ndarray) -> tuple[float, float]:
    """Streaming mean and standard deviation in row order."""
    mean = m2 = 0.0
    n = 0
    for v in x.tolist():
        if math.isnan(v):
            continue
        n += 1
        d = v - mean
        mean += d / n
        m2 += d * (v - mean)
    return mean, math.sqrt(m2 / (n - 1)) if n > 1 else 0.0


@dataclass
class Golden:
    """One configuration of the reference: parameters, arrays, and what follows from them."""

    folder: Path
    params: dict[str, Any] = field(init=False)
    arrays: dict[str, np.ndarray] = field(init=False)
    model: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.meta = json.loads((self.folder / "params.json").read_text())
        self.output = json.loads((self.folder / "output.json").read_text())
        with np.load(self.folder / "arrays.npz") as z:
            self.arrays = {k: z[k] for k in z.files}
        self.model = self.output["final"]["model"]
        actual = self.model["resolved_parameters"]
        self.given = {k: v["input"] for k, v in actual.items()}
        self.actual = {k: v["actual"] for k, v in actual.items()}
        self.params = self.meta["params"]
        self.prepare()

    def prepare(self) -> None:
        p = self.actual
        response = self.meta["y"]
        special = {response, self.meta.get("weights_column"), self.meta.get("offset_column")}
        special |= {self.meta.get("fold_column")}
        special.discard(None)
        domains = {c["name"]: c["domain"] for c in self.output["frames"]["train"]["columns"]}
        cols = {k.removeprefix("train.col."): v for k, v in self.arrays.items() if k.startswith("train.col.")}
        names = [n for n in self.model["names"] if n not in special]
        self.autoencoder = bool(p["autoencoder"])
        cats = [n for n in names if domains[n]]
        nums = [n for n in names if not domains[n]]
        assert names == cats + nums
        self.n = len(next(iter(cols.values())))
        all_levels = bool(p["use_all_factor_levels"])
        slots, start = [], 0
        skip = np.zeros(self.n, bool)
        self.na_slots = []
        for c in cats:
            k = len(domains[c])
            code = cols[c].astype(np.int64)
            na = start + (k if all_levels else k - 1)
            slot = code + start if all_levels else np.where(code == 0, -1, code - 1 + start)
            slots.append(np.where(code < 0, na if all_levels else na - 1, slot))
            skip |= code < 0
            start = na + 1
            self.na_slots.append(na)
        self.slots = np.array(slots, np.int32).T.reshape(self.n, len(cats)).copy()
        self.num_start = start
        if p["max_categorical_features"] < start:
            buckets = p["max_categorical_features"]
            table = np.array([murmur2_slot(j, p["seed"], buckets) for j in range(start)])
            self.slots = np.where(self.slots < 0, -1, table[np.maximum(self.slots, 0)]).astype(np.int32)
            self.num_start = buckets
        weights = cols.get(self.meta.get("weights_column"))
        dense = np.zeros((self.n, len(nums)))
        for j, c in enumerate(nums):
            x = cols[c].astype(np.float64)
            mean, sd = welford(x)
            skip |= np.isnan(x)
            x = np.where(np.isnan(x), mean, x)
            sub, mul = mean, 1 / sd if sd > 0 else 1.0
            if weights is not None and not self.meta.get("offset_column") and not self.autoencoder:
                sub, mul = self.weighted(cols[c].astype(np.float64), weights)
            if self.autoencoder:
                lo, hi = np.nanmin(cols[c]), np.nanmax(cols[c])
                mul = 1 / (hi - lo) if hi > lo else 1.0
            if p["sparse"] and not self.autoencoder:
                sub = 0.0
            dense[:, j] = (x - sub) * mul if p["standardize"] else x
        self.dense = dense
        if p["sparse"] and cats:
            # Seen in H2O's sparse training: a row with a zero among its numbers loses the first input.
            short = (dense == 0).any(axis=1)
            self.slots[short & (self.slots[:, 0] == 0), 0] = -1
        self.missing = skip.copy()
        if p["missing_values_handling"] != "Skip":
            skip[:] = False
        self.weights = weights if weights is not None and general_weights(weights) else None
        if weights is not None:
            skip |= weights == 0
        self.skip = skip
        self.response(cols, domains, weights, response)
        self.rows_total = self.n
        self.training_rows = self.n
        if weights is not None and self.weights is None:
            self.training_rows = math.floor(self.n * weights.mean() + 0.5)
        self.pick = np.arange(self.n)
        if p["balance_classes"]:
            self.pick = balance_rows(
                self.targets.astype(np.int64),
                self.nclasses,
                factors=p["class_sampling_factors"],
                max_relative_size=p["max_after_balance_size"],
                seed=p["seed"],
            )
            self.training_rows = self.rows_total = len(self.pick)

    @staticmethod
    def weighted(x: np.ndarray, w: np.ndarray) -> tuple[float, float]:
        ok = ~np.isnan(x) & (w != 0)
        n = int(ok.sum())
        mean = float(np.sum(w[ok] * x[ok]) / np.sum(w[ok]))
        var = n / (n - 1) * float(np.sum(w[ok] * (x[ok] - mean) ** 2) / np.sum(w[ok]))
        return mean, 1 / math.sqrt(var) if var > 0 else 1.0

    def response(self, cols: dict, domains: dict, weights: Any, name: str) -> None:
        self.nclasses = 0
        self.targets = np.zeros(0)
        self.offsets = None
        if self.autoencoder:
            return
        y = cols[name]
        if domains[name]:
            self.nclasses = len(domains[name])
            self.targets = y.astype(np.float64)
            self.skip = self.skip | (y < 0)
            return
        y = y.astype(np.float64)
        self.skip = self.skip | np.isnan(y)
        sub, mul = 0.0, 1.0
        if self.actual["standardize"] and self.actual["distribution"] not in ("poisson", "gamma", "tweedie"):
            mean, sd = welford(y)
            sub, mul = mean, 1 / sd
            if weights is not None and not self.meta.get("offset_column"):
                sub, mul = self.weighted(y, weights)
        self.targets = (y - sub) * mul
        self.resp = (sub, mul)
        if self.meta.get("offset_column"):
            o = cols[self.meta["offset_column"]].astype(np.float64)
            self.offsets = np.where(o > 0, (o - sub) * mul, 0.0)

    @property
    def topology(self) -> layout.Topology:
        width = self.num_start + self.dense.shape[1]
        out = width if self.autoencoder else (self.nclasses or 1)
        maxout = self.actual["activation"].startswith("Maxout")
        return layout.Topology([width, *self.actual["hidden"], out], maxout)

    def hyper(self, h2o: bool = True) -> layout.Hyper:
        p = self.actual
        if self.nclasses:
            loss = layout.QUADRATIC if p["loss"] == "Quadratic" else layout.CROSSENTROPY
            output = layout.SOFTMAX
        else:
            loss = layout.DISTRIBUTIONS[p["distribution"]]
            output = layout.AUTOENCODER if self.autoencoder else layout.LINEAR
        same = ("rho", "epsilon", "rate", "rate_annealing", "rate_decay", "momentum_start", "momentum_ramp")
        same += ("momentum_stable", "l1", "l2", "fast_mode", "sparsity_beta", "average_activation", "quantile_alpha")
        same += ("tweedie_power", "seed", "activation")
        w2 = p["max_w2"]
        return layout.hyper(
            output=output,
            loss=loss,
            adaptive=p["adaptive_rate"],
            nesterov=p["nesterov_accelerated_gradient"],
            input_dropout=p["input_dropout_ratio"],
            hidden_dropout=p["hidden_dropout_ratios"] or (),
            max_w2=np.inf if w2 == "Infinity" else float(w2),
            h2o=h2o,
            **{k: p[k] for k in same},
        )

    def inputs(self) -> layout.Inputs:
        x = layout.Inputs.from_dense(self.dense)._replace(slots=self.slots, num_start=self.num_start)
        return x.take(self.pick)

    def initial(self) -> layout.Network:
        p = self.actual
        net = init.initialise(
            self.topology,
            distribution=p["initial_weight_distribution"],
            scale=p["initial_weight_scale"],
            seed=p["seed"],
            classifier=bool(self.nclasses),
            activation=p["activation"],
        )
        for i in range(self.topology.layers):
            w, b = (self.folder / f"initial_{k}_{i}.csv" for k in ("weights", "biases"))
            if w.exists() and b.exists():
                net.W(i)[:] = np.loadtxt(w, delimiter=",", skiprows=1, ndmin=2)
                net.b(i)[:] = np.loadtxt(b, delimiter=",", skiprows=1, ndmin=1).astype(np.float32)
        return net

    def samples_trained(self) -> int:
        table = self.model["scoring_history"]
        return int(max(v for v in table["data"][table["columns"].index("samples")] if v is not None))

    def train(self, h2o: bool = True, after_iteration: Any = None, slices: int = 1) -> layout.Network:
        net, h, x = self.initial(), self.hyper(h2o), self.inputs()
        p = self.actual
        seed = p["seed"]
        targets = self.targets[self.pick] if len(self.targets) else self.targets
        offsets = None if self.offsets is None else self.offsets[self.pick]
        samples = p["train_samples_per_iteration"]
        auto = samples <= 0
        if auto:
            samples = self.training_rows
        else:
            samples = max(1, min(samples, math.floor(p["epochs"] * self.training_rows)))
        shuffle = p["shuffle_training_data"] or samples == self.training_rows
        done, iteration, end = 0, 0, self.samples_trained()
        if h.sparsity_beta > 0 and after_iteration is None:
            net.allocate(h)

            def after_iteration(net: layout.Network, h: layout.Hyper, x: layout.Inputs) -> None:
                # H2O's running means also move when it scores, which it does before training and after iterations.
                forward.predict(net, h, x, mean_activation=net.mean_activation)

        if after_iteration is not None:
            after_iteration(net, h, x)
        while done < end:
            iteration += 1
            rows, ids = iteration_rows(
                self.rows_total, samples, seed, done, iteration,
                shuffle=shuffle, skip=self.skip[self.pick], weights=self.weights,
            )  # fmt: skip
            memory, start = serial.working_memory(net), 0
            for part, seeds in zip(np.array_split(rows, slices), np.array_split(ids, slices)):
                start += serial.train(
                    net, h, x, targets, offsets, part, seeds, done, done=start, memory=memory
                )  # fmt: skip
            done += start
            if after_iteration is not None:
                after_iteration(net, h, x)
        assert done == end
        return net
