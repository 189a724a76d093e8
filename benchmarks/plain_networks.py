"""The predefined networks as somebody would write them in PyTorch alone: the other side of the benchmark.

Ordinary `torch.nn` modules in the style of torchvision (rectifiers and sums in place, ConvNeXt's blocks as linear layers over
the channels), in PyTorch's default memory format unless the caller converts them. They import nothing from heavywater. The
weights of a network of ours fit in the order in which both list them; see `take_weights` and
tests/benchmarks/test_deepwater.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn


def lenet(classes: int, channels: int, side: int) -> nn.Module:
    rest = ((side - 4) // 2 - 4) // 2
    return nn.Sequential(
        *_conv_relu(channels, 20, 5), nn.MaxPool2d(2), *_conv_relu(20, 50, 5), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(50 * rest * rest, 500), nn.ReLU(inplace=True), nn.Linear(500, classes),
    )  # fmt: skip


def mlp(classes: int, channels: int, side: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(channels * side * side, 200), nn.ReLU(inplace=True), nn.Linear(200, 200),
        nn.ReLU(inplace=True), nn.Linear(200, classes),
    )  # fmt: skip


def alexnet(classes: int, channels: int, side: int) -> nn.Module:
    return nn.Sequential(
        *_conv_relu(channels, 96, 11, 4, 2), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0),
        *_conv_relu(96, 256, 5, 1, 2), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0),
        *_conv_relu(256, 384, 3, 1, 1), *_conv_relu(384, 384, 3, 1, 1), *_conv_relu(384, 256, 3, 1, 1),
        nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(6), nn.Flatten(), *_head(256 * 36, classes),
    )  # fmt: skip


def vgg(classes: int, channels: int, side: int) -> nn.Module:
    layers: list[nn.Module] = []
    for widths in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
        for width in widths:
            layers += _conv_relu(channels, width, 3, 1, 1)
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *_head(512 * 49, classes))


def _head(width: int, classes: int) -> list[nn.Module]:
    """The three fully connected layers of AlexNet and VGG."""
    return [
        nn.Linear(width, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(inplace=True),
        nn.Dropout(0.5), nn.Linear(4096, classes),
    ]  # fmt: skip


def _conv_relu(channels: int, filters: int, kernel: int, stride: int = 1, pad: int = 0) -> list[nn.Module]:
    return [nn.Conv2d(channels, filters, kernel, stride, pad), nn.ReLU(inplace=True)]


# -- branches side by side ------------------------------------------------------------------------------------------------


class Branches(nn.Module):
    """Branches that see the same input; their channels are joined."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet(classes: int, channels: int, side: int) -> nn.Module:
    def module(c: int, one: int, red3: int, three: int, red5: int, five: int, proj: int) -> nn.Module:
        return Branches(
            nn.Sequential(*_conv_relu(c, one, 1)),
            nn.Sequential(*_conv_relu(c, red3, 1), *_conv_relu(red3, three, 3, 1, 1)),
            nn.Sequential(*_conv_relu(c, red5, 1), *_conv_relu(red5, five, 5, 1, 2)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), *_conv_relu(c, proj, 1)),
        )

    return nn.Sequential(
        *_conv_relu(channels, 64, 7, 2, 3), nn.MaxPool2d(3, 2), *_conv_relu(64, 64, 1), *_conv_relu(64, 192, 3, 1, 1),
        nn.MaxPool2d(3, 2, 1),
        module(192, 64, 96, 128, 16, 32, 32),
        module(256, 128, 128, 192, 32, 96, 64),
        nn.MaxPool2d(3, 2, 1),
        module(480, 192, 96, 208, 16, 48, 64),
        module(512, 160, 112, 224, 24, 64, 64),
        module(512, 128, 128, 256, 24, 64, 64),
        module(512, 112, 144, 288, 32, 64, 64),
        module(528, 256, 160, 320, 32, 128, 128),
        nn.MaxPool2d(3, 2, 1),
        module(832, 256, 160, 320, 32, 128, 128),
        module(832, 384, 192, 384, 48, 128, 128),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(1024, classes),
    )  # fmt: skip


def inception_bn(classes: int, channels: int, side: int) -> nn.Module:
    def conv(c: int, filters: int, kernel: int, stride: int = 1, pad: int = 0) -> list[nn.Module]:
        norm = nn.BatchNorm2d(filters, eps=1e-3, momentum=0.1)
        return [nn.Conv2d(c, filters, kernel, stride, pad), norm, nn.ReLU(inplace=True)]

    def module(c: int, one: int, red: int, three: int, red2: int, double: int, pool: nn.Module, proj: int) -> nn.Module:
        step = 1 if proj else 2
        first = [nn.Sequential(*conv(c, one, 1))] if one else []
        return Branches(
            *first,
            nn.Sequential(*conv(c, red, 1), *conv(red, three, 3, step, 1)),
            nn.Sequential(*conv(c, red2, 1), *conv(red2, double, 3, 1, 1), *conv(double, double, 3, step, 1)),
            nn.Sequential(pool, *conv(c, proj, 1)) if proj else pool,
        )

    average, most, half = nn.AvgPool2d(3, 1, 1), nn.MaxPool2d(3, 1, 1), nn.MaxPool2d(3, 2, 1)
    return nn.Sequential(
        *conv(channels, 64, 7, 2, 3), nn.MaxPool2d(3, 2, 1), *conv(64, 64, 1), *conv(64, 192, 3, 1, 1),
        nn.MaxPool2d(3, 2, 1),
        module(192, 64, 64, 64, 64, 96, average, 32),
        module(256, 64, 64, 96, 64, 96, average, 64),
        module(320, 0, 128, 160, 64, 96, half, 0),
        module(576, 224, 64, 96, 96, 128, average, 128),
        module(576, 192, 96, 128, 96, 128, average, 128),
        module(576, 160, 128, 160, 128, 160, average, 128),
        module(608, 96, 128, 192, 160, 192, average, 128),
        module(608, 0, 128, 192, 192, 256, half, 0),
        module(1056, 352, 192, 320, 160, 224, average, 128),
        module(1024, 352, 192, 320, 192, 224, most, 128),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, classes),
    )  # fmt: skip


