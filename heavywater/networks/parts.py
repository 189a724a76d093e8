"""Pieces that several predefined networks are made of."""

from __future__ import annotations

from heavywater.networks.graph import Builder, Graph

__all__ = ["conv_relu", "data_inputs", "finish"]


def data_inputs(b: Builder, table_columns: int) -> tuple[int, int | None]:
    """The input ``data`` and, where there are columns beside the image, ``table``."""
    data = b.add("data", "input")
    return data, b.add("table", "input", shape=(table_columns,)) if table_columns else None


def conv_relu(
    b: Builder, at: int, name: str, relu: str, filters: int, kernel: int, stride: int = 1, pad: int = 0
) -> int:
    at = b.add(name, "convolution", at, filters=filters, kernel=(kernel,) * 2, stride=(stride,) * 2, pad=(pad,) * 2)
    return b.add(relu, "activation", at, kind="relu")


def finish(b: Builder, at: int, name: str, classes: int, table: int | None) -> Graph:
    """The last layer, with the columns of a table joined to its input, and softmax or linear output."""
    if table is not None:
        flat = b.add("features", "flatten", at)
        at = b.add("features_and_table", "concat", (flat, table))
    head = b.add(name, "fullyconnected", at, hidden=classes)
    b.add("softmax", "softmax" if classes > 1 else "output", head, **({} if classes > 1 else {"kind": "linear"}))
    return b.graph(head)
