"""Grids in the session and in files: `get_grid`, `save_grid`, `load_grid`."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from heavywater.engine import session
from heavywater.errors import H2OTypeError, HeavywaterError, ModelFileError, did_you_mean
from heavywater.estimators.registry import ESTIMATORS, estimator_class, estimator_of
from heavywater.grid.grid_search import H2OGridSearch
from heavywater.models import strict_json

_MANIFEST = "grid.json"
_FORMAT, _VERSION = "heavywater-grid", 1
_MAX_BYTES = 64 << 20
_FIELDS = {
    "format": str, "version": int, "grid_id": str, "algo": str, "params": dict, "hyper_params": dict,
    "search_criteria": dict, "parallelism": int, "points": dict, "failures": list, "why_stopped": str,
}  # fmt: skip
"""What stands in a manifest, and its type."""


def get_grid(grid_id: str) -> H2OGridSearch:
    """The grid called `grid_id`.

    Raises
    ------
    NotFound
        When the session has nothing of that name.
    """
    found = session.current().get(grid_id)
    if not isinstance(found, H2OGridSearch):
        raise H2OTypeError(f"{grid_id!r} is a {type(found).__name__}, not a grid")
    return found


def save_grid(
    grid_directory: str | os.PathLike[str],
    grid_id: str | H2OGridSearch,
    save_params_references: bool = False,
    export_cross_validation_predictions: bool = False,
) -> str:
    """Save a grid and its models into the folder ``<grid_directory>/<grid_id>``, replacing what is there.

    Parameters
    ----------
    grid_directory : str
        Folder for grids; made when it is missing.
    grid_id : str
        The grid's name; a grid object does as well.
    save_params_references, export_cross_validation_predictions : bool
        As in H2O; frames are never written along, export them with `export_file`.

    Returns
    -------
    str
        The folder, for `load_grid`.
    """
    grid = grid_id if isinstance(grid_id, H2OGridSearch) else get_grid(grid_id)
    if Path(grid.grid_id).name != grid.grid_id:
        raise ModelFileError(f"a grid called {grid.grid_id!r} cannot be saved: its name is no file name")
    params = {
        name: value for name, value in grid.fixed().items() if isinstance(value, (bool, int, float, str, list, tuple))
    }
    manifest = {
        "format": _FORMAT, "version": _VERSION, "grid_id": grid.grid_id, "algo": grid.model.algo, "params": params,
        "hyper_params": grid.hyper_params, "search_criteria": dataclasses.asdict(grid.search_criteria),
        "parallelism": grid.parallelism, "points": grid.points, "failures": grid.failures,
        "why_stopped": grid.why_stopped,
    }  # fmt: skip
    text = strict_json.dumps(manifest, "grid")
    folder = Path(grid_directory).expanduser() / grid.grid_id
    folder.mkdir(parents=True, exist_ok=True)
    for m in grid.models:
        model = m._trained()
        session.current().download_model(model, folder / model.key, force=True)
    written = folder / f".{_MANIFEST}.part"
    written.write_text(text, encoding="utf-8")
    written.replace(folder / _MANIFEST)
    return str(folder)


def load_grid(grid_file_path: str | os.PathLike[str], load_params_references: bool = False) -> H2OGridSearch:
    """Load a grid saved by `save_grid`, with its models; `train` continues it.

    Raises
    ------
    ModelFileError
        When the folder does not hold a grid, or holds a damaged or hostile one.
    """
    folder = Path(grid_file_path).expanduser()
    d = _manifest(folder / _MANIFEST)
    engine, kind = session.current(), estimator_class(d["algo"])
    models = {}
    for key in d["points"]:
        if Path(key).name != key or not (folder / key).is_file():
            raise ModelFileError(f"{folder / _MANIFEST} names the model {key!r}, which is not a file of its folder")
        models[key] = engine.upload_model(folder / key)
        if models[key].key != key:
            raise ModelFileError(f"{folder / key} holds a model with another name, {models[key].key!r}")
    try:
        grid = H2OGridSearch(
            kind(**d["params"]), d["hyper_params"], d["grid_id"], d["search_criteria"], parallelism=d["parallelism"]
        )
        for key, point in d["points"].items():
            if set(point) != set(grid.hyper_params):
                raise ModelFileError(f"the values of the model {key!r} do not fit the grid's parameters")
            grid.add(estimator_of(models[key]), point)
    except (HeavywaterError, TypeError, ValueError) as e:
        raise ModelFileError(f"{folder / _MANIFEST}: {e}") from None
    grid.failures, grid.why_stopped = d["failures"], d["why_stopped"]
    engine.put(grid.grid_id, grid)
    return grid


def _manifest(path: Path) -> dict[str, Any]:
    """The manifest, with every field present and of its type."""
    if not path.is_file():
        raise ModelFileError(f"{path.parent} does not hold a grid saved by save_grid: there is no {path.name}")
    if path.stat().st_size > _MAX_BYTES:
        raise ModelFileError(f"{path} is larger than any grid's description ({_MAX_BYTES >> 20} MiB)")
    try:
        d = strict_json.loads(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError:
        raise ModelFileError(f"{path} is not text") from None
    if not isinstance(d, dict) or d.get("format") != _FORMAT:
        raise ModelFileError(f"{path} does not describe a grid")
    if d.get("version") != _VERSION:
        raise ModelFileError(f"{path} has version {d.get('version')!r}; this program reads version {_VERSION}")
    wrong = [k for k, kind in _FIELDS.items() if type(d.get(k)) is not kind] + sorted(set(d) - set(_FIELDS))
    if wrong:
        raise ModelFileError(f"{path}: {wrong[0]!r} is missing, unknown or of the wrong type")
    if d["algo"] not in ESTIMATORS:
        raise ModelFileError(f"{path}: there is no algorithm {d['algo']!r}{did_you_mean(d['algo'], ESTIMATORS)}")
    entries = [("points", v) for v in d["points"].values()] + [("failures", v) for v in d["failures"]]
    bad = next((name for name, v in entries if not isinstance(v, dict)), None)
    if bad is None and not all(_is_failure(f) for f in d["failures"]):
        bad = "failures"
    if bad is not None:
        raise ModelFileError(f"{path}: {bad!r} does not hold what a grid would have written")
    return d


def _is_failure(f: dict[str, Any]) -> bool:
    return isinstance(f.get("params"), dict) and all(isinstance(f.get(k), str) for k in ("error", "type"))
