"""A job of the server, with the face of a job of this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from heavywater.engine.jobs import Job
from heavywater.remote.connection import quoted, raised

if TYPE_CHECKING:
    from heavywater.remote.session import RemoteSession

_FIRST_LOOK_SECONDS, _LOOK_SECONDS = 0.01, 0.25


class RemoteJob(Job[Any]):
    """Work that the server does.

    Parameters
    ----------
    session : RemoteSession
    key : str
        The job's name on the server.
    description : str
        What is being done.
    fetch : callable
        Makes the result, once the job is done.
    """

    def __init__(self, session: RemoteSession, key: str, description: str, fetch: Callable[[], Any]) -> None:
        super().__init__(key, description, lambda job: None)
        self.session, self._fetch = session, fetch
        self.status = "RUNNING"
        self._pause = _FIRST_LOOK_SECONDS

    def look(self) -> bool:
        """Ask the server how far it is; whether the job has ended."""
        if self._ended.is_set():
            return True
        told = self.session.connection.get(f"/99/Native/jobs/{quoted(self.key)}")
        self.start_time, self.end_time = told["start_time"], told["end_time"]
        self.update(told["progress"], told["text"])
        for text in told["warnings"]:
            self.warn(text)
        self.status = told["status"]
        if self.status in ("CREATED", "RUNNING"):
            return False
        if told["error"] is not None:
            self.exception = raised(told["error"]["kind"], told["error"]["text"])
        self.progress = 1.0
        self._ended.set()
        return True

    def wait(self, seconds: float | None = None) -> bool:
        end = None if seconds is None else time.monotonic() + seconds
        while not self.look():
            left = self._pause if end is None else min(self._pause, end - time.monotonic())
            if left <= 0:
                return False
            time.sleep(left)
            self._pause = min(2 * self._pause, _LOOK_SECONDS)
        return True

    def cancel(self) -> None:
        super().cancel()
        self.session.connection.post(f"/3/Jobs/{quoted(self.key)}/cancel")

    def result(self) -> Any:
        self.wait()
        if self.exception is not None:
            raise self.exception
        if self._result is None:
            self._result = self._fetch()
        return self._result
