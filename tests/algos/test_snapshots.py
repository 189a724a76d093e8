"""Snapshots of a training run: kill it whenever you like and go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import heavywater as h2o
from heavywater.models.state import ModelState
from heavywater.training.snapshots import Snapshots
from tests.algos.killed import newest
from tests.algos.small import W, b, data, fit, history, numbers, why

ROOT = Path(__file__).resolve().parents[2]


def start(folder: Path, epochs: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.algos.killed", str(folder), str(epochs)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def killed_after(process: subprocess.Popen[str], seconds: float) -> int:
    """Kill a run some time after its first scoring; the number of the last scoring that had begun."""
    with process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split("\n")
    assert process.returncode == -signal.SIGKILL
    return int([line for line in (first, *rest) if line.strip()][-1])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.parametrize(("kills", "epochs"), [(3, 120), pytest.param(20, 600, marks=pytest.mark.slow)])
def test_a_killed_run_loses_at_most_one_scoring_interval(kills: int, epochs: int, tmp_path: Path) -> None:
    """And ends, to the bit, where an undisturbed one does."""
    random = np.random.default_rng(kills)
    for _ in range(kills):
        begun = killed_after(start(tmp_path, epochs), float(random.uniform(0, 0.4)))
        snapshot = newest(tmp_path)
        if snapshot is None:
            assert begun == 1
            continue
        kept = len(history(h2o.load_model(str(snapshot)))) - 1
        assert kept >= begun - 1
        assert len(list(tmp_path.glob("killed.snapshot-*"))) <= 3
    assert kept < epochs
    with start(tmp_path, epochs) as last:
        assert last.communicate()[0].split()[-1] == str(epochs)
    assert last.returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == ["killed"]
    resumed = h2o.load_model(str(tmp_path / "killed"))
    undisturbed = fit(epochs=epochs, activation="TanhWithDropout")
    assert history(resumed)["samples"].tolist() == history(undisturbed)["samples"].tolist()
    for l in range(2):
        assert (W(resumed, l) == W(undisturbed, l)).all()
        assert (b(resumed, l) == b(undisturbed, l)).all()


def states(**params: object) -> list[ModelState]:
    """The snapshots of a run."""
    from heavywater.training.fit import fit as train
    from heavywater.training.fit import prepare

    found: list[ModelState] = []
    values = {
        "hidden": [6], "epochs": 6, "seed": 7, "reproducible": True, "stopping_rounds": 0, "classification_stop": -1,
        **params,
    }  # fmt: skip
    ctx = prepare("deeplearning", values, key="m", x=["a", "b", "c"], y="y", train=data()._frame(), warn=print)
    ctx.on_snapshot = found.append
    train(ctx, "deeplearning", lambda key, value: None)
    return found


def test_a_snapshot_after_every_scoring() -> None:
    found = states()
    assert [s.output["epochs"] for s in found] == [1, 2, 3, 4, 5, 6]
    assert (
        found[2].output["why_stopped"] == "not at all: this is a snapshot, taken at 3.00 epochs while training went on"
    )


def test_a_snapshot_predicts_and_knows_the_best_network(tmp_path: Path) -> None:
    """Overshooting makes the last network worse than one before; the file of the snapshot holds both."""
    found = states(adaptive_rate=False, rate=0.3, epochs=20)
    with_best = [s for s in found if "best_weights" in s.arrays]
    assert with_best
    path = tmp_path / "s"
    from heavywater.models.container import write

    write(with_best[0], path)
    model = h2o.load_model(str(path))
    assert np.isfinite(numbers(model.predict(data()))).all()
    at = int(model._model.output["epochs"])
    loss = history(model)["training_logloss"].min()
    ruined = fit(
        epochs=at + 1,
        adaptive_rate=False,
        rate=5.0,
        checkpoint=model,
        overwrite_with_best_model=True,
        classification_stop=-1,
    )
    assert ruined.logloss() == pytest.approx(loss, rel=1e-9)
    assert "best model seen was restored" in why(ruined)


def state() -> ModelState:
    return fit(epochs=0)._model.state


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    told: list[str] = []
    snapshots = Snapshots(tmp_path / "deep" / "folder", "m", told.append)
    for _ in range(4):
        snapshots.save(state())
    folder = tmp_path / "deep" / "folder"
    assert sorted(p.name for p in folder.iterdir()) == ["m.snapshot-000003", "m.snapshot-000004"]
    later = Snapshots(folder, "m", told.append)
    later.save(state())
    assert sorted(p.name for p in folder.iterdir()) == ["m.snapshot-000004", "m.snapshot-000005"]
    later.finish(state())
    assert [p.name for p in folder.iterdir()] == ["m"]
    assert told == []


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    others = ["m2.snapshot-000001", "m.snapshot-x", ".m2.snapshot-000002.12.ab.tmp", "readme"]
    for name in (*others, ".m.snapshot-000009.77.0badcafe.tmp"):
        (tmp_path / name).touch()
    snapshots = Snapshots(tmp_path, "m", print)
    snapshots.save(state())
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*others, "m.snapshot-000001"])


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    for key in ("a/b", "a_b", "x" * 300, "../up"):
        Snapshots(tmp_path, key, print).finish(state())
    names = {p.name for p in tmp_path.iterdir()}
    assert len(names) == 4
    assert "a_b" in names
    assert max(map(len, names)) < 100


def test_a_full_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    snapshots = Snapshots(tmp_path, "m", told.append)

    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("heavywater.training.snapshots.write", full)
    snapshots.save(state())
    assert told == ["export_checkpoints_dir: [Errno 28] No space left on device"]


def test_folds_leave_no_snapshots_and_the_main_model_tells_of_them(tmp_path: Path) -> None:
    fit(nfolds=2, epochs=1, model_id="crossed", export_checkpoints_dir=str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["crossed"]
    assert h2o.load_model(str(tmp_path / "crossed"))._model.output["cross_validation_metrics"] is not None
