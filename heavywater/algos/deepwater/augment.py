"""Random changes of training images, drawn anew for every mini-batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_ANGLE = np.pi / 12
_SHIFT, _ZOOM = 0.1, 0.1
_BRIGHTNESS = 0.2
_ERASED = 0.25


def augmented(torch: Any, x: Any, names: Sequence[str], random: np.random.Generator) -> Any:
    """A changed copy of a batch of prepared images, float32 ``(n, channels, height, width)``.

    Parameters
    ----------
    names : sequence of str
        ``flip``: left and right change places in half of the images; ``crop``: moved by up to a tenth and enlarged by up
        to a tenth; ``rotate``: turned by up to 15 degrees; ``brightness``: multiplied by 0.8 to 1.2; ``erase``: a
        rectangle of up to a quarter of each side becomes 0.
    random : numpy.random.Generator
        Decides everything, so that equal seeds give equal images.
    """
    n, _, height, width = x.shape
    ones = np.ones(n)
    mirror = np.where(random.random(n) < 0.5, -1.0, 1.0) if "flip" in names else ones
    angle = random.uniform(-_ANGLE, _ANGLE, n) if "rotate" in names else 0 * ones
    zoom = 1 - random.uniform(0, _ZOOM, n) if "crop" in names else ones
    shift = random.uniform(-2 * _SHIFT, 2 * _SHIFT, (n, 2)) if "crop" in names else np.zeros((n, 2))
    if {"flip", "crop", "rotate"} & set(names):
        cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
        ratio = height / width
        theta = np.stack(
            [mirror * cos, -sin * ratio, shift[:, 0], mirror * sin / ratio, cos, shift[:, 1]], axis=1
        ).reshape(n, 2, 3)
        grid = torch.nn.functional.affine_grid(
            torch.from_numpy(theta.astype(np.float32)).to(x.device), x.shape, align_corners=False
        )
        x = torch.nn.functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    if "brightness" in names:
        factor = random.uniform(1 - _BRIGHTNESS, 1 + _BRIGHTNESS, n).astype(np.float32)
        x = x * torch.from_numpy(factor).to(x.device).view(-1, 1, 1, 1)
    if "erase" in names:
        x = x * torch.from_numpy(_holes(n, height, width, random)).to(x.device)
    return x


def _holes(n: int, height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """1 but for a rectangle of 0 in each image, float32 ``(n, 1, height, width)``."""
    tall = random.integers(1, max(2, int(height * _ERASED) + 1), n)
    wide = random.integers(1, max(2, int(width * _ERASED) + 1), n)
    top = (random.random(n) * (height - tall)).astype(np.int64)
    left = (random.random(n) * (width - wide)).astype(np.int64)
    row, column = np.arange(height)[None, :, None], np.arange(width)[None, None, :]
    down = (row >= top[:, None, None]) & (row < (top + tall)[:, None, None])
    across = (column >= left[:, None, None]) & (column < (left + wide)[:, None, None])
    return (~(down & across)).astype(np.float32)[:, None]
