"""`JobV3` and `JobsV3`."""

from __future__ import annotations

import time
import traceback
from typing import Any

from heavywater.errors import HeavywaterError
from heavywater.server.errors import Refused
from heavywater.server.hub import JobRecord
from heavywater.server.v3.schema import key, schema


def job(record: JobRecord) -> dict[str, Any]:
    """The state of one job."""
    j = record.job
    end = j.end_time or time.time()
    failed = j.status == "FAILED" and j.exception is not None
    text = {"DONE": "Done.", "FAILED": "Failed.", "CANCELLED": "Cancelled."}.get(j.status, j.text or None)
    fields = {
        "key": key(j.key, "Job"),
        "description": record.description,
        "status": j.status,
        "progress": float(j.progress if j.status != "RUNNING" else min(j.progress, 0.99)),
        "progress_msg": text,
        "start_time": int(j.start_time * 1000),
        "msec": int((end - j.start_time) * 1000) if j.start_time else 0,
        "dest": key(record.dest or None, record.dest_kind),
        "warnings": list(j.warnings) or None,
        "exception": _exception(j.exception) if failed else None,
        "stacktrace": _trace(j.exception) if failed else None,
        "auto_recoverable": False,
        "ready_for_view": record.ready_for_view,
    }
    return schema("JobV3", "Job", fields)


def _exception(error: BaseException | None) -> str:
    kind = error.kind if isinstance(error, Refused) else "java.lang.IllegalArgumentException"
    if not isinstance(error, HeavywaterError):
        return f"java.lang.RuntimeException: heavywater met an unexpected {type(error).__name__}"
    return f"{kind}: {error}"


def _trace(error: BaseException | None) -> str:
    """Text that clients show: the message and the functions it passed, without paths of this machine."""
    places = traceback.extract_tb(error.__traceback__) if error is not None else []
    lines = [f"\tat {p.name}({p.filename.rpartition('/')[2]}:{p.lineno})" for p in reversed(places)]
    return "\n".join([_exception(error), *lines]) + "\n"


def jobs(records: list[JobRecord] | None, job_id: str | None) -> dict[str, Any]:
    """A list of jobs."""
    fields = {"job_id": key(job_id, "Job"), "jobs": None if records is None else [job(r) for r in records]}
    return schema("JobsV3", "Iced", fields, request=True)
