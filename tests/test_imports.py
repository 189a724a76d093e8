"""What `import heavywater` costs: nothing heavy is loaded before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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


FIRST_RESULT = """
import json, sys
import heavywater as h2o
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator

h2o.init()
frame = h2o.import_file(sys.argv[1])
model = H2ODeepLearningEstimator(epochs=1, seed=1, hidden=[7])
model.train(y="class", training_frame=frame)
print(model.predict(frame))
print(json.dumps(sorted(sys.modules)))
"""


def test_a_small_model_needs_no_compiler_once_its_kernels_are_there(tmp_path: Path):
    table = tmp_path / "flowers.csv"
    lines = [f"{i % 7}.{i % 3},{i % 5},{('rose', 'lily', 'iris')[i % 3]}" for i in range(60)]
    table.write_text("\n".join(["length,width,class", *lines]))
    command = [sys.executable, "-c", FIRST_RESULT, str(table)]
    subprocess.run(command, capture_output=True, check=True)  # compiles what is not there
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    loaded = json.loads(answer[-1])
    assert "polars" in loaded
    unwanted = [name for name in HEAVY if name != "polars"]
    assert [name for name in unwanted if name in loaded] == []
