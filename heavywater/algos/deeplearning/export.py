"""A trained network as plain numbers, for the writers of other formats, and as the key-value pairs of a MOJO.

`Portable` is exact: it scores as the model does. A MOJO cannot say everything that it says; `mojo_parts` folds what it
can into weights, biases and scaling and refuses the rest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from heavywater.algos.deeplearning.model import DeepLearningModel
from heavywater.algos.deeplearning.response import IDENTITY_LINK
from heavywater.errors import NotSupported
from heavywater.frame.design import Design
from heavywater.frame.encoding import Encoding

MOJO_VERSION = "1.10"
MOJO_ENCODINGS = ("Binary", "Eigen", "LabelEncoder", "SortByResponse")
_EXACT, _FOLDED = 1e-13, 1e-6
"""How far the threshold of two classes is lowered, relatively: the max-F1 threshold is the probability of some row, and
rounding elsewhere must not push that row to the other side."""


@dataclass(frozen=True)
class Portable:
    """Everything that scoring needs.

    Attributes
    ----------
    name : str
        Name of the model.
    category : str
        Binomial, Multinomial, Regression or AutoEncoder.
    design : Design
        Recipe for the inputs.
    encoding : Encoding or None
        What replaces categorical columns before.
    response : str or None
        Name of the response.
    classes : tuple of str or None
        Its levels.
    units : tuple of int
        Inputs, hidden units, outputs.
    activation : str
        Tanh, Rectifier, ExpRectifier or Maxout.
    weights : tuple of ndarray of float32
        Per layer ``(out, in)``; Maxout hidden layers hold ``2 * out * in`` numbers, channels interleaved.
    biases : tuple of ndarray of float64
        Per layer ``(out,)``, Maxout hidden layers ``(2 * out,)``.
    input_scale : float
        What all inputs are multiplied by (input dropout).
    keep : tuple of float
        What the activations of each hidden layer are multiplied by (hidden dropout).
    distribution : str
    response_mul, response_sub : float or None
        The output is ``(y - sub) * mul``.
    threshold : float
        Probability of the second of two classes from which on it is predicted.
    correction : tuple of float or None
        What each class's probability is multiplied by before they are made to add up to one (balanced classes).
    prior, balanced : tuple of float or None
        Class frequencies before and after balancing.
    """

    name: str
    category: str
    design: Design
    encoding: Encoding | None
    response: str | None
    classes: tuple[str, ...] | None
    units: tuple[int, ...]
    activation: str
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    input_scale: float
    keep: tuple[float, ...]
    distribution: str
    response_mul: float | None
    response_sub: float | None
    threshold: float
    prior: tuple[float, ...] | None
    balanced: tuple[float, ...] | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a frame to be scored must have."""
        return self.design.names if self.encoding is None else self.encoding.columns

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """Levels of the categorical ones among `columns`."""
        if self.encoding is not None:
            return dict(self.encoding.levels)
        return dict(zip(self.design.cats, self.design.levels))

    @property
    def correction(self) -> tuple[float, ...] | None:
        if self.prior is None or self.balanced is None:
            return None
        return tuple(p / m if p > 0 and m > 0 else 1.0 for p, m in zip(self.prior, self.balanced))

    @property
    def log_link(self) -> bool:
        """Whether the prediction is the exponential of the output."""
        return self.category == "Regression" and self.distribution not in IDENTITY_LINK

    def shifts(self) -> np.ndarray:
        """Scaled value of each number's replacement when it is missing, float64 ``(nums,)``."""
        d = self.design
        if not d.impute_when_scoring or not d.nums:
            return np.zeros(len(d.nums))
        sub = np.zeros(len(d.nums)) if d.sub is None else np.array(d.sub)
        mul = np.ones(len(d.nums)) if d.mul is None else np.array(d.mul)
        return (np.array(d.mean) - sub) * mul

    def uuid(self) -> int:
        """A number that identifies the model: equal models have equal ones."""
        h = hashlib.sha256(repr((self.name, self.design, self.encoding, self.classes, self.threshold)).encode())
        for a in (*self.weights, *self.biases):
            h.update(np.ascontiguousarray(a).tobytes())
        return int.from_bytes(h.digest()[:8], "little") >> 1


