"""Snapshots of a model in training, so that a crash costs no more than what was trained since the last scoring."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Callable
from pathlib import Path

from heavywater.errors import H2OValueError
from heavywater.models.container import write
from heavywater.models.state import ModelState

KEPT = 2
_LONGEST = 70


class Snapshots:
    """Files ``<model>.snapshot-<number>`` in a folder; a higher number is newer.

    Each is written beside its final place and moved there when it is whole, so that a process may be killed at any
    moment; an older one is removed only after that.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    key : str
        Name of the model.
    warn : callable
        Told when a file cannot be written; training goes on.
    """

    def __init__(self, folder: Path, key: str, warn: Callable[[str], None]) -> None:
        self._folder, self._warn = folder, warn
        self._stem = re.sub(r"[^\w.\- ]", "_", key)
        if self._stem != key or len(key) > _LONGEST:
            self._stem = f"{self._stem[:_LONGEST]}-{zlib.crc32(key.encode()):08x}"
        self._next = 1 + max([n for n, _ in self._existing()], default=0)

    def save(self, state: ModelState) -> None:
        """Write a snapshot and remove all but the newest ones."""
        self._write(state, f"{self._stem}.snapshot-{self._next:06d}")
        self._next += 1
        self._keep(KEPT)

    def finish(self, state: ModelState) -> None:
        """Write the finished model, which makes the snapshots superfluous."""
        if self._write(state, self._stem):
            self._keep(0)

    def _write(self, state: ModelState, name: str) -> bool:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write(state, self._folder / name, force=True)
        except (OSError, H2OValueError) as e:
            self._warn(f"export_checkpoints_dir: {e}")
            return False
        return True

    def _existing(self) -> list[tuple[int, Path]]:
        """Snapshots of this model by number, the oldest first."""
        pattern = re.compile(re.escape(self._stem) + r"\.snapshot-(\d+)")
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted((int(m[1]), path) for path in found if (m := pattern.fullmatch(path.name)))

    def _keep(self, count: int) -> None:
        paths = [path for _, path in self._existing()]
        for path in self._left_behind() + paths[: len(paths) - count]:
            with contextlib.suppress(OSError):
                path.unlink()

    def _left_behind(self) -> list[Path]:
        """What a killed process was writing when it died."""
        pattern = re.compile(rf"\.{re.escape(self._stem)}(\.snapshot-\d+)?\.\d+\.[0-9a-f]+\.tmp")
        return [path for path in self._folder.iterdir() if pattern.fullmatch(path.name)]
