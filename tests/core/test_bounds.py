"""Kernels read and write within their arrays: the tests of the kernels again, compiled with checks of every index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = ("test_fast.py", "test_lagged.py", "test_batch.py", "test_fast_forward.py", "test_packed.py")


@pytest.mark.slow
def test_no_index_leaves_its_array(tmp_path: Path) -> None:
    checked = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *(str(HERE / m) for m in MODULES)]
    done = subprocess.run(command, env=checked, cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
