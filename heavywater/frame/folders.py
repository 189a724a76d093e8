"""Paths inside tables: folders that they may start from, and which of them may be opened."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

_MOST = 1000
_known: OrderedDict[Path, None] = OrderedDict()
_resolve: Callable[[str], Path] | None = None


def remember(file: str | os.PathLike[str]) -> None:
    """Note the folder of a local file that was read as a table."""
    folder = Path(os.path.abspath(file)).parent
    _known.pop(folder, None)
    _known[folder] = None
    if len(_known) > _MOST:
        _known.popitem(last=False)


def folders() -> list[Path]:
    """Those folders, the latest first."""
    return list(reversed(_known))


def restrict(resolve: Callable[[str], Path] | None) -> None:
    """Let every path that is read from a table go through `resolve`, which raises for those that may not be opened.

    None: all may be. Addresses are refused while paths are restricted.
    """
    global _resolve
    _resolve = resolve


def restricted() -> bool:
    """Whether `restrict` is in force."""
    return _resolve is not None


def opened(path: str) -> str | Path:
    """The path to open for one that is written in a table."""
    return path if _resolve is None else _resolve(path)
