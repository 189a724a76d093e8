"""The command: ``benchmarks/run [--h2o-python PATH] [--only NAME...] [--pairs 3] [--quick] [--out DIR]``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import growth, machine, report, roofline
from benchmarks.process import ROOT
from benchmarks.suite import Suite, rows
from benchmarks.workloads import TABLE, chosen

EXTRAS = ("roofline", "growth")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks/run", description=__doc__)
    parser.add_argument("--h2o-python", help="interpreter of an environment with the package h2o (Java on the path)")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help=f"of {', '.join(w.name for w in TABLE)}, {', '.join(EXTRAS)}"
    )
    parser.add_argument("--pairs", type=int, default=3, help="measurements of each side (default: 3)")
    parser.add_argument("--quick", action="store_true", help="one short pair of each: about five minutes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "benchmarks", help="folder of the results")
    parser.add_argument("--resume", action="store_true", help="keep the measurements that the folder has already")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--list", action="store_true", help="list the workloads and about how long they take")
    options = parser.parse_args(arguments)
    if options.list:
        print(report.listing())
        return 0
    names = list(options.only or [])
    extras = [e for e in EXTRAS if e in names or not names]
    try:
        workloads = chosen([n for n in names if n not in EXTRAS]) if set(names) - set(EXTRAS) or not names else []
    except KeyError as e:
        parser.error(str(e.args[0]))
    if options.h2o_python and not Path(options.h2o_python).exists():
        parser.error(f"--h2o-python: there is no file {options.h2o_python}")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the running measurement is ended too
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "results.json"
    found: dict[str, Any] = json.loads(path.read_text()) if options.resume and path.exists() else {}
    if found and found["quick"] != options.quick:
        parser.error(f"--resume: {path} holds results of the {'quick' if found['quick'] else 'full'} suite")
    found |= {"machine": machine.describe(), "quick": options.quick, "threads": options.threads}
    found.setdefault("workloads", {})
    began = time.perf_counter()

    def save(workloads_: dict[str, Any]) -> None:
        found["workloads"] = workloads_
        found["seconds"] = time.perf_counter() - began
        part = path.with_suffix(".part")
        part.write_text(json.dumps(found, indent=1) + "\n")
        part.replace(path)
        (options.out / "results.md").write_text(report.markdown(found))

    def say(text: str) -> None:
        print(f"{time.perf_counter() - began:7.1f} s {text}", flush=True)

    if "roofline" in extras and "roofline" not in found:
        say("the machine's roof and the kernels")
        found["roofline"] = attempt(lambda: roofline.run(options.threads, quick=options.quick), say)
        save(found["workloads"])
    if "growth" in extras and "growth" not in found:
        say("ten times the rows, columns, levels, units")
        found["growth"] = attempt(lambda: growth.run(options.out, options.threads, quick=options.quick), say)
        save(found["workloads"])
    pairs = 1 if options.quick else options.pairs
    suite = Suite(options.h2o_python, pairs, options.quick, options.threads, save, found["workloads"], say)
    suite.run(workloads)
    save(suite.results)
    print()
    print(report.markdown(found))
    if options.docs:
        report.into_docs(found, ROOT / "docs" / "performance.md")
    problems = [p for row in rows(found["workloads"], quick=options.quick) for p in row.problems]
    problems += [f"growth: {p}" for p in found.get("growth", {}).get("problems", [])]
    for text in problems:
        print(f"wrong: {text}", file=sys.stderr)
    return 1 if problems else 0


def attempt(part: Any, say: Any) -> dict[str, Any]:
    """A part of the suite; one that fails leaves its message and the others go on."""
    try:
        return dict(part())
    except Exception as e:
        say(f"  failed: {e}")
        return {"problems": [f"{type(e).__name__}: {e}"]}


if __name__ == "__main__":
    sys.exit(main())
