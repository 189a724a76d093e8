"""Recipes of images: pinned, without root, made of what is there; the scorer's contents are small and enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_layers import ROOT_PACKAGE

ROOT = ROOT_PACKAGE.parent
FOLDER = ROOT / "containers"
RECIPES = sorted(FOLDER.glob("Containerfile.*"))
PINS = [line.strip() for line in (FOLDER / "scorer.txt").read_text().splitlines() if line and not line.startswith("#")]
WORDS = {"FROM", "RUN", "COPY", "USER", "EXPOSE", "ENTRYPOINT", "ENV", "WORKDIR"}
LARGEST = 250 << 20


def instructions(path: Path) -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.suffix[1:])
def test_a_recipe_is_pinned_and_runs_without_root(path: Path) -> None:
    steps = instructions(path)
    assert {word for word, _ in steps} <= WORDS
    assert steps[0][0] == "FROM"
    assert re.search(r":\d+\.\d+\.\d+", steps[0][1])
    assert [v for w, v in steps if w == "USER"] == ["10001"]
    for word, rest in steps:
        if word == "COPY":
            assert all((ROOT / source).exists() for source in rest.split()[:-1])
        for wanted in re.findall(r"\btorch\S*", rest) if word == "RUN" and "install" in rest else []:
            assert wanted.startswith("torch==")
    assert re.fullmatch(r'\["heavywater", "(deploy|serve)".*\]', next(v for w, v in steps if w == "ENTRYPOINT"))


def test_the_three_recipes_are_there() -> None:
    assert [p.suffix for p in RECIPES] == [".cpu", ".gpu", ".scorer"]


def test_the_scorers_pins_are_those_of_the_project() -> None:
    constraints = {line.lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()}
    wanted = {p.lower().replace("_", "-") for p in PINS}
    assert all("==" in p for p in PINS)
    assert wanted <= constraints


@pytest.mark.slow
def test_the_scorers_contents_are_small_and_enough(files: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "image"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    done = subprocess.run([*pip, "-r", str(FOLDER / "scorer.txt")], capture_output=True, text=True, timeout=400)
    if done.returncode:
        pytest.skip(f"no packages to install from: {done.stderr[-300:]}")
    shutil.copytree(ROOT_PACKAGE, folder / "heavywater", ignore=shutil.ignore_patterns("__pycache__"))
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    print(f"{size / (1 << 20):.0f} MB")
    assert size < LARGEST
    for kind in ("heavywater", "ONNX"):
        code = f"""
import sys
sys.path[:] = [{str(folder)!r}, *(p for p in sys.path if "site-packages" not in p)]
from heavywater.deploy.app import create_app
from heavywater.deploy.gate import Gate
from heavywater.deploy.scorers import open_scorer
scorer = open_scorer({str(files[kind])!r})
create_app(scorer, Gate("127.0.0.1", None))
print(scorer.predict({{"age": [30.0], "sex": ["f"], "pay": [None]}})["predict"][0])
assert not {{"numba", "polars", "pyarrow", "sklearn"}} & set(sys.modules)
"""
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, cwd=tmp_path, env=_bare()
        )
        assert ran.returncode == 0, ran.stderr[-1500:]
        assert ran.stdout.strip() in ("yes", "no")


def _bare() -> dict[str, Any]:
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
