"""Runs the workloads in turns, A B A B, each measurement in a fresh process; what fails becomes a row that says so."""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.datasets import dataset
from benchmarks.process import Failed, measure, time_to_line
from benchmarks.workloads import BY_NAME, Workload

HERE = Path(__file__).resolve().parent
FIRST_PORT = 54421
MEMORY = "4g"
"""Heap that H2O may use; it is the same in every run."""


@dataclass
class Suite:
    """One run of the suite.

    Parameters
    ----------
    h2o_python : str or None
        Interpreter with the package ``h2o``; None: ours alone.
    pairs : int
    quick : bool
        Smaller runs, and only one of the peers that take long.
    threads : int
    save : callable
        Called with `results` after every measurement.
    results : dict
        For each workload its runs, ``ours`` and ``theirs``, and what went wrong, ``failures``; those that are there
        already are kept.
    """

    h2o_python: str | None
    pairs: int
    quick: bool
    threads: int
    save: Callable[[dict[str, Any]], None]
    results: dict[str, Any] = field(default_factory=dict)
    say: Callable[[str], None] = print
    _port: int = FIRST_PORT

    def run(self, workloads: list[Workload]) -> None:
        """Measure what is not there yet."""
        for w in workloads:
            began = time.perf_counter()
            found = self.results.setdefault(w.name, {"ours": [], "theirs": [], "failures": []})
            found["failures"] = []
            for pair in range(self.pairs):
                if len(found["ours"]) <= pair and has_own_runs(w, "ours"):
                    self._one(w, "ours", pair)
                wanted = min(self.pairs, self._their_pairs(w))
                due = pair < wanted and len(found["theirs"]) <= pair and has_own_runs(w, "theirs")
                if due and (w.peer != "h2o" or self.h2o_python):
                    self._one(w, "theirs", pair)
            found["took_seconds"] = found.get("took_seconds", 0.0) + time.perf_counter() - began
            self.save(self.results)

    def _their_pairs(self, w: Workload) -> int:
        if self.quick:
            return 1
        return int(w.options.get("their_pairs", w.pairs or self.pairs))

    def _one(self, w: Workload, side: str, pair: int) -> None:
        found = self.results[w.name]
        try:
            result = self._measured(w, side, seed=1 + pair)
        except (Failed, FileNotFoundError) as e:
            found["failures"].append(f"{side}, pair {pair + 1}: {e}")
            self.say(f"  {w.name:14} {side:6} failed: {e}")
        else:
            found[side].append(result)
            shown = f"{measured_value(w, result):,.6g} {w.unit}" if value_of(w, result) is not None else "no value"
            quality = ", ".join(f"{k} {v:.4f}" for k, v in result.get("quality", {}).items())
            self.say(f"  {w.name:14} {side:6} {shown:>22}   {quality}")
        self.save(self.results)

    def _measured(self, w: Workload, side: str, seed: int) -> dict[str, Any]:
        h2o = side == "theirs" and w.peer == "h2o"
        python = self.h2o_python if h2o else sys.executable
        assert python is not None
        if w.measure == "first_result_seconds":
            command = [python, str(HERE / "first_result.py"), "h2o" if h2o else "heavywater", dataset(w.data).train]
            time_to_line(command, "the predictions are there", w.timeout) if not h2o and seed == 1 else None
            return {"first_result_seconds": time_to_line(command, "the predictions are there", w.timeout)}
        job = self.job(w, side, seed)
        runner = "array_peers.py" if side == "theirs" and w.peer in ("torch", "sklearn") else "h2o_script.py"
        return measure([python, str(HERE / runner)], job, w.timeout)

    def job(self, w: Workload, side: str, seed: int) -> dict[str, Any]:
        """What the runner is asked to do."""
        settings = {**(w.ours if side == "ours" else w.theirs), "seed": seed}
        options = dict(w.options)
        if self.quick:
            changed = w.quick_ours if side == "ours" else w.quick_theirs
            settings |= changed
            options |= {k: v for k, v in changed.items() if k in options}
        threads = self.threads if w.threads is None else w.threads[0 if side == "ours" else 1]
        self._port += 2
        common = {"data": dataset(w.data).as_job(), "threads": threads, "seed": seed}
        if side == "theirs" and w.peer in ("torch", "sklearn"):
            return {"engine": w.peer, "hidden": [200, 200], "classes": 10, **common, **options}
        return {
            "engine": "h2o" if side == "theirs" and w.peer == "h2o" else "heavywater",
            "settings": settings,
            "port": self._port,
            "memory": MEMORY,
            "small_file": dataset("iris").train,
            "warm_up_rows": options.get("warm_up_rows", 500 if self.quick else 2000),
            "validate": options.get("validate", False),
            "target_error": options.get("target_error", 0.0),
            "predict": options.get("predict", False),
            **common,
        }


