"""Checking values one by one, and their canonical form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
import pytest

from heavywater.errors import NotSupported
from heavywater.params import Message, Params, canonical, check, examine, infos, param, parameters, wanted


@parameters
@dataclass(kw_only=True, eq=False, repr=False)
class Toy(Params):
    not_yet: ClassVar[Mapping[str, str]] = {"later": "not built"}
    built: ClassVar[Mapping[str, Sequence[Any]]] = {"later": ("b",)}

    flag: bool = param(True, "Flag.")
    count: int = param(3, "Count.", ge=0)
    big: int = param(0, "Big.", wire="long")
    share: float = param(0.5, "Share.", ge=0, lt=1)
    limit: float = param(9.0, "Limit.", infinite=True, gt=0)
    sizes: Sequence[int] = param((3, 4), "Sizes.", ge=1)
    ratios: Sequence[float] | None = param(None, "Ratios.")
    word: Literal["NotSoRound", "Round"] = param("Round", "Word.", spellings={"circle": "Round"})
    name: str | None = param(None, "Name.")
    later: Literal["a", "b", "c"] = param("a", "Later.")
    model: Any = param(None, "Model.", wire="Key<Model>")

    def check(self) -> Iterator[Message]:
        yield from super().check()
        if self.count > len(self.sizes):
            yield Message("count", "error", "count is more than there are sizes")
        if self.share == 0:
            yield Message("share", "warn", "share is 0")


GOOD = [
    ("flag", False, False),
    ("flag", np.bool_(False), False),
    ("count", np.int64(2), 2),
    ("count", 2.0, 2),
    ("big", -(2**63), -(2**63)),
    ("share", 0, 0.0),
    ("share", np.float32(0.25), 0.25),
    ("share", np.int8(0), 0.0),
    ("limit", math.inf, math.inf),
    ("sizes", [1, 2, 3, 4], [1, 2, 3, 4]),
    ("sizes", (5, 6, 7), [5, 6, 7]),
    ("sizes", range(1, 5), [1, 2, 3, 4]),
    ("sizes", np.array([4, 3, 2]), [4, 3, 2]),
    ("sizes", pl.Series([7, 8, 9]), [7, 8, 9]),
    ("ratios", [1, 0.5], [1.0, 0.5]),
    ("ratios", [], []),
    ("word", "not_so_round", "NotSoRound"),
    ("word", "NOT SO ROUND", "NotSoRound"),
    ("word", "Circle", "Round"),
    ("word", None, "Round"),
    ("name", "x", "x"),
    ("name", None, None),
    ("count", None, 3),
    ("sizes", None, [3, 4]),
    ("model", "key", "key"),
]
BAD = [
    ("flag", 1, "flag must be True or False; got 1"),
    ("flag", "yes", "flag must be True or False; got 'yes'"),
    ("count", True, "count must be a whole number >= 0; got True"),
    ("count", 2.5, "got 2.5"),
    ("count", -1, "got -1"),
    ("count", "3", "got '3'"),
    ("count", 2**31, "got 2147483648"),
    ("count", math.nan, "got nan"),
    ("big", 2**63, "got 9223372036854775808"),
    ("share", 1, "share must be a number >= 0 and < 1; got 1"),
    ("share", True, "got True"),
    ("share", math.nan, "got nan"),
    ("share", 1j, "got 1j"),
    ("limit", 0, "limit must be a number > 0; got 0"),
    ("big", math.inf, "got inf"),
    ("sizes", 3, r"sizes must be a list of whole numbers >= 1; got 3; write \[3\]"),
    ("sizes", "34", "got '34'"),
    ("sizes", [3, 0], r"got \[3, 0\]"),
    ("sizes", [3, None], r"got \[3, None\]"),
    ("sizes", [[3]], r"got \[\[3\]\]"),
    ("sizes", np.ones((2, 2)), "got array"),
    ("sizes", {3}, r"got \{3\}"),
    ("ratios", ["a"], "a list of numbers or None"),
    ("word", "Rund", r"word must be one of NotSoRound, Round; got 'Rund' \(did you mean 'Round'\?\)"),
    ("word", 3, "got 3"),
    ("word", ["Round"], r"got \['Round'\]"),
    ("name", 3, "name must be a string or None; got 3"),
    ("model", 3, "model must be a model or its name or None; got 3"),
]


@pytest.mark.parametrize(("name", "value", "wanted"), GOOD)
def test_good_values_and_their_canonical_form(name, value, wanted):
    toy = Toy(**{name: value}, **({} if name in ("count", "sizes") else {"count": 0}))
    if name == "sizes":
        toy.count = 1
    assert [m for m in check(toy) if m.severity == "error" and m.field == name and "must" in m.text] == []
    found = getattr(canonical(toy), name)
    assert found == wanted
    assert type(found) is type(wanted)
    assert getattr(toy, name) is value


@pytest.mark.parametrize(("name", "value", "text"), BAD)
def test_bad_values_are_named(name, value, text):
    found = check(Toy(**{"count": 1, name: value}))
    errors = [m for m in found if m.severity == "error"]
    assert [m.field for m in errors] == [name]
    with pytest.raises(AssertionError, match=text):
        raise AssertionError(errors[0].text)


def test_long_values_are_cut():
    (message,) = check(Toy(count=1, sizes="x" * 1000))
    assert len(message.text) < 200


def test_all_problems_come_at_once_in_the_order_of_declaration():
    found = check(Toy(word="no", share=0, flag=3, count=3))
    assert [(m.field, m.severity) for m in found] == [
        ("flag", "error"), ("count", "error"), ("share", "warn"), ("word", "error")
    ]  # fmt: skip


def test_rules_between_parameters_see_defaults_in_place_of_bad_values():
    found = check(Toy(sizes="what", count=2))
    assert [m.field for m in found] == ["sizes"]


def test_canonical_leaves_bad_values_alone():
    assert canonical(Toy(count="x")).count == "x"


def test_examine_gives_a_copy_that_is_safe_to_reason_about():
    safe, found = examine(Toy(count="x", sizes=(1,), later="c"), unbuilt=True)
    assert safe.count == 3
    assert safe.sizes == [1]
    assert [m.field for m in found] == ["count"]


def test_what_is_not_built_is_refused():
    with pytest.raises(NotSupported, match="not available in this version: later: not built"):
        check(Toy(count=1, later="C"))
    assert check(Toy(count=1, later="B")) == check(Toy(count=1, later="A")) == []
    assert [m.field for m in check(Toy(count=-1, later="c"))] == ["count"]


def test_the_words_for_what_is_wanted():
    i = infos(Toy)
    assert wanted(i["share"]) == "a number >= 0 and < 1"
    assert wanted(i["sizes"]) == "a list of whole numbers >= 1"
    assert wanted(i["model"]) == "a model or its name or None"
