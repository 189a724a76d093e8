"""GoogLeNet with batch normalisation (Ioffe and Szegedy 2015)."""

from __future__ import annotations

from heavywater.networks.graph import Builder, Graph
from heavywater.networks.parts import data_inputs, finish

__all__ = ["SMALLEST", "inception_bn"]

SMALLEST = {"inception_bn": 32}
"""Side in pixels of the smallest image."""

_MODULES = {
    "3a": (64, 64, 64, 64, 96, "avg", 32),
    "3b": (64, 64, 96, 64, 96, "avg", 64),
    "3c": (0, 128, 160, 64, 96, "max", 0),
    "4a": (224, 64, 96, 96, 128, "avg", 128),
    "4b": (192, 96, 128, 96, 128, "avg", 128),
    "4c": (160, 128, 160, 128, 160, "avg", 128),
    "4d": (96, 128, 192, 160, 192, "avg", 128),
    "4e": (0, 128, 192, 192, 256, "max", 0),
    "5a": (352, 192, 320, 160, 224, "avg", 128),
    "5b": (352, 192, 320, 192, 224, "max", 128),
}
"""Filters of 1x1, 3x3 reduce, 3x3, double 3x3 reduce, double 3x3, kind of pooling, projection.

Without 1x1 and projection a module halves the sides of the image.
"""


def inception_bn(classes: int, compat: bool, table_columns: int = 0) -> Graph:
    """Inception-BN; today's form pools globally and learns the scale of every normalisation."""
    b = Builder()
    at, table = data_inputs(b, table_columns)

    def conv(source: int, name: str, filters: int, kernel: int, stride: int = 1, pad: int = 0) -> int:
        made = b.add(
            f"conv_{name}", "convolution", source, filters=filters, kernel=(kernel,) * 2, stride=(stride,) * 2,
            pad=(pad,) * 2,
        )  # fmt: skip
        made = b.add(f"bn_{name}", "batchnorm", made, eps=1e-3, momentum=0.9, fix_gamma=compat)
        return b.add(f"relu_{name}", "activation", made, kind="relu")

    border = (0, 0) if compat else (1, 1)
    at = conv(at, "conv1", 64, 7, 2, 3)
    at = b.add("pool1", "pooling", at, kind="max", kernel=(3, 3), stride=(2, 2), pad=border)
    at = conv(conv(at, "conv2red", 64, 1), "conv2", 192, 3, 1, 1)
    at = b.add("pool2", "pooling", at, kind="max", kernel=(3, 3), stride=(2, 2), pad=border)
    for m, (one, red, three, double_red, double, kind, proj) in _MODULES.items():
        step = 1 if proj else 2
        parts = [conv(at, f"{m}_1x1", one, 1)] if proj else []
        parts.append(conv(conv(at, f"{m}_3x3_reduce", red, 1), f"{m}_3x3", three, 3, step, 1))
        twice = conv(conv(at, f"{m}_double_3x3_reduce", double_red, 1), f"{m}_double_3x3_0", double, 3, 1, 1)
        parts.append(conv(twice, f"{m}_double_3x3_1", double, 3, step, 1))
        pool = b.add(f"{kind}_pool_{m}_pool", "pooling", at, kind=kind, kernel=(3, 3), stride=(step, step), pad=(1, 1))
        parts.append(conv(pool, f"{m}_proj", proj, 1) if proj else pool)
        at = b.add(f"ch_concat_{m}_chconcat", "concat", parts)
    if compat:
        at = b.add("global_pool", "pooling", at, kind="avg", kernel=(7, 7))
    else:
        at = b.add("global_pool", "pooling", at, kind="avg", **{"global": True})
    at = b.add("flatten", "flatten", at)
    return finish(b, at, "fc1", classes, table)
