"""Who is there: cluster, ping, sessions, capabilities."""

from __future__ import annotations

import os
import resource
import time
from typing import Any

from heavywater.server.errors import Refused
from heavywater.server.hub import Hub
from heavywater.server.machine import memory
from heavywater.server.router import Raw, route
from heavywater.server.v3.schema import schema


@route("GET", "/3/Cloud", quick=True)
def cloud(hub: Hub, skip_ticks: bool = False) -> dict[str, Any]:
    """State of the server, in H2O's words for a cluster of one machine."""
    s = hub.settings
    fields = {
        "skip_ticks": skip_ticks,
        "version": s.h2o_version,
        "branch_name": "rel-" + ".".join(s.h2o_version.split(".")[:2]) + ".0",
        "last_commit_hash": "unknown",
        "describe": f"heavywater, which speaks the API of H2O {s.h2o_version}",
        "compiled_by": "heavywater",
        "compiled_on": "unknown",
        "build_number": s.h2o_version.rpartition(".")[2],
        "build_age": "0 days",
        "build_too_old": False,
        "node_idx": 0,
        "cloud_name": s.cloud_name,
        "cloud_size": 1,
        "cloud_uptime_millis": uptime(hub),
        "cloud_internal_timezone": "Etc/UTC",
        "datafile_parser_timezone": "UTC",
        "cloud_healthy": True,
        "bad_nodes": 0,
        "consensus": True,
        "locked": True,
        "is_client": False,
        "hadoop_version": None,
        "telemetry_enabled": False,
        "nodes": [node(hub)],
        "internal_security_enabled": False,
        "leader_idx": 0,
        "web_ip": None,
    }
    return schema("CloudV3", "Iced", fields, request=True)


def uptime(hub: Hub) -> int:
    return int((time.time() - hub.started) * 1000)


def node(hub: Hub) -> dict[str, Any]:
    """`NodeV3`: this machine."""
    place = f"{hub.settings.host}:{hub.settings.port}"
    free, total = memory()
    disk = os.statvfs(hub.scratch)
    fields = {
        "h2o": f"/{place}",
        "ip_port": place,
        "healthy": True,
        "last_ping": int(time.time() * 1000),
        "pid": os.getpid(),
        "num_cpus": os.cpu_count() or 1,
        "cpus_allowed": hub.engine.nthreads,
        "nthreads": hub.engine.nthreads,
        "sys_load": os.getloadavg()[0],
        "my_cpu_pct": -1,
        "sys_cpu_pct": -1,
        "mem_value_size": 0,
        "pojo_mem": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "free_mem": free,
        "max_mem": hub.engine.max_mem_bytes or total,
        "swap_mem": 0,
        "num_keys": len(hub.engine.keys()),
        "free_disk": disk.f_bavail * disk.f_frsize,
        "max_disk": disk.f_blocks * disk.f_frsize,
        "rpcs_active": 0,
        "fjthrds": [],
        "fjqueue": [],
        "tcps_active": 0,
        "open_fds": -1,
        "gflops": "NaN",
        "mem_bw": "NaN",
    }
    return schema("NodeV3", "Iced", fields)


route("GET", "/99/Sample", quick=True)(cloud)


@route("HEAD", "/3/Cloud", quick=True)
def cloud_head(hub: Hub, skip_ticks: bool = False) -> dict[str, Any]:
    """Whether the server is there."""
    return cloud(hub, skip_ticks)


@route("GET", "/3/Ping", quick=True)
def ping(hub: Hub) -> dict[str, Any]:
    """A sign of life."""
    place = f"{hub.settings.host}:{hub.settings.port}"
    one = schema("NodeMemoryInfoV3", "Iced", {"ip_port": place, "free_mem": memory()[0]})
    fields = {"cloud_uptime_millis": uptime(hub), "cloud_healthy": True, "nodes": [one]}
    return schema("PingV3", "Iced", fields, request=True)


