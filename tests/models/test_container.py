"""The model file: what is written comes back, other programs can list it, and a crash leaves no half of a file."""

from __future__ import annotations

import json
import math
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from heavywater.errors import H2OTypeError, H2OValueError, ModelFileError, NotFound
from heavywater.models import container, strict_json
from heavywater.models.state import ArraySpec, ModelState


def expected(state: ModelState) -> dict[str, ArraySpec]:
    rows, columns = state.params["shape"]
    return {
        "W0": ArraySpec("F32", (rows, columns)),
        "b0": ArraySpec("F64", (rows,)),
        "order": ArraySpec("I32", (None,), optional=True),
        "mask": ArraySpec("U8", (None,), optional=True),
    }


KNOWN = {"toy": {1: expected}}


def toy(**output: object) -> ModelState:
    return ModelState(
        algo="toy",
        version=1,
        params={"shape": [2, 3], "rate": 0.1, "stop": math.inf},
        schema={"names": ["a", "größe", "$price", "日本"]},
        output=output,
        arrays={
            "W0": np.arange(6, dtype=np.float32).reshape(2, 3),
            "b0": np.array([math.nan, -0.0]),
            "mask": np.array([1, 0, 1], dtype=np.uint8),
        },
    )


def assert_same(a: ModelState, b: ModelState) -> None:
    assert (a.algo, a.version, a.schema) == (b.algo, b.version, b.schema)
    assert repr(a.params) == repr(b.params)
    assert repr(a.output) == repr(b.output)  # repr, so that NaN equals NaN
    assert a.arrays.keys() == b.arrays.keys()
    for name, array in a.arrays.items():
        assert array.dtype == b.arrays[name].dtype
        assert array.shape == b.arrays[name].shape
        assert array.tobytes() == b.arrays[name].tobytes()


def test_round_trip_through_a_file_and_through_bytes(tmp_path):
    state = toy(history=[{"epochs": 0.1, "mse": math.nan, "$x": -math.inf, "$$": 1}], note=None, big=2**63 - 1)
    path = container.write(state, tmp_path / "model.hw")
    assert path == tmp_path / "model.hw"
    assert_same(state, container.read(path, validators=KNOWN))
    data = container.to_bytes(state)
    assert path.read_bytes() == data == container.to_bytes(container.from_bytes(data, validators=KNOWN))
    assert list(tmp_path.iterdir()) == [path]


def test_the_safetensors_library_reads_the_arrays_aligned(tmp_path):
    state = toy()
    path = container.write(state, tmp_path / "m.safetensors")
    arrays = load_file(path)
    assert arrays.keys() == state.arrays.keys()
    assert all(arrays[name].tobytes() == state.arrays[name].tobytes() for name in arrays)
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    head = json.loads(raw[8 : 8 + length])
    assert length % 8 == 0
    assert all(head[name]["data_offsets"][0] % state.arrays[name].itemsize == 0 for name in arrays)


