"""Starting, looking at and ending a session: `init`, `connect`, `cluster`, `shutdown`."""

from __future__ import annotations

import re
from typing import Any

from heavywater.display.table import Table
from heavywater.engine import session
from heavywater.engine.session import LocalSession
from heavywater.errors import H2OTypeError, H2OValueError, NotSupported, did_you_mean

_LOCAL = {None, "localhost", "127.0.0.1", "::1"}


def init(
    url: str | None = None,
    ip: str | None = None,
    port: int | None = None,
    nthreads: int = -1,
    max_mem_size: str | int | None = None,
    **ignored: Any,
) -> None:
    """Prepare the engine in this process; nothing is started and no port is opened.

    Parameters
    ----------
    url, ip, port
        Where H2O would run.  Addresses of this machine mean the engine in this process.
    nthreads : int
        Threads for training and scoring; -1 for all processors.
    max_mem_size : str or int, optional
        Upper bound for the matrices of one training run: bytes, or text such as ``"4G"`` or ``"800m"``.
    **ignored
        H2O's options for starting a Java process; they have no meaning here.

    Raises
    ------
    NotSupported
        For the address of another machine.
    """
    if url is not None or (ip is not None and ip not in _LOCAL):
        raise NotSupported(
            f"init(url={url!r}, ip={ip!r}): engines on other machines are not available in this version; "
            "call init() to work in this process"
        )
    unknown = sorted(set(ignored) - _JVM_OPTIONS)
    if unknown:
        known = _JVM_OPTIONS | {"nthreads", "max_mem_size"}
        raise H2OTypeError(f"init() has no option {unknown[0]!r}{did_you_mean(unknown[0], known)}")
    previous = session.current()
    fresh = LocalSession(nthreads, None if max_mem_size is None else memory_size(max_mem_size))
    fresh.store, fresh.show_progress = previous.store, previous.show_progress
    session.use(fresh)
    cluster().show_status()


def connect(
    server: Any = None, url: str | None = None, ip: str | None = None, port: int | None = None, **ignored: Any
) -> None:
    """Attach to an engine that runs elsewhere; not possible in this version, whose engine is this process.

    Raises
    ------
    NotSupported
        Always, unless the address is this machine's; then this is `init`.
    """
    if server is None and url is None and ip in _LOCAL:
        init(ip=ip, port=port)
        return
    where = url or server or f"{ip}:{port or 54321}"
    raise NotSupported(
        f"connect({where!r}): engines on other machines are not available in this version; "
        "call init() to work in this process"
    )


_JVM_OPTIONS = {
    "name", "https", "cacert", "insecure", "username", "password", "cookies", "proxy", "start_h2o", "ice_root",
    "log_dir", "log_level", "max_log_file_size", "enable_assertions", "min_mem_size", "strict_version_check",
    "ignore_config", "extra_classpath", "jvm_custom_args", "bind_to_localhost", "verbose", "auth", "svc_name",
    "kerberos", "force_connect",
}  # fmt: skip


def memory_size(value: str | int) -> int:
    """Bytes of ``"4G"``, ``"800m"``, ``"1.5g"`` or a number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 1024 else value << 30  # as in H2O, a small bare number means gigabytes
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)b?\s*", str(value).lower())
    if not match:
        raise H2OValueError(f"max_mem_size must look like '4G', '800m' or a number of bytes; got {value!r}")
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2] or " "))


class Cluster:
    """What H2O calls the cluster: here, this process."""

    @property
    def nthreads(self) -> int:
        return session.current().nthreads

    @property
    def version(self) -> str:
        from heavywater import __version__

        return __version__

    def status(self) -> Table:
        s = session.current()
        limit = "none" if s.max_mem_bytes is None else f"{s.max_mem_bytes / 1024**3:.2f} GiB"
        rows = [
            ["heavywater version", self.version],
            ["engine", "in this process"],
            ["threads", str(s.nthreads)],
            ["memory limit", limit],
            ["objects", str(len(s.keys()))],
        ]
        return Table("heavywater", ["", " "], ["string", "string"], rows)

    def show_status(self, detailed: bool = False) -> None:
        self.status().show()

    def shutdown(self, prompt: bool = False) -> None:
        shutdown(prompt)

    def is_running(self) -> bool:
        return True


def cluster() -> Cluster:
    """Information about the engine."""
    return Cluster()


def cluster_status() -> None:
    """Print information about the engine."""
    cluster().show_status()


def shutdown(prompt: bool = False) -> None:
    """Forget every frame and model of this session."""
    session.use(None)


def no_progress() -> None:
    """Show no progress bars."""
    session.current().show_progress = False


def show_progress() -> None:
    """Show progress bars (the default)."""
    session.current().show_progress = True
