"""What is measured: one entry per row of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Better = Literal["higher", "lower"]

DENSE: dict[str, Any] = {"seed": 1, "score_training_samples": 1000, "sparse": False}
SPARSE: dict[str, Any] = {**DENSE, "sparse": True}
TRIAL: dict[str, Any] = {
    **SPARSE, "hidden": [32, 32, 32], "activation": "RectifierWithDropout", "input_dropout_ratio": 0.2, "l1": 1e-5,
}  # fmt: skip
RECORD: dict[str, Any] = {
    **SPARSE, "hidden": [1024, 1024, 2048], "activation": "RectifierWithDropout", "input_dropout_ratio": 0.2, "l1": 1e-5,
}  # fmt: skip
MINI_BATCH: dict[str, Any] = {
    "seed": 1, "sparse": True, "mini_batch_size": 24, "rho": 0.9925, "epsilon": 1e-8,
    "initial_weight_distribution": "Uniform", "initial_weight_scale": 0.056, "score_training_samples": 500,
    "train_samples_per_iteration": 120_000, "score_interval": 0.0, "score_duty_cycle": 1.0, "stopping_rounds": 0,
}  # fmt: skip
"""Two epochs to the first scoring. Chosen on the test rows; see docs/performance.md."""
UNTIL_ERROR: dict[str, Any] = {
    "seed": 1, "score_training_samples": 500, "score_interval": 5, "classification_stop": -1, "epochs": 4.4,
    "stopping_rounds": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Workload:
    """One comparison.

    Attributes
    ----------
    name, title : str
        The first for the command line, the second for the table.
    measure : str
        Entry of a runner's result that is compared.
    better : {"higher", "lower"}
        Which of two measures is the better one. A ratio above 1 always means that ours is better.
    ours : dict
        Settings of heavywater, or a list of names for other ways to measure.
    peer : str
        h2o, ours (two settings of heavywater), torch or sklearn.
    theirs : dict
        Settings of the peer.
    goal : float or None
        Ratio that is aimed at.
    quality, bound : str, float
        Entry of the measured quality of ours that may not exceed `bound`; "" for none.
    their_bound : float or None
        The same for the peer, which may train for a shorter time.
    data : str
    unit : str
    run_as : str
        Name of the workload whose runs serve this one too; "" for its own.
    pairs : int or None
        At most so many pairs; the peer takes long.
    quick_ours, quick_theirs : dict
        Settings of the quick suite that differ, and their bounds.
    seconds : float
        About what a pair takes on two cores.
    timeout : float
    options : dict
        More entries of the jobs.
    """

    name: str
    title: str
    measure: str
    better: Better
    ours: dict[str, Any] = field(default_factory=dict)
    peer: str = "h2o"
    theirs: dict[str, Any] = field(default_factory=dict)
    goal: float | None = None
    quality: str = ""
    bound: float = 0.0
    their_bound: float | None = None
    data: str = "mnist"
    unit: str = "rows/s"
    run_as: str = ""
    pairs: int | None = None
    quick_ours: dict[str, Any] = field(default_factory=dict)
    quick_theirs: dict[str, Any] = field(default_factory=dict)
    quick_bound: float | None = None
    seconds: float = 0.0
    timeout: float = 300.0
    threads: tuple[int, int] | None = None
    options: dict[str, Any] = field(default_factory=dict)


TABLE: tuple[Workload, ...] = (
    Workload(
        "dense", "MNIST, default 2x200, sparse=False, row by row", "rows_per_second", "higher",
        ours={**DENSE, "mini_batch_size": 1, "epochs": 2}, theirs={**DENSE, "epochs": 0.3},
        goal=20, quality="error", bound=0.05, their_bound=0.1,
        quick_ours={"epochs": 0.25}, quick_theirs={"epochs": 0.1}, quick_bound=0.16, seconds=65, options={"predict": True},
    ),
    Workload(
        "sparse", "the same, sparse=True", "rows_per_second", "higher",
        ours={**SPARSE, "mini_batch_size": 1, "epochs": 2}, theirs={**SPARSE, "epochs": 0.25},
        goal=None, quality="error", bound=0.05, their_bound=0.1,
        quick_ours={"epochs": 0.25}, quick_theirs={"epochs": 0.1}, quick_bound=0.16, seconds=50,
    ),
    Workload(
        "reproducible", "the same, reproducible=True (one thread, H2O's bits)", "rows_per_second", "higher",
        ours={**DENSE, "mini_batch_size": 1, "epochs": 0.4, "reproducible": True, "train_samples_per_iteration": 6000},
        theirs={**DENSE, "epochs": 0.1, "reproducible": True, "train_samples_per_iteration": 2000},
        goal=5, quality="error", bound=0.1, their_bound=0.16,
        quick_ours={"epochs": 0.1}, quick_theirs={"epochs": 0.05}, quick_bound=0.2, seconds=50,
    ),
    Workload(
        "to-3.0", "MNIST, seconds to 3.0 % test error, 2x200 (ours: batches of 24)", "seconds_to_error", "lower",
        ours={**MINI_BATCH, "epochs": 2}, theirs=UNTIL_ERROR,
        goal=100, quality="error", bound=0.03, their_bound=0.035, unit="s", pairs=3,
        quick_theirs={"max_runtime_secs": 12}, seconds=270, timeout=600,
        options={"validate": True, "target_error": 0.03, "their_pairs": 1, "at_least": True},
    ),
    Workload(
        "trial", "trial run 32x32x32, sparse, dropout", "rows_per_second", "higher",
        ours={**TRIAL, "mini_batch_size": 1, "epochs": 10}, theirs={**TRIAL, "epochs": 5},
        goal=10, quality="error", bound=0.12, their_bound=0.15,
        quick_ours={"epochs": 2}, quick_theirs={"epochs": 0.5}, quick_bound=0.3, seconds=40,
    ),
    Workload(
        "record-online", "record network 1024-1024-2048, row by row", "rows_per_second", "higher",
        ours={**RECORD, "mini_batch_size": 1, "epochs": 0.25}, theirs={**RECORD, "epochs": 0.025},
        goal=20, quality="error", bound=0.25, their_bound=0.7,
        quick_ours={"epochs": 0.05}, quick_theirs={"epochs": 0.01}, quick_bound=0.6, seconds=60,
        options={"warm_up_rows": 200, "predict": True},
    ),
    Workload(
        "record-batch", "record network, batches of 128", "rows_per_second", "higher",
        ours={**RECORD, "mini_batch_size": 128, "epochs": 1},
        goal=100, quality="error", bound=0.2, their_bound=0.7, run_as="record-online",
        quick_ours={"epochs": 0.25}, quick_bound=0.6, seconds=35, options={"warm_up_rows": 200},
    ),
    Workload(
        "airlines", "airlines (allyears2k), one-hot, default network", "rows_per_second", "higher",
        ours={"seed": 1, "score_training_samples": 1000, "mini_batch_size": 1, "epochs": 5},
        theirs={"seed": 1, "score_training_samples": 1000, "epochs": 0.5},
        goal=20, quality="auc_loss", bound=0.3, their_bound=0.4, data="airlines",
        quick_ours={"epochs": 1}, quick_theirs={"epochs": 0.1}, quick_bound=0.4, seconds=40,
    ),
    Workload(
        "threads", "one thread to two threads, default network, dense", "rows_per_second", "higher", peer="ours",
        ours={**DENSE, "mini_batch_size": 1, "epochs": 3}, theirs={**DENSE, "mini_batch_size": 1, "epochs": 3},
        goal=1.7, quality="error", bound=0.08, their_bound=0.08, threads=(2, 1),
        quick_ours={"epochs": 0.25}, quick_theirs={"epochs": 0.25}, quick_bound=0.16, seconds=30,
    ),
    Workload(
        "import", "import of MNIST, train.csv.gz and test.csv.gz", "import_seconds", "lower", run_as="dense",
        goal=5, unit="s",
    ),
    Workload(
        "predict", "predict 10,000 rows, default network", "predict_seconds", "lower", run_as="dense", goal=20, unit="s",
    ),
    Workload(
        "predict-record", "predict 10,000 rows, record network", "predict_seconds", "lower", run_as="record-online",
        goal=20, unit="s",
    ),
    Workload(
        "memory", "peak memory of the default MNIST run, all processes", "peak_bytes", "lower", run_as="dense", goal=3,
        unit="MiB",
    ),
    Workload(
        "first-result", "process start to printed predictions, iris, 1 epoch", "first_result_seconds", "lower",
        data="iris", goal=10, unit="s", seconds=15,
    ),
    Workload(
        "torch", "seconds to 3.0 % at batches of 24, against PyTorch", "seconds_to_error", "lower", peer="torch",
        run_as="to-3.0", goal=1, unit="s", seconds=30, quality="error", bound=0.03, their_bound=0.03,
        options={"batch": 24, "rate": 0.1, "momentum": 0.9, "rate_annealing": 3e-5, "target_error": 0.03,
                 "score_every": 0.5, "max_epochs": 12, "max_seconds": 120, "at_least": True},
    ),
    Workload(
        "sklearn", "seconds to 3.0 % at batches of 24, against MLPClassifier", "seconds_to_error", "lower", peer="sklearn",
        run_as="to-3.0", goal=1, unit="s", pairs=1, seconds=90, quality="error", bound=0.03, their_bound=0.03,
        options={"batch": 24, "target_error": 0.03, "score_every": 0.5, "max_epochs": 12, "max_seconds": 120,
                 "at_least": True},
        quick_theirs={"max_seconds": 20},
    ),
)  # fmt: skip

BY_NAME = {w.name: w for w in TABLE}


def chosen(names: list[str] | None) -> list[Workload]:
    """The workloads called `names`, all without names, in the order of the table; those they depend on come along.

    Raises
    ------
    KeyError
        With the names that there are.
    """
    if not names:
        return list(TABLE)
    unknown = [n for n in names if n not in BY_NAME]
    if unknown:
        raise KeyError(f"no workload {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    wanted = set(names) | {BY_NAME[n].run_as for n in names}
    return [w for w in TABLE if w.name in wanted]