def portable(model: DeepLearningModel) -> Portable:
    """The scoring recipe of a model.

    Raises
    ------
    NotSupported
        When the model was trained with an offset: no exported scorer has a way to be given one.
    """
    p, o, r = model.actual, model.output, model.response
    if p.offset_column:
        raise NotSupported(
            f"offset_column: the model adds the offset {p.offset_column!r} to its output, and exported models cannot "
            "take an offset; score in Python, or train without offset_column"
        )
    layers = len(model.state.schema["units"]) - 1
    ratios = p.hidden_dropout_ratios or [0.0] * (layers - 1)
    prior, balanced = o["prior_class_distrib"], o["model_class_distrib"]
    return Portable(
        name=model.key,
        category=model.category,
        design=model.design,
        encoding=model.encoding,
        response=None if r is None else r.name,
        classes=None if r is None else r.levels,
        units=tuple(model.state.schema["units"]),
        activation=p.activation.removesuffix("WithDropout"),
        weights=tuple(np.asarray(model.state.arrays[f"W{i}"]) for i in range(layers)),
        biases=tuple(np.asarray(model.state.arrays[f"b{i}"]) for i in range(layers)),
        input_scale=model.scorer().hyper.input_scale,
        keep=tuple(1.0 - float(x) for x in ratios),
        distribution=p.distribution,
        response_mul=None if r is None else r.mul,
        response_sub=None if r is None else r.sub,
        threshold=0.5 if o["default_threshold"] is None else float(o["default_threshold"]),
        prior=None if prior is None else tuple(prior),
        balanced=None if balanced is None else tuple(balanced),
    )


def refuse_hashing(net: Portable, target: str) -> None:
    """Raise NotSupported when the levels of `net` share hashed inputs."""
    if net.design.buckets:
        raise NotSupported(
            f"max_categorical_features: {target} has no way to say how levels are hashed into "
            f"{net.design.buckets} inputs; use ONNX or the reader bundle, or train without max_categorical_features"
        )


# -- MOJO --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MojoParts:
    """Content of a MOJO: what stands in ``model.ini``, the levels, and further text files by name."""

    info: dict[str, object]
    columns: tuple[str, ...]
    domains: dict[int, tuple[str, ...]]
    texts: dict[str, tuple[str, ...]]


def mojo_parts(model: DeepLearningModel) -> MojoParts:
    """What a MOJO of the model says (specification 7.2).

    Raises
    ------
    NotSupported
        When the format cannot carry the model; the message names the parameter.
    """
    net = portable(model)
    refuse_hashing(net, "a MOJO")
    kind = None if net.encoding is None else net.encoding.kind
    if kind is not None and kind not in MOJO_ENCODINGS:
        raise NotSupported(
            f"categorical_encoding: a MOJO knows no {kind}; use ONNX or the reader bundle, or train with OneHotInternal"
        )
    net, slack = _folded(net)
    info: dict[str, object] = {
        "h2o_version": "3.46.0.7",
        "mojo_version": MOJO_VERSION,
        "license": "Apache License Version 2.0",
        "algo": "deeplearning",
        "algorithm": "Deep Learning",
        "endianness": "LITTLE_ENDIAN",
        "category": net.category,
        "uuid": net.uuid(),
        "supervised": net.response is not None,
        "n_features": len(net.design.names),
        "n_classes": len(net.classes or (1,)),
        "n_columns": len(net.design.names) + (net.response is not None),
    }
    texts: dict[str, tuple[str, ...]] = {}
    later: dict[str, object] = {"_genmodel_encoding": "AUTO"}
    if kind in ("Binary", "Eigen", "LabelEncoder"):
        assert net.encoding is not None
        later["_genmodel_encoding"] = kind
        names = (*net.columns, *([net.response] if net.response is not None else []))
        texts["_orig_names"] = names
        later["_n_orig_names"] = later["_n_orig_domain_values"] = len(names)
        for i, name in enumerate(names):
            levels = (net.classes or ()) if i == len(net.columns) else net.levels.get(name, ())
            later[f"_m_orig_domain_values_{i}"] = len(levels)
            if levels:
                texts[f"_orig_domain_values_{i}"] = levels
        later["_orig_projection_array"] = _projection(net)
    else:
        later["_orig_projection_array"] = None
    d = net.design
    levels_of = dict(enumerate(d.levels))
    if net.classes is not None:
        levels_of[len(d.names)] = net.classes
    classes = len(net.classes or ())
    info |= {
        "n_domains": len(levels_of),
        "balance_classes": net.balanced is not None,
        "default_threshold": net.threshold * (1.0 - slack) if classes == 2 else 0.5,
        "prior_class_distrib": list(net.prior or [1.0 / classes] * classes) if classes else None,
        "model_class_distrib": None if net.balanced is None else list(net.balanced),
        "timestamp": "1970-01-01T00:00:00.000Z",
        "escape_domain_values": True,
        "mini_batch_size": 1,
        "nums": len(d.nums),
        "cats": len(d.cats),
        "cat_offsets": np.array(d.cat_offsets),
        "norm_mul": None if d.mul is None else np.array(d.mul),
        "norm_sub": None if d.sub is None else np.array(d.sub),
        "norm_resp_mul": None if net.response_mul is None else np.array([net.response_mul]),
        "norm_resp_sub": None if net.response_sub is None else np.array([net.response_sub]),
        "use_all_factor_levels": d.all_levels,
        "activation": net.activation + ("WithDropout" if any(k != 1.0 for k in net.keep) else ""),
        "distribution": net.distribution,
        "mean_imputation": True,
    }
    if d.cats:
        info["cat_modes"] = np.array([len(v) if d.all_levels else len(v) - 1 for v in d.levels])
    info["neural_network_sizes"] = np.array(net.units)
    for i, (w, b) in enumerate(zip(net.weights, net.biases)):
        info[f"weight_layer{i}"] = w.reshape(-1)
        info[f"bias_layer{i}"] = b
    info["hidden_dropout_ratios"] = np.array([*(1.0 - k for k in net.keep), 0.0])
    columns = (*d.names, *([net.response] if net.response is not None else []))
    _check_text(columns, texts)
    return MojoParts(info | later, columns, levels_of, texts)


