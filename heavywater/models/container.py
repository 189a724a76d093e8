"""The model file: one safetensors file whose string metadata holds a JSON manifest.

::

    8 bytes      length N of the header, little-endian
    N bytes      JSON: {"__metadata__": {"format": "heavywater-model", "format_version": "1",
                                         "algo": "deeplearning", "manifest": "<JSON>"},
                        "<array>": {"dtype": "F32", "shape": [200, 784], "data_offsets": [begin, end]}, ...}
    the rest     the arrays, C order, little-endian, end to end without holes

Any safetensors reader can list the arrays. Reading here trusts nothing: every size is compared with the size of the
file and with what the manifest implies before memory for it is taken, and a name in the file only ever selects an entry
of a table.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import H2OValueError, ModelFileError, NotFound
from heavywater.models import strict_json, versions
from heavywater.models.state import ArraySpec, ModelState, Validators, dtype_name
from heavywater.models.untrusted import FORMAT, MAX_HEADER, read_header, read_state
from heavywater.models.versions import v1

__all__ = ["MAX_BYTES", "MAX_HEADER", "from_bytes", "read", "read_manifest", "to_bytes", "write"]

MAX_BYTES = 8 << 30
"""Largest file that is read unless the caller allows more, in bytes."""


def write(state: ModelState, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write `state` to `path`; a crash at any moment leaves the old file or the new one, never half of one.

    Parameters
    ----------
    state : ModelState
    path : str or path-like
        The file; its folder must exist.
    force : bool
        Whether a file of that name may be replaced.

    Returns
    -------
    pathlib.Path
        Absolute path of the file.

    Raises
    ------
    H2OValueError
        The file exists and `force` is false, the folder does not exist or cannot be written, or the state cannot be
        stored.
    """
    target = Path(os.path.abspath(os.fspath(path)))
    if target.is_dir():
        raise H2OValueError(f"{target} is a folder; name a file in it")
    if target.exists() and not force:
        raise H2OValueError(f"{target} exists; give another name, or force=True to replace it")
    header = _header(state)
    try:
        with _replacing(target, force) as stream:
            _write_to(stream, header, state)
    except FileExistsError:
        raise H2OValueError(f"{target} exists; give another name, or force=True to replace it") from None
    except OSError as error:
        raise H2OValueError(f"cannot write {target}: {error.strerror or error}") from None
    return target


def to_bytes(state: ModelState) -> bytes:
    """Return the content of the file that :func:`write` would make; equal states give equal bytes."""
    stream = io.BytesIO()
    _write_to(stream, _header(state), state)
    return stream.getvalue()


def read(path: str | os.PathLike[str], *, validators: Validators, max_bytes: int = MAX_BYTES) -> ModelState:
    """Read a model file that may come from anybody.

    Parameters
    ----------
    path : str or path-like
    validators : mapping
        The models known here: algorithm -> version of its state -> function from a state without arrays to the arrays
        that it must have; a bare function stands for version 1.
    max_bytes : int
        Largest file that is read.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        The file is not a model file, is damaged, or is of a version or algorithm that is not known; says which and
        where.
    """
    with _opened(path, max_bytes) as (stream, size), _blaming(f"{os.fspath(path)}"):
        return read_state(stream, size, validators)


def from_bytes(data: bytes | bytearray | memoryview, *, validators: Validators) -> ModelState:
    """Read what :func:`to_bytes` made; like :func:`read`."""
    with _blaming("the model"):
        return read_state(io.BytesIO(data), len(data), validators)


def read_manifest(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES
) -> tuple[ModelState, dict[str, ArraySpec]]:
    """Return the state without arrays, and what arrays the file holds; for looking at a file without loading it."""
    with _opened(path, max_bytes) as (stream, size), _blaming(f"{os.fspath(path)}"):
        state, entries, _ = read_header(stream, size)
        return state, {e.name: ArraySpec(e.dtype, e.shape) for e in entries}


def _header(state: ModelState) -> bytes:
    head: dict[str, Any] = {
        "__metadata__": {
            "format": FORMAT,
            "format_version": str(versions.CURRENT),
            "algo": state.algo,
            "manifest": v1.write(state),
        }
    }
    position = 0
    for name in _order(state.arrays):
        array = state.arrays[name]
        head[name] = {
            "dtype": dtype_name(array),
            "shape": list(array.shape),
            "data_offsets": [position, position + array.nbytes],
        }
        position += array.nbytes
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)  # so that the arrays are aligned in a mapped file
    if len(text) > MAX_HEADER:
        raise H2OValueError(
            f"the model's parameters, schema and output take {len(text):,} bytes; "
            f"a model file holds at most {MAX_HEADER:,} (variable_importances=False makes it smaller)"
        )
    strict_json.measure(head["__metadata__"]["manifest"].encode("utf-8"), "the manifest")
    return text


def _order(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """Wide elements first, as the safetensors library does, so that every array starts aligned."""
    return sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))


def _write_to(stream: BinaryIO, header: bytes, state: ModelState) -> None:
    stream.write(struct.pack("<Q", len(header)))
    stream.write(header)
    for name in _order(state.arrays):
        array = state.arrays[name]
        if array.size:
            stream.write(array.reshape(-1).view(np.uint8).data)


@contextlib.contextmanager
def _replacing(target: Path, force: bool) -> Iterator[BinaryIO]:
    temporary = target.with_name(f".{target.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if force:
            os.replace(temporary, target)
        else:
            _rename_to_new(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _rename_to_new(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)  # unlike a rename, a link never replaces a file that appeared meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.replace(temporary, target)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system lets a folder be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str], max_bytes: int) -> Iterator[tuple[BinaryIO, int]]:
    name = os.fspath(path)
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise NotFound(f"there is no model file {name!r}") from None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"cannot open {name!a}: {getattr(error, 'strerror', None) or error}") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ModelFileError(f"{name} is not a file")
    with os.fdopen(descriptor, "rb") as stream:
        if status.st_size > max_bytes:
            raise ModelFileError(f"{name} has {status.st_size:,} bytes; at most {max_bytes:,} are read")
        yield stream, status.st_size


@contextlib.contextmanager
def _blaming(name: str) -> Iterator[None]:
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{name} cannot be read as a model: {error}") from None
    except OSError as error:
        raise ModelFileError(f"{name} cannot be read: {error.strerror or error}") from None
