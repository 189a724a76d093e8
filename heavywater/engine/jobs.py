"""Jobs: work on a thread of its own, with progress that anyone may read and a stop that anyone may ask for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from heavywater.algos.base import Stop

T = TypeVar("T")


class Job(Generic[T]):
    """One piece of work.

    Parameters
    ----------
    key : str
        The job's name.
    description : str
        What is being done, for people.
    work : callable
        Called with the job on its thread; may call `update` and should look at ``stop``.

    Attributes
    ----------
    status : {"CREATED", "RUNNING", "DONE", "FAILED", "CANCELLED"}
    progress : float
        0 to 1.
    text : str
        Latest news, such as the metric of the last scoring.
    """

    def __init__(self, key: str, description: str, work: Callable[[Job[T]], T]) -> None:
        self.key, self.description = key, description
        self.stop = Stop()
        self.status = "CREATED"
        self.progress, self.text = 0.0, ""
        self.warnings: list[str] = []
        self.start_time = self.end_time = 0.0
        self.exception: BaseException | None = None
        self._result: T | None = None
        self._work = work
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=key, daemon=True)

    def start(self) -> Job[T]:
        self.start_time = time.time()
        self.status = "RUNNING"
        self._thread.start()
        return self

    def update(self, fraction: float, text: str = "") -> None:
        self.progress = min(max(fraction, self.progress), 1.0)
        if text:
            self.text = text

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; False when `seconds` passed before it."""
        return self._ended.wait(seconds)  # an interrupted Thread.join may take a living thread for dead

    def cancel(self) -> None:
        self.stop.set()

    def result(self) -> T:
        """What the work returned, or its exception raised again."""
        self.wait()
        if self.exception is not None:
            raise self.exception
        return self._result  # type: ignore[return-value]

    def release(self) -> None:
        """Let go of the result of a job that has ended, and of what its error holds on to."""
        if self._ended.is_set():
            self._result = None
            if self.exception is not None:
                self.exception.__traceback__ = None

    def _run(self) -> None:
        work, self._work = self._work, _nothing
        try:
            self._result = work(self)
            self.status = "CANCELLED" if self.stop.is_set() else "DONE"
            self.progress = 1.0
        except BaseException as e:
            self.exception = e
            self.status = "CANCELLED" if self.stop.is_set() else "FAILED"
        finally:
            self.end_time = time.time()
            self._ended.set()


def _nothing(job: Job[Any]) -> Any:
    """What a job holds once it runs, so that data its work has read is not kept with it."""
    raise RuntimeError(f"{job.key} runs once")


def follow(job: Job[Any], show: Callable[[float, str], None], *, every: float = 0.1) -> None:
    """Wait for `job` and show its progress; a first Ctrl-C asks it to stop, a second one stops waiting."""
    asked = False
    while True:
        try:
            if job.wait(every):
                return
            show(job.progress, job.text)
        except KeyboardInterrupt:
            if asked:
                raise
            asked = True
            job.cancel()
