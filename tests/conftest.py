"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
