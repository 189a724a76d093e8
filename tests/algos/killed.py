"""A training run to be killed: ``python -m tests.algos.killed FOLDER EPOCHS`` goes on from the newest snapshot there.

Prints the number of every scoring when it begins.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import heavywater as h2o
from tests.algos.small import fit


def newest(folder: Path) -> Path | None:
    """The newest snapshot."""
    return max(folder.glob("killed.snapshot-*"), default=None)


def main(folder: str, epochs: str) -> None:
    snapshot = newest(Path(folder))
    before = None if snapshot is None else h2o.load_model(str(snapshot))
    scorings = 0 if before is None else len(before.scoring_history()) - 2  # a resumed run scores once to begin with

    def count(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        nonlocal scorings
        scorings += 1
        print(scorings, flush=True)
        return 0.0

    fit(
        epochs=float(epochs), activation="TanhWithDropout", model_id="killed", export_checkpoints_dir=folder,
        checkpoint=before,
        custom_metric_func=count, quiet_mode=True,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
