"""What an algorithm is, and what it gets to see of the world while it trains."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from heavywater.errors import NotFound, did_you_mean
from heavywater.frame import Frame
from heavywater.models.model import Model
from heavywater.models.state import ModelState

ALGORITHMS = {
    "deeplearning": "heavywater.algos.deeplearning",
    "deepwater": "heavywater.algos.deepwater",
    "drf": "heavywater.algos.drf",
    "gbm": "heavywater.algos.gbm",
    "glm": "heavywater.algos.glm",
    "naivebayes": "heavywater.algos.naivebayes",
    "stackedensemble": "heavywater.algos.stackedensemble",
}
"""Name → package; a package offers `Params`, `train`, `build_model` and `validators` (see `Algorithm`)."""


class Algorithm(Protocol):
    """The face of an algorithm's package."""

    Params: type

    @staticmethod
    def train(ctx: TrainContext) -> ModelState: ...

    @staticmethod
    def build_model(state: ModelState, key: str, params: Any = None) -> Model: ...


def algorithm(name: str) -> ModuleType:
    """The package of an algorithm by its H2O name, such as ``"deeplearning"``."""
    if name not in ALGORITHMS:
        raise NotFound(
            f"there is no algorithm {name!r}{did_you_mean(name, ALGORITHMS)}; there are {', '.join(ALGORITHMS)}"
        )
    return importlib.import_module(ALGORITHMS[name])


class Stop:
    """A request to stop, shared between the thread that trains and whoever may end it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._hooks: list[Callable[[], None]] = []

    def set(self) -> None:
        self._event.set()
        for hook in list(self._hooks):
            hook()

    def is_set(self) -> bool:
        return self._event.is_set()

    def on_set(self, hook: Callable[[], None]) -> None:
        """Call `hook` (it must be quick and safe to call from any thread) when the request comes."""
        self._hooks.append(hook)
        if self.is_set():
            hook()

    def forget(self, hook: Callable[[], None]) -> None:
        """Do not call `hook` any more, so that what it belongs to need not be kept as long as the request."""
        self._hooks.remove(hook)


@dataclass
class TrainContext:
    """Everything that training may read and the channels through which it speaks.

    Attributes
    ----------
    params : Any
        The algorithm's parameters in canonical spelling (a copy that belongs to this run).
    key : str
        Name of the model to be.
    x : list of str
        Predictors in frame order.
    y : str or None
        Response.
    train, valid : Frame
        Frames with all columns; `valid` may be None.
    train_key, valid_key : str or None
        Names of the frames, for the report.
    threads : int
        Threads that kernels may use.
    seed : int
        Seed in force (never -1).
    checkpoint : Model or None
        The model to continue.
    frames : callable
        Resolves a frame named by a parameter (initial weights, ...).
    models : callable
        Resolves a model named by a parameter.
    row_weights : ndarray of float64, optional
        Weights that multiply those of the weights column, such as the 0/1 choice of a cross-validation fold.
    fit : callable, optional
        Trains another model: algorithm, parameters, then `key`, `x`, `y`, `train` and `valid`.
    keep : callable, optional
        Stores an object under a key.
    on_score : callable
        Told of every new row of the scoring history, as name → value.
    max_mem_bytes : int, optional
        Upper bound for the design matrix.
    """

    params: Any
    key: str
    x: list[str]
    y: str | None
    train: Frame
    valid: Frame | None = None
    train_key: str | None = None
    valid_key: str | None = None
    threads: int = 1
    seed: int = 1
    checkpoint: Model | None = None
    frames: Callable[[Any], Frame] | None = None
    models: Callable[[Any], Model] | None = None
    stop: Stop = field(default_factory=Stop)
    progress: Callable[[float, str], None] = lambda fraction, text: None
    warn: Callable[[str], None] = lambda text: None
    on_snapshot: Callable[[ModelState], None] | None = None
    on_score: Callable[[Mapping[str, Any]], None] = lambda row: None
    started: float = field(default_factory=time.monotonic)
    max_runtime_secs: float = 0.0
    row_weights: np.ndarray | None = None
    fit: Callable[..., Model] | None = None
    keep: Callable[[str, object], None] | None = None
    max_mem_bytes: int | None = None

    def elapsed(self) -> float:
        """Seconds since training began."""
        return time.monotonic() - self.started

    def out_of_time(self) -> bool:
        return self.max_runtime_secs > 0 and self.elapsed() > self.max_runtime_secs
