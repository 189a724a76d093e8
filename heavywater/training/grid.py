"""Walking a grid of hyper-parameters: which combinations, in which order, and when it is enough."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from heavywater.errors import H2OValueError, did_you_mean
from heavywater.metrics.early_stopping import has_converged


@dataclass(frozen=True)
class SearchCriteria:
    """How to search (booklet section 6.4.2).

    Attributes
    ----------
    strategy : {"Cartesian", "RandomDiscrete", "Sequential"}
        All combinations; a random selection; or the i-th value of every parameter together.
    max_models, max_runtime_secs : int, float
        Bounds for a random search; 0: none.
    seed : int
        Of the random order; -1: a new one each time.
    stopping_rounds, stopping_metric, stopping_tolerance
        End a random search when the best models no longer improve.
    early_stopping : bool
        Whether a sequential search may end early.
    """

    strategy: str = "Cartesian"
    max_models: int = 0
    max_runtime_secs: float = 0.0
    seed: int = -1
    stopping_rounds: int = 0
    stopping_metric: str = "AUTO"
    stopping_tolerance: float = 1e-3
    early_stopping: bool = True

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> SearchCriteria:
        """Criteria from a dictionary; every problem is reported."""
        given = dict(given or {})
        known = {f.name for f in fields(cls)}
        problems = [f"there is no search criterion {k!r}{did_you_mean(k, known)}" for k in given if k not in known]
        strategies = {"cartesian": "Cartesian", "randomdiscrete": "RandomDiscrete", "sequential": "Sequential"}
        asked = str(given.get("strategy", "Cartesian"))
        strategy = strategies.get(asked.replace("_", "").lower())
        if strategy is None:
            problems.append(f"strategy must be one of {', '.join(strategies.values())}; got {asked!r}")
        for name in ("max_models", "max_runtime_secs", "stopping_rounds", "stopping_tolerance"):
            if name in given and not (isinstance(given[name], (int, float)) and given[name] >= 0):
                problems.append(f"{name} must be a number >= 0; got {given[name]!r}")
        if problems:
            raise H2OValueError("search_criteria: " + "; ".join(problems))
        return cls(**{**given, "strategy": strategy})

    @property
    def bounded(self) -> bool:
        """Whether the bounds of a random search apply."""
        return self.strategy != "Cartesian"


def check_hyper_params(hyper_params: Mapping[str, Sequence[Any]], gridable: set[str], known: set[str]) -> None:
    """Refuse names that are no parameters, or cannot vary, and empty lists; all problems at once."""
    problems = []
    for name, values in hyper_params.items():
        if name not in known:
            problems.append(f"there is no parameter {name!r}{did_you_mean(name, known)}")
        elif name not in gridable:
            problems.append(f"{name} cannot vary in a grid; set it on the estimator")
        elif isinstance(values, (str, bytes)) or not isinstance(values, Sequence) or not values:
            problems.append(f"{name} needs a list of at least one value; got {values!r}")
    if not hyper_params:
        problems.append("no hyper-parameter is given")
    if problems:
        raise H2OValueError("hyper_params: " + "; ".join(problems))


def combinations(hyper_params: Mapping[str, Sequence[Any]], criteria: SearchCriteria) -> Iterator[dict[str, Any]]:
    """Points of the grid in the order in which they are tried."""
    names = list(hyper_params)
    sizes = [len(hyper_params[n]) for n in names]
    if criteria.strategy == "Sequential":
        if len(set(sizes)) != 1:
            raise H2OValueError(f"a sequential search needs lists of the same length; they have {sizes}")
        yield from ({n: hyper_params[n][i] for n in names} for i in range(sizes[0]))
    elif criteria.strategy == "Cartesian":
        yield from (dict(zip(names, values)) for values in itertools.product(*(hyper_params[n] for n in names)))
    else:
        draw = random.Random(None if criteria.seed == -1 else criteria.seed)
        for index in _shuffled_range(math.prod(sizes), draw):
            point = {}
            for n, size in zip(names, sizes):
                index, i = divmod(index, size)
                point[n] = hyper_params[n][i]
            yield point


def _shuffled_range(total: int, draw: random.Random) -> Iterator[int]:
    """0 to total - 1 in random order, without making a list of a huge grid."""
    if total <= 1_000_000:
        order = list(range(total))
        draw.shuffle(order)
        yield from order
        return
    seen: set[int] = set()
    while len(seen) < total:
        i = draw.randrange(total)
        if i not in seen:
            seen.add(i)
            yield i


class Budget:
    """Says when a search has done enough."""

    def __init__(self, criteria: SearchCriteria) -> None:
        self._c = criteria
        self._direction = {"more_is_better": False, "bounded_by_zero": False}
        self._began = time.monotonic()
        self._values: list[float] = []

    def add(self, value: float, *, more_is_better: bool, bounded_by_zero: bool) -> None:
        """The metric of a finished model and its direction."""
        self._values.append(value)
        self._direction = {"more_is_better": more_is_better, "bounded_by_zero": bounded_by_zero}

    def remaining_secs(self) -> float:
        """Seconds left; 0 when time is not bounded."""
        c = self._c
        if not (c.bounded and c.max_runtime_secs):
            return 0.0
        return max(c.max_runtime_secs - (time.monotonic() - self._began), 1e-3)

    def spent(self, started: int) -> str:
        """Why to start no more models, or an empty string."""
        c = self._c
        if not c.bounded:
            return ""
        if c.max_models and started >= c.max_models:
            return f"max_models ({c.max_models}) models were trained"
        if c.max_runtime_secs and time.monotonic() - self._began >= c.max_runtime_secs:
            return f"max_runtime_secs ({c.max_runtime_secs:g} s) were spent"
        worst_first = sorted(self._values, reverse=not self._direction["more_is_better"])
        if c.stopping_rounds and has_converged(
            [math.nan, *worst_first], c.stopping_rounds, c.stopping_tolerance, **self._direction
        ):
            return f"the best models no longer improve (stopping_rounds={c.stopping_rounds})"
        return ""
