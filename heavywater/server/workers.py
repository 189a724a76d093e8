"""Handlers on threads of their own, each with a deadline; one that is late is left behind and gives its place back."""

from __future__ import annotations

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
        self._places = asyncio.Semaphore(_WIDTH)
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
            async with asyncio.timeout(self.seconds), self._places:
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

        threading.Thread(target=work, name="request", daemon=True).start()
        try:
            return await future
        except asyncio.CancelledError:
            left.set()
            with self._lock:
                counted = not ended
                self._late += counted
            raise


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
