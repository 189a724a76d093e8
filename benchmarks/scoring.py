"""Latency of one row and rows per second of a saved model, beside H2O's ``mojo_predict_pandas``.

    python -m benchmarks.scoring [--rows 1000000] [--repeat 300] [--h2o-python .venv-h2o/bin/python]

In this process (model file by the reader, ONNX, `model.predict`), over HTTP on loopback, and with H2O's Java runtime, which
starts a JVM for every call.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from heavywater.errors import NotSupported

H2O_SCRIPT = """
import sys, time, pandas as pd, h2o
data, model, jar, repeat = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
frame = pd.read_csv(data)
def timed(part):
    began = time.perf_counter()
    h2o.mojo_predict_pandas(part, mojo_zip_path=model, genmodel_jar_path=jar, verbose=False)
    return time.perf_counter() - began
one = sorted(timed(frame.head(1)) for _ in range(repeat))
print(one[len(one) // 2], one[-1], len(frame) / timed(frame))
"""


def columns(n: int, seed: int = 1) -> dict[str, list[Any]]:
    """A table of four numbers and two categories."""
    random = np.random.default_rng(seed)
    found: dict[str, list[Any]] = {f"x{i}": random.normal(size=n).tolist() for i in range(4)}
    found |= {f"c{i}": random.choice(["u", "v", "w"], n).tolist() for i in range(2)}
    return found


def latency(call: Callable[[], Any], repeat: int) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds."""
    for _ in range(5):
        call()
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return float(np.percentile(times, 50) * 1e3), float(np.percentile(times, 99) * 1e3)


def throughput(call: Callable[[], Any], n: int) -> float:
    """Rows per second of one call."""
    began = time.perf_counter()
    call()
    return n / (time.perf_counter() - began)


class Service:
    """``heavywater deploy`` as a process of its own on a free port of loopback."""

    def __init__(self, model: Path) -> None:
        began = time.perf_counter()
        command = [sys.executable, "-m", "heavywater.cli", "deploy", str(model), "--port", "0", "--no-auth"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        port = int(line.partition("127.0.0.1:")[2].split("/")[0].split()[0])
        self.client = http.client.HTTPConnection("127.0.0.1", port)
        self.post(b"{}")
        self.started = time.perf_counter() - began

    def post(self, body: bytes, kind: str = "application/json") -> bytes:
        """The answer of ``/predict``."""
        self.client.request("POST", "/predict", body, {"Content-Type": kind})
        return self.client.getresponse().read()

    def close(self) -> None:
        """End the process."""
        self.client.close()
        self.process.terminate()
        self.process.wait(20)


def measure(rows: int, repeat: int, h2o_python: Path | None) -> list[tuple[str, str, str, str]]:
    """Lines of the table: way, median, 99th percentile, rows per second."""
    import heavywater as h2o
    from heavywater.deploy.scorers import open_scorer

    h2o.no_progress()
    lines: list[tuple[str, str, str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train = columns(2000)
        frame = h2o.H2OFrame(train | {"y": ["p" if a > 0 else "n" for a in train["x0"]]})
        model = h2o.H2ODeepLearningEstimator(hidden=[50, 50], epochs=2, seed=1, model_id="scoring")
        model.train(y="y", training_frame=frame)
        saved = Path(h2o.save_model(model, folder, filename="model.hw"))
        mojo = Path(model.download_mojo(folder / "model.zip"))
        one, many = columns(1, 2), columns(rows, 3)

        def add(way: str, single: Callable[[], Any] | None, whole: Callable[[], Any] | None, count: int = rows) -> None:
            p50, p99 = ("–", "–") if single is None else (f"{t:.2f} ms" for t in latency(single, repeat))
            speed = "–" if whole is None else f"{throughput(whole, count):,.0f}"
            lines.append((way, p50, p99, speed))
            print(" | ".join(lines[-1]), flush=True)

        table, row = h2o.H2OFrame(many), h2o.H2OFrame(one)
        add("model.predict", lambda: model.predict(row).nrow, lambda: model.predict(table).nrow)
        reader = open_scorer(saved)
        add("reader of the model file", lambda: reader.predict(one), lambda: reader.predict(many))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = open_scorer(Path(model.download_onnx(folder / "model.onnx")))
        add("ONNX in onnxruntime", lambda: graph.predict(one), lambda: graph.predict(many))
        part = min(rows, 50_000)
        body = json.dumps({k: v[0] for k, v in one.items()}).encode()
        batch = json.dumps([dict(zip(many, r)) for r in zip(*(v[:part] for v in many.values()))]).encode()
        service = Service(saved)
        try:
            add(
                f"HTTP, JSON (up in {service.started:.2f} s)",
                lambda: service.post(body),
                lambda: service.post(batch),
                part,
            )
        finally:
            service.close()
        if h2o_python is not None:
            lines.append(_h2o(h2o_python, folder, mojo, many))
            print(" | ".join(lines[-1]), flush=True)
    return lines


def _h2o(python: Path, folder: Path, mojo: Path, many: dict[str, list[Any]]) -> tuple[str, str, str, str]:
    import polars as pl

    pl.DataFrame(many).write_csv(folder / "data.csv")
    jar = next(python.parent.parent.glob("lib/python3*/site-packages/h2o/backend/bin/h2o.jar"))
    command = [str(python), "-W", "ignore", "-c", H2O_SCRIPT, str(folder / "data.csv"), str(mojo), str(jar), "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise NotSupported(f"{python} cannot run mojo_predict_pandas (it needs h2o and pandas): {done.stderr[-300:]}")
    p50, worst, speed = map(float, done.stdout.split()[-3:])
    return "H2O's mojo_predict_pandas (5 calls)", f"{p50 * 1e3:,.0f} ms", f"{worst * 1e3:,.0f} ms", f"{speed:,.0f}"


def main(argv: list[str] | None = None) -> int:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=300)
    parser.add_argument("--h2o-python", type=Path)
    o = parser.parse_args(argv)
    lines = measure(o.rows, o.repeat, o.h2o_python)
    print("\n| way | one row, median | 99th percentile | rows per second |\n|---|---|---|---|")
    print("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
