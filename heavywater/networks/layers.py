"""Each operation of a graph as a PyTorch module; standard modules wherever PyTorch has one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heavywater.networks.graph import Node
from heavywater.networks.ops import SCALARS, ArraySpec, Shape, pads

__all__ = ["ROLES", "layer"]

_EMPTY: Callable[..., nn.Module] = nn.utils.skip_init  # PyTorch's own first weights would be drawn in vain

ROLES: Mapping[str, str] = {
    "weight": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_var": "running_var",
    "value": "weight",
}
"""Role of an array in a node → attribute of its module."""


class _Weighted(nn.Module):
    """A module with one parameter."""

    def __init__(self, shape: Shape, trainable: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape), requires_grad=trainable)


class Value(_Weighted):
    """An array of the network, as a value."""

    def forward(self) -> Tensor:
        return self.weight


class ChannelScale(_Weighted):
    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.reshape(-1, *(1,) * (x.dim() - 2))


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of every pixel (Ba et al. 2016, as used by Liu et al. 2022)."""

    def __init__(self, shape: Shape, eps: float, *, last: bool) -> None:
        super().__init__()
        width = shape[-1 if last else 0]
        self.weight = nn.Parameter(torch.empty(width))
        self.bias = nn.Parameter(torch.empty(width))
        self.eps, self.axis = eps, -1 if last else 1

    def forward(self, x: Tensor) -> Tensor:
        y = F.layer_norm(x.movedim(self.axis, -1), self.weight.shape, self.weight, self.bias, self.eps)
        return y.movedim(-1, self.axis)


class PaddedConvolution(nn.Conv2d):
    """A convolution whose padding differs between the sides."""

    around: tuple[int, int, int, int] = (0, 0, 0, 0)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.around))


class Dense(nn.Linear):
    """A fully connected layer that takes an image row by row."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


class Pool(nn.Module):
    """Pooling; averages divide by the whole window unless padding is not counted."""

    def __init__(self, attrs: Mapping[str, Any]) -> None:
        super().__init__()
        self.kind, self.kernel, self.stride = attrs["kind"], attrs["kernel"], attrs["stride"]
        self.ceil, self.count = attrs["ceil"], attrs["count_pad"]
        top, left, bottom, right = pads(attrs["pad"])
        plain = top == bottom and left == right and 2 * top <= self.kernel[0] and 2 * left <= self.kernel[1]
        self.pad = (top, left) if plain else (0, 0)
        self.around = None if plain else (left, right, top, bottom)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "max":
            if self.around:
                x = F.pad(x, self.around, value=-torch.inf)
            return F.max_pool2d(x, self.kernel, self.stride, self.pad, ceil_mode=self.ceil)
        if self.kind == "avg" and not self.around:
            return F.avg_pool2d(x, self.kernel, self.stride, self.pad, self.ceil, self.count)
        total = self._sum(x)
        if self.kind == "sum":
            return total
        if self.count:
            return total / (self.kernel[0] * self.kernel[1])
        return total / self._sum(torch.ones_like(x[:1, :1]))

    def _sum(self, x: Tensor) -> Tensor:
        if self.around:
            x = F.pad(x, self.around)
        return F.avg_pool2d(x, self.kernel, self.stride, self.pad, self.ceil, divisor_override=1)


class GlobalPool(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "avg":
            return F.adaptive_avg_pool2d(x, 1)
        return F.adaptive_max_pool2d(x, 1) if self.kind == "max" else x.sum((2, 3), keepdim=True)


class LocalNorm(nn.Module):
    """Division by the sum of squares of neighbouring channels (Krizhevsky et al. 2012).

    The sum is a convolution by ones, which takes a fraction of the time of the pooling in PyTorch's `LocalResponseNorm`.
    """

    band: Tensor

    def __init__(self, channels: int, size: int, alpha: float, beta: float, k: float) -> None:
        super().__init__()
        self.beta, self.k = beta, k
        apart = torch.arange(channels)[None, :] - torch.arange(channels)[:, None]
        near = (apart >= -(size // 2)) & (apart <= (size - 1) // 2)
        self.register_buffer("band", near.float().mul_(alpha / size)[:, :, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * (F.conv2d(x.square(), self.band) + self.k).pow(-self.beta)


class ResizeFromOrigin(nn.Module):
    """Bilinear resizing as TensorFlow 1 does it: pixel i of the result lies at i times the ratio of the sizes."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        for axis, size in ((2, self.size[0]), (3, self.size[1])):
            old = x.shape[axis]
            at = torch.arange(size, device=x.device, dtype=torch.float32) * (old / size)
            low = at.long()
            high = (low + 1).clamp(max=old - 1)
            part = (at - low).to(x.dtype).reshape([-1 if i == axis else 1 for i in range(4)])
            x = x.index_select(axis, low) * (1 - part) + x.index_select(axis, high) * part
        return x


