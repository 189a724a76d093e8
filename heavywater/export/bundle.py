"""A folder that scores without heavywater: the model file with golden rows in it, and the reader beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from heavywater.algos.deeplearning.model import DeepLearningModel
from heavywater.errors import H2OTypeError, H2OValueError, NotSupported
from heavywater.frame import Frame
from heavywater.models.container import write
from heavywater.models.model import Model

MODEL_FILE, READER_FILE = "model.hw", "reader.py"


def export_bundle(model: Model, folder: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write ``model.hw`` and ``reader.py`` into a folder, which is made when it is not there.

    The model file is one that `load_model` reads too. It holds some rows made up from the model's own recipe (no rows of
    the training data) with the predictions expected for them; the reader checks itself against them when it loads the
    file.

    Parameters
    ----------
    model : Model
        A Deep Learning model.
    folder : str or path-like
    force : bool
        Whether files of those names may be replaced.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    NotSupported
        The model needs an offset for every row.
    H2OValueError
        The files exist and `force` is false, or the folder cannot be written.
    """
    if not isinstance(model, DeepLearningModel):
        raise H2OTypeError(f"the reader scores Deep Learning models; this is a {model.algo} model")
    if model.actual.offset_column:
        raise NotSupported(
            f"offset_column: the reader cannot be given the offset {model.actual.offset_column!r} of a row"
        )
    target = Path(os.path.abspath(os.fspath(folder)))
    taken = [n for n in (MODEL_FILE, READER_FILE) if (target / n).exists()]
    if taken and not force:
        raise H2OValueError(f"{target / taken[0]} exists; give another folder, or force=True to replace it")
    state = model.state.with_output(**{**dict(model.output), "golden": golden_rows(model)})
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / READER_FILE).write_bytes(Path(__file__).with_name(READER_FILE).read_bytes())
    except OSError as error:
        raise H2OValueError(f"cannot write to {target}: {error.strerror or error}") from None
    write(state, target / MODEL_FILE, force=force)
    return target


def golden_rows(model: DeepLearningModel) -> dict[str, Any]:
    """Rows made up from the model's recipe, by column, and the answers of the model: levels, means, extremes, missing."""
    encoding, design = model.encoding, model.design
    columns = design.names if encoding is None else encoding.columns
    levels = dict(zip(design.cats, design.levels)) if encoding is None else dict(encoding.levels)
    factors = design.mul or (1.0,) * len(design.nums)
    typical = {n: (m, 1.0 / f) for n, m, f in zip(design.nums, design.mean, factors)}
    rows: dict[str, list[Any]] = {}
    for i, name in enumerate(columns):
        if name in levels:
            found = levels[name]
            rows[name] = [found[(i + k) % len(found)] for k in range(6)] + [None, "a level that does not exist"]
        else:
            mean, spread = typical.get(name, (0.0, 1.0))
            rows[name] = [mean + spread * s for s in (0.0, 0.5, -0.5, 1.0 + 0.1 * i, -1.0, 0.25)] + [
                None,
                mean + 2.0 * spread,
            ]
    table = {
        n: pl.Series(v, dtype=pl.Enum([*levels[n], *{"a level that does not exist"}.difference(levels[n])]))
        if n in levels
        else pl.Series(v, dtype=pl.Float64)
        for n, v in rows.items()
    }
    frame = Frame.of(pl.DataFrame(table))
    adapted = _quietly(model, frame)
    return {"rows": rows, "answers": [[float(v) for v in row] for row in adapted]}


def _quietly(model: DeepLearningModel, frame: Frame) -> np.ndarray:
    """The answers, without a word about the level that does not exist."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if model.category != "AutoEncoder":
            return model.answers(frame)
        out = model.predict(frame)
    return np.stack([out.numeric(n) for n in out.names], axis=1)
