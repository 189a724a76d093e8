"""Rows per second of the default network on MNIST, one row at a time, with two threads, against the real H2O-3.

The default network is two hidden layers of 200 rectifier units with ADADELTA; ``mini_batch_size=1``, so every row
updates the weights.  Each run must also have learned: the test error is asserted.  With ``--h2o-python`` (an
interpreter that has the package ``h2o``, and Java on the path) heavywater and H2O take turns A B A B on the same
machine; the ratio of their medians is printed.

    python benchmarks/mnist_online.py [--epochs 2] [--repeat 3] [--h2o-python /path/to/python] [--json result.json]

Speed is what each engine reports for training proper: rows trained on, divided by the time spent training, without
parsing and scoring.  ``overall`` also counts the scoring and everything else inside `train`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("HEAVYWATER_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data" / "mnist"
MAX_ERROR = {0.5: 0.10, 1: 0.065, 2: 0.045, 5: 0.036, 10: 0.032}  # by epochs; the default network does better than that


def ours(epochs: float, threads: int, seed: int) -> dict[str, Any]:
    """One run in a process of its own, as H2O's."""
    command = [
        sys.executable,
        __file__,
        "--child",
        "--epochs",
        str(epochs),
        "--threads",
        str(threads),
        "--seed",
        str(seed),
    ]
    return last_line(command, {})


def theirs(python: str, epochs: float, threads: int, seed: int) -> dict[str, Any]:
    peer = Path(__file__).with_name("h2o_peer.py")
    command = [python, str(peer), "--train", str(DATA / "train.csv.gz"), "--test", str(DATA / "test.csv.gz"),
               "--epochs", str(epochs), "--threads", str(threads), "--seed", str(seed)]  # fmt: skip
    return last_line(command, {"DO_NOT_TRACK": "1"})


def last_line(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | environment)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def child(epochs: float, threads: int, seed: int) -> dict[str, Any]:
    import heavywater as h2o
    from heavywater.estimators.deeplearning import H2ODeepLearningEstimator

    sys.stdout, out = sys.stderr, sys.stdout
    h2o.init(nthreads=threads)
    h2o.no_progress()
    train, test = (h2o.import_file(str(DATA / f"{part}.csv.gz"), header=-1) for part in ("train", "test"))
    label = train.names[-1]
    for frame in (train, test):
        frame[label] = frame[label].asfactor()
    options = {"seed": seed, "score_training_samples": 1000, "mini_batch_size": 1}
    warm_up = train[:200, :]
    H2ODeepLearningEstimator(epochs=0.1, **options).train(y=label, training_frame=warm_up)  # kernels compiled or read
    model = H2ODeepLearningEstimator(epochs=epochs, **options)
    began = time.perf_counter()
    model.train(y=label, training_frame=train)
    seconds = time.perf_counter() - began
    history = model.scoring_history(as_data_frame=False)
    last = dict(zip(history.col_header, history.cell_values[-1], strict=True))
    performance = model.model_performance(test)
    sys.stdout = out
    return {
        "engine": f"heavywater {h2o.__version__}",
        "rows": float(last["samples"]),
        "seconds": seconds,
        "rows_per_second": float(str(last["training_speed"]).split()[0]),
        "test_error": 1 - performance.hit_ratio_table()["hit_ratio"][0],
        "logloss": performance.logloss(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--h2o-epochs", type=float, default=1, help="H2O needs about a minute for each")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--h2o-python", help="interpreter of an environment with the package h2o")
    parser.add_argument("--json", type=Path, help="file for the result")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.epochs, options.threads, options.seed)))
        return

    runs: dict[str, list[dict[str, Any]]] = {"heavywater": [], "h2o": []}
    for turn in range(options.repeat):
        seed = options.seed + turn
        runs["heavywater"].append(ours(options.epochs, options.threads, seed))
        if options.h2o_python:
            runs["h2o"].append(theirs(options.h2o_python, options.h2o_epochs, options.threads, seed))
        for run in (r[-1] for r in runs.values() if r):
            overall = run["rows"] / run["seconds"]
            print(f"{run['engine']:20} {run['rows_per_second']:9,.0f} rows/s   overall {overall:9,.0f} rows/s   "
                  f"test error {run['test_error']:.4f}   logloss {run['logloss']:.4f}", flush=True)  # fmt: skip

    speed = {name: statistics.median(r["rows_per_second"] for r in done) for name, done in runs.items() if done}
    overall = {name: statistics.median(r["rows"] / r["seconds"] for r in done) for name, done in runs.items() if done}
    result: dict[str, Any] = {
        "benchmark": "mnist_online",
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
        "threads": options.threads,
        "epochs": {"heavywater": options.epochs, "h2o": options.h2o_epochs},
        "rows_per_second": speed,
        "rows_per_second_overall": overall,
        "runs": runs,
    }
    if "h2o" in speed:
        result["ratio"] = speed["heavywater"] / speed["h2o"]
        result["ratio_overall"] = overall["heavywater"] / overall["h2o"]
        print(f"heavywater / H2O: {result['ratio']:.1f} x in training, {result['ratio_overall']:.1f} x overall")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")

    bound = min(error for epochs, error in MAX_ERROR.items() if epochs <= max(options.epochs, 0.5))
    worst = max(run["test_error"] for run in runs["heavywater"])
    if worst > bound:
        raise SystemExit(
            f"too fast to be true: test error {worst:.4f}, at most {bound} expected at {options.epochs} epochs"
        )


if __name__ == "__main__":
    main()
