"""Sessions: what the Python API talks to.  `LocalSession` runs everything in this process."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heavywater.algos.base import algorithm
from heavywater.display.progress import Progress
from heavywater.engine.jobs import Job, follow
from heavywater.engine.request import TrainRequest
from heavywater.engine.store import Objects, Store
from heavywater.errors import Cancelled, H2OTypeError, H2OValueError, NotFound
from heavywater.frame import Frame
from heavywater.frame.export import export_file
from heavywater.frame.parse import parse
from heavywater.metrics import ModelMetrics
from heavywater.models.container import read, write
from heavywater.models.model import Model
from heavywater.rapids.run import evaluate
from heavywater.rapids.session import RapidsSession
from heavywater.training.fit import fit, prepare

_current: LocalSession | None = None


class LocalSession:
    """The engine in this process: a store of frames and models, and the resources that training may use.

    Parameters
    ----------
    nthreads : int, optional
        Threads used by training and scoring; all available processors when None or -1.
    max_mem_bytes : int, optional
        Upper bound for the memory of one training run's matrices; no bound when None.
    """

    def __init__(self, nthreads: int | None = None, max_mem_bytes: int | None = None) -> None:
        if nthreads is not None and nthreads != -1 and nthreads < 1:
            raise H2OValueError(f"nthreads must be at least 1, or -1 for all processors; got {nthreads}")
        self.store = Store()
        self.nthreads = available_processors() if nthreads in (None, -1) else int(nthreads)
        self.max_mem_bytes = max_mem_bytes
        self.show_progress = True

    # -- objects ----------------------------------------------------------------------------------------------------

    def new_key(self, prefix: str) -> str:
        return self.store.new_key(prefix)

    def put(self, key: str, value: object) -> None:
        self.store.put(key, value)

    def get(self, key: str) -> object:
        return self.store.get(key)

    def remove(self, key: str) -> None:
        self.store.remove(key)

    def keys(self) -> list[str]:
        return self.store.keys()

    def model(self, key: str) -> Model:
        """The model called `key`."""
        found = self.store.get(key)
        if not isinstance(found, Model):
            raise NotFound(f"{key!r} is not a model")
        return found

    def adopt(self, frame: Frame, key: str | None = None) -> Frame:
        """`frame` as this engine holds it; stored when it has a `key`."""
        if key is not None:
            self.put(key, frame)
        return frame

    def elsewhere(self, node: Any, *, frame: bool) -> tuple[bool, Any]:
        """Whether a tree is evaluated by another process, and then its result; `frame` says that it is a frame."""
        return False, None

    def run_text(self, text: str) -> tuple[Any, str | None]:
        """The value of an expression in Rapids' language, and the name under which it stores it, if any."""
        interpreter = RapidsSession(Objects(self.store))
        value = interpreter.run(text)
        for key, made in interpreter.temps.items():
            self.put(key, made)
        return value, interpreter.last_key

    def narrowed(self, width: int) -> LocalSession:
        """An engine over the same objects with its share of the threads, for one of `width` jobs at the same time."""
        shared = LocalSession(max(1, self.nthreads // width), self.max_mem_bytes)
        shared.store = self.store
        return shared

    def frame(self, key: Any) -> Frame:
        """The frame called `key`, or `key` itself when it is one; trees are evaluated."""
        found = self.store.get(key) if isinstance(key, str) else key
        if hasattr(found, "_frame"):
            found = found._frame()
        if not isinstance(found, Frame):
            found = evaluate(found)  # type: ignore[arg-type]
        return found

    # -- training ---------------------------------------------------------------------------------------------------

    def submit(self, request: TrainRequest) -> Job[Model]:
        """Check the request, then train on a thread of its own; the model is stored when it is ready.

        Raises
        ------
        InvalidParams
            Before anything is started.
        """
        key = request.params.get("model_id") or self.new_key(f"{algorithm(request.algo).LABEL}_model")
        early: list[str] = []
        ctx = prepare(
            request.algo,
            request.params,
            key=key,
            x=request.x,
            y=request.y,
            train=request.training,
            valid=request.validation,
            warn=early.append,
            train_key=request.training_key,
            valid_key=request.validation_key,
            threads=self.nthreads,
            frames=self.frame,
            models=self._model_of,
            max_mem_bytes=self.max_mem_bytes,
        )

        def work(job: Job[Model]) -> Model:
            ctx.stop, ctx.progress, ctx.warn = job.stop, job.update, job.warn
            if request.verbose:
                ctx.on_score = _History(key).show
            model = fit(ctx, request.algo, self.put)
            self.put(model.key, model)
            return model

        job: Job[Model] = Job(request.job_key or self.new_key("job"), f"{key}", work)
        job.warnings.extend(early)
        return job.start()

    def train(self, request: TrainRequest) -> Model:
        """Train and wait, with a progress bar; Ctrl-C keeps the model as trained so far."""
        job = self.submit(request)
        label = f"{request.algo} {job.description}"
        quiet = request.quiet or bool(request.params.get("quiet_mode"))
        shown = self.show_progress and not quiet and not request.verbose
        with Progress(label, enabled=None if shown else False) as bar:
            follow(job, bar.update)
            bar.update(job.progress, job.text)
        for text in job.warnings:
            warnings.warn(text, stacklevel=3)
        if job.status == "CANCELLED" and isinstance(job.exception, Cancelled):
            raise job.exception
        return job.result()

    def _model_of(self, which: Any) -> Model:
        """A model given as object, estimator or key."""
        if isinstance(which, Model):
            return which
        if isinstance(which, str):
            return self.model(which)
        inner = getattr(which, "_model", None)
        if isinstance(inner, Model):
            return inner
        raise H2OTypeError(f"a model, an estimator or a model's key is needed; got {type(which).__name__}")

    # -- scoring ----------------------------------------------------------------------------------------------------

    def predict(self, model: Model, frame: Frame) -> Frame:
        return model.predict(frame, threads=self.nthreads)

    def performance(self, model: Model, frame: Frame, *, frame_key: str | None = None, **options: Any) -> ModelMetrics:
        return model.performance(frame, threads=self.nthreads, frame_key=frame_key, **options)

    def ask(self, model: Model, question: str, *args: Any, **options: Any) -> Any:
        """Put a question that only some algorithms' models answer, such as ``"anomaly"``."""
        method = getattr(model, question, None)
        if method is None:
            raise H2OTypeError(f"{model.algo} models have no {question}()")
        return method(*args, threads=self.nthreads, **options)

    # -- files ------------------------------------------------------------------------------------------------------

    def import_file(self, sources: Any, **options: Any) -> Frame:
        """Read files where the engine is; options as those of `heavywater.frame.parse.parse`."""
        return parse(sources, **options)

    def upload_file(self, path: str | os.PathLike[str], **options: Any) -> Frame:
        """Read a file of this machine."""
        return parse(path, **options)

    def export_file(self, frame: Frame, path: str | os.PathLike[str], **options: Any) -> None:
        """Write a frame to a file where the engine is."""
        export_file(frame, path, **options)

    def save_model(
        self, model: Model, path: str | os.PathLike[str], *, force: bool = False, parents: bool = False
    ) -> Path:
        """Write the model's state to a file where the engine is; an existing file is kept unless `force`."""
        target = Path(path).expanduser()
        if parents:
            target.parent.mkdir(parents=True, exist_ok=True)
        return write(model.state, target, force=force)

    def download_model(
        self, model: Model, path: str | os.PathLike[str], *, force: bool = False, parents: bool = False
    ) -> Path:
        """Write the model's state to a file of this machine."""
        return LocalSession.save_model(self, model, path, force=force, parents=parents)

    def upload_model(self, path: str | os.PathLike[str]) -> Model:
        """Read a model file of this machine; see `load_model`."""
        return self.load_model(path)

    def load_model(self, path: str | os.PathLike[str]) -> Model:
        """Read a model file and store the model under the name it was saved with.

        Raises
        ------
        ModelFileError
            When the file is damaged, hostile or of an unknown version.
        """
        state = read(Path(path), validators=validators())
        model: Model = algorithm(state.algo).build_model(state, str(state.output["model_id"]))
        self.put(model.key, model)
        return model


class _History:
    """Prints the scoring history while it grows: a heading with the first row, then a line per scoring."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._names: list[str] = []
        self._lock = threading.Lock()

    def show(self, row: Mapping[str, Any]) -> None:
        with self._lock:
            if not self._names:
                measured = [n for n in row if n.startswith(("training_", "validation_")) and n != "training_speed"]
                self._names = ["duration", "epochs", "samples", *measured]
                print(f"Scoring History of {self._key}")
                print("  ".join(f"{n:>{_width(n)}}" for n in self._names))
            print("  ".join(f"{_cell(row.get(n)):>{_width(n)}}" for n in self._names), flush=True)


def _width(name: str) -> int:
    return max(len(name), 11)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def validators() -> dict[str, Any]:
    """For each algorithm, what the arrays of its model files must look like."""
    from heavywater.algos import ALGORITHMS

    return {name: algorithm(name).expected_arrays for name in ALGORITHMS}


def available_processors() -> int:
    """Processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def current() -> LocalSession:
    """The session in use; made with default resources when there is none."""
    global _current
    if _current is None:
        _current = LocalSession()
    return _current


def use(session: LocalSession | None) -> None:
    """Make `session` the one in use (None: forget the present one)."""
    global _current
    _current = session