@route("GET", "/3/About", quick=True)
def about(hub: Hub) -> dict[str, Any]:
    """What this program is."""
    from heavywater import __version__

    facts = [
        ("Build project version", hub.settings.h2o_version),
        ("Program", "heavywater"),
        ("Program version", __version__),
        ("Licence", "Apache-2.0"),
    ]
    entries = [schema("AboutEntryV3", "Iced", {"name": n, "value": v}) for n, v in facts]
    return schema("AboutV3", "Iced", {"entries": entries}, request=True)


@route("GET", "/3/Capabilities", quick=True)
def capabilities(hub: Hub) -> dict[str, Any]:
    """Names of optional parts."""
    listed = [schema("CapabilityEntryV3", "Iced", {"name": n}) for n in ("Algos", "AutoEncoder", "Rapids")]
    return schema("CapabilitiesV3", "Iced", {"capabilities": listed}, request=True)


route("GET", "/3/Capabilities/Core", quick=True)(capabilities)
route("GET", "/3/Capabilities/API", quick=True)(capabilities)


# -- sessions -----------------------------------------------------------------------------------------------------------


@route("POST", "/4/sessions", quick=True)
def new_session(hub: Hub) -> dict[str, Any]:
    """Open a Rapids session."""
    return {"__schema": "/4/schemas/SessionIdV4", "session_key": hub.open_session()}


@route("DELETE", "/4/sessions/{session_key}")
def end_session(hub: Hub, session_key: str) -> dict[str, Any]:
    """End a Rapids session; its temporary frames are gone."""
    hub.close_session(session_key)
    return _init_id(session_key)


@route("GET", "/3/InitID", quick=True)
def init_id(hub: Hub) -> dict[str, Any]:
    """Open a Rapids session, as the R client does."""
    return _init_id(hub.open_session())


@route("DELETE", "/3/InitID")
def end_init_id(hub: Hub, session_key: str | None = None) -> dict[str, Any]:
    """End a Rapids session, as the R client does."""
    if session_key:
        hub.close_session(session_key)
    return _init_id(session_key)


def _init_id(session_key: str | None) -> dict[str, Any]:
    fields = {"session_key": session_key, "session_properties_allowed": True}
    return schema("InitIDV3", "Iced", fields, request=True)


@route("POST", "/3/SessionProperties", quick=True)
def set_property(hub: Hub, key: str, session_key: str | None = None, value: str | None = None) -> dict[str, Any]:
    """Set a property of a session."""
    properties = hub.session(session_key).properties
    if len(key) > 200 or len(value or "") > 1000 or len(properties) > 100:
        raise Refused("a session has at most 100 properties, with short names and values")
    properties[key] = value or ""
    return _property(session_key, key, value)


@route("GET", "/3/SessionProperties", quick=True)
def get_property(hub: Hub, key: str, session_key: str | None = None) -> dict[str, Any]:
    """Read a property of a session."""
    return _property(session_key, key, hub.session(session_key).properties.get(key))


def _property(session_key: str | None, key: str, value: str | None) -> dict[str, Any]:
    fields = {"session_key": session_key, "key": key, "value": value}
    return schema("SessionPropertyV3", "Iced", fields, request=True)


# -- pages ----------------------------------------------------------------------------------------------------------------


@route("GET", "/", quick=True)
def home(hub: Hub) -> Raw:
    """The start page."""
    return Raw(b"", "text/html", 301, {"location": "/flow/index.html"})


@route("GET", "/flow/index.html", quick=True)
def start_page(hub: Hub) -> Raw:
    """A page that says what is here."""
    text = (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>heavywater</title>"
        "<h1>heavywater</h1><p>This server speaks the REST API of H2O. Connect with an H2O client, for example in Python:"
        f"</p><pre>h2o.connect(url='http://localhost:{int(hub.settings.port)}', auth=('{hub.settings.username}', token), "
        "strict_version_check=False)</pre><p><a href='/docs'>Its addresses</a></p></html>"
    )
    return Raw(text, "text/html; charset=utf-8")


route("GET", "/flow", quick=True)(home)