# -- residual networks ----------------------------------------------------------------------------------------------------


def _conv_bn(channels: int, filters: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(channels, filters, kernel, stride, kernel // 2, bias=False)
    return [conv, nn.BatchNorm2d(filters, eps=2e-5, momentum=0.1)]


class Residual(nn.Module):
    """A block beside a shortcut, then a rectifier."""

    def __init__(self, main: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.main, self.shortcut, self.relu = main, shortcut, nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.main(x)
        y += self.shortcut(x)
        return self.relu(y)


def _basic(channels: int, filters: int, stride: int) -> nn.Module:
    main = nn.Sequential(*_conv_bn(channels, filters, 3, stride), nn.ReLU(inplace=True), *_conv_bn(filters, filters, 3))
    same = stride == 1 and channels == filters
    return Residual(main, nn.Identity() if same else nn.Sequential(*_conv_bn(channels, filters, 1, stride)))


def _bottleneck(channels: int, filters: int, stride: int) -> nn.Module:
    main = nn.Sequential(
        *_conv_bn(channels, filters, 1), nn.ReLU(inplace=True), *_conv_bn(filters, filters, 3, stride),
        nn.ReLU(inplace=True), *_conv_bn(filters, 4 * filters, 1),
    )  # fmt: skip
    same = stride == 1 and channels == 4 * filters
    return Residual(main, nn.Identity() if same else nn.Sequential(*_conv_bn(channels, 4 * filters, 1, stride)))


def resnet(classes: int, channels: int, side: int) -> nn.Module:
    layers: list[nn.Module] = [*_conv_bn(channels, 16, 3), nn.ReLU(inplace=True)]
    width = 16
    for filters in (16, 32, 64):
        for block in range(9):
            layers.append(_basic(width, filters, 2 if block == 0 and filters > 16 else 1))
            width = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def resnet18(classes: int, channels: int, side: int) -> nn.Module:
    return _photographs(classes, channels, (2, 2, 2, 2), _basic, 1)


def resnet50(classes: int, channels: int, side: int) -> nn.Module:
    return _photographs(classes, channels, (3, 4, 6, 3), _bottleneck, 4)


def _photographs(
    classes: int, channels: int, depths: Iterable[int], block: Callable[[int, int, int], nn.Module], wider: int
) -> nn.Module:
    layers: list[nn.Module] = [*_conv_bn(channels, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for filters, depth in zip((64, 128, 256, 512), depths):
        for unit in range(depth):
            layers.append(block(width, filters, 2 if unit == 0 and filters > 64 else 1))
            width = wider * filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of an image."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Scale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((width,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class ConvNeXtBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.expand, self.reduce = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gelu, self.scale = nn.GELU(), Scale(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.spread(x).permute(0, 2, 3, 1))
        y = self.scale(self.reduce(self.gelu(self.expand(y))))
        return x + y.permute(0, 3, 1, 2)


def convnext_tiny(classes: int, channels: int, side: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(channels, 96, 4, 4), ChannelNorm(96, eps=1e-6)]
    width = 96
    for depth, filters in ((3, 96), (3, 192), (9, 384), (3, 768)):
        if filters > width:
            layers += [ChannelNorm(width, eps=1e-6), nn.Conv2d(width, filters, 2, 2)]
        layers += [ConvNeXtBlock(filters) for _ in range(depth)]
        width = filters
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), ChannelNorm(width, eps=1e-6), nn.Flatten(), nn.Linear(width, classes)
    )


PLAIN: dict[str, Callable[[int, int, int], nn.Module]] = {
    f.__name__: f
    for f in (lenet, alexnet, vgg, googlenet, inception_bn, resnet, resnet18, resnet50, convnext_tiny, mlp)
}
"""Name of a network → a function of classes, channels and the side of the images that makes it."""


def take_weights(module: nn.Module, arrays: Iterable[np.ndarray]) -> None:
    """Give `module` the arrays of another network, in the order in which both list them.

    Raises
    ------
    ValueError
        There are more or fewer of them, or one has another number of elements.
    """
    places = [t for n, t in module.state_dict(keep_vars=True).items() if not n.endswith("num_batches_tracked")]
    with torch.no_grad():
        for place, array in zip(places, arrays, strict=True):
            if place.numel() != array.size:
                raise ValueError(f"an array of the shape {array.shape} is no {tuple(place.shape)}")
            place.copy_(torch.from_numpy(array).reshape(place.shape))
