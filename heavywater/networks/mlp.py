"""The multi-layer perceptron of ``hidden``."""

from __future__ import annotations

from collections.abc import Sequence

from heavywater.errors import H2OValueError
from heavywater.networks.graph import Builder, Graph

__all__ = ["mlp"]

_ACTIVATIONS = {"rectifier": "relu", "tanh": "tanh"}


def mlp(
    classes: int,
    hidden: Sequence[int],
    activation: str,
    input_dropout_ratio: float,
    hidden_dropout_ratios: Sequence[float] | None,
    compat: bool,
    table_columns: int = 0,
) -> Graph:
    """Fully connected layers with one activation; see ``catalog.build``.

    Deep Water made dropout layers and never connected them, and began with standard normal weights; with `compat` so
    does this.
    """
    kind = _ACTIVATIONS.get(str(activation).lower())
    if kind is None:
        raise H2OValueError(f"activation must be Rectifier or Tanh; it is {activation!r}")
    ratios = [0.0] * len(hidden) if hidden_dropout_ratios is None else list(hidden_dropout_ratios)
    if len(ratios) != len(hidden):
        raise H2OValueError(
            f"hidden_dropout_ratios must have a ratio for each of {len(hidden)} hidden layers; it has {len(ratios)}"
        )
    b = Builder()
    at = b.add("data", "input")
    if table_columns:
        table = b.add("table", "input", shape=(table_columns,))
        at = b.add("flatten0", "flatten", at)
        at = b.add("concat0", "concat", (at, table))
    if input_dropout_ratio and not compat:
        at = b.add("dropout0", "dropout", at, p=float(input_dropout_ratio))
    for i, (units, ratio) in enumerate(zip(hidden, ratios), 1):
        at = b.add(f"fc{i}", "fullyconnected", at, hidden=int(units), names=_names(i), init=_init(kind, compat))
        at = b.add(f"{kind}{i}", "activation", at, kind=kind)
        if ratio and not compat:
            at = b.add(f"dropout{i}", "dropout", at, p=float(ratio))
    last = len(hidden) + 1
    init = "normal" if compat else "xavier"
    head = b.add(f"fc{last}", "fullyconnected", at, hidden=classes, names=_names(last), init=init)
    b.add("softmax", "softmax" if classes > 1 else "output", head, **({} if classes > 1 else {"kind": "linear"}))
    return b.graph(head)


def _names(i: int) -> dict[str, str]:
    return {"weight": f"fc{i}_w", "bias": f"fc{i}_b"}


def _init(kind: str, compat: bool) -> str:
    if compat:
        return "normal"
    return "he" if kind == "relu" else "xavier"
