"""Whether Keras is there, and what it computes with; nothing of it is imported here."""

from __future__ import annotations

import importlib.util
import os
import sys

__all__ = ["keras_backend"]


def keras_backend() -> str | None:
    """The library that Keras computes with, or would if it were imported: TensorFlow unless KERAS_BACKEND says otherwise.

    Returns
    -------
    str or None
        ``tensorflow``, ``torch`` or ``jax``; None where Keras or that library is not installed.
    """
    loaded = sys.modules.get("keras")
    if loaded is not None:
        return str(loaded.backend.backend())
    name = os.environ.get("KERAS_BACKEND", "tensorflow")
    if name not in ("tensorflow", "torch", "jax"):
        return None
    return name if importlib.util.find_spec("keras") and importlib.util.find_spec(name) else None
