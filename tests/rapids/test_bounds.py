"""Limits on what an expression may ask for."""

from __future__ import annotations

import time

import polars as pl
import pytest

from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.rapids.bounds import Bounds, bounded
from heavywater.rapids.session import RapidsSession

TIGHT = Bounds(max_rows=1000, max_columns=50, linear_patterns=True)


def session(**frames):
    return RapidsSession({k: Frame.of(pl.DataFrame(v)) for k, v in frames.items()})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(seq_len 1e15)", "rows; at most 1000"),
        ("(seq 1 1e15 1)", "rows; at most 1000"),
        ("(rep_len 1 1e15)", "rows; at most 1000"),
        ("(merge a a False False [0] [0] 'auto')", "would have 1000000 rows"),
        ("(t a)", "1000 columns; at most 50"),
        ("(rbind a a)", "2000 rows"),
        ("(strsplit s ',')", "columns; at most 50"),
        ("(replaceall s '(?=a)' 'b' False)", "look-around"),
        ("(strsplit s '(a)\\\\1')", "back-references"),
    ],
)
def test_refused_before_memory_is_taken(text, said):
    s = session(a={"k": [1] * 1000, "v": range(1000)}, s={"t": [",".join("x" * 100)]})
    with bounded(TIGHT), pytest.raises(H2OValueError, match=said):
        s.run(text)


def test_without_bounds_the_same_is_computed():
    s = session(a={"k": [1] * 1000}, s={"t": [",".join("x" * 100)]})
    assert s.run("(seq_len 5000)").nrow == 5000
    assert s.run("(merge a a False False [0] [0] 'auto')").nrow == 1_000_000
    assert s.run("(replaceall s '(?=x)' '-' False)").data.item().startswith("-x,-x")


@pytest.mark.parametrize("pattern", [",", ",+", "[ ,]", "a|aa", "é", "(,)", "x?,"])
def test_splitting_in_linear_time_gives_the_same(pattern):
    s = session(s={"t": ["a,b,,c", ",a", "a,", "", None, "é,é aa", ",,"]})
    free = s.run(f"(strsplit s '{pattern}')").data
    with bounded(Bounds(linear_patterns=True)):
        assert s.run(f"(strsplit s '{pattern}')").data.equals(free)


@pytest.mark.parametrize(
    "op", ["(strsplit s '(a|a)*$')", "(replaceall s '(a+)+$' 'b' False)", "(grep s '(a|aa)+$' 0 0 0)"]
)
def test_patterns_that_take_forever_elsewhere(op):
    s = session(s={"t": ["a" * 5000 + "!"]})
    start = time.process_time()
    with bounded(TIGHT):
        s.run(op)
    assert time.process_time() - start < 30
