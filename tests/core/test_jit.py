"""Compiled functions, and their code in files."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from heavywater.core import stored_code
from heavywater.core.jit import intrinsic, njit, types

NATIVE: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}


class Pair(NamedTuple):
    """Something that kernels take apart."""

    first: float
    rest: tuple[int, np.ndarray]


@intrinsic
def tripled(typingctx: Any, x: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(args[0], context.get_constant(types.float64, 3.0))

    return types.float64(types.float64), codegen


@njit(**NATIVE, no_cpython_wrapper=True)
def plus_one(x):  # type: ignore[no-untyped-def]
    return x + 1.0


@njit(**NATIVE)
def everything(pair, flag, matrix, small):  # type: ignore[no-untyped-def]
    total = pair.first + pair.rest[0]
    for i in range(len(pair.rest[1])):
        total += tripled(plus_one(pair.rest[1][i]))
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            total += matrix[i, j] * (i + 1) * (10 if j else 1)
    return np.exp(small) * total if flag else -total


@njit(**NATIVE)
def kind_of(x):  # type: ignore[no-untyped-def]
    return x


@njit(**NATIVE)
def positive(x):  # type: ignore[no-untyped-def]
    return x > 0


@njit(**NATIVE)
def fill(x, value):  # type: ignore[no-untyped-def]
    x[:] = value


@njit(nogil=True, _nrt=False)
def divided(x, y):  # type: ignore[no-untyped-def]
    return x / y


@njit(nogil=True)
def doubled(x):  # type: ignore[no-untyped-def]
    return np.concatenate((x, x))


@njit(**NATIVE)
def several(x):  # type: ignore[no-untyped-def]
    return x > 1, x, np.float32(x), int(x)


@njit(**NATIVE)
def turned(x):  # type: ignore[no-untyped-def]
    return x * 1j


def by_hand(pair: Pair, flag: bool, matrix: np.ndarray, small: Any) -> float:
    total = pair.first + pair.rest[0] + 3 * (pair.rest[1] + 1).sum()
    total += float(
        (matrix * np.arange(1, len(matrix) + 1)[:, None] * np.where(np.arange(matrix.shape[1]), 10, 1)).sum()
    )
    return float(np.exp(small)) * total if flag else -total


def test_arguments_of_all_kinds() -> None:
    matrix = np.arange(12.0).reshape(3, 4)
    for m in (matrix, matrix.T, matrix[::2, 1:], matrix.astype(np.uint8), matrix[:0]):
        for x in (np.arange(5.0), np.arange(10.0)[::2], np.zeros(0)):
            for flag, small in ((True, 0.5), (np.bool_(False), np.float32(0.5)), (True, 2)):
                pair = Pair(2.5, (7, x))
                assert everything(pair, flag, m, small) == pytest.approx(by_hand(pair, bool(flag), m, small), rel=1e-12)


def test_results_of_all_kinds() -> None:
    for x in (3, -3, 2.5, True, np.uint8(200), np.int32(-5), np.uint64(2**64 - 1), 2**64 - 1, np.float32(0.1)):
        assert kind_of(x) == x
    assert (type(kind_of(1)), type(kind_of(1.0)), kind_of(True)) == (int, float, True)
    assert (positive(1.5), positive(-1)) == (True, False)
    assert several(2.5) == (True, 2.5, 2.5, 2)
    filled = np.zeros(3)
    assert fill(filled, 4) is None
    assert filled.tolist() == [4, 4, 4]
    assert doubled(np.arange(2)).tolist() == [0, 1, 0, 1]


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="numbers, arrays and tuples of them, not str"):
        kind_of("x")
    with pytest.raises(TypeError, match="turned returns complex128"):
        turned(2.0)
    with pytest.raises(RuntimeError, match="divided failed"):
        divided(1.0, 0.0)
    with pytest.raises(NotImplementedError, match="only compiled functions"):
        tripled(1.0)


SOURCE = """
    import sys
    import numpy as np
    from heavywater.core.jit import njit

    @njit(nogil=True, _nrt=False)
    def total(x):
        s = 0.0
        for i in range(len(x)):
            s += np.log(x[i]) * FACTOR
        return s

    FACTOR = 2.0
    print(total(np.full(3, np.e)), "numba" in sys.modules)
"""


def test_another_process_finds_the_code(tmp_path: Path) -> None:
    file = tmp_path / "kernels.py"

    def run() -> list[str]:
        command = [sys.executable, str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    file.write_text(textwrap.dedent(SOURCE))
    assert run() == ["6.0", "True"]
    assert run() == ["6.0", "False"]
    [kept] = (tmp_path / "__pycache__").glob("kernels.total-*.kernel")

    head, _, body = kept.read_bytes().partition(b"\n")
    facts = json.loads(head)
    assert facts["calls"] == ["log"]
    for damaged in (
        b"",
        head,
        head + b"\n" + body[:-1] + b"?",
        head + b"\n",
        json.dumps({**facts, "calls": ["no_such_function"]}).encode() + b"\n" + body,
        json.dumps({**facts, "name": "another"}).encode() + b"\n" + body,
        json.dumps({**facts, "result": "str"}).encode() + b"\n" + body,
        json.dumps([1]).encode(),
    ):
        kept.write_bytes(damaged)
        assert run() == ["6.0", "True"]
        assert run() == ["6.0", "False"]

    file.write_text(textwrap.dedent(SOURCE).replace("FACTOR = 2.0", "FACTOR = 30.0"))
    assert run() == ["90.0", "True"]
    assert run() == ["90.0", "False"]
    assert [kept] == list((tmp_path / "__pycache__").glob("kernels.total-*"))


def test_code_that_needs_numba_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    class Declared(NamedTuple):
        name: str
        is_declaration: bool = True

    class Library:
        has_dynamic_globals = False

        def __init__(self, *names: str) -> None:
            self._final_module = type("Module", (), {"functions": [Declared(n) for n in names]})

        def _get_compiled_object(self) -> bytes:
            return b"code"

    def keep(*names: str) -> bool:
        stored_code.keep(by_hand, {}, ("x",), "name", "int64", Library(*names))
        found = list(tmp_path.rglob("*.kernel"))
        for path in found:
            path.unlink()
        return bool(found)

    assert keep("llvm.exp.f64", "llvm.assume", "memset", "sched_yield")
    assert not keep("NRT_incref")
    assert not keep("exp", "numba_gil_ensure")


def test_it_may_be_that_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(nowhere))

    @njit(**NATIVE)
    def half(x):  # type: ignore[no-untyped-def]
        return x / 2

    assert half(3) == 1.5
