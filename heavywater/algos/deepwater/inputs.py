"""What a network is fed: rows of a table, images, or both, taken a mini-batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

import numpy as np

from heavywater.algos.deepwater.images import ImageColumn
from heavywater.core.mlp.layout import Inputs

T = TypeVar("T")


@dataclass(frozen=True)
class Pixels:
    """What is done to pixels before they reach the network: ``(pixel - mean_image - sub) * mul`` per channel.

    Attributes
    ----------
    sub, mul : tuple of float
        One number per channel.
    mean_image : ndarray of float32 (channels, height, width) or None
    """

    sub: tuple[float, ...]
    mul: tuple[float, ...]
    mean_image: np.ndarray | None = None

    def prepare(self, torch: Any, pixels: Any, memory_format: Any = None) -> Any:
        """Float32 tensor of a uint8 tensor ``(n, channels, height, width)``, in the memory format that is asked for."""
        x = pixels.to(torch.float32, memory_format=memory_format or torch.preserve_format)
        if self.mean_image is not None:
            x -= torch.from_numpy(np.array(self.mean_image)).to(x.device)
        if self._shifts:
            x -= _per_channel(torch, self.sub, x.device)
        if self._scales:
            x *= _per_channel(torch, self.mul, x.device)
        return x

    @cached_property
    def _shifts(self) -> bool:
        return any(self.sub)

    @cached_property
    def _scales(self) -> bool:
        return any(m != 1.0 for m in self.mul)


def _per_channel(torch: Any, values: tuple[float, ...], device: Any) -> Any:
    """A number, or a tensor that spreads over images, one value per channel."""
    return values[0] if len(set(values)) == 1 else torch.tensor(values, device=device).view(1, -1, 1, 1)


@dataclass
class Source:
    """The rows of a frame as network inputs.

    Attributes
    ----------
    shape : tuple of int
        Of one row of the main input: ``(channels, height, width)`` or ``(features,)``.
    table : Inputs or None
        Encoded columns of the table.
    width : int
        Inputs that they become.
    images : ImageColumn or None
        Main input; without it the table is.
    """

    shape: tuple[int, ...]
    table: Inputs | None
    width: int
    images: ImageColumn | None = None

    @property
    def nrow(self) -> int:
        if self.images is not None:
            return self.images.nrow
        assert self.table is not None
        return self.table.nrow

    def batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Main input, uint8 pixels or float32 ``(n, *shape)``, and the table beside images, float32 or None."""
        table = None if self.table is None else expanded(self.table, rows, self.width)
        if self.images is not None:
            return self.images.pixels(rows), table
        assert table is not None
        return table.reshape(len(rows), *self.shape), None


def expanded(inputs: Inputs, rows: np.ndarray, width: int) -> np.ndarray:
    """Full input vectors of some rows, float32 ``(n, width)``."""
    if not inputs.slots.shape[1]:
        return inputs.dense[rows]
    x = np.zeros((len(rows), width), np.float32)
    for column in range(inputs.slots.shape[1]):
        slots = inputs.slots[rows, column]
        hit = np.flatnonzero(slots >= 0)
        x[hit, slots[hit]] = 1.0
    x[:, inputs.num_start :] = inputs.dense[rows]
    return x


def batches(count: int, size: int) -> list[int]:
    """Sizes of the fewest batches of at most `size` that hold `count` rows, as equal as possible.

    So no batch is tiny, which batch normalisation could not bear.
    """
    parts = max(1, -(-count // size))
    return [count // parts + (1 if i < count % parts else 0) for i in range(parts)]


class Order:
    """The endless sequence of training rows: pass after pass, each in a new order where rows are shuffled.

    Parameters
    ----------
    rows : ndarray of int64
        Rows that teach.
    seed : int
    shuffle : bool
    """

    def __init__(self, rows: np.ndarray, seed: int, shuffle: bool) -> None:
        self._rows, self._seed, self._shuffle = rows, seed % 2**64, shuffle
        self._pass, self._order = -1, rows

    def take(self, start: int, count: int) -> np.ndarray:
        """Rows number `start` to `start + count` of the sequence."""
        parts, n = [], len(self._rows)
        while count > 0:
            which, at = divmod(start, n)
            if which != self._pass:
                self._pass, self._order = which, self._of(which)
            part = self._order[at : at + count]
            parts.append(part)
            start, count = start + len(part), count - len(part)
        return np.concatenate(parts)

    def _of(self, which: int) -> np.ndarray:
        if not self._shuffle:
            return self._rows
        return np.random.default_rng((self._seed, which)).permutation(self._rows)


def ahead(items: Sequence[T], make: Callable[[T], Any], depth: int = 4) -> Iterator[Any]:
    """``make(item)`` of every item in order, worked out in a thread up to `depth` items ahead."""
    queue: Queue[tuple[bool, Any]] = Queue(depth)
    done = Event()

    def put(entry: tuple[bool, Any]) -> bool:
        while not done.is_set():
            try:
                queue.put(entry, timeout=0.05)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((True, make(item))):
                    return
        except BaseException as e:  # raised again where the item is wanted
            put((False, e))

    thread = Thread(target=work, name="heavywater-ahead", daemon=True)
    thread.start()
    try:
        for _ in items:
            while True:
                try:
                    good, value = queue.get(timeout=1.0)
                    break
                except Empty:
                    if not thread.is_alive() and queue.empty():
                        raise RuntimeError("the thread that prepares batches ended early") from None
            if not good:
                raise value
            yield value
    finally:
        done.set()
        thread.join()
