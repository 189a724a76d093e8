"""The tables: Markdown from the results, and into docs/performance.md between its markers.

python -m benchmarks.report results.json    # prints the tables and writes them into the page
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks import pages
from benchmarks.process import ROOT
from benchmarks.suite import Row, rows
from benchmarks.workloads import TABLE

BEGIN = pages.begin("benchmarks.report")


def markdown(found: dict[str, Any]) -> str:
    """All tables of a run."""
    parts = [machine_text(found), comparison(rows(found.get("workloads", {}), quick=found["quick"]))]
    if "kernels" in found.get("roofline", {}):
        parts += [roof_table(found["roofline"]), kernel_table(found["roofline"])]
    if "axes" in found.get("growth", {}):
        parts.append(growth_table(found["growth"]))
    return "\n\n".join(p for p in parts if p) + "\n"


def machine_text(found: dict[str, Any]) -> str:
    m = found["machine"]
    levels = ", ".join(f"{k} {v >> 10} KiB" for k, v in m["caches"].items())
    packages = ", ".join(f"{k} {v}" for k, v in m["packages"].items() if v)
    engines = sorted(
        {
            r["engine"]
            for w in found.get("workloads", {}).values()
            for s in ("ours", "theirs")
            for r in w[s]
            if "engine" in r
        }
    )
    text = (
        f"{m['processor']}, {m['cores']} cores, {levels}, {m['memory_bytes'] >> 30} GiB; {m['system']}; "
        f"Python {m['python']}, {packages}; {', '.join(engines) or 'no engine'}; commit {m['commit']}; "
        f"{found['threads']} threads; load at the start {m['load'][0]:.1f}."
    )
    return text + (" Quick run: short, one pair each." if found["quick"] else "")


def comparison(found: list[Row]) -> str:
    """The table of workloads."""
    if not found:
        return ""
    lines = ["| work | ours | peer | ratio (min–max) | goal | |", "|---|--:|--:|--:|--:|---|"]
    for r in found:
        w = r.workload
        peer = {"h2o": "", "ours": "one thread: ", "torch": "", "sklearn": ""}[w.peer]
        ratio = ""
        if r.ratio is not None:
            more = "> " if r.at_least else ""
            ratio = f"{more}{r.ratio:.1f} ({min(r.ratios):.1f}–{max(r.ratios):.1f})"
        verdict = {True: "reached", False: "missed", None: ""}[r.reached]
        if r.at_least and r.reached is False:
            verdict = "open: the peer was cut off"
        verdict = "; ".join([*([verdict] if verdict else []), *r.problems]).replace("|", "/")
        goal = "" if w.goal is None else f">= {w.goal:g}"
        lines.append(
            f"| {w.title} | {shown(r.ours, w.unit)} | {peer}{'> ' if r.at_least else ''}{shown(r.theirs, w.unit)} "
            f"| {ratio} | {goal} | {verdict} |"
        )
    return "\n".join(lines)


def shown(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = 0 if unit in ("rows/s", "MiB") else 2 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def roof_table(found: dict[str, Any]) -> str:
    """Bandwidths and arithmetic of the machine."""
    levels = list(found["levels"])
    lines = [
        f"| threads | {' | '.join(f'{k}, GB/s' for k in levels)} | multiply-adds, 10^9/s |",
        "|--:|" + "--:|" * (len(levels) + 1),
    ]
    for threads, r in found["roof"].items():
        rates = " | ".join(f"{r['bytes_per_second'][k] / 1e9:.0f}" for k in levels)
        lines.append(f"| {threads} | {rates} | {r['multiply_adds_per_second'] / 1e9:.1f} |")
    return "\n".join(lines)


def kernel_table(found: dict[str, Any]) -> str:
    """Each kernel under its roof."""
    head = ("kernel", "threads", "rows/s", "kB/row", "kFLOP/row", "GB/s", "GFLOP/s", "binds", "share of roof")
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * 6 + "---|--:|"]
    for k in found["kernels"]:
        cells = (
            k["kernel"], str(k["threads"]), f"{k['rows_per_second']:,.0f}", f"{k['bytes'] / 1e3:,.0f}",
            f"{k['flops'] / 1e3:,.0f}", f"{k['bytes_per_second'] / 1e9:.1f}", f"{k['flops_per_second'] / 1e9:.1f}",
            k["binds"], f"{k['share_of_roof']:.0%}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def growth_table(found: dict[str, Any]) -> str:
    """Time against work along each axis."""
    lines = ["| what grows | from | to | work | time | |", "|---|--:|--:|--:|--:|---|"]
    for a in found["axes"]:
        work, took = a["work"][-1] / a["work"][0], a["seconds"][-1] / a["seconds"][0]
        verdict = "no faster than the work" if took <= found["tolerance"] * work else "faster than the work"
        lines.append(
            f"| {a['axis']} | {a['sizes'][0]:,} | {a['sizes'][-1]:,} | x {work:.1f} | x {took:.1f} | {verdict} |"
        )
    return "\n".join(lines)


def into_docs(found: dict[str, Any], page: Path) -> None:
    """Put the tables into a page; the plot goes beside it. See `pages.replace`."""
    pages.replace(page, BEGIN, markdown(found))


def listing() -> str:
    """The workloads, their goals, and about how long a pair takes on two cores."""
    lines = []
    for w in TABLE:
        time = f"{w.seconds:.0f} s a pair" if w.seconds else f"with {w.run_as}"
        lines.append(f"{w.name:15} {time:14} {w.title}" + ("" if w.goal is None else f" (goal: >= {w.goal:g})"))
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    path = Path(arguments[0])
    found = json.loads(path.read_text())
    into_docs(found, ROOT / "docs" / "performance.md")
    plot = path.with_name("growth.png")
    if plot.exists():
        shutil.copyfile(plot, ROOT / "docs" / "growth.png")
    print(markdown(found))


if __name__ == "__main__":
    main(sys.argv[1:])
