"""Jobs: how far they are, and stopping them."""

from __future__ import annotations

from typing import Any

from heavywater.server.errors import bad_request
from heavywater.server.hub import Hub, JobRecord
from heavywater.server.router import route
from heavywater.server.v3 import job as v3


@route("GET", "/3/Jobs", quick=True)
def listed(hub: Hub) -> dict[str, Any]:
    """All jobs."""
    return v3.jobs(list(hub.jobs.values()), None)


@route("GET", "/3/Jobs/{job_id}", quick=True)
def one(hub: Hub, job_id: str) -> dict[str, Any]:
    """One job."""
    return v3.jobs([_found(hub, job_id)], job_id)


@route("POST", "/3/Jobs/{job_id}/cancel", quick=True)
def cancel(hub: Hub, job_id: str) -> dict[str, Any]:
    """Ask a job to stop; what it has made so far is kept."""
    record = _found(hub, job_id)
    record.job.cancel()
    return v3.jobs(None, job_id)


def _found(hub: Hub, job_id: str) -> JobRecord:
    record = hub.jobs.get(job_id)
    if record is None:
        raise bad_request("Job is missing")
    return record
