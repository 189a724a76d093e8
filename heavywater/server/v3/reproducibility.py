"""Where and with what a model was made, as far as it is known: three tables of every model's description."""

from __future__ import annotations

import locale
import os
import platform
from typing import Any

from heavywater.models.model import Model
from heavywater.server.machine import memory
from heavywater.server.v3.table import made

_NODE = (
    "node:int h2o:string healthy:string last_ping:string num_cpus:int sys_load:double mem_value_size:long free_mem:long "
    "pojo_mem:long swap_mem:long free_disc:long max_disc:long pid:int num_keys:int tcps_active:string open_fds:int "
    "rpcs_active:string nthreads:int is_leader:string total_mem:long max_mem:long java_version:string "
    "jvm_launch_parameters:string os_version:string machine_physical_mem:long machine_locale:string"
)
_CLUSTER = (
    "h2o_cluster_uptime:long h2o_cluster_timezone:string h2o_data_parsing_timezone:string h2o_cluster_version:string "
    "h2o_cluster_version_age:string h2o_cluster_name:string h2o_cluster_total_nodes:int h2o_cluster_free_memory:long "
    "h2o_cluster_total_cores:int h2o_cluster_allowed_cores:int h2o_cluster_status:string h2o_internal_security:string "
    "h2o_api_extensions:string"
)


def _columns(text: str) -> list[tuple[str, ...]]:
    listed: list[tuple[str, ...]] = [("", "string", "%s", "")]
    for item in text.split():
        name, kind = item.split(":")
        listed.append((name, kind, {"double": "%.5f", "string": "%s"}.get(kind, "%d"), name))
    return listed


def reproducibility(m: Model) -> list[dict[str, Any]]:
    """Tables of the machine, the cluster of one, and the frames; what Java had to say is about Python here."""
    threads = os.cpu_count() or 1
    free, physical = memory()
    language = (locale.getlocale()[0] or "C").partition("_")[0]
    node = [
        "", 0, "localhost", "true", str(m.output["end_time"]), threads, os.getloadavg()[0], 0, free, 0, 0, 0, 0, os.getpid(), 0,
        "", 0, "", threads, "true", physical, physical, f"Python {platform.python_version()}", "[]",
        f"{platform.system()} {platform.release()} ({platform.machine()})", physical, language,
    ]  # fmt: skip
    cluster = [
        "", 0, "Etc/UTC", "UTC", "heavywater", "0 days", "heavywater", 1, free, threads, threads, "locked, healthy", "false", "",
    ]  # fmt: skip
    columns = [("", "string", "%s", ""), ("input_frame", "string", "%s", "input_frame")]
    columns += [("checksum", "long", "%d", "checksum"), ("espc", "string", "%d", "espc")]
    train = m.metrics("train")
    checksum = getattr(train, "frame_checksum", None) or -1
    rows = m.output.get("nrow") or getattr(train, "nobs", -1)
    frames: list[list[Any]] = [["", "training_frame", checksum, f"[0, {rows}]"], ["", "validation_frame", -1, "-1"]]
    return [
        made("Node Information", _columns(_NODE), [node]),
        made("Cluster Configuration", _columns(_CLUSTER), [cluster]),
        made("Input Frames Information", columns, frames),
    ]
