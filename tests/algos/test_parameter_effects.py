"""The list of effect tests is complete, and the tests it names exist."""

from __future__ import annotations

import ast
from pathlib import Path

from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.params import infos
from tests.algos.effects import EFFECTS, WITHOUT_EFFECT

HERE = Path(__file__).parent


def test_every_parameter_has_a_test() -> None:
    assert set(EFFECTS) == set(infos(DeepLearningParams))
    assert set(WITHOUT_EFFECT) <= set(EFFECTS)
    assert not DeepLearningParams.not_yet


def test_the_tests_exist() -> None:
    there = set()
    for file in {where.split("::")[0] for where in EFFECTS.values()}:
        tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
        there |= {f"{file}::{f.name}" for f in tree.body if isinstance(f, ast.FunctionDef)}
    assert set(EFFECTS.values()) - there == set()
