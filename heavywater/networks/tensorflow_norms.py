"""Batch normalisation that TensorFlow wrote as arithmetic on its variables: x·s + (beta − mean·s), s = gamma/√(var + eps)."""

from __future__ import annotations

from dataclasses import replace

from heavywater.errors import ModelFileError
from heavywater.networks.tensorflow_messages import TFNode
from heavywater.networks.tensorflow_reader import Formula, Reader, Value

__all__ = ["applied", "formula_of", "scaled", "shifted"]

_MAX_DEPTH = 8  # of a formula; a normalisation needs six


def formula_of(value: Value) -> Formula | float | None:
    """What a value is as a part of a formula; None for what is computed from the input."""
    if value.variable is not None:
        return ("variable", value.variable)
    if value.constant is not None and value.constant.size == 1:
        return float(value.constant.reshape(-1)[0])
    return value.formula


def applied(node: TFNode, word: str, *parts: Formula | float) -> Value:
    """A formula of others."""
    made = (word, *parts)
    if _depth(made) > _MAX_DEPTH:
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: so long a calculation with variables is not known")
    return Value(formula=made)


def _depth(formula: Formula | float) -> int:
    return 1 + max(map(_depth, formula[1:]), default=0) if isinstance(formula, tuple) else 0


def scaled(r: Reader, node: TFNode, x: Value, scale: Formula) -> Value:
    """``x·s``, which begins a normalisation; `shifted` ends it."""
    parts = _factors(scale)
    if parts is None:
        raise ModelFileError(f"{node.op} {node.name[:60]!a}: such a product with variables is not known")
    variance, eps, gamma = parts
    names = {"moving_var": variance} | ({} if gamma is None else {"gamma": gamma})
    made = r.add(node.name, "batchnorm", [x], eps=eps, fix_gamma=gamma is None, names=names)
    r.unfinished[made.node] = scale
    return made


def shifted(r: Reader, node: TFNode, x: Value, shift: Formula | float | None) -> Value:
    """``x·s + (beta − mean·s)``, of the value that `scaled` made."""
    scale, before = r.unfinished.pop(x.node), r.builder.nodes[x.node]
    names = dict(before.attrs["names"])
    match shift:
        case ("sub", ("variable", beta), ("mul", *product)):
            names["beta"] = beta
        case ("mul", ("neg", mean), factor) | ("mul", factor, ("neg", mean)) | ("neg", ("mul", mean, factor)):
            product = [mean, factor]
        case _:
            product = []
    for mean, factor in (product, product[::-1]) if product else ():
        if factor == scale and mean[0] == "variable" and r.users.get(before.name) == 1:
            names["moving_mean"] = mean[1]
            r.builder.nodes[x.node] = replace(before, name=node.name, attrs={**before.attrs, "names": names})
            return x
    raise ModelFileError(f"{node.op} {node.name[:60]!a}: such a sum with variables is not known")


def _factors(scale: Formula) -> tuple[str, float, str | None] | None:
    """Names of the variance and gamma, and epsilon between them."""
    match scale:
        case ("rsqrt", ("add", ("variable", variance), float(eps)) | ("add", float(eps), ("variable", variance))):
            return variance, eps, None
        case ("mul", ("rsqrt", _) as root, ("variable", gamma)) | ("mul", ("variable", gamma), ("rsqrt", _) as root):
            found = _factors(root)
            return None if found is None else (*found[:2], gamma)
    return None