class Function(nn.Module):
    """A function without arrays."""

    def __init__(self, function: Callable[..., Tensor], what: str) -> None:
        super().__init__()
        self.function = function
        self.what = what

    def forward(self, *values: Tensor) -> Tensor:
        return self.function(*values)

    def extra_repr(self) -> str:
        return self.what


_ACTIVATIONS: dict[str, Callable[[float], Callable[..., Tensor]]] = {
    "relu": lambda slope: torch.relu,
    "tanh": lambda slope: torch.tanh,
    "sigmoid": lambda slope: torch.sigmoid,
    "softrelu": lambda slope: F.softplus,
    "softsign": lambda slope: F.softsign,
    "gelu": lambda slope: F.gelu,
    "silu": lambda slope: F.silu,
    "relu6": lambda slope: F.relu6,
    "leaky": lambda slope: functools.partial(F.leaky_relu, negative_slope=slope),
    "elu": lambda slope: functools.partial(F.elu, alpha=slope),
    "exp": lambda slope: torch.exp,
    "erf": lambda slope: torch.erf,
    "identity": lambda slope: lambda x: x,
}
_PAIRWISE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "max": torch.maximum,
    "min": torch.minimum,
}
_SCALAR: Mapping[str, Callable[[Tensor, float], Tensor]] = {
    **SCALARS,
    "max": lambda x, v: x.clamp(min=v),
    "min": lambda x, v: x.clamp(max=v),
}


def layer(
    node: Node, inputs: Sequence[Shape], arrays: Mapping[str, ArraySpec], *, overwrite: Sequence[bool] = (False,)
) -> nn.Module:
    """The module of a node, its parameters not yet given values.

    Parameters
    ----------
    node : Node
    inputs : sequence of tuple
        Shapes of its inputs for one row.
    arrays : mapping
        Its arrays by role.
    overwrite : sequence of bool
        Whether the values of its inputs are needed nowhere else and may be overwritten.
    """
    a = node.attrs
    match node.op:
        case "convolution":
            return _convolution(a, inputs[0])
        case "deconvolution":
            size = (inputs[0][0], a["filters"], a["kernel"])
            common = {k: a[v] for k, v in {"stride": "stride", "padding": "pad", "dilation": "dilate"}.items()}
            return _EMPTY(
                nn.ConvTranspose2d, *size, **common, output_padding=a["adj"], groups=a["groups"], bias=a["bias"]
            )
        case "fullyconnected":
            hidden, width = arrays["weight"].shape
            return _EMPTY(Dense if a["flatten"] and len(inputs[0]) > 1 else nn.Linear, width, hidden, bias=a["bias"])
        case "batchnorm":
            kind = nn.BatchNorm2d if len(inputs[0]) == 3 else nn.BatchNorm1d
            norm = kind(inputs[0][0], eps=a["eps"], momentum=1 - a["momentum"])
            norm.weight.requires_grad_(not a["fix_gamma"])
            return norm
        case "layernorm":
            return ChannelNorm(inputs[0], a["eps"], last=a["last"])
        case "channelscale":
            return ChannelScale((inputs[0][0],))
        case "array":
            return Value(a["shape"], a["trainable"])
        case "embedding":
            return _EMPTY(nn.Embedding, a["entries"], a["width"])
        case "prelu":
            return nn.PReLU(inputs[0][0])
        case "activation" if a["kind"] == "relu":
            return nn.ReLU(inplace=overwrite[0])
        case "dropout":
            return nn.Dropout(a["p"])
        case "pooling":
            return GlobalPool(a["kind"]) if a["global"] else Pool(a)
        case "adaptivepooling":
            return nn.AdaptiveAvgPool2d(a["size"]) if a["kind"] == "avg" else nn.AdaptiveMaxPool2d(a["size"])
        case "lrn":
            return LocalNorm(inputs[0][0], a["nsize"], a["alpha"], a["beta"], a["knorm"])
        case "resize" if a["kind"] == "bilinear" and a["align"] == "origin":
            return ResizeFromOrigin(a["size"])
        case "elementwise" if a["kind"] == "add" and len(inputs) == 2 and any(overwrite):
            return Function(_added if overwrite[0] else lambda x, y: _added(y, x), "elementwise add")
    return Function(_function(node.op, a), f"{node.op} {a.get('kind', '')}".strip())


