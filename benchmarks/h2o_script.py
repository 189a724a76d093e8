"""One measurement with heavywater or with the real H2O-3: the same script, another import.

Runs by itself under the interpreter of either system, with a job in JSON as its only argument, and prints one line of
JSON. For H2O it starts a server of its own and stops it before it ends.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from typing import Any


def main(job: dict[str, Any]) -> dict[str, Any]:
    if job["engine"] == "h2o":
        import h2o
        from h2o.estimators import H2ODeepLearningEstimator as Estimator

        h2o.init(
            port=job["port"],
            nthreads=job["threads"],
            max_mem_size=job["memory"],
            bind_to_localhost=True,
            name=f"heavywater-peer-{job['port']}",
            strict_version_check=False,
        )
    else:
        import heavywater as h2o
        from heavywater.estimators.deeplearning import H2ODeepLearningEstimator as Estimator

        h2o.init(nthreads=job["threads"])
    h2o.no_progress()
    try:
        return {"engine": f"{job['engine']} {h2o.__version__}", **measured(h2o, Estimator, job)}
    finally:
        if job["engine"] == "h2o":
            h2o.cluster().shutdown()


def measured(h2o: Any, estimator: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Import, a small model to compile or load everything, the model, its quality, and its predictions again."""
    data = job["data"]
    h2o.import_file(job["small_file"], header=1)  # what is loaded on first use is loaded now
    began = time.perf_counter()
    train = h2o.import_file(data["train"], header=data["header"])
    test = train if data["test"] == data["train"] else h2o.import_file(data["test"], header=data["header"])
    result: dict[str, Any] = {"import_seconds": time.perf_counter() - began, "import_rows": train.nrow + test.nrow}
    for frame in (train, test):
        for name in data["text"]:
            frame[name] = frame[name].asfactor()
    y = data["response"]
    x = [n for n in train.names if n != y and n not in data["ignored"]]
    valid = test if job["validate"] else None
    settings = job["settings"]
    warm_up = train[: job["warm_up_rows"], :]
    few = {k: v for k, v in settings.items() if k not in ("max_runtime_secs", "train_samples_per_iteration")}
    estimator(**{**few, "epochs": 1}).train(x=x, y=y, training_frame=warm_up, validation_frame=None)

    model = estimator(**settings)
    began = time.perf_counter()
    model.train(x=x, y=y, training_frame=train, validation_frame=valid)
    seconds = time.perf_counter() - began
    history = rows_of(model, job["engine"])
    last = history[-1]
    result |= {
        "rows": float(last["samples"]),
        "seconds": seconds,
        "rows_per_second": float(last["samples"]) / seconds,
        "epochs": float(last["epochs"]),
    }
    if job["validate"]:
        errors = [(seconds_of(r["duration"]), number(r.get("validation_classification_error"))) for r in history]
        reached = [s for s, e in errors if e is not None and e <= job["target_error"]]
        result["seconds_to_error"] = reached[0] if reached else None
        result["errors"] = errors
    result["quality"] = quality(model.model_performance(test), job["engine"])
    if job["predict"]:
        model.predict(test[:100, :])
        began = time.perf_counter()
        answers = model.predict(test)
        result["predict_rows"] = answers.nrow
        result["predict_seconds"] = time.perf_counter() - began
    return result


def rows_of(model: Any, engine: str) -> list[dict[str, Any]]:
    """The scoring history as one dictionary per scoring."""
    if engine == "h2o":
        table = model._model_json["output"]["scoring_history"]
    else:
        table = model.scoring_history(as_data_frame=False)
    rows = [dict(zip(table.col_header, values)) for values in table.cell_values]
    return [r for r in rows if number(r["samples"])]


def quality(performance: Any, engine: str) -> dict[str, float]:
    """Share of wrong classes, log loss and, for two classes, one minus AUC: less is better."""
    out = {"logloss": float(performance.logloss())}
    auc = None
    with contextlib.suppress(TypeError, ValueError, AttributeError):
        auc = number(performance.auc())
    if auc is not None:
        out["auc_loss"] = 1 - auc
    else:
        if engine == "h2o":
            first = performance._metric_json["hit_ratio_table"].cell_values[0][1]
        else:
            first = performance.hit_ratio_table()["hit_ratio"][0]
        out["error"] = 1 - float(first)
    return out


def seconds_of(duration: Any) -> float:
    """Seconds of a duration as H2O writes it: ``2.3 sec``, `` 1 min  4.5 sec``."""
    units = {"hr": 3600.0, "min": 60.0, "sec": 1.0, "msec": 0.001}
    return sum(float(n) * units[u] for n, u in re.findall(r"([0-9.]+) *(hr|min|msec|sec)", str(duration)))


def number(value: Any) -> float | None:
    """A cell as a number; None where there is none."""
    with contextlib.suppress(TypeError, ValueError):
        x = float(value)
        return x if x == x else None
    return None


if __name__ == "__main__":
    sys.stdout, out = sys.stderr, sys.stdout  # the packages talk on standard output
    found = main(json.loads(sys.argv[1]))
    print(json.dumps(found), file=out, flush=True)
