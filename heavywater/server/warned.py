"""Warnings of a job's thread become warnings of the job; those of requests go to the log."""

from __future__ import annotations

import logging
import threading
import warnings
from typing import Any

from heavywater.server.hub import Hub

log = logging.getLogger("heavywater.server")


def collect(hub: Hub) -> None:
    """From now on, for the whole process."""

    def show(message: Warning | str, category: type[Warning], filename: str, lineno: int, *more: Any) -> None:
        record = hub.jobs.get(threading.current_thread().name)
        if record is not None:
            record.job.warn(str(message))
        else:
            log.info("%s: %s", category.__name__, message)

    warnings.simplefilter("always", UserWarning)
    warnings.showwarning = show  # type: ignore[assignment]
