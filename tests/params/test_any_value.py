"""Whatever a parameter is given, the check answers with messages."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.algos.deeplearning.resolve import resolve
from heavywater.params import canonical, examine, infos

DECLARED = infos(DeepLearningParams)
plain = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=3),
    st.complex_numbers(), st.sampled_from([w for i in DECLARED.values() for w in i.values]),
)  # fmt: skip
anything = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.tuples(inner), max_leaves=5)


class Unprintable:
    """An object that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


ODD = [
    object(), type, len, np.array(3), np.array([]), np.zeros((2, 2)), np.array(["a"]), np.datetime64("2020-01-01"),
    np.float16(1), Unprintable(), 10**5000, {}, [[]],
    np.bool_(True), pd.Series([1.5]), pd.DataFrame({"a": [1]}), pd.NA, pd.NaT, pl.Series([1]), decimal.Decimal("0.5"),
    fractions.Fraction(1, 2), dt.date(2020, 1, 1), range(10**12), iter([1]), {1}, 10**400, "x" * 10**6,
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(list(DECLARED)), anything, max_size=6), st.integers(0, 4))
@settings(max_examples=300, deadline=None)
def test_any_values_get_an_answer(values, nclasses):
    params = DeepLearningParams(**values)
    safe, messages = examine(params, unbuilt=True)
    assert {m.field for m in messages} <= set(DECLARED)
    assert all(m.text for m in messages)
    canonical(params)
    if not any(m.severity == "error" for m in messages):
        again, repeated = examine(safe, unbuilt=True)
        assert [str(m) for m in repeated] == [str(m) for m in messages]
        assert {n: getattr(again, n) for n in DECLARED} == {n: getattr(safe, n) for n in DECLARED}
        resolve(safe, nclasses=nclasses)


@pytest.mark.parametrize("name", list(DECLARED))
def test_odd_objects_get_an_answer(name):
    for value in ODD:
        _, messages = examine(DeepLearningParams(**{name: value}), unbuilt=True)
        assert all(len(m.text) < 600 for m in messages)