def _convolution(a: Mapping[str, Any], shape: Shape) -> nn.Module:
    top, left, bottom, right = pads(a["pad"])
    even = (top, left) == (bottom, right)
    made = _EMPTY(
        nn.Conv2d if even else PaddedConvolution,
        shape[0],
        a["filters"],
        a["kernel"],
        stride=a["stride"],
        padding=(top, left) if even else (0, 0),
        dilation=a["dilate"],
        groups=a["groups"],
        bias=a["bias"],
    )
    if isinstance(made, PaddedConvolution):
        made.around = (left, right, top, bottom)
    return made


def _function(op: str, a: Mapping[str, Any]) -> Callable[..., Tensor]:
    match op:
        case "activation":
            return _ACTIVATIONS[a["kind"]](a["slope"])
        case "flatten":
            return lambda x: x.flatten(1)
        case "reshape":
            return lambda x: x.reshape(-1, *a["shape"]) if -1 not in a["shape"] else x.reshape(len(x), *a["shape"])
        case "transpose":
            return lambda x: x.permute(a["axes"])
        case "concat":
            return lambda *x: torch.cat(x, a["axis"])
        case "elementwise":
            return lambda *x: functools.reduce(_PAIRWISE[a["kind"]], x)
        case "scalar":
            return lambda x: _SCALAR[a["kind"]](x, a["value"])
        case "slice":
            return lambda x: _squeezed(x.narrow(a["axis"], a["begin"], a["end"] - a["begin"]), a)
        case "part":
            return lambda x: _squeezed(x.chunk(a["count"], a["axis"])[a["index"]], a)
        case "batchpart":  # rows of a batch that another tower of the network takes
            return lambda x: x.tensor_split(a["count"])[a["index"]]
        case "batchjoin":
            return lambda *x: torch.cat(x)
        case "pad":
            top, left, bottom, right = pads(a["pad"])
            return lambda x: F.pad(x, (left, right, top, bottom), value=a["value"])
        case "resize":
            return lambda x: _resize(x, a)
        case "mean":
            return lambda x: x.mean(a["axes"], keepdim=a["keep"])
        case "softmax":
            return lambda x: torch.softmax(x, a["axis"])
        case "l2normalization":
            return lambda x: x / (x.flatten(1).square().sum(1) + a["eps"]).sqrt().reshape(-1, *(1,) * (x.dim() - 1))
        case "output":
            return torch.sigmoid if a["kind"] == "logistic" else lambda x: x
    raise AssertionError(op)


def _added(x: Tensor, y: Tensor) -> Tensor:
    """The sum, in the place of `x` where that loses no precision."""
    return x.add_(y) if x.dtype == y.dtype else x + y


def _squeezed(x: Tensor, a: Mapping[str, Any]) -> Tensor:
    return x.squeeze(a["axis"]) if a["squeeze"] else x


def _resize(x: Tensor, a: Mapping[str, Any]) -> Tensor:
    if a["kind"] == "nearest":
        return F.interpolate(x, a["size"], mode="nearest" if a["align"] == "origin" else "nearest-exact")
    return F.interpolate(x, a["size"], mode="bilinear", align_corners=a["align"] == "corners")
