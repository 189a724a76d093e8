"""Reading bytes that may come from anybody: nothing is allocated that the file and its manifest do not account for."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heavywater.errors import ModelFileError, did_you_mean
from heavywater.models import strict_json, versions
from heavywater.models.state import DTYPES, ModelState, Validators

__all__ = ["FORMAT", "MAX_HEADER", "Entry", "read_header", "read_state"]

FORMAT = "heavywater-model"
MAX_HEADER = 128 << 20
"""Largest header that is read or written, in bytes."""
MAX_DIMENSIONS = 8
MAX_COUNT = 1 << 51  # of elements or bytes; far beyond any file, far within what numpy can count

_FOREIGN = (
    (b"PK\x03\x04", "it is a zip archive (a MOJO of H2O is read by import_mojo)"),
    (b"PK\x05\x06", "it is an empty zip archive"),
    (b"\x1f\x8b", "it is gzip-compressed; decompress it first"),
    (b"\x28\xb5\x2f\xfd", "it is zstd-compressed; decompress it first"),
    (b"\x89HDF", "it is an HDF5 file"),
    (b"\x80", "it looks like a Python pickle, which can run code when read and is never opened"),
    (b"{", "it is JSON text"),
    (b"<", "it is HTML or XML text; was an error page downloaded instead of the model?"),
)


class Entry(NamedTuple):
    """Where an array lies, counted in bytes from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_state(stream: BinaryIO, size: int, validators: Validators) -> ModelState:
    """Return the state in `stream`, of `size` bytes; see ``container.read``."""
    state, entries, start = read_header(stream, size)
    _check_known(state, entries, validators)
    arrays: dict[str, NDArray[Any]] = {}
    stream.seek(start)
    for entry in entries:
        array = np.empty(entry.shape, DTYPES[entry.dtype])
        if array.size and stream.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:  # type: ignore[attr-defined]
            raise ModelFileError(f"it ends inside the array {entry.name!a}; did it change while it was read?")
        arrays[entry.name] = array
    return ModelState(state.algo, state.version, state.params, state.schema, state.output, arrays)


def read_header(stream: BinaryIO, size: int) -> tuple[ModelState, list[Entry], int]:
    """Return the state without arrays, the arrays in file order, and the position of the first one."""
    prefix = stream.read(16)
    for magic, text in _FOREIGN:
        # The first byte alone may be that of a length, so a header's brace must not follow.
        if prefix.startswith(magic) and prefix[8:9] != b"{":
            raise ModelFileError(text)
    if len(prefix) < 10:
        raise ModelFileError(f"it has {size} bytes, too few for a header")
    (length,) = struct.unpack("<Q", prefix[:8])
    if length > size - 8:
        raise ModelFileError(
            f"its header claims {length:,} bytes, but only {size - 8:,} follow: cut short, or not a model"
        )
    if length > MAX_HEADER:
        raise ModelFileError(f"its header claims {length:,} bytes; at most {MAX_HEADER:,} are read")
    stream.seek(8)
    raw = stream.read(length)
    if not raw.startswith(b"{"):
        raise ModelFileError("its header is not a JSON object")
    head = strict_json.parse(raw, "the header", max_depth=3)
    state = _read_metadata(head.pop("__metadata__", None))
    start = 8 + length
    return state, _read_entries(head, size - start), start


def _read_metadata(metadata: Any) -> ModelState:
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ModelFileError("it holds arrays without a heavywater manifest; it was written by another program")
    known = {str(v): reader for v, reader in versions.READERS.items()}
    version = metadata.get("format_version")
    if not isinstance(version, str) or version not in known:
        raise ModelFileError(
            f"it is of file version {_quoted(version)}; this program reads {', '.join(known)}; "
            "was it written by a newer heavywater?"
        )
    manifest = metadata.get("manifest")
    if not isinstance(manifest, str):
        raise ModelFileError("its manifest is missing")
    return known[version](manifest)


def _read_entries(head: dict[str, Any], available: int) -> list[Entry]:
    entries = sorted((_read_entry(name, value) for name, value in head.items()), key=lambda e: (e.begin, e.end))
    position = 0
    for entry in entries:
        if entry.begin != position:
            fault = "overlaps the one before" if entry.begin < position else "leaves a hole before it"
            raise ModelFileError(
                f"array {_quoted(entry.name)} {fault} (starts at {entry.begin:,}, expected {position:,})"
            )
        position = entry.end
    if position != available:
        fault = "is cut short" if position > available else "has bytes after its end"
        raise ModelFileError(f"it {fault}: its arrays take {position:,} bytes and {available:,} are there")
    return entries


def _read_entry(name: str, value: Any) -> Entry:
    where = f"array {_quoted(name)}"
    if not 0 < len(name) <= 512 or not name.isprintable():
        raise ModelFileError(f"{where} has a name that is not 1 to 512 printable characters")
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise ModelFileError(f"{where} must give dtype, shape and data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ModelFileError(f"{where} has element type {_quoted(dtype)}; a model holds {', '.join(DTYPES)}")
    if not _are_counts(shape) or len(shape) > MAX_DIMENSIONS or math.prod(max(n, 1) for n in shape) > MAX_COUNT:
        raise ModelFileError(
            f"{where} has no usable shape: at most {MAX_DIMENSIONS} integers >= 0, up to 2^51 elements"
        )
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ModelFileError(f"{where} has no usable data_offsets: two integers, the first not above the second")
    needed = math.prod(shape) * DTYPES[dtype].itemsize
    if needed != offsets[1] - offsets[0]:
        raise ModelFileError(f"{where} of shape {shape} takes {needed:,} bytes, but has {offsets[1] - offsets[0]:,}")
    return Entry(name, dtype, tuple(shape), offsets[0], offsets[1])


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n <= MAX_COUNT for n in value)


def _check_known(state: ModelState, entries: list[Entry], validators: Validators) -> None:
    if state.algo not in validators:
        hint = did_you_mean(state.algo[:60], validators)
        raise ModelFileError(f"there is no algorithm {_quoted(state.algo)}{hint}; known: {', '.join(validators)}")
    known = validators[state.algo]
    layouts = known if isinstance(known, Mapping) else {1: known}
    if state.version not in layouts:
        readable = ", ".join(map(str, sorted(layouts)))
        raise ModelFileError(f"its {state.algo} layout is version {state.version}; this program reads {readable}")
    try:
        expected = dict(layouts[state.version](state))
    except ModelFileError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ModelFileError(
            f"its parameters and schema do not describe a {state.algo} model ({type(error).__name__}: {error!s:.200})"
        ) from None
    found = {entry.name: entry for entry in entries}
    for name in found.keys() - expected.keys():
        hint = did_you_mean(name, expected)
        raise ModelFileError(f"array {_quoted(name)} does not belong to this {state.algo} model{hint}")
    for name, spec in expected.items():
        if name not in found:
            if spec.optional:
                continue
            raise ModelFileError(f"array {name!r} is missing")
        entry = found[name]
        fits = len(entry.shape) == len(spec.shape)
        fits = fits and all(want in (None, n) for n, want in zip(entry.shape, spec.shape, strict=True))
        if entry.dtype != spec.dtype or not fits:
            wanted = "x".join("any" if n is None else str(n) for n in spec.shape)
            has = "x".join(map(str, entry.shape))
            raise ModelFileError(f"array {name!r} must be {spec.dtype} of {wanted}; it is {entry.dtype} of {has}")


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return ascii(text if len(text) <= 60 else text[:60] + "...")
