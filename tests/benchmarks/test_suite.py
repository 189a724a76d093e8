"""The table of workloads, the rows worked out from runs, processes and their memory, the page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import pages, report
from benchmarks.h2o_script import number, seconds_of
from benchmarks.process import Failed, last_words, measure, time_to_line
from benchmarks.suite import Suite, has_own_runs, row_of
from benchmarks.workloads import BY_NAME, TABLE, chosen


def run(**values):  # type: ignore[no-untyped-def]
    return {"rows_per_second": 100.0, "quality": {"error": 0.03}, "engine": "x 1", **values}


def test_every_workload_can_be_run() -> None:
    assert len(BY_NAME) == len(TABLE)
    for w in TABLE:
        if w.run_as:
            assert w.run_as in BY_NAME
            assert not BY_NAME[w.run_as].run_as
        for side in ("ours", "theirs"):
            source = w if has_own_runs(w, side) else BY_NAME[w.run_as]
            assert has_own_runs(source, side)
        if w.quality:
            assert w.bound > 0
        for settings, changed in ((w.ours, w.quick_ours), (w.theirs, w.quick_theirs)):
            if w.peer == "h2o" and "max_runtime_secs" not in changed:
                assert set(changed) <= set(settings)


def test_a_choice_brings_along_the_runs_it_needs() -> None:
    assert [w.name for w in chosen(["memory"])] == ["dense", "memory"]
    assert chosen(None) == list(TABLE)
    with pytest.raises(KeyError, match="no workload speed; there are dense"):
        chosen(["speed"])


def test_ratios_say_how_many_times_better_ours_is() -> None:
    results = {
        "dense": {
            "ours": [
                run(rows_per_second=r, import_seconds=s) for r, s in ((2000.0, 1.0), (3000.0, 2.0), (4000.0, 1.0))
            ],
            "theirs": [run(rows_per_second=100.0, import_seconds=8.0)] * 3,
            "failures": [],
        }
    }
    row = row_of(BY_NAME["dense"], results, quick=False)
    assert (row.ours, row.theirs, row.ratios, row.reached) == (3000.0, 100.0, (20.0, 30.0, 40.0), True)
    row = row_of(BY_NAME["import"], results, quick=False)
    assert (row.ratio, row.reached, row.problems) == (8.0, True, ())


def test_poor_quality_is_a_problem_of_its_row() -> None:
    results = {"dense": {"ours": [run(quality={"error": 0.2})], "theirs": [], "failures": ["ours, pair 2: boom"]}}
    row = row_of(BY_NAME["dense"], results, quick=False)
    assert row.ratio is None
    assert row.problems == ("ours, pair 2: boom", "ours: error 0.2000, at most 0.05 expected")
    assert "boom; ours: error 0.2000" in report.comparison([row])


def test_a_peer_that_was_cut_off_gives_a_lower_bound() -> None:
    results = {
        "to-3.0": {
            "ours": [run(seconds_to_error=2.0, seconds=3.0)],
            "theirs": [run(seconds_to_error=None, seconds=50.0, quality={"error": 0.2})],
            "failures": [],
        }
    }
    row = row_of(BY_NAME["to-3.0"], results, quick=False)
    assert (row.ratio, row.at_least, row.problems) == (25.0, True, ())
    assert "> 25.0" in report.comparison([row])
    results["to-3.0"]["ours"][0]["seconds_to_error"] = None
    row = row_of(BY_NAME["to-3.0"], results, quick=False)
    assert row.ratio is None
    assert row.problems == ("ours: 1 of 1 runs did not get there",)


def test_runs_that_are_there_are_kept_and_failures_do_not_stop_the_others(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    saved: list[int] = []
    suite = Suite(
        None, 3, False, 2, lambda r: saved.append(1), {"dense": {"ours": [run()] * 2, "theirs": [], "failures": []}}
    )
    asked = []

    def measured(w, side, seed):  # type: ignore[no-untyped-def]
        asked.append((w.name, side, seed))
        if w.name == "sparse":
            raise Failed("it fell over")
        return run()

    monkeypatch.setattr(suite, "_measured", measured)
    suite.say = lambda text: None
    suite.run([BY_NAME["dense"], BY_NAME["sparse"], BY_NAME["threads"]])
    assert [a for a in asked if a[0] == "dense"] == [("dense", "ours", 3)]
    assert [a[1] for a in asked if a[0] == "threads"] == ["ours", "theirs"] * 3
    assert suite.results["sparse"]["failures"] == [f"ours, pair {k}: it fell over" for k in (1, 2, 3)]
    assert saved


ECHO = "import json, sys; job = json.loads(sys.argv[1]); x = bytearray(job['bytes']); x[:] = b'1' * len(x)"


def test_a_measurement_is_a_process_whose_memory_is_watched() -> None:
    script = f"{ECHO}; import time; time.sleep(0.3); print('noise'); print(json.dumps({{'got': len(x)}}))"
    result = measure([sys.executable, "-c", script], {"bytes": 150 << 20}, 60)
    assert result["got"] == 150 << 20
    if Path("/proc/self/task").is_dir():
        assert 150 << 20 <= result["peak_bytes"] < 1 << 30


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise ValueError('no such thing')", "ValueError: no such thing"),
        ("print('hello')", "no result: hello"),
        ("import time; time.sleep(60)", "longer than 1 s"),
    ],
)
def test_a_measurement_that_fails_says_why(script: str, message: str) -> None:
    with pytest.raises(Failed, match=message):
        measure([sys.executable, "-c", script], {}, 1 if "sleep" in script else 60)


def test_the_time_to_a_line_ends_with_the_line() -> None:
    script = "import time; print('begin'); print('now', flush=True); time.sleep(0.5)"
    assert time_to_line([sys.executable, "-c", script], "now", 60) > 0
    with pytest.raises(Failed, match="ZeroDivisionError"):
        time_to_line([sys.executable, "-c", "1 / 0"], "now", 60)


def test_words_of_h2o() -> None:
    assert seconds_of(" 3 min 45.5 sec") == 225.5
    assert seconds_of("0.964 sec") == 0.964
    assert seconds_of(" 1 hr  2 min  3.0 sec") == 3723
    assert number("nan") is None
    assert number("") is None
    assert number("0.5") == 0.5
    assert last_words("Traceback\nh2o.errors.H2OError: gone\n  data: x") == "h2o.errors.H2OError: gone"


def test_the_page_takes_the_tables_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n\n{report.BEGIN}\nold\n{pages.END}\n\nafter\n")
    machine = {
        "processor": "P", "cores": 2, "caches": {"L1": 32768}, "memory_bytes": 1 << 30, "load": [0.0], "system": "S",
        "python": "3", "packages": {"numpy": "2"}, "commit": "abc",
    }  # fmt: skip
    roof = {"bytes_per_second": {"L1": 2e11}, "multiply_adds_per_second": 5e10}
    found = {
        "machine": machine,
        "quick": False,
        "threads": 2,
        "workloads": {"dense": {"ours": [run()], "theirs": [run()], "failures": []}},
        "roofline": {"levels": {"L1": 1}, "roof": {"1": roof}, "kernels": []},
        "growth": {
            "axes": [{"axis": "rows", "sizes": [1, 10], "work": [1.0, 10.0], "seconds": [1.0, 9.0]}],
            "tolerance": 1.2,
        },
    }
    found = json.loads(json.dumps(found))
    report.into_docs(found, page)
    once = page.read_text()
    report.into_docs(found, page)
    assert page.read_text() == once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once
    assert "1.0 (1.0–1.0)" in once
    assert "x 10.0 | x 9.0 | no faster than the work" in once
    with pytest.raises(ValueError, match="once each"):
        report.into_docs(found, _without(tmp_path))


def _without(folder: Path) -> Path:
    page = folder / "other.md"
    page.write_text("nothing")
    return page
