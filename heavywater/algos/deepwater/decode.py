"""One image: from a path or address to bytes, and from bytes to pixels.  The bytes may come from anybody."""

from __future__ import annotations

import functools
import io
import os
import re
import stat
import urllib.request
from dataclasses import dataclass
from typing import Any

import numpy as np

from heavywater.errors import HeavywaterError, NotSupported, ParseError
from heavywater.frame.folders import opened, restricted
from heavywater.frame.parse.decompress import Limits
from heavywater.frame.parse.remote import read_http, read_store

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
MAX_FILE = 64 << 20
"""Largest image file, in bytes."""
MAX_PIXELS = 64 << 20
"""Most pixels of an image before it is brought to size; one that unpacks to more is refused before it is unpacked."""
SMALLEST = 2
"""Fewest pixels across: a single pixel shows nothing."""


class ImageFault(Exception):
    """An image that cannot be used; the text says why."""


@dataclass(frozen=True)
class Recipe:
    """How an image becomes pixels.

    Attributes
    ----------
    width, height : int
        Size to which it is stretched.
    channels : int
        3: red, green, blue; 1: gray.
    legacy : bool
        Deep Water's ways: nearest pixel instead of interpolation, gray as the mean of the colours, no turning by EXIF.
    gray_gamma : bool
        Brighten 8-bit gray images as Java does, which takes their values for linear light.
    """

    width: int
    height: int
    channels: int
    legacy: bool = False
    gray_gamma: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width


def is_address(path: str) -> bool:
    """Whether a text is a URL rather than a path of this machine."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def exists(path: str) -> bool:
    """Whether there is a file that may be read."""
    try:
        return os.path.isfile(opened(path))
    except (HeavywaterError, OSError, ValueError):
        return False


def read_bytes(path: str) -> bytes:
    """The bytes of an image file.

    Raises
    ------
    ImageFault
        Not there, no ordinary file, larger than `MAX_FILE`, or an address that does not answer.
    """
    if path.startswith("file://"):
        path = urllib.request.url2pathname(path.removeprefix("file://"))
    if is_address(path):
        if restricted():
            raise ImageFault("addresses may not be read here")
        fetch = read_http if path.startswith("http") else read_store
        try:
            return fetch(path, Limits(max_bytes=MAX_FILE))
        except ParseError as e:
            raise ImageFault(str(e)) from None
    try:
        with open(opened(path), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise ImageFault("it is not a file")
            if facts.st_size > MAX_FILE:
                raise ImageFault(f"the file has {facts.st_size:,} bytes; at most {MAX_FILE:,} are read")
            return file.read(facts.st_size + 1)
    except (OSError, ValueError, HeavywaterError) as e:
        raise ImageFault(f"it cannot be opened: {getattr(e, 'strerror', None) or e}") from None


def decode(data: bytes, recipe: Recipe) -> np.ndarray:
    """Pixels of an image file, uint8 ``(channels, height, width)``.

    Raises
    ------
    ImageFault
        Not an image of `FORMATS`, damaged, too large, or smaller than `SMALLEST` across.
    """
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageFault(f"it has {width} x {height} pixels; at most {MAX_PIXELS:,} are unpacked")
            if min(width, height) < SMALLEST:
                raise ImageFault(f"it has {width} x {height} pixels; at least {SMALLEST} x {SMALLEST} are needed")
            return _pixels(pillow, image, recipe)
    except ImageFault:
        raise
    except Exception as e:  # the decoders raise many kinds for damaged files
        raise ImageFault(f"it is not a readable image ({_brief(e)})") from None


def _pixels(pillow: Any, image: Any, recipe: Recipe) -> np.ndarray:
    size = (recipe.width, recipe.height)
    if not recipe.legacy:
        image.draft(None, (2 * recipe.width, 2 * recipe.height))  # JPEG: unpack no more than is needed
        image = _upright(image)
    gray = image.mode in ("1", "L", "LA")
    if image.mode.startswith("I;16"):
        image = pillow.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if gray:
        image = image.convert("L")
    elif image.mode != "RGB":
        image = image.convert("RGB")
    if image.size != size:
        image = image.resize(size, pillow.Resampling.NEAREST if recipe.legacy else pillow.Resampling.BILINEAR)
    if recipe.channels == 1 and image.mode == "RGB" and not recipe.legacy:
        image = image.convert("L")
    pixels = np.asarray(image)
    if gray and recipe.gray_gamma:
        pixels = java_gray()[pixels]
    if pixels.ndim == 2:
        pixels = pixels[None]
        return pixels if recipe.channels == 1 else np.repeat(pixels, 3, axis=0)
    if recipe.channels == 1:
        return (pixels.sum(axis=2, dtype=np.uint16) // 3).astype(np.uint8)[None]
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _upright(image: Any) -> Any:
    """Turned as the camera noted it."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


@functools.cache
def java_gray() -> np.ndarray:
    """Java's table from linear gray to sRGB, uint8 ``(256,)``."""
    x = np.arange(256) / 255
    f = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.floor(255 * f + 0.5).astype(np.uint8)


def _brief(error: Exception) -> str:
    text = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r" ?<_io\.BytesIO object at \w+>", "", text)[:120]


@functools.cache
def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise NotSupported("images need the package pillow: pip install 'heavywater[deepwater]'") from None
    return Image
