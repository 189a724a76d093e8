"""Residual networks (He et al. 2015) and ConvNeXt (Liu et al. 2022)."""

from __future__ import annotations

from heavywater.networks.graph import Builder, Graph
from heavywater.networks.parts import data_inputs, finish

__all__ = ["SMALLEST", "convnext_tiny", "resnet", "resnet18", "resnet50"]

SMALLEST = {"resnet": 8, "resnet18": 32, "resnet50": 32, "convnext_tiny": 32}
"""Side in pixels of the smallest image."""

_CIFAR_BLOCKS = 9
_FILTERS = (64, 128, 256, 512)
_CONVNEXT = ((3, 96), (3, 192), (9, 384), (3, 768))


def resnet(classes: int, compat: bool, table_columns: int = 0) -> Graph:
    """ResNet-56 for small images; today's form pools globally, and its shortcuts between sizes are normalised 1x1 filters.

    Deep Water normalised the input, took filters of 2x2 for these shortcuts, and pooled by 8x8.
    """
    b = Builder()
    at, table = data_inputs(b, table_columns)
    if compat:
        at = b.add("zscore", "batchnorm", at, eps=1e-3, momentum=0.9, fix_gamma=True)
    at = _conv(b, at, "conv0", 16, 3, 1, 1, relu=True)
    for level, filters in enumerate((16, 32, 64), 1):
        for block in range(1, _CIFAR_BLOCKS + 1):
            name = f"level{level}_block{block}"
            stride = 2 if block == 1 and level > 1 else 1
            main = _conv(b, at, f"{name}_conv1", filters, 3, stride, 1, relu=True)
            main = _conv(b, main, f"{name}_conv2", filters, 3, 1, 1)
            if stride == 2 and compat:
                at = b.add(f"{name}_proj", "convolution", at, filters=filters, kernel=(2, 2), stride=(2, 2), bias=False)
            elif stride == 2:
                at = _conv(b, at, f"{name}_proj", filters, 1, 2, 0)
            at = b.add(f"{name}_plus", "elementwise", (at, main), kind="add")
            at = b.add(f"{name}_relu", "activation", at, kind="relu")
    if compat:
        at = b.add("pooling0", "pooling", at, kind="avg", kernel=(8, 8))
    else:
        at = b.add("pooling0", "pooling", at, kind="avg", **{"global": True})
    at = b.add("flatten0", "flatten", at)
    return finish(b, at, "fc", classes, table)


def resnet18(classes: int, compat: bool, table_columns: int = 0) -> Graph:
    """ResNet-18 for photographs."""
    return _photographs(classes, (2, 2, 2, 2), False, table_columns)


def resnet50(classes: int, compat: bool, table_columns: int = 0) -> Graph:
    """ResNet-50 for photographs, with the stride in the 3x3 filters."""
    return _photographs(classes, (3, 4, 6, 3), True, table_columns)


def _photographs(classes: int, depths: tuple[int, ...], bottleneck: bool, table_columns: int) -> Graph:
    b = Builder()
    at, table = data_inputs(b, table_columns)
    at = _conv(b, at, "conv0", 64, 7, 2, 3, relu=True)
    at = b.add("pooling0", "pooling", at, kind="max", kernel=(3, 3), stride=(2, 2), pad=(1, 1))
    width = 64
    for stage, (depth, filters) in enumerate(zip(depths, _FILTERS), 1):
        wide = filters * 4 if bottleneck else filters
        for unit in range(1, depth + 1):
            name = f"stage{stage}_unit{unit}"
            stride = 2 if unit == 1 and stage > 1 else 1
            if bottleneck:
                main = _conv(b, at, f"{name}_conv1", filters, 1, 1, 0, relu=True)
                main = _conv(b, main, f"{name}_conv2", filters, 3, stride, 1, relu=True)
                main = _conv(b, main, f"{name}_conv3", wide, 1, 1, 0)
            else:
                main = _conv(b, at, f"{name}_conv1", filters, 3, stride, 1, relu=True)
                main = _conv(b, main, f"{name}_conv2", filters, 3, 1, 1)
            if stride == 2 or width != wide:
                at = _conv(b, at, f"{name}_sc", wide, 1, stride, 0)
            at = b.add(f"{name}_plus", "elementwise", (main, at), kind="add")
            at = b.add(f"{name}_relu", "activation", at, kind="relu")
            width = wide
    at = b.add("pooling1", "pooling", at, kind="avg", **{"global": True})
    at = b.add("flatten0", "flatten", at)
    return finish(b, at, "fc", classes, table)


def convnext_tiny(classes: int, compat: bool, table_columns: int = 0) -> Graph:
    """ConvNeXt-T without stochastic depth."""
    b = Builder()
    at, table = data_inputs(b, table_columns)
    at = b.add("stem", "convolution", at, filters=96, kernel=(4, 4), stride=(4, 4), init="narrow")
    at = b.add("stem_ln", "layernorm", at)
    for stage, (depth, width) in enumerate(_CONVNEXT, 1):
        if stage > 1:
            at = b.add(f"down{stage}_ln", "layernorm", at)
            at = b.add(f"down{stage}", "convolution", at, filters=width, kernel=(2, 2), stride=(2, 2), init="narrow")
        for unit in range(1, depth + 1):
            name = f"stage{stage}_unit{unit}"
            x = b.add(
                f"{name}_dw", "convolution", at, filters=width, kernel=(7, 7), pad=(3, 3), groups=width, init="narrow"
            )
            x = b.add(f"{name}_ln", "layernorm", x)
            x = b.add(f"{name}_expand", "convolution", x, filters=4 * width, kernel=(1, 1), init="narrow")
            x = b.add(f"{name}_gelu", "activation", x, kind="gelu")
            x = b.add(f"{name}_reduce", "convolution", x, filters=width, kernel=(1, 1), init="narrow")
            x = b.add(f"{name}_scale", "channelscale", x)
            at = b.add(f"{name}_plus", "elementwise", (at, x), kind="add")
    at = b.add("global_pool", "pooling", at, kind="avg", **{"global": True})
    at = b.add("head_ln", "layernorm", at)
    at = b.add("flatten0", "flatten", at)
    return finish(b, at, "fc", classes, table)


def _conv(
    b: Builder, at: int, name: str, filters: int, kernel: int, stride: int, pad: int, *, relu: bool = False
) -> int:
    """A filter without bias, batch normalisation, and on request a rectifier."""
    at = b.add(
        name, "convolution", at, filters=filters, kernel=(kernel,) * 2, stride=(stride,) * 2, pad=(pad,) * 2, bias=False,
        init="he",
    )  # fmt: skip
    at = b.add(f"{name}_bn", "batchnorm", at, eps=2e-5, momentum=0.9)
    return b.add(f"{name}_relu", "activation", at, kind="relu") if relu else at
