"""Readers of every version of the manifest that was ever published; a version is added here and never removed.

This is the version of the *file*. What an algorithm puts into it has a version of its own (``ModelState.version``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from heavywater.models.state import ModelState
from heavywater.models.versions import v1

__all__ = ["CURRENT", "READERS", "ManifestReader"]

ManifestReader = Callable[[str], ModelState]
"""From the text of the manifest to a state without arrays; raises ModelFileError."""

CURRENT = 1
"""The version that is written."""

READERS: Mapping[int, ManifestReader] = {1: v1.read}
