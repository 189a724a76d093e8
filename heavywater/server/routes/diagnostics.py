"""How the server is doing: logs, time spent, traffic."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

from heavywater.server.errors import Refused, bad_request
from heavywater.server.hub import Hub
from heavywater.server.logs import NAMES
from heavywater.server.router import Raw, route
from heavywater.server.v3.schema import schema
from heavywater.server.v3.table import made

_SIZES = (1, 1 << 10, 1 << 20)


@route("GET", "/3/Logs/nodes/{nodeidx}/files/{name}")
def log_file(hub: Hub, nodeidx: int, name: str) -> dict[str, Any]:
    """The latest lines of the log, by H2O's name of a log file."""
    if nodeidx not in (-1, 0):
        raise bad_request(f"nodeidx must be 0, the only node; got {nodeidx}")
    if name not in NAMES:
        raise bad_request(f"there is no log {name[:50]!r}; there are {', '.join(NAMES)}")
    fields = {"nodeidx": nodeidx, "name": name, "log": hub.log.text(NAMES[name])}
    return schema("LogsV3", "Iced", fields, request=True)


@route("GET", "/3/Logs/download")
def logs(hub: Hub) -> Raw:
    """The latest lines of the log as a zip file."""
    name, out = _log_name(), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{name}/heavywater.log", hub.log.text())
    headers = {"Content-Disposition": f"attachment; filename={name}.zip"}
    return Raw(out.getvalue(), "application/octet-stream", 200, headers)


route("GET", "/3/Logs/download/ZIP")(logs)


@route("GET", "/3/Logs/download/LOG")
def logs_text(hub: Hub) -> Raw:
    """The latest lines of the log as text."""
    headers = {"Content-Disposition": f"attachment; filename={_log_name()}.log"}
    return Raw(hub.log.text(), "text/plain; charset=utf-8", 200, headers)


def _log_name() -> str:
    return time.strftime("h2ologs_%Y%m%d_%H%M%S", time.gmtime())


@route("GET", "/3/NetworkTest", quick=True)
def network(hub: Hub) -> dict[str, Any]:
    """How fast this machine reaches itself: the time to copy some bytes in memory."""
    place = f"/{hub.settings.host}:{hub.settings.port}"
    seconds = [_copy_time(n) for n in _SIZES]
    speeds = [n / s for n, s in zip(_SIZES, seconds)]
    micros = [s * 1e6 for s in seconds]
    cells = [f"{m:.3f} usec, {_speed(v)}" for m, v in zip(micros, speeds)]
    columns = [("destination", "string", "%s", "Destination")]
    columns += [(f"{n}_bytes", "string", "%s", f"{n} bytes") for n in _SIZES]
    rows = [["all - collective bcast/reduce", *cells], [f"self {place}", *cells]]
    fields = {
        "microseconds_collective": micros,
        "bandwidths_collective": speeds,
        "microseconds": [[m] for m in micros],
        "bandwidths": [[v] for v in speeds],
        "nodes": [place],
        "table": made("Network Test", columns, rows, f"Launched from {place}"),
    }
    return schema("NetworkTestV3", "NetworkTest", fields, request=True)


def _copy_time(n: int) -> float:
    data = bytes(n)
    start = time.perf_counter()
    bytearray(data)
    return max(time.perf_counter() - start, 1e-9)


def _speed(bytes_per_second: float) -> str:
    for unit in ("B/S", "KB/S", "MB/S", "GB/S"):
        if bytes_per_second < 1024 or unit == "GB/S":
            break
        bytes_per_second /= 1024
    return f"{bytes_per_second:.1f} {unit}"


@route("GET", "/3/Timeline", quick=True)
def timeline(hub: Hub) -> dict[str, Any]:
    """Messages between machines: a server of one machine sends none."""
    return schema("TimelineV3", "Timeline", {"now": 0, "self": None, "events": []}, request=True)


@route("GET", "/3/WaterMeterCpuTicks/{nodeidx}", quick=True)
def cpu_ticks(hub: Hub, nodeidx: int) -> dict[str, Any]:
    """Time that each processor has spent in users' programs, the system, other things, and idle."""
    if nodeidx != 0:
        raise bad_request(f"nodeidx must be 0, the only node; got {nodeidx}")
    fields = {"nodeidx": nodeidx, "cpu_ticks": _ticks()}
    return schema("WaterMeterCpuTicksV3", "WaterMeterCpuTicks", fields, request=True)


def _ticks() -> list[list[int]]:
    """Rows of ``/proc/stat``; empty where the system has none."""
    try:
        with open("/proc/stat") as f:
            rows = [line.split()[1:] for line in f if line.startswith("cpu") and line[3].isdigit()]
    except OSError:
        return []
    numbers = [[int(v) for v in row] for row in rows]
    return [[r[0], r[2], r[1] + sum(r[4:]), r[3]] for r in numbers]


@route("GET", "/3/WaterMeterIo", quick=True)
def io_counts(hub: Hub, nodeidx: int = 0) -> dict[str, Any]:
    """Bytes that this process has read and written, as far as the system says."""
    if nodeidx != 0:
        raise bad_request(f"nodeidx must be 0, the only node; got {nodeidx}")
    seen = _io()
    entry = {
        "__meta": {"schema_version": -1, "schema_name": "IoStatsEntry", "schema_type": "Iced"},
        "backend": "local",
        "store_count": seen.get("syscw", 0),
        "store_bytes": seen.get("write_bytes", 0),
        "delete_count": 0,
        "load_count": seen.get("syscr", 0),
        "load_bytes": seen.get("read_bytes", 0),
    }
    return schema("WaterMeterIoV3", "WaterMeterIo", {"nodeidx": nodeidx, "persist_stats": [entry]}, request=True)


route("GET", "/3/WaterMeterIo/{nodeidx}", quick=True)(io_counts)


def _io() -> dict[str, int]:
    try:
        with open("/proc/self/io") as f:
            return {k: int(v) for k, _, v in (line.partition(":") for line in f)}
    except OSError:
        return {}


@route("GET", "/3/SteamMetrics", quick=True)
def steam(hub: Hub) -> dict[str, Any]:
    """Time since a job ran, in milliseconds."""
    ends = [r.job.end_time or time.time() for r in list(hub.jobs.values())]
    idle = time.time() - max([hub.started, *ends])
    return schema("SteamMetricsV3", "SteamMetrics", {"version": 0, "idle_millis": int(idle * 1000)}, request=True)


@route("POST", "/3/Recovery/resume", quick=True)
def resume(hub: Hub, recovery_dir: str | None = None) -> dict[str, Any]:
    """Resume what a crash interrupted: nothing is kept for that."""
    if recovery_dir:
        raise Refused("recovery_dir is not supported by this server; start again from a checkpoint")
    return schema("ResumeV3", "Iced", {"recovery_dir": None}, request=True)
