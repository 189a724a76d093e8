"""Files that are not what they claim to be; ``python -m tests.hostile.model_files FOLDER`` writes a folder of them."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HUGE = 1 << 40
MANIFEST = {"algo": "toy", "version": 1, "params": {"shape": [2, 3]}, "schema": {}, "output": {}}
W = {"dtype": "F32", "shape": [2, 3], "data_offsets": [16, 40]}
B = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}
DATA = bytes(40)


def raw(header: bytes, data: bytes = DATA, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def file(
    manifest: Any = MANIFEST,
    *,
    text: str | None = None,
    metadata: dict[str, Any] | None = None,
    data: bytes = DATA,
    **arrays: Any,
) -> bytes:
    """A model file with the given manifest (or its text), changes to the metadata, and array entries."""
    meta = {
        "format": "heavywater-model",
        "format_version": "1",
        "manifest": json.dumps(manifest) if text is None else text,
    }
    meta = {k: v for k, v in (meta | (metadata or {})).items() if v is not None}
    return raw(json.dumps({"__metadata__": meta} | (arrays or {"b0": B, "W0": W})).encode(), data)


def manifest_with(**changes: Any) -> str:
    return json.dumps({k: v for k, v in (MANIFEST | changes).items() if v is not None})


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.system, ("echo pwned > pwned",)


def zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.ini", bytes(50_000_000))
    return stream.getvalue()


GOOD = file()

# name -> (content, part of the message that must explain it)
FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "0 bytes, too few"),
    "nine_bytes": (b"\0" * 9, "9 bytes, too few"),
    "only_zeros": (bytes(100), "not a JSON object"),
    "text": (b"hello world, this is not a model", "cut short, or not a model"),
    "csv": (b"a,b,c\n1,2,3\n" * 100, "cut short, or not a model"),
    "html": (b"<!DOCTYPE html><html>404</html>", "HTML or XML"),
    "json": (b'{"algo": "toy"}', "JSON text"),
    "pickle": (pickle.dumps(Bomb()), "pickle"),
    "pickle_2": (pickle.dumps(Bomb(), protocol=2), "pickle"),
    "pickle_0": (pickle.dumps(Bomb(), protocol=0), "not a model"),
    "zip_bomb": (zip_bomb(), "zip archive"),
    "empty_zip": (b"PK\x05\x06" + bytes(18), "empty zip"),
    "gzip_bomb": (gzip.compress(bytes(10_000_000)), "gzip"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "header_longer_than_file": (raw(b"{}", length=1000), "claims 1,000 bytes, but only 42 follow"),
    "header_of_exabytes": (raw(b"{}", length=1 << 63), "9,223,372,036,854,775,808 bytes"),
    "header_all_ones": (raw(b"{}", length=(1 << 64) - 1), "claims"),
    "header_over_the_cap": (raw(b"{" + b" " * (129 << 20) + b"}"), "at most 134,217,728 are read"),
    "header_length_zero": (raw(b"{}", length=0), "not a JSON object"),
    "header_not_utf8": (raw(b'{"\xff\xfe": 1}'), "not UTF-8"),
    "header_utf16": (raw("{}".encode("utf-16-le")), "not JSON"),
    "header_a_list": (raw(b"[1, 2]"), "not a JSON object"),
    "header_cut_in_json": (raw(b'{"__metadata__": {'), "not JSON"),
    "header_with_tail": (raw(b"{} {}"), "not JSON"),
    "header_with_nul": (raw(b'{"a\0": 1}'), "not JSON"),
    "header_deep": (raw(b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"), "nested 1,000,001 levels"),
    "header_deep_objects": (raw(b'{"a":' * 200_000 + b"1" + b"}" * 200_000), "nested 200,000 levels"),
    "header_deep_unclosed": (raw(b"{" + b"[" * 1_500_000), "levels"),
    "header_deep_behind_escapes": (raw(b'{"\\\\":' + b"[" * 10_000 + b"]" * 10_000 + b"}"), "nested 10,001 levels"),
    "header_many_values": (raw(b'{"a":[' + b"0," * 9_000_000 + b"0]}"), "9,000,002 values"),
    "header_many_empty_lists": (raw(b'{"a":[' + b"[]," * 5_000_000 + b"0]}"), "values"),
    "key_twice": (raw(b'{"W0": {}, "W0": {}}'), "the key 'W0' twice"),
    "metadata_twice": (raw(b'{"__metadata__": {}, "__metadata__": {}}'), "'__metadata__' twice"),
    "integer_of_a_million_digits": (raw(b'{"a":' + b"9" * 1_000_000 + b"}"), "an integer of 1,000,000 characters"),
    "bare_nan": (raw(b'{"a": NaN}'), "bare word NaN"),
    "bare_infinity": (raw(b'{"a": -Infinity}'), "bare word -Infinity"),
    "no_metadata": (raw(json.dumps({"W0": W, "b0": B}).encode()), "written by another program"),
    "metadata_a_list": (raw(b'{"__metadata__": []}'), "written by another program"),
    "another_format": (file(metadata={"format": "pt"}), "written by another program"),
    "format_of_the_future": (file(metadata={"format_version": "2"}), "file version '2'; this program reads 1"),
    "format_version_huge": (file(metadata={"format_version": "9" * 100_000}), "9...'; this program reads 1"),
    "format_version_number": (file(metadata={"format_version": 1}), "file version '1'"),
    "manifest_missing": (file(metadata={"manifest": None}), "manifest is missing"),
    "manifest_not_text": (file(metadata={"manifest": {"a": "b"}}), "manifest is missing"),
    "manifest_not_json": (file(text="import os"), "the manifest is not JSON"),
    "manifest_a_list": (file(text="[]"), "must be a JSON object"),
    "manifest_deep": (file(text="[" * 100_000 + "]" * 100_000), "the manifest is nested 100,000 levels"),
    "manifest_many_values": (file(text="[" + "0," * 9_000_000 + "0]"), "the manifest has 9,000,001 values"),
    "manifest_key_twice": (file(text='{"algo": "toy", "algo": "toy"}'), "gives the key 'algo' twice"),
    "manifest_bare_nan": (file(text='{"algo": NaN}'), "bare word NaN"),
    "manifest_overflow": (file(text=manifest_with().replace("3]", "1e999]")), "beyond the range"),
    "manifest_bad_float": (file(manifest=MANIFEST | {"output": {"$float": "nan"}}), "$float that is none of"),
    "manifest_reserved_key": (file(manifest=MANIFEST | {"output": {"$class": "os.system"}}), "reserved"),
    "manifest_half_surrogate": (file(text=manifest_with(output={"a": "\ud800"})), "half a surrogate pair"),
    "manifest_surrogate_key": (file(text=manifest_with(output={"\udfff": 1})), "half a surrogate pair"),
    "manifest_without_algo": (file(text=manifest_with(algo=None)), "lacks 'algo'"),
    "manifest_params_a_list": (file(text=manifest_with(params=[1])), "'params' must be dict; it is list"),
    "manifest_version_true": (file(text=manifest_with(version=True)), "'version' must be int"),
    "manifest_version_zero": (file(text=manifest_with(version=0)), "'version' must be >= 1"),
    "unknown_algorithm": (file(text=manifest_with(algo="os.system")), "no algorithm 'os.system'"),
    "algorithm_a_path": (file(text=manifest_with(algo="../../etc/passwd")), "no algorithm '../../etc/passwd'"),
    "layout_of_the_future": (file(text=manifest_with(version=99)), "layout is version 99; this program reads 1"),
    "params_empty": (file(text=manifest_with(params={})), "do not describe a toy model (KeyError"),
    "params_absurd": (file(text=manifest_with(params={"shape": "many"})), "do not describe a toy model"),
    "params_giant": (
        file(text=manifest_with(params={"shape": [10**12, 10**12]})),
        "must be F32 of 1000000000000x1000000000000",
    ),
    "array_missing": (file(W0={**W, "data_offsets": [0, 24]}, data=bytes(24)), "'b0' is missing"),
    "array_unknown": (
        file(b0=B, W0=W, X={"dtype": "U8", "shape": [0], "data_offsets": [40, 40]}),
        "'X' does not belong",
    ),
    "array_named_as_a_path": (
        file(b0=B, W0=W, **{"../x": {"dtype": "U8", "shape": [0], "data_offsets": [40, 40]}}),
        "'../x' does not",
    ),
    "array_name_empty": (
        file(b0=B, W0=W, **{"": {"dtype": "U8", "shape": [0], "data_offsets": [40, 40]}}),
        "1 to 512 printable",
    ),
    "array_name_control": (file(b0=B, **{"W\x1b[2J": W}), "1 to 512 printable"),
    "array_name_long": (file(b0=B, **{"W" * 100_000: W}), "1 to 512 printable"),
    "array_a_number": (file(b0=B, W0=7), "must give dtype, shape and data_offsets"),
    "array_extra_key": (file(b0=B, W0=W | {"file": "/etc/passwd"}), "must give dtype, shape and data_offsets"),
    "dtype_bf16": (file(b0=B, W0=W | {"dtype": "BF16"}), "element type 'BF16'; a model holds F32"),
    "dtype_object": (file(b0=B, W0=W | {"dtype": "O"}), "element type 'O'"),
    "dtype_a_list": (file(b0=B, W0=W | {"dtype": ["F32"]}), "element type"),
    "dtype_swapped": (file(b0=B, W0=W | {"dtype": "I32"}), "'W0' must be F32 of 2x3; it is I32"),
    "shape_transposed": (file(b0=B, W0=W | {"shape": [3, 2]}), "must be F32 of 2x3; it is F32 of 3x2"),
    "shape_flat": (file(b0=B, W0=W | {"shape": [6]}), "must be F32 of 2x3; it is F32 of 6"),
    "shape_negative": (file(b0=B, W0=W | {"shape": [-2, -3]}), "no usable shape"),
    "shape_fraction": (file(b0=B, W0=W | {"shape": [2.0, 3]}), "no usable shape"),
    "shape_true": (file(b0=B, W0=W | {"shape": [True, 6]}), "no usable shape"),
    "shape_null": (file(b0=B, W0=W | {"shape": None}), "no usable shape"),
    "shape_many_dimensions": (file(b0=B, W0=W | {"shape": [1] * 100}), "no usable shape"),
    "shape_of_terabytes": (file(b0=B, W0=W | {"shape": [HUGE, 1]}), "takes 4,398,046,511,104 bytes"),
    "shape_overflow": (file(b0=B, W0=W | {"shape": [1 << 32, 1 << 32]}), "no usable shape"),
    "shape_zero_times_huge": (
        file(b0=B, W0=W | {"shape": [0, HUGE, HUGE], "data_offsets": [16, 16]}),
        "no usable shape",
    ),
    "offsets_reversed": (file(b0=B, W0=W | {"data_offsets": [40, 16]}), "no usable data_offsets"),
    "offsets_negative": (file(b0=B, W0=W | {"data_offsets": [-24, 0]}), "no usable data_offsets"),
    "offsets_three": (file(b0=B, W0=W | {"data_offsets": [0, 1, 2]}), "no usable data_offsets"),
    "offsets_huge": (file(b0=B, W0=W | {"data_offsets": [HUGE, HUGE + 24]}), "leaves a hole"),
    "offsets_too_short": (file(b0=B, W0=W | {"data_offsets": [16, 32]}), "takes 24 bytes, but has 16"),
    "arrays_overlap": (file(b0=B, W0=W | {"data_offsets": [8, 32]}), "overlaps"),
    "arrays_same_place": (
        file(b0=B | {"shape": [3], "data_offsets": [0, 24]}, W0=W | {"data_offsets": [0, 24]}),
        "overlaps",
    ),
    "arrays_hole": (file(b0=B, W0=W | {"data_offsets": [20, 44]}, data=bytes(44)), "leaves a hole"),
    "arrays_hole_at_start": (
        file(b0=B | {"data_offsets": [4, 20]}, W0=W | {"data_offsets": [20, 44]}),
        "leaves a hole",
    ),
    "cut_one_byte": (GOOD[:-1], "cut short: its arrays take 40 bytes and 39 are there"),
    "cut_all_data": (GOOD[:-40], "cut short"),
    "one_byte_more": (GOOD + b"\0", "bytes after its end"),
    "code_after_the_end": (GOOD + pickle.dumps(Bomb()), "bytes after its end"),
}


def write_all(folder: Path) -> Iterator[Path]:
    """Write every file of `FILES` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (content, _) in FILES.items():
        path = folder / name
        path.write_bytes(content)
        yield path


if __name__ == "__main__":
    print(*write_all(Path(sys.argv[1])), sep="\n")
