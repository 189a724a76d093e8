"""Fixtures shared by all tests."""

from __future__ import annotations

import importlib.util
import os
import random
import secrets
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

DRAWS = random.Random()
"""Where training gets its seed when a test gives none, so that a test's result is the same in every run."""


def pytest_configure() -> None:
    secrets.randbits = DRAWS.getrandbits
    if importlib.util.find_spec("tensorflow") is None:  # else Keras, which tests import, would look for it in vain
        os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    DRAWS.seed(item.nodeid)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the reference data (golden runs of H2O, MNIST, ...); beside the project or in HEAVYWATER_SHARED."""
    folder = Path(os.environ.get("HEAVYWATER_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no reference data: neither HEAVYWATER_SHARED nor {folder.name}/ beside the project")
    return folder


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Programs that a shell starts in the background ignore Ctrl-C; the tests of Ctrl-C need the usual handler."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
