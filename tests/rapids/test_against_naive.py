"""Element-wise operators against the slow twin, on frames that hypothesis makes."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heavywater.frame import Frame
from heavywater.rapids.node import Call, Leaf
from heavywater.rapids.run import evaluate
from tests.naive import rapids as naive

numbers = st.one_of(
    st.none(),
    st.integers(-4, 4).map(float),
    st.floats(-1e3, 1e3, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-3),
)
columns = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12)


def run(op: str, a: list, b: object) -> list:
    left = Leaf(Frame.of(pl.DataFrame({"a": pl.Series(a, dtype=pl.Float64)})))
    right = Leaf(Frame.of(pl.DataFrame({"b": pl.Series(b, dtype=pl.Float64)}))) if isinstance(b, list) else b
    return evaluate(Call(op, (left, right))).data.to_series().to_list()


def agree(got: list, expected: list) -> None:
    for g, e in zip(got, expected):
        assert (g is None) == (e is None), (got, expected)
        assert g is None or g == pytest.approx(e, rel=1e-12, abs=1e-300), (got, expected)


@settings(max_examples=40)
@given(columns, st.sampled_from(["+", "-", "*", "/", "%", "^", "intDiv", "%/%"]))
def test_arithmetic(pairs, op):
    a, b = map(list, zip(*pairs))
    agree(run(op, a, b), [naive.arithmetic(op, x, y) for x, y in pairs])
    if b[0] is not None:
        agree(run(op, a, b[0]), [naive.arithmetic(op, x, b[0]) for x in a])


@pytest.mark.parametrize("op", ["/", "%", "intDiv", "%/%"])
def test_division_by_a_constant_is_division(op):
    for divisor in (389.0, 49.0, -389.0, 0.1):
        a = [divisor * k for k in range(-9, 10)] + [1.0, None]
        assert run(op, a, divisor) == run(op, a, [divisor] * len(a))
    assert run("%", [389.0, -778.0, 390.0, None], 389.0) == [0.0, 0.0, 1.0, None]
    assert run("/", [389.0], 389.0) == [1.0]


@settings(max_examples=40)
@given(columns, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
def test_comparison(pairs, op):
    a, b = map(list, zip(*pairs))
    assert run(op, a, b) == [naive.compare(op, x, y) for x, y in pairs]
    if b[0] is not None:
        assert run(op, a, b[0]) == [naive.compare(op, x, b[0]) for x in a]


@settings(max_examples=30)
@given(columns, st.sampled_from(["&", "|"]))
def test_logic(pairs, op):
    a, b = map(list, zip(*pairs))
    assert run(op, a, b) == [naive.logic(op, x, y) for x, y in pairs]


@settings(max_examples=30)
@given(columns)
def test_a_whole_expression_equals_its_steps(pairs):
    """Fused into one expression or computed in between: the same numbers."""
    a, b = map(list, zip(*pairs))
    frame = Leaf(Frame.of(pl.DataFrame({"a": pl.Series(a, dtype=pl.Float64), "b": pl.Series(b, dtype=pl.Float64)})))
    x, y = Call("cols_py", (frame, "a")), Call("cols_py", (frame, "b"))
    quotient = Call("/", (x, y))
    fused = evaluate(Call("ifelse", (Call(">", (quotient, 1.0)), Call("log", (quotient,)), Call("-", (x, y)))))
    step = Leaf(evaluate(quotient))
    parts = [Leaf(evaluate(n)) for n in (Call(">", (step, 1.0)), Call("log", (step,)), Call("-", (x, y)))]
    assert fused.data.equals(evaluate(Call("ifelse", tuple(parts))).data)
