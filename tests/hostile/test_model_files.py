"""Model files from nowhere: each is refused with a reason, quickly, and without taking memory for what it claims."""

from __future__ import annotations

import os
import re
import time
import tracemalloc

import pytest

from heavywater.errors import ModelFileError
from heavywater.models import container
from heavywater.models.state import ArraySpec, ModelState
from tests.hostile.model_files import FILES, GOOD

MEGABYTE = 1 << 20


def expected(state: ModelState) -> dict[str, ArraySpec]:
    rows, columns = state.params["shape"]
    return {"W0": ArraySpec("F32", (rows, columns)), "b0": ArraySpec("F64", (rows,))}


KNOWN = {"toy": {1: expected}}


def test_the_file_that_all_others_distort_is_read():
    assert container.from_bytes(GOOD, validators=KNOWN).arrays["W0"].shape == (2, 3)


@pytest.mark.parametrize("name", FILES)
def test_refused_with_a_reason(name, tmp_path, monkeypatch):
    content, reason = FILES[name]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_bytes(content)
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(ModelFileError, match=re.escape(reason)) as caught:
            container.read(path, validators=KNOWN)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    text = str(caught.value)
    assert text.startswith(str(path))
    assert len(text) < len(str(path)) + 400
    assert text.isprintable()
    assert peak < 8 * MEGABYTE + 4 * len(content)
    assert time.process_time() - began < 5
    assert caught.value.__cause__ is None
    assert [p.name for p in tmp_path.iterdir()] == [name]
    if len(content) < MEGABYTE:
        with pytest.raises(ModelFileError, match=re.escape(reason)):
            container.from_bytes(content, validators=KNOWN)


@pytest.mark.parametrize("cut", range(0, len(GOOD), 7))
def test_cut_anywhere(cut):
    with pytest.raises(ModelFileError):
        container.from_bytes(GOOD[:cut], validators=KNOWN)


def test_every_changed_byte_of_the_header_is_refused_or_harmless():
    for position in range(len(GOOD) - 40):
        for change in (1, 32, 128):
            damaged = bytearray(GOOD)
            damaged[position] ^= change
            try:
                state = container.from_bytes(bytes(damaged), validators=KNOWN)
            except ModelFileError:
                continue
            assert {name: array.shape for name, array in state.arrays.items()} == {"W0": (2, 3), "b0": (2,)}


def test_a_sparse_file_of_a_terabyte(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as stream:
        stream.write(GOOD)
        stream.truncate(1 << 40)
    with pytest.raises(ModelFileError, match=r"1,099,511,627,776 bytes; at most 8,589,934,592 are read"):
        container.read(path, validators=KNOWN)
    with pytest.raises(ModelFileError, match="bytes after its end"):
        container.read(path, validators=KNOWN, max_bytes=1 << 50)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="is not a file"):
        container.read(tmp_path / "pipe", validators=KNOWN)


@pytest.mark.parametrize("path", [".", "/dev/zero"])
def test_folders_and_devices(path):
    with pytest.raises(ModelFileError, match="is not a file|cannot open"):
        container.read(path, validators=KNOWN)


@pytest.mark.parametrize("path", ["a\0b", "x" * 10_000])
def test_impossible_names(path):
    with pytest.raises(ModelFileError, match="cannot open"):
        container.read(path, validators=KNOWN)
