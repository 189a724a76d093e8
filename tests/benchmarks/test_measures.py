"""The measurements themselves, on tiny data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import array_peers, growth, h2o_script, machine, roofline


def write_table(path: Path, rows: int, seed: int) -> str:
    random = np.random.default_rng(seed)
    x = random.integers(0, 200, (rows, 6))
    y = x[:, :3].argmax(axis=1)
    path.write_text("\n".join(",".join(map(str, [*a, b])) for a, b in zip(x.tolist(), y.tolist())) + "\n")
    return str(path)


@pytest.fixture
def data(tmp_path: Path) -> dict[str, object]:
    return {
        "train": write_table(tmp_path / "train.csv", 600, 1),
        "test": write_table(tmp_path / "test.csv", 200, 2),
        "header": -1,
        "response": "C7",
        "ignored": [],
        "text": ["C7"],
    }


def test_one_measurement_of_ours(data: dict[str, object], tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("a,b\n1,2\n3,4\n")
    job = {
        "engine": "heavywater", "threads": 2, "data": data, "small_file": str(small), "warm_up_rows": 50,
        "validate": True, "target_error": 0.5, "predict": True,
        "settings": {"hidden": [8], "epochs": 8, "seed": 1, "train_samples_per_iteration": 0, "score_interval": 0,
                     "score_duty_cycle": 1, "mini_batch_size": 1},
    }  # fmt: skip
    result = h2o_script.main(job)
    assert result["rows"] == 8 * 600
    assert result["rows_per_second"] == pytest.approx(result["rows"] / result["seconds"])
    assert result["import_rows"] == 800
    assert result["predict_rows"] == 200
    assert 0 < result["seconds_to_error"] <= result["seconds"]
    assert result["quality"]["error"] < 0.5
    assert [e for _, e in result["errors"] if e is not None][-1] == pytest.approx(result["quality"]["error"], abs=1e-6)
    json.dumps(result)


@pytest.mark.parametrize("engine", ["sklearn", "torch"])
def test_the_other_peers_learn_the_same(engine: str, data: dict[str, object]) -> None:
    if engine == "torch":
        pytest.importorskip("torch")
    job = {
        "engine": engine, "data": data, "seed": 1, "threads": 1, "hidden": [16, 16], "classes": 3, "batch": 20,
        "rate": 0.5, "momentum": 0.9, "rate_annealing": 1e-5, "target_error": 0.2, "score_every": 0.5,
        "max_epochs": 40, "max_seconds": 60,
    }  # fmt: skip
    result = array_peers.run(job, array_peers.arrays(job))
    assert result["quality"]["error"] <= 0.2
    assert result["seconds_to_error"] == result["seconds"]
    assert result["rows"] == 300 * len(result["errors"])


def test_parts_of_an_epoch_are_all_its_rows() -> None:
    job = {"seed": 3, "score_every": 0.5, "max_epochs": 2}
    first, second, *rest = array_peers.parts(11, job)
    assert sorted([*first, *second]) == list(range(11))
    assert len(rest) == 2


@pytest.mark.parametrize("name", [name for name, _ in roofline.KERNELS])
def test_every_kernel_is_measured_and_put_under_its_roof(name: str) -> None:
    measured = roofline.kernel(name, 1, seconds=0.01, units=(24, 8, 8, 3), rows=100)
    under = roofline.under_the_roof(measured, 1e9, 1e9)
    assert under["rows_per_second"] > 0
    assert under["bytes_per_second"] == pytest.approx(under["rows_per_second"] * under["bytes"])
    assert under["share_of_roof"] == max(under["share_of_bytes_roof"], under["share_of_operations_roof"])
    assert under["binds"] == ("bytes" if under["bytes"] > under["operations"] else "operations")


def test_the_roof_is_measured() -> None:
    assert roofline.bandwidth(1 << 14, 1, seconds=0.001) > 1e6
    assert roofline.multiply_adds(1, size=64, seconds=0.001) > 1e6


def test_work_grows_as_the_axis_says() -> None:
    work = {a.name: [growth.work_of(growth.shape(a, a.smallest * k)) for k in (1, 10)] for a in growth.AXES}
    assert work["rows"][1] == pytest.approx(10 * work["rows"][0])
    assert work["levels"][1] == pytest.approx(work["levels"][0])  # one of the inputs of a column is not zero
    assert 50 < work["hidden units"][1] / work["hidden units"][0] < 100
    assert 3 < work["columns"][1] / work["columns"][0] < 10


def test_growth_is_measured_judged_and_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    small = {"rows": 60, "columns": 12, "levels": 3, "hidden": 4}
    assert growth.seconds_of(small, repeats=1) > 0
    good = {"axis": "rows", "sizes": [1, 3, 10], "work": [1.0, 3.0, 10.0], "seconds": [2.0, 6.0, 20.0]}
    bad = {**good, "axis": "columns", "seconds": [2.0, 8.0, 40.0]}
    assert growth.judged(good) == ""
    assert growth.judged(bad) == "columns: 20.0 times the time for 10.0 times the work"
    growth.draw([good, bad], tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes()[:4] == b"\x89PNG"


def test_the_machine_is_described() -> None:
    found = machine.describe()
    assert found["cores"] >= 1
    assert found["packages"]["numpy"] == np.__version__
    json.dumps(found)
