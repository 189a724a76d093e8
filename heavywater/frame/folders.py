"""Folders that tables were read from: where relative paths inside those tables may start."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

_MOST = 1000
_known: OrderedDict[Path, None] = OrderedDict()


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
