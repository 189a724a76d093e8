"""Imports go downwards only; see docs/architecture.md.  Imports inside functions count, so laziness is no loophole."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import heavywater

LAYERS: list[set[str]] = [
    {"core"},
    {"errors"},
    {"display"},
    {"params", "frame", "metrics", "networks", "parallel"},
    {"rapids", "models"},
    {"algos"},
    {"training", "export"},
    {"engine"},
    {"h2oframe", "remote"},
    {"estimators", "sklearn"},
    {"grid"},
    {"api"},
    {"server", "deploy"},
    {"cli", "mlflow", "__main__"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
ROOT_PACKAGE = Path(heavywater.__file__).parent
# llvmlite is the part of numba that writes machine code
CORE_MAY_IMPORT = {"numpy", "numba", "llvmlite", "heavywater", *sys.stdlib_module_names}
FORBIDDEN_EVERYWHERE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every module imported anywhere in `tree`; `package` resolves relative imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join(parts[: len(parts) - node.level + 1] + ([base] if base else []))
            if base == "heavywater":
                yield from ((node.lineno, f"heavywater.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, base
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield node.lineno, argument.value


def faults(root: Path) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        me = parts[0]
        where = "/".join(parts)
        if me != "__init__" and me not in RANK:
            found.append(f"{where}: {me} stands in no layer; give it a place in LAYERS")
            continue
        package = ".".join(["heavywater", *parts[:-1]])
        for line, target in imports(ast.parse(path.read_text(encoding="utf-8")), package):
            top, _, rest = target.partition(".")
            if top in FORBIDDEN_EVERYWHERE:
                found.append(f"{where}:{line} imports {top}, which can run code from a file")
            if me == "core" and top not in CORE_MAY_IMPORT:
                found.append(f"{where}:{line} core may not import {top}: numpy, numba and the standard library only")
            other = rest.partition(".")[0]
            if top != "heavywater" or other in (me, "", "__version__") or me == "__init__":
                continue
            if other not in RANK:
                found.append(f"{where}:{line} imports heavywater.{other}, which stands in no layer")
            elif RANK[other] >= RANK[me]:
                found.append(f"{where}:{line} {me} (layer {RANK[me]}) may not import {other} (layer {RANK[other]})")
            elif other == "core" and me in ("errors", "display"):
                found.append(f"{where}:{line} {me} may not import core")
    return found


def test_imports_go_downwards_only():
    assert faults(ROOT_PACKAGE) == []


@pytest.mark.parametrize(
    ("file", "code", "fault"),
    [
        ("core/a.py", "import torch", "core may not import torch"),
        ("core/a.py", "def f():\n    from scipy import special", "core/a:2 core may not import scipy"),
        ("core/a.py", "from heavywater.errors import X", "core (layer 0) may not import errors"),
        ("frame/a.py", "from ..server import app", "frame (layer 3) may not import server"),
        ("frame/a.py", "from heavywater import metrics", "frame (layer 3) may not import metrics"),
        ("frame/parse/a.py", "from ...params import x", "frame (layer 3) may not import params"),
        (
            "models/a.py",
            "import importlib\nimportlib.import_module('heavywater.algos.x')",
            "models (layer 4) may not import algos",
        ),
        ("engine/a.py", "def f():\n    import heavywater.sklearn", "engine (layer 7) may not import sklearn"),
        ("sklearn.py", "from heavywater.estimators import x", "sklearn (layer 9) may not import estimators"),
        ("novelty/a.py", "", "novelty stands in no layer"),
        ("algos/a.py", "import heavywater.novelty.x", "heavywater.novelty, which stands in no layer"),
        ("engine/a.py", "import pickle", "imports pickle"),
        ("errors.py", "from heavywater.core import x", "errors may not import core"),
    ],
)
def test_a_planted_fault_is_found(tmp_path, file, code, fault):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    found = faults(tmp_path)
    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (
            "core/a.py",
            "import math, numpy as np\nfrom numba import njit\nfrom heavywater.core.b import c\nfrom . import b",
        ),
        (
            "frame/a.py",
            "from heavywater.errors import X\nfrom heavywater.core.sort import y\nfrom heavywater import __version__",
        ),
        ("cli.py", "from heavywater import engine\nimport heavywater.estimators.deeplearning"),
        ("__init__.py", "from heavywater.api import train"),
    ],
)
def test_what_is_allowed_is_not_reported(tmp_path, file, code):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    assert faults(tmp_path) == []


def test_no_code_is_run_from_text():
    def runs(path: Path) -> list[str]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        return [
            f"{path.name}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")
        ]

    assert [hit for path in ROOT_PACKAGE.rglob("*.py") for hit in runs(path)] == []
