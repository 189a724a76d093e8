"""LeNet, AlexNet, VGG and GoogLeNet."""

from __future__ import annotations

from heavywater.networks.graph import Builder, Graph
from heavywater.networks.parts import conv_relu, data_inputs, finish

__all__ = ["SMALLEST", "lenet"]

SMALLEST = {"lenet": 16}
"""Side in pixels of the smallest image."""


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
