"""Scores a heavywater Deep Learning model with nothing but numpy: this file and the model file are all it takes.

    python reader.py model.hw data.csv > predictions.csv

or ``Scorer("model.hw").predict({"age": [31, None], "sex": ["f", "m"]})``.  Golden rows in the file are checked at loading.
"""

from __future__ import annotations

import csv
import json
import math
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1"}


class Scorer:
    """A model read from the file `path`, or given as its `parts`: schema, output and arrays."""

    def __init__(self, path: str, parts: tuple[dict[str, Any], Mapping[str, Any], Mapping[str, Any]] | None = None) -> None:
        schema, self.output, self.arrays = parts or _parts(path)
        actual = {k: v["actual"] for k, v in self.output["parameters"].items()}
        if actual["offset_column"]:
            raise ValueError("this model needs an offset for every row, which this program cannot be given")
        self.design, self.encoding, self.response = schema["design"], schema["encoding"], schema["response"]
        self.units, self.category = schema["units"], self.output["model_category"]
        self.activation = actual["activation"].removesuffix("WithDropout")
        self.keep = [1.0 - r for r in actual["hidden_dropout_ratios"] or [0.0] * (len(self.units) - 2)]
        self.input_scale = 1.0 - actual["input_dropout_ratio"] if actual["compat"] == "booklet" else 1.0
        e, d = self.encoding, self.design
        self.columns: list[str] = e["columns"] if e else [*d["cats"], *d["nums"]]
        self.levels: dict[str, list[str]] = e["levels"] if e else dict(zip(d["cats"], d["levels"]))
        golden = self.output.get("golden")
        if golden and not np.allclose(self.answers(golden["rows"]), np.array(golden["answers"]), 1e-9, 1e-12):
            raise ValueError(f"{path} does not score its golden rows as it says: damaged, or not fit for this program")

    def predict(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, np.ndarray]:
        """Predictions for columns of equal length by name; None, NaN and levels never seen are missing values."""
        out = self.answers(rows)
        if self.category == "AutoEncoder":
            return {f"reconstr_{n}": out[:, i] for i, n in enumerate(self.input_names())}
        if self.category == "Regression":
            return {"predict": out[:, 0]}
        domain, label = self.response["levels"], out.argmax(axis=1)
        if self.category == "Binomial":  # lowered a little: the threshold is the exact probability of some row
            label = (out[:, 1] >= self.output["default_threshold"] * (1.0 - 1e-12)).astype(int)
        digits = ["p" + v if v.removeprefix("-").isdecimal() else v for v in domain]
        return {"predict": np.array(domain, object)[label], **{n: out[:, i] for i, n in enumerate(digits)}}

    def answers(self, rows: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """Probabilities, numbers or reconstructions, float64 ``(rows, outputs)``."""
        out = self._network(self.inputs(rows))
        d, r = self.design, self.response
        if self.category == "AutoEncoder":
            if d["mul"]:
                start = self.units[0] - len(d["nums"])
                out[:, start:] = out[:, start:] / np.array(d["mul"]) + np.array(d["sub"])
            return out
        if self.category == "Regression":
            f = out if r["mul"] is None or r["sub"] is None else out / r["mul"] + r["sub"]
            with np.errstate(over="ignore"):
                return np.minimum(1e19, np.exp(f)) if r["distribution"] in ("poisson", "gamma", "tweedie") else f
        prior, balanced = self.output["prior_class_distrib"], self.output["model_class_distrib"]
        if prior is not None and balanced is not None:
            out = out * [p / m if p > 0 and m > 0 else 1.0 for p, m in zip(prior, balanced)]
            out /= out.sum(axis=1, keepdims=True)
        return out

    def input_names(self) -> list[str]:
        """Names of the network's inputs."""
        d, skip = self.design, 0 if self.design["all_levels"] else 1
        if d["buckets"]:
            return [*(f"bucket.{i}" for i in range(d["buckets"])), *d["nums"]]
        blocks = zip(d["cats"], d["levels"])
        return [*(f"{c}.{v}" for c, lev in blocks for v in (*lev[skip:], "missing(NA)")), *d["nums"]]

    def inputs(self, rows: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """The network's inputs, float64 ``(rows, inputs)``."""
        d, n = self.design, max((len(v) for v in rows.values()), default=0)
        table = self._encoded({c: rows.get(c, [None] * n) for c in self.columns})
        x, every, start = np.zeros((n, self.units[0])), np.arange(n), 0
        for name, levels in zip(d["cats"], d["levels"]):
            size = len(levels) + (1 if d["all_levels"] else 0)
            slot = _codes(table[name], levels) - (0 if d["all_levels"] else 1)
            slot = np.where(slot == (-1 if d["all_levels"] else -2), size - 1, slot)
            where = np.arange(start, start + size)
            if d["buckets"]:
                where = np.array([_murmur(j, d["hash_seed"], d["buckets"]) for j in where.tolist()])
            np.add.at(x, (every[slot >= 0], where[slot[slot >= 0]]), 1.0)
            start += size
        start = d["buckets"] or start
        for j, name in enumerate(d["nums"]):
            v = np.array([math.nan if c is None or c == "" else float(c) for c in table[name]], float)
            sub, mul = (d["sub"][j], d["mul"][j]) if d["mul"] is not None else (0.0, 1.0)
            v = np.where(np.isfinite(v), v, d["mean"][j] if d["impute_when_scoring"] else sub)
            with np.errstate(over="ignore"):
                x[:, start + j] = (v - sub) * mul
        return x * self.input_scale

    def _encoded(self, table: dict[str, Sequence[Any]]) -> Mapping[str, Any]:
        e = self.encoding
        if e is None:
            return table
        out: dict[str, Any] = {}
        for name, cells in table.items():
            levels = e["levels"].get(name, [])
            code = _codes(cells, levels) if levels else None
            if code is None:
                out[name] = cells
            elif e["kind"] == "Binary":
                out |= {f"{name}:{b}": ((code + 1) >> b & 1).astype(float) for b in range(1 + int(math.log2(len(levels))))}
            elif name in e["values"]:
                out[f"{name}.Eigen" if e["kind"] == "Eigen" else name] = np.array([*e["values"][name], math.nan])[code]
            elif e["kind"] == "EnumLimited" and name in e["order"]:
                kept = [None if c < 0 else levels[c] if levels[c] in e["order"][name] else "other" for c in code]
                out[f"{name}.top_10_levels"] = kept
            else:
                out[name] = cells
        return out

    def _network(self, a: np.ndarray) -> np.ndarray:
        last = len(self.units) - 2
        with np.errstate(over="ignore", invalid="ignore"):
            for i in range(last + 1):
                w, b = self.arrays[f"W{i}"].astype(float), self.arrays[f"b{i}"]
                if self.activation == "Maxout" and i < last:
                    w, b = w.reshape(self.units[i + 1], self.units[i], 2), b.reshape(self.units[i + 1], 2)
                    a = np.maximum(a @ w[:, :, 0].T + b[:, 0], a @ w[:, :, 1].T + b[:, 1])
                else:
                    a = a @ w.T + b
                    if i < last or self.category == "AutoEncoder":
                        a = _activate(self.activation, a)
                if i < last:
                    a = a * self.keep[i]
            if self.category in ("Binomial", "Multinomial"):
                a = np.exp(a - a.max(axis=1, keepdims=True)) if len(a) else a
                a = a / a.sum(axis=1, keepdims=True)
        return a


def _parts(path: str) -> tuple[dict[str, Any], Mapping[str, Any], Mapping[str, Any]]:
    with open(path, "rb") as stream:
        data = stream.read()
    length = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else -1
    if not 2 <= length <= len(data) - 8:
        raise ValueError(f"{path} is not a heavywater model file, or it is cut short")
    manifest = json.loads((head := json.loads(data[8 : 8 + length])).pop("__metadata__")["manifest"], object_hook=_plain)
    if manifest["algo"] != "deeplearning":
        raise ValueError(f"{path} holds a {manifest['algo']} model; this program scores deeplearning only")
    arrays = {}
    for name, entry in head.items():
        part = slice(*(8 + length + n for n in entry["data_offsets"]))
        arrays[name] = np.frombuffer(data[part], _DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return manifest["schema"], manifest["output"], arrays


def _activate(kind: str, z: np.ndarray) -> np.ndarray:
    if kind == "Tanh":
        return 1.0 - 2.0 / (1.0 + np.exp(2.0 * z))
    return np.where(z >= 0, z, 0.0 if kind == "Rectifier" else np.exp(np.minimum(z, 0.0)) - 1.0)


def _codes(cells: Sequence[Any], levels: Sequence[str]) -> np.ndarray:
    """Index of each cell's level, -1 where there is none; whole numbers are looked up without their decimal point."""
    index = dict(zip(levels, range(len(levels))))
    texts = [str(int(c)) if isinstance(c, (float, np.floating)) and c % 1 == 0 else str(c) for c in cells]
    return np.array([-1 if c is None else index.get(t, -1) for c, t in zip(cells, texts)], int)


def _murmur(j: int, seed: int, buckets: int) -> int:
    """MurmurHash2 of the four big-endian bytes of `j`, as H2O hashes levels."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    k = int.from_bytes(struct.pack(">I", j), "little") * m & mask
    h = (((seed & mask) ^ 4) * m ^ ((k ^ k >> 24) * m & mask)) & mask
    h = (h := (h ^ h >> 13) * m & mask) ^ h >> 15
    return abs(h - (1 << 32) if h >> 31 else h) % buckets


def _plain(d: dict[str, Any]) -> Any:
    if "$float" in d:
        return _FLOATS[d["$float"]]
    return {k[1:] if k.startswith("$$") else k: v for k, v in d.items()}


if __name__ == "__main__":
    with open(sys.argv[2], newline="", encoding="utf-8") as table:
        names, *lines = csv.reader(table)
    result = Scorer(sys.argv[1]).predict({n: [v if v != "" else None for v in col] for n, col in zip(names, zip(*lines))})
    csv.writer(sys.stdout).writerows([list(result), *zip(*(v.tolist() for v in result.values()))])
