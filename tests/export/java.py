"""H2O's Java runtime, where there is one: the jar in HEAVYWATER_H2O_JAR or in a virtual environment that has `h2o`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from heavywater.frame import Frame

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SEPARATOR, MISSING = "\x01", "\x02"


def h2o_jar() -> Path:
    """The jar; skips the test when there is none."""
    if shutil.which("java") is None or shutil.which("javac") is None:
        pytest.skip("needs java and javac on the PATH")
    named = os.environ.get("HEAVYWATER_H2O_JAR")
    if named:
        return Path(named)
    found = list((ROOT / ".venv-h2o").glob("lib/python3*/site-packages/h2o/backend/bin/h2o.jar"))
    if not found:
        pytest.skip("needs H2O's jar: name it in HEAVYWATER_H2O_JAR, or install the package h2o into .venv-h2o")
    return found[0]


def compile_java(sources: list[Path], folder: Path) -> None:
    done = subprocess.run(
        ["javac", "-J-Xmx512m", "-nowarn", "-encoding", "UTF-8", "-cp", str(h2o_jar()), "-d", str(folder), *map(str, sources)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:3000]


def write_rows(frame: Frame, columns: list[str], path: Path) -> None:
    texts = []
    for c in columns:
        col = frame.data[c]
        cells = col.to_list() if frame.kind(c) != "enum" else col.cast(pl.String).to_list()
        texts.append([MISSING if v is None else v if isinstance(v, str) else repr(v) for v in cells])
    lines = [SEPARATOR.join(columns), *(SEPARATOR.join(row) for row in zip(*texts))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def score_java(jobs: list[tuple[str, Path, Path]], folder: Path) -> None:
    """Run the jobs (model, input, output); `folder` holds the compiled scorer."""
    listing = folder / "jobs.txt"
    listing.write_text("".join(f"{m}\t{i}\t{o}\n" for m, i, o in jobs), encoding="utf-8")
    done = subprocess.run(
        ["java", "-Xmx512m", "-ea", "-Dfile.encoding=UTF-8", "-cp", f"{h2o_jar()}{os.pathsep}{folder}", "Score", str(listing)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def read_scores(path: Path, ours: Frame) -> tuple[Frame, pl.DataFrame]:
    """Our predictions and Java's of the rows that Java scores; it refuses exactly those where ours are no numbers."""
    lines = path.read_text(encoding="utf-8").splitlines()
    scored = [line != MISSING for line in lines]
    numbers = ours.data.select(pl.col(pl.Float64))
    assert [not r for r in scored] == numbers.select(pl.any_horizontal(pl.all().is_nan())).to_series().to_list() or all(
        scored
    )
    columns = zip(*(line.split(SEPARATOR) for line in lines if line != MISSING), strict=True)
    labelled = ours.kind(ours.names[0]) == "enum"
    java = {
        n: list(c) if labelled and i == 0 else [float(v) for v in c]
        for i, (n, c) in enumerate(zip(ours.names, columns, strict=True))
    }
    return Frame.of(ours.data.filter(pl.Series(scored))), pl.DataFrame(java)
