"""LeNet, AlexNet, VGG and GoogLeNet."""

from __future__ import annotations

from heavywater.networks.graph import Builder, Graph
from heavywater.networks.parts import conv_relu, data_inputs, finish

__all__ = ["SMALLEST", "alexnet", "googlenet", "lenet", "vgg"]

SMALLEST = {"lenet": 16, "alexnet": 63, "vgg": 32, "googlenet": 32}
"""Side in pixels of the smallest image."""

_INCEPTIONS = {
    "in3a": (64, 96, 128, 16, 32, 32),
    "in3b": (128, 128, 192, 32, 96, 64),
    "pooling2": (),
    "in4a": (192, 96, 208, 16, 48, 64),
    "in4b": (160, 112, 224, 24, 64, 64),
    "in4c": (128, 128, 256, 24, 64, 64),
    "in4d": (112, 144, 288, 32, 64, 64),
    "in4e": (256, 160, 320, 32, 128, 128),
    "pooling3": (),
    "in5a": (256, 160, 320, 32, 128, 128),
    "in5b": (384, 192, 384, 48, 128, 128),
}
"""GoogLeNet's modules: filters of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, projection; empty: pooling between them."""


def lenet(classes: int, compat: bool, table_columns: int = 0) -> Graph:
    """LeNet (LeCun et al. 1998) in the form of MXNet's examples: rectifiers and max pooling."""
    b = Builder()
    at, table = data_inputs(b, table_columns)
    at = conv_relu(b, at, "convolution0", "activation0", 20, 5)
    at = b.add("pooling0", "pooling", at, kind="max", kernel=(2, 2), stride=(2, 2))
    at = conv_relu(b, at, "convolution1", "activation1", 50, 5)
    at = b.add("pooling1", "pooling", at, kind="max", kernel=(2, 2), stride=(2, 2))
    at = b.add("flatten0", "flatten", at)
    at = b.add("fullyconnected0", "fullyconnected", at, hidden=500)
    at = b.add("activation2", "activation", at, kind="relu")
    return finish(b, at, "fullyconnected1", classes, table)


def alexnet(classes: int, compat: bool, table_columns: int = 0) -> Graph:
    """AlexNet (Krizhevsky et al. 2012) without groups; today's form pools to 6x6, whatever the size of the image."""
    b = Builder()
    at, table = data_inputs(b, table_columns)
    at = conv_relu(b, at, "convolution0", "activation0", 96, 11, 4, 2)
    at = _lrn(b, _pool3(b, at, "pooling0"), "lrn0")
    at = conv_relu(b, at, "convolution1", "activation1", 256, 5, 1, 2)
    at = _lrn(b, _pool3(b, at, "pooling1"), "lrn1")
    for i, filters in ((2, 384), (3, 384), (4, 256)):
        at = conv_relu(b, at, f"convolution{i}", f"activation{i}", filters, 3, 1, 1)
    at = _pool3(b, at, "pooling2")
    if not compat:
        at = b.add("adaptivepooling0", "adaptivepooling", at, kind="avg", size=(6, 6))
    at = b.add("flatten0", "flatten", at)
    for i in (0, 1):
        at = b.add(f"fullyconnected{i}", "fullyconnected", at, hidden=4096)
        at = b.add(f"activation{i + 5}", "activation", at, kind="relu")
        at = b.add(f"dropout{i}", "dropout", at, p=0.5)
    return finish(b, at, "fullyconnected2", classes, table)


def vgg(classes: int, compat: bool, table_columns: int = 0) -> Graph:
    """VGG's configuration A, 11 layers (Simonyan and Zisserman 2014); today's form pools to 7x7 before the head."""
    b = Builder()
    at, table = data_inputs(b, table_columns)
    for i, blocks in enumerate(((64,), (128,), (256, 256), (512, 512), (512, 512)), 1):
        for j, filters in enumerate(blocks, 1):
            at = conv_relu(b, at, f"conv{i}_{j}", f"relu{i}_{j}", filters, 3, 1, 1)
        at = b.add(f"pool{i}", "pooling", at, kind="max", kernel=(2, 2), stride=(2, 2))
    if not compat:
        at = b.add("adaptivepool", "adaptivepooling", at, kind="avg", size=(7, 7))
    at = b.add("flatten", "flatten", at)
    for i in (6, 7):
        at = b.add(f"fc{i}", "fullyconnected", at, hidden=4096)
        at = b.add(f"relu{i}", "activation", at, kind="relu")
        at = b.add(f"drop{i}", "dropout", at, p=0.5)
    return finish(b, at, "fc8", classes, table)


def googlenet(classes: int, compat: bool, table_columns: int = 0) -> Graph:
    """GoogLeNet (Szegedy et al. 2014) without auxiliary heads; today's form pools globally and drops 40% before the head."""
    b = Builder()
    at, table = data_inputs(b, table_columns)
    at = conv_relu(b, at, "conv_conv1", "relu_conv1", 64, 7, 2, 3)
    at = _pool3(b, at, "pooling0")
    at = conv_relu(b, at, "conv_conv2", "relu_conv2", 64, 1)
    at = conv_relu(b, at, "conv_conv3", "relu_conv3", 192, 3, 1, 1)
    at = _pool3(b, at, "pooling1", compat)
    for name, filters in _INCEPTIONS.items():
        at = _module(b, at, name, *filters) if filters else _pool3(b, at, name, compat)
    if compat:
        at = b.add("pooling4", "pooling", at, kind="avg", kernel=(7, 7), pad=(1, 1))
        at = b.add("flatten0", "flatten", at)
    else:
        at = b.add("pooling4", "pooling", at, kind="avg", **{"global": True})
        at = b.add("flatten0", "flatten", at)
        at = b.add("dropout0", "dropout", at, p=0.4)
    return finish(b, at, "fullyconnected0", classes, table)


def _module(b: Builder, at: int, name: str, one: int, red3: int, three: int, red5: int, five: int, proj: int) -> int:
    def conv(source: int, what: str, filters: int, kernel: int, pad: int = 0) -> int:
        return conv_relu(b, source, f"conv_{name}_{what}", f"relu_{name}_{what}", filters, kernel, 1, pad)

    first = conv(at, "1x1", one, 1)
    second = conv(conv(at, "3x3_reduce", red3, 1), "3x3", three, 3, 1)
    third = conv(conv(at, "5x5_reduce", red5, 1), "5x5", five, 5, 2)
    pool = b.add(f"max_pool_{name}_pool", "pooling", at, kind="max", kernel=(3, 3), pad=(1, 1))
    return b.add(f"ch_concat_{name}_chconcat", "concat", (first, second, third, conv(pool, "proj", proj, 1)))


def _pool3(b: Builder, at: int, name: str, bare: bool = True) -> int:
    """Max pooling by 3 with stride 2; `bare`: without a border, so that small images would vanish."""
    pad = (0, 0) if bare else (1, 1)
    return b.add(name, "pooling", at, kind="max", kernel=(3, 3), stride=(2, 2), pad=pad)


def _lrn(b: Builder, at: int, name: str) -> int:
    return b.add(name, "lrn", at, nsize=5, alpha=1e-4, beta=0.75, knorm=1.0)
