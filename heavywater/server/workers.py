"""Handlers on threads of their own, each with a deadline; one that is late is left behind and gives its place back."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from heavywater.rapids.bounds import Bounds, bounded
from heavywater.server.errors import Refused

_NOBODY_LEFT = threading.Event()
_gone: ContextVar[threading.Event] = ContextVar("gone", default=_NOBODY_LEFT)
_WIDTH = 32
_TURNS = 4
_TURN_SECONDS = 0.1
"""Most calls take milliseconds, and take them one after the other sooner than side by side, since they share an
interpreter; one that lasts longer no longer counts."""
_MAX_LATE = 64


def gone() -> threading.Event:
    """Set when whoever waits for the call on this thread has left, or its deadline has passed."""
    return _gone.get()


class Workers:
    """Runs what takes time, so that the event loop never waits.

    Parameters
    ----------
    seconds : float
        Deadline of one call.
    limits : Bounds
        In force while an expression is evaluated.
    """

    def __init__(self, seconds: float, limits: Bounds) -> None:
        self.seconds, self.limits = seconds, limits
        self._places, self._turns = asyncio.Semaphore(_WIDTH), asyncio.Semaphore(_TURNS)
        self._late = 0
        self._lock = threading.Lock()

    async def run(self, call: Callable[[], Any]) -> Any:
        """The result of `call`, or its exception.

        Raises
        ------
        Refused
            The deadline has passed, or too many calls are past theirs.
        """
        try:
            async with asyncio.timeout(self.seconds), self._places, _Turn(self._turns):
                if self._late >= _MAX_LATE:
                    raise Refused("the server is busy with requests that are past their deadline; try again later", 503)
                return await self._in_thread(call)
        except TimeoutError:
            raise Refused(f"the request took longer than {self.seconds:g} seconds, the limit", 503) from None

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        ended = counted = False
        left = threading.Event()

        def work() -> None:
            nonlocal ended
            result: Any = None
            error: BaseException | None = None
            try:
                _gone.set(left)
                with bounded(self.limits):
                    result = call()
            except Exception as e:
                error = e
            except BaseException as e:  # polars' panics are no Exceptions
                error = RuntimeError(f"{type(e).__name__}: {e}")
            with self._lock:
                ended = True
                self._late -= counted
            with contextlib.suppress(RuntimeError):  # the loop is closed when the server stops meanwhile
                loop.call_soon_threadsafe(_settle, future, result, error)

        _thread.start_new_thread(work, ())  # Thread.start would hold the event loop until the thread has had a turn
        try:
            return await future
        except asyncio.CancelledError:
            left.set()
            with self._lock:
                counted = not ended
                self._late += counted
            raise


class _Turn:
    """A place that is given back at the end, or after `_TURN_SECONDS`, whichever comes first."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        await self._places.acquire()
        self._timer = asyncio.get_running_loop().call_later(_TURN_SECONDS, self._give_back)

    async def __aexit__(self, *error: object) -> None:
        self._give_back()

    def _give_back(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._places.release()


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
