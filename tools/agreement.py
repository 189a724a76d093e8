"""Writes docs/agreement.md: how far a model's predictions are from those of its exports, for every model of the tests.

    bash scripts/test --java        runs the same comparisons as tests, then this

Needs java, javac and H2O's jar (see tests/export/java.py), onnxruntime and starlette.
"""

from __future__ import annotations

import math
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from heavywater.deploy.app import create_app  # noqa: E402
from heavywater.deploy.gate import Gate  # noqa: E402
from heavywater.deploy.scorers import open_scorer  # noqa: E402
from heavywater.export.bundle import export_bundle  # noqa: E402
from heavywater.export.mojo import write_mojo  # noqa: E402
from heavywater.export.onnx_graph import onnx_inputs, write_onnx  # noqa: E402
from heavywater.export.pojo import class_name, write_pojo  # noqa: E402
from heavywater.export.reader import Scorer  # noqa: E402
from tests.export.java import HERE, compile_java, read_scores, score_java, write_rows  # noqa: E402
from tests.export.test_mojo import differences  # noqa: E402
from tests.export.test_reader import rows_of  # noqa: E402
from tests.export.zoo import OTHERS, ZOO, awkward_frame, model  # noqa: E402

Found = tuple[float, int] | None
"""Largest difference and number of labels that differ; None where the format cannot carry the model."""


def by_java(folder: Path) -> tuple[dict[str, Found], dict[str, Found]]:
    """MOJO and Java source, scored by H2O's own runtime."""
    names = [*ZOO, *OTHERS]
    sources = [write_pojo(model(n), folder) for n in names]
    compile_java([HERE / "Score.java", *sources], folder)
    jobs, found = [], ({}, {})  # type: ignore[var-annotated]
    for n in names:
        m = model(n)
        write_rows(
            awkward_frame(), list(m.design.names if m.encoding is None else m.encoding.columns), folder / f"{n}.in"
        )
        jobs.append((class_name(n), folder / f"{n}.in", folder / f"{n}.pojo"))
        if n in ZOO:
            jobs.append((str(write_mojo(m, folder / f"{n}.zip")), folder / f"{n}.in", folder / f"{n}.mojo"))
    score_java(jobs, folder)
    for n in names:
        ours = model(n).predict(awkward_frame())
        for part, suffix in zip(found, ("mojo", "pojo")):
            out = folder / f"{n}.{suffix}"
            part[n] = differences(*read_scores(out, ours)) if out.exists() else None
    return found


def by_onnx(name: str, folder: Path) -> Found:
    import onnxruntime

    m = model(name)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(write_onnx(m, folder / f"{name}.onnx")), options)
    parts = [np.asarray(p) for p in session.run(None, onnx_inputs(m, rows_of(awkward_frame())))]
    return _compared(name, [p[:, i] for p in parts for i in range(p.shape[1])])


def by_reader(name: str, folder: Path) -> Found:
    path = export_bundle(model(name), folder / f"{name}.bundle") / "model.hw"
    return _compared(name, list(Scorer(str(path)).predict(rows_of(awkward_frame())).values()))


def by_service(name: str, folder: Path) -> Found:
    """The service over HTTP, in JSON, where numbers that are not finite are null."""
    from starlette.testclient import TestClient

    path = folder / f"{name}.bundle" / "model.hw"
    client = TestClient(create_app(open_scorer(path), Gate("127.0.0.1", None)), base_url="http://127.0.0.1")
    columns = rows_of(awkward_frame())
    rows = [dict(zip(columns, cells)) for cells in zip(*columns.values())]
    answers = client.post("/predict", json=rows).json()["predictions"]
    return _compared(name, [np.array([math.nan if r[c] is None else r[c] for r in answers], None) for c in answers[0]])


def _compared(name: str, columns: list[np.ndarray]) -> Found:
    ours = model(name).predict(awkward_frame())
    return differences(ours, pl.DataFrame({n: c.tolist() for n, c in zip(ours.names, columns, strict=True)}))


def page() -> str:
    """The whole page."""
    ways: dict[str, Callable[[str, Path], Found]] = {"ONNX": by_onnx, "reader": by_reader, "service": by_service}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mojo, pojo = by_java(folder)
        rows = {n: [mojo[n], pojo[n], *(way(n, folder) for way in ways.values())] for n in (*ZOO, *OTHERS)}
    heads = ["MOJO (Java)", "Java source", *ways]
    worst = [max(r[i][0] for r in rows.values() if r[i] is not None) for i in range(len(heads))]
    wrong = sum(f[1] for r in rows.values() for f in r if f is not None)
    lines = [
        "# Agreement of the exports",
        "",
        f"Largest difference between `model.predict` and its exports, for {len(rows)} models, {awkward_frame().nrow} rows that",
        "hold missing values, levels never seen, levels in other scripts and with quotes and commas, 1e308, the smallest number",
        "above 0, and a column of one level. MOJO and Java source are scored by H2O's own runtime. A dash: the format cannot",
        "carry the model, and writing it is refused. Written by `python tools/agreement.py`.",
        "",
        f"Labels that differ: {wrong}.",
        "",
        f"| model | {' | '.join(heads)} |",
        f"|---|{'---|' * len(heads)}",
        *(f"| {n} | {' | '.join('–' if f is None else f'{f[0]:.0e}' for f in r)} |" for n, r in rows.items()),
        f"| **largest** | {' | '.join(f'{w:.0e}' for w in worst)} |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    target = ROOT / "docs" / "agreement.md"
    target.write_text(page(), encoding="utf-8")
    print(target.relative_to(ROOT))