def _folded(net: Portable) -> tuple[Portable, float]:
    """The same network for a scorer that sets scaled missing numbers to 0 and does not scale inputs.

    What stands for a missing number moves into the biases of the first layer, the factor of input dropout into its
    weights (rounded to float32). Also returns by how much the threshold is to be lowered.
    """
    d, slack = net.design, _EXACT
    w, b = net.weights[0], net.biases[0]
    zero = _values_of_zero(net)
    if d.impute_when_scoring and net.category == "AutoEncoder" and np.any(net.shifts() != 0):
        raise NotSupported(
            "standardize: a MOJO scores a missing number of an autoencoder as 0 after scaling, this model as its mean; "
            "train with standardize=True, use ONNX or the reader bundle, or set compat='h2o-3.46'"
        )
    sub = np.zeros(len(d.nums)) if d.sub is None else np.array(d.sub)
    mul = np.ones(len(d.nums)) if d.mul is None else np.array(d.mul)
    if np.any(zero != sub) and net.category != "AutoEncoder":
        part = _inputs_of(net)[:, d.num_start :].astype(np.float64) @ ((zero - sub) * mul)
        b = b + part * net.input_scale
        d = replace(d, sub=tuple(zero.tolist()), mul=tuple(mul.tolist()))
        slack = 1e-12
    if net.input_scale != 1.0:
        w = (w.astype(np.float64) * net.input_scale).astype(np.float32)
        slack = _FOLDED
    changed = replace(net, design=d, weights=(w, *net.weights[1:]), biases=(b, *net.biases[1:]), input_scale=1.0)
    return changed, slack


def _values_of_zero(net: Portable) -> np.ndarray:
    """The number that each numeric input is to have where a MOJO's scorer scales it to 0, float64 ``(nums,)``."""
    d = net.design
    zero = np.array(d.mean if d.impute_when_scoring else d.sub or (0.0,) * len(d.nums), np.float64)
    if net.encoding is not None and net.encoding.kind == "Binary":
        # A missing category has the bits 0, but H2O's scorer sets them missing when the row lacks the column.
        bits = [n not in net.encoding.columns for n in d.nums]
        zero[bits] = 0.0
    return zero


def _inputs_of(net: Portable) -> np.ndarray:
    """First weights with a row for every bias, ``(rows, inputs)``, Maxout channels unravelled."""
    w = net.weights[0]
    if net.activation != "Maxout" or len(net.units) == 2:
        return w.reshape(net.units[1], net.units[0])
    return w.reshape(net.units[1], net.units[0], 2).transpose(0, 2, 1).reshape(-1, net.units[0])


def _projection(net: Portable) -> np.ndarray | None:
    """Eigen's values of all levels, column by column; other encodings have none."""
    e = net.encoding
    assert e is not None
    if e.kind == "Eigen":
        values = [v for c in e.columns if c in e.levels for v in e.values[c]]
        return np.array(values + [0.0] * len(net.classes or ()))  # one per class too, which nothing reads
    if e.kind == "LabelEncoder":
        for c, levels in e.levels.items():
            _check_labels(c, levels, e.values[c])
    return None


def _check_labels(column: str, levels: Sequence[str], values: Sequence[float]) -> None:
    """H2O's scorer looks at each level by itself: one that spells a number becomes it, any other its index."""
    for i, (level, value) in enumerate(zip(levels, values)):
        spelled = int(level) if re.fullmatch(r"[+-]?\d+", level) else None
        theirs = spelled if spelled is not None and -(2**31) <= spelled < 2**31 else i
        if theirs != value:
            raise NotSupported(
                f"categorical_encoding: LabelEncoder made {value:g} of level {level!r} of {column!r}, and H2O's scorer "
                f"would make {theirs} of it; rename the levels, use ONNX or the reader bundle"
            )


def _check_text(columns: Sequence[str], texts: dict[str, tuple[str, ...]]) -> None:
    names = [*columns, *texts.get("_orig_names", ())]
    bad = next((n for n in names if not n or n != n.strip() or any(c in n for c in "\n\r\t") or n[0] in "[#"), None)
    if bad is not None:
        raise NotSupported(
            f"a MOJO lists one column per line and cannot hold the name {bad!r} (blank at an end, line break, "
            "or [ or # in front); rename the column"
        )
    raw = [v for key, values in texts.items() if key != "_orig_names" for v in values]
    bad = next((v for v in raw if any(c in v for c in "\n\r") or v != v.strip()), None)
    if bad is not None:
        raise NotSupported(f"categorical_encoding: a MOJO with this encoding cannot hold the level {bad!r}; rename it")
