"""The other side of a comparison: trains with the real H2O-3 and prints one line of JSON.

Runs under the interpreter of an environment that has the package ``h2o`` and Java; ``mnist_online.py`` starts it.  It
starts a server of its own and stops it before it ends.
"""

from __future__ import annotations

import argparse
import json
import sys
import time


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", required=True, help="CSV without header, label last")
    parser.add_argument("--test", required=True)
    parser.add_argument("--epochs", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--port", type=int, default=54421)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    sys.stdout, out = sys.stderr, sys.stdout  # the client talks on standard output
    import h2o
    from h2o.estimators import H2ODeepLearningEstimator

    h2o.init(
        port=options.port,
        nthreads=options.threads,
        max_mem_size="4g",
        bind_to_localhost=True,
        name=f"heavywater-peer-{options.port}",
        strict_version_check=False,
    )
    try:
        h2o.no_progress()
        frames = [h2o.import_file(path, header=-1) for path in (options.train, options.test)]
        label = frames[0].names[-1]
        for frame in frames:
            frame[label] = frame[label].asfactor()
        model = H2ODeepLearningEstimator(epochs=options.epochs, seed=options.seed, score_training_samples=1000)
        began = time.perf_counter()
        model.train(x=frames[0].names[:-1], y=label, training_frame=frames[0])
        wall = time.perf_counter() - began
        history = model._model_json["output"]["scoring_history"]
        last = dict(zip(history.col_header, history.cell_values[-1]))
        seconds = float(str(last["duration"]).split()[0]) * (60 if "min" in str(last["duration"]) else 1)
        performance = model.model_performance(frames[1])
        hits = performance._metric_json["hit_ratio_table"].cell_values
        result = {
            "engine": f"h2o {h2o.__version__}",
            "rows": float(last["samples"]),
            "seconds": wall,
            "reported_seconds": seconds,
            "reported_speed": str(last["training_speed"]),
            "rows_per_second": float(str(last["training_speed"]).split()[0]),
            "test_error": 1 - float(hits[0][1]),
            "logloss": performance.logloss(),
        }
    finally:
        h2o.cluster().shutdown()
    print(json.dumps(result), file=out, flush=True)


if __name__ == "__main__":
    main()
