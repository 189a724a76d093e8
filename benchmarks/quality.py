"""Quality of the default settings, beside the real H2O-3: five seeds on eight sets.

The reference (`h2o_default_metrics.json`, three seeds of H2O-3 3.46 on fixed splits) is read from the folder with the
reference data.  A set passes when the mean test error (classes) or RMSE (numbers) of our seeds is at most H2O's mean plus
the largest of two of its standard deviations, one test row, and 1 % of the mean.

    python -m benchmarks.quality [--shared DIR] [--only NAME ...] [--seeds 5] [--out DIR]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import heavywater as h2o
from heavywater.estimators.deeplearning import H2ODeepLearningEstimator

SEEDS = 5


@dataclass(frozen=True)
class Result:
    """One set: what H2O reached, what heavywater reached, and the most that it may."""

    name: str
    measure: str
    h2o_mean: float
    h2o_sd: float
    bound: float
    ours: list[float]

    @property
    def mean(self) -> float:
        return float(np.mean(self.ours))

    @property
    def passed(self) -> bool:
        return self.mean <= self.bound


def split(frame: h2o.H2OFrame) -> tuple[h2o.H2OFrame, h2o.H2OFrame]:
    """Training and test rows: row i is a test row when (2654435761 i mod 2^32) / 2^32 < 0.25."""
    i = np.arange(frame.nrow, dtype=np.uint64)
    test = (i * np.uint64(2654435761) % np.uint64(2**32)) / 2.0**32 < 0.25
    mask = h2o.H2OFrame({"test": test.astype(int)})
    return frame[mask["test"] == 0, :], frame[mask["test"] == 1, :]


def measured(shared: Path, name: str, facts: dict[str, Any], seeds: int = SEEDS) -> Result:
    """Train with the default settings, once for each seed, and compare the errors on the test rows."""
    frame = h2o.import_file(str(shared / "data" / "tabular" / facts["file"]), col_types=facts["column_types"])
    classes = facts["response"] == "factor"
    y = facts["y"]
    if classes:
        frame[y] = frame[y].asfactor()
    train, test = split(frame)
    if (train.nrow, test.nrow) != (facts["train_rows"], facts["test_rows"]):
        raise SystemExit(
            f"{name}: the split has {train.nrow} and {test.nrow} rows, the reference {facts['train_rows']}"
        )
    measure = "error" if classes else "RMSE"
    theirs = [run["test"][measure] for run in facts["runs"]]
    mean, sd = float(np.mean(theirs)), float(np.std(theirs, ddof=1))
    rows = facts["runs"][0]["test"].get("nobs", test.nrow)
    bound = mean + max(2 * sd, 1 / rows if classes else 0.0, 0.01 * mean)
    ours = []
    for seed in range(1, seeds + 1):
        model = H2ODeepLearningEstimator(epochs=facts["epochs"], seed=seed)
        model.train(x=facts["x"], y=y, training_frame=train)
        ours.append(_error(model, test, y) if classes else float(model.model_performance(test).rmse()))
    return Result(name, measure, mean, sd, bound, ours)


def _error(model: H2ODeepLearningEstimator, test: h2o.H2OFrame, y: str) -> float:
    """Share of wrong labels among the rows that have one."""
    predicted = model.predict(test)["predict"].as_data_frame(use_pandas=False)
    actual = test[y].as_data_frame(use_pandas=False)
    pairs = [(p[0], a[0]) for p, a in zip(predicted[1:], actual[1:]) if a[0] not in ("", None)]
    return float(np.mean([p != a for p, a in pairs]))


def table(results: list[Result]) -> str:
    """The results as a Markdown table."""
    head = "| set | measure | H2O mean (sd) | bound | heavywater mean | lowest to highest | within |\n"
    head += "|---|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| {r.name} | {r.measure} | {r.h2o_mean:.5g} ({r.h2o_sd:.2g}) | {r.bound:.5g} | {r.mean:.5g} | "
        f"{min(r.ours):.5g} to {max(r.ours):.5g} | {'yes' if r.passed else 'no'} |\n"
        for r in results
    )


def reference(shared: Path) -> dict[str, dict[str, Any]]:
    """The sets of the reference by name."""
    found: dict[str, dict[str, Any]] = json.loads((shared / "reference" / "h2o_default_metrics.json").read_text())[
        "datasets"
    ]
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--only", nargs="*", help="names of sets")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--out", type=Path, help="folder for quality.json and quality.md")
    options = parser.parse_args(arguments)
    h2o.no_progress()
    sets = reference(options.shared)
    results = []
    for name in options.only or sets:
        results.append(measured(options.shared, name, sets[name], options.seeds))
        print(table(results[-1:]).splitlines()[-1], flush=True)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "quality.md").write_text(table(results))
        (options.out / "quality.json").write_text(json.dumps([asdict(r) for r in results], indent=1))
    return 0 if all(r.passed for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
