"""Grids as folders: ``grid.json`` and one model file for each model."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from heavywater.algos.base import ALGORITHMS, algorithm
from heavywater.engine.session import validators
from heavywater.errors import H2OValueError
from heavywater.models.container import read, write
from heavywater.models.model import Model
from heavywater.server.search import Grid
from heavywater.training.grid import SearchCriteria

_FACTS = "grid.json"
_MAX_FACTS = 64 << 20
_MAX_MODELS = 100_000


def write_grid(grid: Grid, models: list[Model], folder: Path) -> None:
    """Write a grid and its models into `folder`, which is made when it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "key": grid.key,
        "algo": grid.algo,
        "hyper": dict(grid.hyper),
        "criteria": asdict(grid.criteria),
        "models": [m.key for m in models],
        "points": {m.key: grid.points[m.key] for m in models},
        "failures": grid.failures,
        "count": grid.count,
    }
    for i, m in enumerate(models):
        write(m.state, folder / f"{i}.model", force=True)
    (folder / _FACTS).write_text(json.dumps(facts))


def read_grid(folder: Path) -> tuple[Grid, list[Model]]:
    """Read a grid that `write_grid` wrote.

    Raises
    ------
    H2OValueError
        The folder holds no grid, or a damaged one.
    ModelFileError
        A model file is damaged, hostile or of an unknown version.
    """
    facts = _facts(folder)
    try:
        names = [str(k) for k in facts["models"]]
        grid = Grid(
            str(facts["key"]), str(facts["algo"]), {str(k): list(v) for k, v in facts["hyper"].items()},
            SearchCriteria.of(dict(facts["criteria"])), names,
            {str(k): dict(v) for k, v in facts["points"].items()}, [dict(f) for f in facts["failures"]], int(facts["count"]),
        )  # fmt: skip
        damaged = grid.algo not in ALGORITHMS or len(names) > _MAX_MODELS or not all(n in grid.points for n in names)
    except (KeyError, TypeError, ValueError, AttributeError):
        damaged = True
    if damaged:
        raise H2OValueError(f"{folder.name}/{_FACTS} does not describe a grid")
    models: list[Model] = []
    for i, name in enumerate(names):
        state = read(folder / f"{i}.model", validators=validators())
        if state.algo != grid.algo:
            raise H2OValueError(f"{folder.name}/{i}.model is a {state.algo} model, and the grid is of {grid.algo}")
        models.append(algorithm(state.algo).build_model(state, name))
    return grid, models


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / _FACTS
    if not path.is_file():
        raise H2OValueError(f"there is no grid in the folder {folder.name}")
    if path.stat().st_size > _MAX_FACTS:
        raise H2OValueError(f"{folder.name}/{_FACTS} has more than {_MAX_FACTS} bytes, the limit")
    try:
        found = json.loads(path.read_text())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise H2OValueError(f"{folder.name}/{_FACTS} is damaged")
    return found
