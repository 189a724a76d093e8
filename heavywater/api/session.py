"""Starting, looking at and ending a session: `init`, `connect`, `cluster`, `shutdown`."""

from __future__ import annotations

import os
import socket
from typing import Any

from heavywater.display.table import Table
from heavywater.engine import session
from heavywater.engine.session import LocalSession
from heavywater.engine.sizes import bytes_of
from heavywater.errors import H2OTypeError, did_you_mean
from heavywater.remote import RemoteSession
from heavywater.remote.connection import Connection

_LOCAL = {None, "localhost", "127.0.0.1", "::1"}
_PORT = 54321


def init(
    url: str | None = None,
    ip: str | None = None,
    port: int | None = None,
    nthreads: int = -1,
    max_mem_size: str | int | None = None,
    **options: Any,
) -> None:
    """Prepare an engine: the one in this process, or a server's.

    Parameters
    ----------
    url, ip, port
        A server to work with, as in `connect`.  As in H2O, an address of this machine means a server if one answers at
        an explicit `port`, and otherwise the engine in this process, which opens no port.
    nthreads : int
        Threads for training and scoring; -1 for all processors.
    max_mem_size : str or int, optional
        Upper bound for the matrices of one training run: bytes, or text such as ``"4G"`` or ``"800m"``.
    **options
        Those of `connect`; H2O's options for starting a Java process have no meaning here.

    Raises
    ------
    H2OConnectionError
        The server does not answer, or lets nobody in.
    """
    unknown = sorted(set(options) - _JVM_OPTIONS - _CREDENTIALS)
    if unknown:
        known = _JVM_OPTIONS | _CREDENTIALS | {"nthreads", "max_mem_size"}
        raise H2OTypeError(f"init() has no option {unknown[0]!r}{did_you_mean(unknown[0], known)}")
    given = {k: v for k, v in options.items() if k in _CREDENTIALS}
    if url is not None or ip not in _LOCAL or (port is not None and _listens(ip or "127.0.0.1", port)):
        connect(url=url, ip=ip, port=port, **given)
        return
    previous = session.current()
    fresh = LocalSession(nthreads, None if max_mem_size is None else memory_size(max_mem_size))
    if not isinstance(previous, RemoteSession):
        fresh.store = previous.store
    fresh.show_progress = previous.show_progress
    session.use(fresh)
    cluster().show_status()


def _listens(ip: str, port: int) -> bool:
    try:
        socket.create_connection((ip, port), 1.0).close()
    except OSError:
        return False
    return True


def connect(
    server: Any = None,
    url: str | None = None,
    ip: str | None = None,
    port: int | None = None,
    https: bool | None = None,
    verify_ssl_certificates: bool | None = None,
    cacert: str | os.PathLike[str] | None = None,
    auth: tuple[str, str] | None = None,
    token: str | None = None,
    username: str | None = None,
    password: str | None = None,
    insecure: bool = False,
    verbose: bool = True,
    **ignored: Any,
) -> None:
    """Work with an engine behind ``heavywater serve``; everything else stays as it is.

    Parameters
    ----------
    server : str, optional
        The same as `url`.
    url : str, optional
        Address; the one that the server prints holds the token already.
    ip, port, https
        Parts of the address, in place of `url`.
    token : str, optional
        The server's secret.
    auth : (str, str), optional
        User name and password; also as `username` and `password`.
    cacert : path, optional
        Certificate (PEM) by which an https server is known.
    insecure : bool
        Accept any certificate; the same as ``verify_ssl_certificates=False``.
    verbose : bool
        Print what the engine is.

    Raises
    ------
    H2OConnectionError
        The server does not answer, lets nobody in, or is not heavywater's.

    Notes
    -----
    Without any address this is `init`.  Frames stay with the server; models come to this process as data.
    """
    unknown = sorted(set(ignored) - _JVM_OPTIONS)
    if unknown:
        raise H2OTypeError(
            f"connect() has no option {unknown[0]!r}{did_you_mean(unknown[0], _JVM_OPTIONS | _CREDENTIALS)}"
        )
    place = url or server
    if place is None and ip in _LOCAL and port is None:
        init()
        return
    if place is None:
        host = ip or "127.0.0.1"
        host = f"[{host}]" if ":" in host else host
        place = f"{'https' if https else 'http'}://{host}:{port or _PORT}"
    if not isinstance(place, str):
        raise H2OTypeError(f"a server is named by its address, such as 'http://127.0.0.1:54321'; got {place!r}")
    if username is not None or password is not None:
        auth = (username or "", password or "")
    open_to_all = insecure or verify_ssl_certificates is False
    fresh = RemoteSession(Connection(place, token, auth, cacert, open_to_all))
    fresh.show_progress = session.current().show_progress
    session.use(fresh)
    if verbose:
        cluster().show_status()


_CREDENTIALS = {
    "auth", "token", "username", "password", "https", "insecure", "cacert", "verify_ssl_certificates", "verbose",
}  # fmt: skip
_JVM_OPTIONS = {
    "name", "cookies", "proxy", "start_h2o", "ice_root",
    "log_dir", "log_level", "max_log_file_size", "enable_assertions", "min_mem_size", "strict_version_check",
    "ignore_config", "extra_classpath", "jvm_custom_args", "bind_to_localhost", "svc_name",
    "kerberos", "force_connect",
}  # fmt: skip


def memory_size(value: str | int) -> int:
    """Bytes of ``"4G"``, ``"800m"``, ``"1.5g"`` or a number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 1024 else value << 30  # as in H2O, a small bare number means gigabytes
    return bytes_of(str(value), "max_mem_size")


class Cluster:
    """What H2O calls the cluster: here, this process or a server's."""

    @property
    def nthreads(self) -> int:
        return session.current().nthreads

    @property
    def version(self) -> str:
        from heavywater import __version__

        s = session.current()
        return s.version if isinstance(s, RemoteSession) else __version__

    def status(self) -> Table:
        s = session.current()
        limit = "none" if s.max_mem_bytes is None else f"{s.max_mem_bytes / 1024**3:.2f} GiB"
        place = f"{s.name} at {s.connection.url}" if isinstance(s, RemoteSession) else "in this process"
        rows = [
            ["heavywater version", self.version],
            ["engine", place],
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
    """Forget every frame and model of this session; a server that this process works with is stopped."""
    s = session.current()
    session.use(None)
    if isinstance(s, RemoteSession):
        s.connection.post("/3/Shutdown")


def no_progress() -> None:
    """Show no progress bars."""
    session.current().show_progress = False


def show_progress() -> None:
    """Show progress bars (the default)."""
    session.current().show_progress = True
