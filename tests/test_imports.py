"""What `import heavywater` costs: nothing heavy is loaded before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ["polars", "numba", "torch", "ray", "sklearn", "scipy", "starlette", "pandas", "pyarrow", "matplotlib", "rich"]


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_loads_nothing_heavy():
    loaded = json.loads(run("import sys, json, heavywater; print(json.dumps(sorted(sys.modules)))"))
    assert "heavywater" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_importing_is_quick():
    code = "import time; t = time.perf_counter(); import heavywater; print(time.perf_counter() - t)"
    assert min(float(run(code)) for _ in range(5)) < 0.3


@pytest.mark.parametrize("module", ["heavywater.errors", "heavywater.display"])
def test_the_lowest_layers_load_nothing_heavy(module):
    loaded = json.loads(run(f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"))
    assert [name for name in HEAVY if name in loaded] == []
