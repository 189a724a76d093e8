"""MOJOs that are damaged or made to do harm are refused, quickly and with a reason."""

from __future__ import annotations

import contextlib
import random
import zipfile

import pytest

from heavywater.errors import HeavywaterError, ModelFileError
from heavywater.export.mojo import read_mojo, write_mojo
from tests.export.zoo import model


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    path = write_mojo(model("label"), tmp_path_factory.mktemp("good") / "m.zip")
    with zipfile.ZipFile(path) as archive:
        return path.read_bytes(), {n: archive.read(n) for n in archive.namelist()}


def packed(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("seed", range(200))
def test_mutations_are_refused_or_read(tmp_path, parts, seed):
    rng, (whole, entries) = random.Random(seed), parts
    if seed % 2:
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if seed % 6 == 1:
            del data[rng.randrange(len(data)) :]
        path = tmp_path / "m.zip"
        path.write_bytes(data)
    else:
        changed = dict(entries)
        name = rng.choice(sorted(changed))
        text = bytearray(changed[name])
        for _ in range(rng.randint(1, 4)):
            text[rng.randrange(len(text))] = rng.choice(b"0123456789-=[],.\n e\xff")
        changed[name] = bytes(text)
        path = packed(tmp_path / "m.zip", changed)
    with contextlib.suppress(HeavywaterError):  # any other error is a fault
        read_mojo(path)


@pytest.mark.parametrize(("old", "new"), [
    (b"n_columns = ", b"n_columns = 9"), (b"n_features = ", b"n_features = 9"), (b"cats = 0", b"cats = 2000000000"),
    (b"neural_network_sizes = [", b"neural_network_sizes = [2000000000, "), (b"_n_orig_names = ", b"_n_orig_names = 9999"),
    (b"mojo_version = 1.10", b"mojo_version = 9.99"), (b"algorithm = Deep Learning", b"algorithm = Tree"),
    (b"weight_layer0 = [", b"weight_layer0 = [NaN, "), (b"norm_mul = [", b"norm_mul = [1.0, "),
])  # fmt: skip
def test_numbers_that_contradict_each_other(tmp_path, parts, old, new):
    ini = parts[1]["model.ini"]
    assert old in ini
    with pytest.raises(HeavywaterError):
        read_mojo(packed(tmp_path / "m.zip", {**parts[1], "model.ini": ini.replace(old, new, 1)}))


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/x", "a\\b", "c:x", "x/../../y"])
def test_names_that_leave_the_archive(tmp_path, parts, name):
    with pytest.raises(ModelFileError, match="entry"):
        read_mojo(packed(tmp_path / "m.zip", {**parts[1], name: b"x"}))


def test_a_bomb_is_not_unpacked(tmp_path, parts):
    with pytest.raises(ModelFileError, match="bomb"):
        read_mojo(packed(tmp_path / "m.zip", {**parts[1], "big": b"0" * (70 << 20)}))


def test_too_many_entries(tmp_path):
    with pytest.raises(ModelFileError, match="entries"):
        read_mojo(packed(tmp_path / "m.zip", {f"e{i}": b"" for i in range(20_001)}))


def test_no_model_in_it(tmp_path):
    with pytest.raises(ModelFileError, match=r"model\.ini"):
        read_mojo(packed(tmp_path / "m.zip", {"readme": b"x"}))