def has_own_runs(w: Workload, side: str) -> bool:
    """Whether a side of a workload is measured for it, not taken from the runs of another one."""
    if not w.run_as:
        return True
    return bool(w.ours) if side == "ours" else w.peer != "h2o" or bool(w.theirs)


def value_of(w: Workload, result: dict[str, Any]) -> float | None:
    value = result.get(w.measure)
    return None if value is None else float(value)


def measured_value(w: Workload, result: dict[str, Any]) -> float:
    """The measure in the unit of the table."""
    value = value_of(w, result)
    assert value is not None
    return value / 2**20 if w.unit == "MiB" else value


@dataclass(frozen=True)
class Row:
    """A workload's result: medians, ratios (above 1: ours is better), what is wrong."""

    workload: Workload
    ours: float | None
    theirs: float | None
    ratios: tuple[float, ...]
    at_least: bool
    problems: tuple[str, ...]

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where there is nothing to compare."""
        return None if self.workload.goal is None or self.ratio is None else self.ratio >= self.workload.goal


def row_of(w: Workload, results: dict[str, Any], *, quick: bool) -> Row:
    """Work out the row of the table from the runs; quality is checked here."""
    sides: dict[str, list[dict[str, Any]]] = {}
    problems: list[str] = []
    for side in ("ours", "theirs"):
        source = w.name if has_own_runs(w, side) else w.run_as
        sides[side] = list(results.get(source, {}).get(side, []))
        if source != w.name:
            problems += [f for f in results.get(source, {}).get("failures", []) if f.startswith(side)]
    problems += results.get(w.name, {}).get("failures", [])
    if w.quality:
        for side, bound in (("ours", our_bound(w, quick)), ("theirs", None if quick else w.their_bound)):
            worst = max((r["quality"].get(w.quality, math.inf) for r in sides[side]), default=0.0)
            if bound is not None and worst > bound and not (side == "theirs" and w.options.get("at_least")):
                problems.append(f"{side}: {w.quality} {worst:.4f}, at most {bound} expected")
    ours = [measured_value(w, r) for r in sides["ours"] if value_of(w, r) is not None]
    if len(ours) < len(sides["ours"]):
        problems.append(f"ours: {len(sides['ours']) - len(ours)} of {len(sides['ours'])} runs did not get there")
    theirs, at_least = [], False
    for r in sides["theirs"]:
        if value_of(w, r) is not None:
            theirs.append(measured_value(w, r))
        elif w.options.get("at_least"):  # not there when it ended: it would have taken longer
            theirs.append(float(r["seconds"]))
            at_least = True
    ratios = []
    if ours and theirs:
        for i in range(max(len(ours), len(theirs))):
            a, b = ours[min(i, len(ours) - 1)], theirs[min(i, len(theirs) - 1)]
            ratios.append(a / b if w.better == "higher" else b / a)
    return Row(
        w,
        statistics.median(ours) if ours else None,
        statistics.median(theirs) if theirs else None,
        tuple(ratios),
        at_least,
        tuple(problems),
    )


def our_bound(w: Workload, quick: bool) -> float:
    return w.quick_bound if quick and w.quick_bound is not None else w.bound


def rows(results: dict[str, Any], *, quick: bool) -> list[Row]:
    """The rows of all workloads for which there is something to say."""
    out = [row_of(BY_NAME[name], results, quick=quick) for name in BY_NAME if name in results]
    return [r for r in out if r.ours is not None or r.problems]
