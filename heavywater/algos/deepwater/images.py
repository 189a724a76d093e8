"""A column of images: found, decoded in threads, kept as bytes, and those that cannot be read named."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from heavywater.algos.deepwater.decode import ImageFault, Recipe, decode, exists, is_address, read_bytes
from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.frame.folders import folders

EXTENSIONS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp")
_NAMED = 5
_BLOCK = 512
_TRIED = 20
_WORTHWHILE = 4e-4
"""Seconds to decode an image from which several threads are faster; below, most of it is Python, one thread at a time."""


def image_column(frame: Frame, names: Sequence[str]) -> str | None:
    """The first column of text or categories whose first value is called like an image file or is an existing file."""
    for name in names:
        if frame.kind(name) not in ("string", "enum"):
            continue
        first = next((str(v) for v in frame.stored_column(name).head(1000).to_list() if v is not None), None)
        if first is None:
            continue
        path = first.strip().split("?")[0]
        if path.lower().endswith(EXTENSIONS) or (("/" in path or os.sep in path) and exists(path)):
            return name
    return None


class ImageColumn:
    """The images of one column of a frame.

    Parameters
    ----------
    frame : Frame
    name : str
        A column of paths or addresses.
    recipe : Recipe
    root : str, optional
        Folder that relative paths start from; found when None (see `base_folder`).
    threads : int
        Threads that decode.
    keep_bytes : int
        Decoded images are kept when all of them fit into so many bytes.

    Attributes
    ----------
    faults : dict of int to str
        Images (numbers in `paths`) that cannot be used, and why; grows while images are read.
    """

    def __init__(
        self, frame: Frame, name: str, recipe: Recipe, *, root: str | None = None, threads: int = 1, keep_bytes: int = 0
    ) -> None:
        text = frame.column(name).cast(str).str.strip_chars()
        unique = text.drop_nulls().unique(maintain_order=True)
        self.name, self.recipe, self.threads = name, recipe, max(1, threads)
        self.names: list[str] = unique.to_list()
        places = {path: i for i, path in enumerate(self.names)}
        self.index = np.array([-1 if v is None else places[v] for v in text.to_list()], np.int64)
        base = base_folder(self.names, root)
        self.paths = [p if is_address(p) or os.path.isabs(p) else str(base / p) for p in self.names]
        self.faults: dict[int, str] = {}
        size = int(np.prod(recipe.shape)) * len(self.paths)
        self._kept = np.zeros((len(self.paths), *recipe.shape), np.uint8) if 0 < size <= keep_bytes else None
        self._read = np.zeros(len(self.paths), bool)
        self._sums = np.zeros((len(self.paths), recipe.channels))
        self._squares = np.zeros((len(self.paths), recipe.channels))

    @property
    def nrow(self) -> int:
        return len(self.index)

    def read_all(self) -> None:
        """Read every image once, so that `faults` is complete."""
        for start in range(0, len(self.paths), _BLOCK):
            self._images(np.arange(start, min(start + _BLOCK, len(self.paths))))

    def moments(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the pixels of some rows per channel, float64 ``(channels,)``.

        Rows without a usable image do not count; images must have been read (see `read_all`).
        """
        times = np.bincount(self.index[rows][~self.unusable()[rows]], minlength=len(self.paths))[:, None]
        count = int(times.sum()) * self.recipe.width * self.recipe.height
        mean = (times * self._sums).sum(axis=0) / max(count, 1)
        squares = (times * self._squares).sum(axis=0) / max(count, 1)
        return mean, np.sqrt(np.maximum(squares - mean**2, 0.0))

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """Pixels of some rows, uint8 ``(n, channels, height, width)``; black where there is no usable image."""
        numbers = self.index[rows]
        out = np.zeros((len(rows), *self.recipe.shape), np.uint8)
        there = numbers >= 0
        if there.any():
            unique, back = np.unique(numbers[there], return_inverse=True)
            out[there] = self._images(unique)[back]
        return out

    def unusable(self) -> np.ndarray:
        """Rows without a usable image, among those read so far; bool ``(nrow,)``."""
        bad = np.zeros(len(self.paths) + 1, bool)
        bad[list(self.faults)] = True
        bad[-1] = True  # index -1: the path is missing
        return bad[self.index]

    def report(self) -> str:
        """How many rows have no usable image and which images those are; empty when all is well."""
        bad = self.unusable()
        if not bad.any():
            return ""
        said = [f"{self.names[i]!r}: {why}" for i, why in sorted(self.faults.items())[:_NAMED]]
        if (self.index < 0).any():
            said.append(f"{int((self.index < 0).sum())} rows have no path")
        more = f"; and {len(self.faults) - _NAMED} more" if len(self.faults) > _NAMED else ""
        return f"{int(bad.sum())} of {self.nrow} rows have no usable image in column {self.name!r} ({'; '.join(said)}{more})"

    def _images(self, numbers: np.ndarray) -> np.ndarray:
        if self._kept is None:
            return self._decoded(numbers)
        new = numbers[~self._read[numbers]]
        if len(new):
            self._kept[new] = self._decoded(new)
            self._read[new] = True
        return self._kept[numbers]

    def _decoded(self, numbers: np.ndarray) -> np.ndarray:
        out = np.zeros((len(numbers), *self.recipe.shape), np.uint8)

        def some(first: int, step: int = 1, last: int = len(numbers)) -> None:
            for i in range(first, last, step):
                number = int(numbers[i])
                try:
                    pixels = decode(read_bytes(self.paths[number]), self.recipe)
                    out[i] = pixels
                    self._sums[number] = pixels.sum(axis=(1, 2), dtype=np.int64)
                    self._squares[number] = np.square(pixels, dtype=np.int64).sum(axis=(1, 2))
                except ImageFault as e:
                    self.faults[number] = str(e)

        tried = min(8, len(numbers))
        began = time.perf_counter()
        some(0, last=tried)
        workers = min(self.threads, len(numbers) - tried)
        if workers <= 1 or time.perf_counter() - began < _WORTHWHILE * tried:
            some(tried)
            return out
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda w: some(tried + w, workers), range(workers)))
        return out


def base_folder(paths: Sequence[str], root: str | None) -> Path:
    """The folder that relative paths start from.

    `root` when given; otherwise the one of the working folder and the folders of imported tables in which any of the
    first relative paths exists.

    Raises
    ------
    H2OValueError
        When that is true of several folders.
    """
    if root is not None:
        return Path(root)
    relative = [p for p in paths[:_TRIED] if not is_address(p) and not os.path.isabs(p)]
    places = dict.fromkeys((Path.cwd(), *folders()))
    found = [f for f in places if any(exists(str(f / p)) for p in relative)]
    if len(found) > 1:
        listed = ", ".join(repr(str(f)) for f in found[:_NAMED])
        raise H2OValueError(
            f"images such as {relative[0]!r} exist below several folders ({listed}); say which with image_root"
        )
    return found[0] if found else Path()


def free_bytes() -> int:
    """Memory that is free, as far as the system tells."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            facts = dict(line.split(":", 1) for line in file)
        return int(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 4 << 30