def test_arrays_are_kept_whatever_their_order_and_byte_order():
    big = ModelState(
        "toy", 1, {}, {}, {}, {"a": np.arange(6.0).reshape(2, 3).T.astype(">f8"), "s": np.float32(3)[None][0:0]}
    )
    assert big.arrays["a"].dtype == np.dtype("<f8")
    assert big.arrays["a"].flags.c_contiguous
    assert big.arrays["a"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert big.arrays["s"].shape == (0,)
    with pytest.raises(ValueError, match="read-only"):
        big.arrays["a"][0] = 1


def test_empty_and_scalar_arrays_survive():
    known = {"toy": {1: lambda state: {"e": ArraySpec("F32", (0, 3)), "s": ArraySpec("I64", ())}}}
    state = ModelState("toy", 1, {}, {}, {}, {"e": np.zeros((0, 3), np.float32), "s": np.array(7)})
    back = container.from_bytes(container.to_bytes(state), validators=known)
    assert_same(state, back)


def test_a_bare_function_stands_for_version_1():
    assert_same(toy(), container.from_bytes(container.to_bytes(toy()), validators={"toy": expected}))
    later = ModelState("toy", 2, toy().params, {}, {}, toy().arrays)
    with pytest.raises(ModelFileError, match="layout is version 2; this program reads 1"):
        container.from_bytes(container.to_bytes(later), validators={"toy": expected})


def test_read_manifest_needs_no_validator(tmp_path):
    path = container.write(toy(answer=42), tmp_path / "m")
    state, arrays = container.read_manifest(path)
    assert state.output == {"answer": 42}
    assert state.arrays == {}
    assert arrays["W0"] == ArraySpec("F32", (2, 3))


def test_unknown_keys_of_a_later_release_are_ignored():
    raw = container.to_bytes(toy())
    (length,) = struct.unpack("<Q", raw[:8])
    head = json.loads(raw[8 : 8 + length])
    manifest = json.loads(head["__metadata__"]["manifest"])
    head["__metadata__"] |= {"manifest": json.dumps(manifest | {"added_later": [1]}), "also_later": "x"}
    text = json.dumps(head).encode()
    changed = struct.pack("<Q", len(text)) + text + raw[8 + length :]
    assert_same(toy(), container.from_bytes(changed, validators=KNOWN))


def test_a_file_is_replaced_only_with_force(tmp_path):
    path = container.write(toy(n=1), tmp_path / "m")
    with pytest.raises(H2OValueError, match="exists; give another name, or force=True"):
        container.write(toy(n=2), path)
    assert container.read(path, validators=KNOWN).output == {"n": 1}
    container.write(toy(n=2), path, force=True)
    assert container.read(path, validators=KNOWN).output == {"n": 2}


@pytest.mark.parametrize(("name", "message"), [("", "is a folder"), ("absent/m", "cannot write")])
def test_impossible_targets(tmp_path, name, message):
    with pytest.raises(H2OValueError, match=message):
        container.write(toy(), tmp_path / name)


def test_a_failure_while_writing_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch):
    path = container.write(toy(n=1), tmp_path / "m")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(H2OValueError, match="No space left on device"):
        container.write(toy(n=2), path, force=True)
    monkeypatch.undo()
    assert container.read(path, validators=KNOWN).output == {"n": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "m"
    real = os.fsync

    def someone_else(descriptor: int) -> None:
        path.write_text("mine")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", someone_else)
    with pytest.raises(H2OValueError, match="exists"):
        container.write(toy(), path)
    assert path.read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_a_killed_writer_leaves_the_old_file_whole(tmp_path):
    path = container.write(toy(n=0), tmp_path / "m")
    code = (
        "import sys, numpy as np\n"
        "from heavywater.models import container\n"
        "from heavywater.models.state import ModelState\n"
        "print('ready', flush=True)\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1\n"
        "    arrays = {'W0': np.full((2, 3), n, np.float32), 'b0': np.full(2, n, float)}\n"
        "    container.write(ModelState('toy', 1, {'shape': [2, 3]}, {}, {'n': n}, arrays), sys.argv[1], force=True)\n"
    )
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        with child:
            assert child.stdout.readline() == b"ready\n"
            child.stdout.read(0)
            while container.read(path, validators=KNOWN).output["n"] < 3:
                pass
            child.kill()
        state = container.read(path, validators=KNOWN)
        if state.output["n"]:
            assert np.all(state.arrays["W0"] == state.output["n"])
        container.write(toy(n=0), path, force=True)


def test_missing_file(tmp_path):
    with pytest.raises(NotFound, match="no model file"):
        container.read(tmp_path / "absent", validators=KNOWN)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"a": {1, 2}}, H2OTypeError, r"output\['a'\] is set"),
        ({"a": [0, np.zeros(3)]}, H2OTypeError, r"output\['a'\]\[1\] is ndarray.*ModelState.arrays"),
        ({"a": {1: 2}}, H2OTypeError, r"output\['a'\] has the key 1"),
        ({"a": 10**20}, H2OValueError, r"output\['a'\] is an integer of 20 digits"),
        ({"a": "\ud800"}, H2OValueError, "half a surrogate pair"),
        ({"a": print}, H2OTypeError, "builtin_function"),
    ],
)
def test_what_a_file_cannot_hold_is_named(value, error, message):
    with pytest.raises(error, match=message):
        container.to_bytes(toy(**value))


