"""MOJO files of H2O: written from a model, and read into a model's state without Java."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from heavywater.algos import ALGORITHMS
from heavywater.errors import H2OTypeError, ModelFileError, NotSupported
from heavywater.export.archive import Archive, write_archive
from heavywater.export.details import DETAILS, README, README_TEXT, details_text
from heavywater.export.ini import Info, escaped, ini_text, read_ini, unescaped
from heavywater.models.model import Model
from heavywater.models.state import ModelState

_MAX_INI = 2 << 30
_MAX_DETAILS = 32 << 20
READERS = {
    "Deep Learning": ("deeplearning", "heavywater.algos.deeplearning.mojo_state"),
    "Deep Water": ("deepwater", "heavywater.algos.deepwater.mojo_state"),
}
"""H2O's name of an algorithm → ours, and the module that turns the parts of a MOJO into a state."""


def write_mojo(model: Model, path: str | os.PathLike[str], *, force: bool = True) -> Path:
    """Write `model` as a MOJO that H2O's Java runtime (h2o-genmodel) scores.

    Parameters
    ----------
    model : Model
    path : str or path-like
        The file.
    force : bool
        Whether a file of that name may be replaced.

    Returns
    -------
    pathlib.Path
        Absolute path of the file.

    Raises
    ------
    NotSupported
        When the format cannot carry the model: offsets, hashing, EnumLimited, and autoencoders that replace missing
        numbers by anything but 0 after scaling.
    """
    if model.algo not in ALGORITHMS:
        raise H2OTypeError(f"there is no MOJO of {model.algo} models")
    parts = importlib.import_module(f"{ALGORITHMS[model.algo]}.export").mojo_parts(model)
    entries: dict[int, str] = {}
    texts: dict[str, str] = {}
    for number, (column, levels) in enumerate(sorted(parts.domains.items())):
        file = f"d{number:03d}.txt"
        entries[column] = f"{len(levels)} {file}"
        texts[f"domains/{file}"] = "".join(f"{escaped(v)}\n" for v in levels)
    texts |= {name: "".join(f"{line}\n" for line in lines) for name, lines in parts.texts.items()}
    if model.algo in [algo for algo, _ in READERS.values()]:
        texts |= {DETAILS: details_text(model), README: README_TEXT}
    files = {"model.ini": ini_text(parts.info, parts.columns, entries), **texts, **getattr(parts, "files", {})}
    return write_archive(path, files, force=force)


def read_mojo(path: str | os.PathLike[str], *, key: str | None = None) -> ModelState:
    """Read a MOJO made by H2O or by heavywater, which may come from anybody, into a state.

    Parameters
    ----------
    path : str or path-like
    key : str, optional
        Name of the model to be; made from the MOJO's own identifier when None.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        The file is not a MOJO, is damaged or hostile.
    NotSupported
        It is the MOJO of another algorithm.
    """
    name = os.fspath(path)
    with Archive(path) as archive:
        try:
            return _read(archive, key)
        except ModelFileError as error:
            raise ModelFileError(f"{name} cannot be read as a MOJO: {error}") from None
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise ModelFileError(
                f"{name} cannot be read as a MOJO: its parts do not fit ({type(error).__name__}: {error!s:.200})"
            ) from None


def _read(archive: Archive, key: str | None) -> ModelState:
    if "model.ini" not in archive:
        raise ModelFileError("it has no model.ini; is it another kind of zip archive?")
    if archive.size("model.ini") > _MAX_INI:
        raise ModelFileError(f"its model.ini has {archive.size('model.ini'):,} bytes; at most {_MAX_INI:,} are read")
    info, columns, where = read_ini(archive.text("model.ini"))
    algorithm = info.text("algorithm", "")
    if algorithm not in READERS:
        raise NotSupported(f"a MOJO of {algorithm[:60]!a} cannot be read; only {', '.join(READERS)}")
    if info.integer("n_columns") != len(columns):
        raise ModelFileError(f"model.ini announces {info.text('n_columns')} columns and lists {len(columns)}")
    escape = info.flag("escape_domain_values", False)
    domains = {}
    for column, (count, file) in where.items():
        if column >= len(columns):
            raise ModelFileError(f"model.ini gives levels to column {column} of {len(columns)}")
        lines = _lines(archive, f"domains/{file}", count)
        domains[column] = tuple(map(unescaped, lines)) if escape else tuple(lines)
    module = importlib.import_module(READERS[algorithm][1])
    state: ModelState
    if algorithm == "Deep Water":
        state = module.state_from_mojo(info, columns, domains, lambda n: _optional(archive, n), key)
    else:
        text = archive.text(DETAILS) if DETAILS in archive and archive.size(DETAILS) <= _MAX_DETAILS else None
        state = module.state_from_mojo(info, columns, domains, lambda n, count: _lines(archive, n, count), text, key)
    expected = importlib.import_module(ALGORITHMS[state.algo]).expected_arrays(state)
    for array, spec in expected.items():
        found = state.arrays.get(array)
        if (found is None and not spec.optional) or (found is not None and found.shape != spec.shape):
            raise ModelFileError(f"its {array} does not have the shape that the network needs")
    return state


def _optional(archive: Archive, entry: str) -> bytes:
    """Content of an entry; empty where there is no mean image, which not every network needs."""
    return b"" if entry == "mean_image_file" and entry not in archive else archive.bytes(entry)


def _lines(archive: Archive, entry: str, count: int) -> list[str]:
    """The `count` lines of a text file; more than it has bytes are refused before it is unpacked."""
    if entry not in archive:
        raise ModelFileError(f"the archive lacks {entry[:80]!a}")
    if count > archive.size(entry):
        raise ModelFileError(f"{entry!a} cannot hold {count:,} lines")
    text = archive.text(entry)
    lines = text.split("\n") if text.count("\n") <= count + 1 else []
    if lines and lines[-1] == "":
        lines.pop()
    if len(lines) != count:
        raise ModelFileError(f"{entry!a} must have {count:,} lines; it has {text.count(chr(10)):,}")
    return [line.removesuffix("\r") for line in lines]


__all__ = ["Info", "read_mojo", "write_mojo"]
