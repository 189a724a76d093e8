"""Calculations with shapes that a graph of TensorFlow makes while it runs, done while it is read.

A shape is a constant here, in which -1 stands for the rows of a batch.
"""

from __future__ import annotations

import numpy as np

from heavywater.errors import ModelFileError
from heavywater.networks.tensorflow_messages import TFNode
from heavywater.networks.tensorflow_reader import Reader, Value

__all__ = ["concat_of_sizes", "pack", "shape", "strided_slice"]


def shape(r: Reader, node: TFNode) -> Value:
    sizes = r.computed(node, 0).shape
    if -1 in sizes:
        raise ModelFileError(f"Shape {node.name[:60]!a} of an input without a size is not known")
    return Value(constant=np.array([-1, *(sizes[1:] + sizes[:1] if len(sizes) == 3 else sizes)], np.int64))


def strided_slice(r: Reader, node: TFNode) -> Value:
    values, *limits = (r.constant(node, i) for i in range(4))
    begin, end, step = (int(v.reshape(-1)[0]) if v.size == 1 else 0 for v in limits)
    if values.ndim != 1 or step == 0 or node.whole("ellipsis_mask", 0) or node.whole("new_axis_mask", 0):
        raise ModelFileError(f"StridedSlice {node.name[:60]!a}: only a part of a shape is known")
    if node.whole("shrink_axis_mask", 0):
        if not -len(values) <= begin < len(values):
            raise ModelFileError(f"StridedSlice {node.name[:60]!a} lies beyond the end of a shape")
        return Value(constant=np.asarray(values[begin]))
    first = None if node.whole("begin_mask", 0) else begin
    last = None if node.whole("end_mask", 0) else end
    return Value(constant=values[first:last:step])


def pack(r: Reader, node: TFNode) -> Value:
    return Value(constant=np.array([_one(r, node, i) for i in range(len(node.inputs))], np.int64))


def _one(r: Reader, node: TFNode, position: int) -> int:
    found = r.constant(node, position)
    if found.size != 1:
        raise ModelFileError(f"Pack {node.name[:60]!a}: only single sizes can be packed")
    return int(found.reshape(-1)[0])


def concat_of_sizes(r: Reader, node: TFNode) -> Value:
    return Value(constant=np.concatenate([r.constant(node, i).reshape(-1) for i in range(len(node.inputs) - 1)]))