def test_too_deep_is_refused_when_written():
    deep: list[object] = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(H2OValueError, match="nested more than 32"):
        container.to_bytes(toy(deep=deep))


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"algo": ""}, H2OTypeError, "algo"),
        ({"version": 0}, H2OValueError, "version"),
        ({"version": True}, H2OValueError, "version"),
        ({"params": []}, H2OTypeError, "params must be a dict"),
        ({"arrays": {"w": [1.0]}}, H2OTypeError, "array 'w' must be a numpy array; got list"),
        ({"arrays": {"w": np.array(["x"])}}, H2OTypeError, "element type <U1"),
        ({"arrays": {"w": np.zeros(1, np.float16)}}, H2OTypeError, "element type float16"),
        ({"arrays": {"__metadata__": np.zeros(1)}}, H2OValueError, "name of an array"),
        ({"arrays": {"a\nb": np.zeros(1)}}, H2OValueError, "name of an array"),
    ],
)
def test_a_state_checks_its_fields(fields, error, message):
    with pytest.raises(error, match=message):
        ModelState(**{"algo": "toy", "version": 1, "params": {}, "schema": {}, "output": {}} | fields)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (ModelState("toi", 1, {}, {}, {}), r"no algorithm 'toi' \(did you mean 'toy'\?\)"),
        (ModelState("toy", 2, {}, {}, {}), "layout is version 2; this program reads 1"),
        (ModelState("toy", 1, {}, {}, {}), "do not describe a toy model"),
        (ModelState("toy", 1, {"shape": [2, 3]}, {}, {}, {"W0": np.zeros((2, 3), np.float32)}), "'b0' is missing"),
        (
            ModelState("toy", 1, {"shape": [2, 4]}, {}, {}, toy().arrays),
            "'W0' must be F32 of 2x4; it is F32 of 2x3",
        ),
        (
            ModelState("toy", 1, {"shape": [2, 3]}, {}, {}, toy().arrays | {"W00": np.zeros(1)}),
            r"'W00' does not belong to this toy model \(did you mean 'W0'\?\)",
        ),
        (
            ModelState("toy", 1, {"shape": [2, 3]}, {}, {}, toy().arrays | {"b0": np.zeros(2, np.float32)}),
            "'b0' must be F64 of 2; it is F32 of 2",
        ),
    ],
)
def test_arrays_are_compared_with_what_the_parameters_imply(state, message):
    with pytest.raises(ModelFileError, match=message):
        container.from_bytes(container.to_bytes(state), validators=KNOWN)


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text()
trees = st.recursive(
    scalars, lambda t: st.lists(t, max_size=4) | st.dictionaries(st.text(), t, max_size=4), max_leaves=20
)


@settings(max_examples=150, deadline=None)
@given(trees)
def test_json_brings_back_every_value(value):
    assert repr(strict_json.loads(strict_json.dumps(value, "value"), "text")) == repr(value)


@settings(max_examples=150, deadline=None)
@given(trees, st.integers(1, 8))
def test_depth_is_measured_as_a_parser_counts_it(value, limit):
    def depth(v: object) -> int:
        if isinstance(v, dict):
            return 1 + max(map(depth, v.values()), default=0)
        return 1 + max(map(depth, v), default=0) if isinstance(v, list) else 0

    text = json.dumps(value, allow_nan=False) if not has_nan(value) else json.dumps(0)
    deep = depth(value) if not has_nan(value) else 0
    if deep > limit:
        with pytest.raises(ModelFileError, match=f"nested {deep} levels"):
            strict_json.measure(text.encode(), "text", max_depth=limit)
    else:
        strict_json.measure(text.encode(), "text", max_depth=limit)


def has_nan(value: object) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(has_nan, value.values()))
    return isinstance(value, list) and any(map(has_nan, value))


def test_numpy_scalars_are_stored_as_numbers():
    assert strict_json.dumps([np.float32(0.5), np.int64(3), np.bool_(True), (1,)], "x") == "[0.5,3,true,[1]]"


@pytest.mark.parametrize("piece", [1, 2, 3, 5])
def test_measuring_in_pieces_sees_what_measuring_at_once_sees(monkeypatch, piece):
    text = json.dumps({'a\\"[': [["\\\\", '"[[[', {"]": '\\\\\\"}'}]], "b": '\\"'}).encode()
    monkeypatch.setattr(strict_json, "_PIECE", piece)
    strict_json.measure(text, "text", max_depth=4, max_items=8)
    with pytest.raises(ModelFileError, match="nested 4 levels"):
        strict_json.measure(text, "text", max_depth=3)
    with pytest.raises(ModelFileError, match="has 7 values"):
        strict_json.measure(text, "text", max_items=6)
