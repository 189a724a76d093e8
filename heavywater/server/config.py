"""How the server is set up: who may talk to it, what it may touch, how much it may take."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heavywater.engine.sizes import bytes_of
from heavywater.errors import H2OValueError
from heavywater.frame.parse import Limits
from heavywater.rapids.bounds import Bounds

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def _limit(default: float, what: str, read: Callable[[str], Any] = int) -> Any:
    """A number that bounds what clients may take; an option of ``heavywater serve`` by the same name."""
    return field(default=default, metadata={"help": what, "read": read})


@dataclass(frozen=True)
class Settings:
    """Everything that is decided when the server starts.

    Parameters
    ----------
    host, port : str, int
        Address to listen on.
    token : str or None
        Secret that every request must carry; None switches the check off, which is allowed on loopback only.
    username : str
        User name that goes with the token as password in basic authentication.
    roots : sequence of path
        Folders under which files may be imported and exported.
    allowed_hosts : sequence of str
        Further names by which clients may call this server.
    allow_url : bool
        Whether clients may have the server fetch ``http(s)://`` addresses of the public internet.
    state : path, optional
        Folder in which frames and models are kept across restarts.
    h2o_version : str
        Version of H2O that clients are told; the official client compares it with its own.
    cloud_name : str
        Name of the cluster that clients are told.
    max_body, max_form, max_unpacked, max_ratio, max_rows, max_columns, max_depth, max_jobs,
    idle_seconds, request_seconds
        Limits; each is described where it is declared.

    Raises
    ------
    H2OValueError
        Settings that would be unsafe or cannot be used; all problems at once.
    """

    host: str = "127.0.0.1"
    port: int = 54321
    token: str | None = field(default_factory=lambda: secrets.token_urlsafe(24))
    username: str = "h2o"
    roots: Sequence[str | os.PathLike[str]] = (".",)
    allowed_hosts: Sequence[str] = ()
    allow_url: bool = False
    state: str | os.PathLike[str] | None = None
    h2o_version: str = "3.46.0.12"
    cloud_name: str = "heavywater"
    max_body: int = _limit(4 << 30, "largest upload, such as 4G", bytes_of)
    max_form: int = _limit(32 << 20, "largest form or JSON body", bytes_of)
    max_unpacked: int = _limit(16 << 30, "largest size to which a compressed file may unpack", bytes_of)
    max_ratio: float = _limit(250.0, "largest ratio of unpacked to packed size, beyond 1 GiB", float)
    max_rows: int = _limit(1_000_000_000, "rows of the largest frame")
    max_columns: int = _limit(100_000, "columns of the largest frame")
    max_depth: int = _limit(200, "deepest nesting of a Rapids expression")
    max_jobs: int = _limit(64, "jobs that may run at one time")
    idle_seconds: float = _limit(
        86400.0, "seconds after which uploads and temporary frames of a silent client are forgotten", float
    )
    request_seconds: float = _limit(300.0, "seconds that one request may take", float)

    def __post_init__(self) -> None:
        wrong = []
        if self.token is None and not is_loopback(self.host):
            wrong.append(
                f"without a token the server listens on loopback only, not on {self.host!r}; leave --no-auth out"
            )
        if self.token is not None and len(self.token) < 16:
            wrong.append("a token has at least 16 characters")
        wrong += [
            f"there is no folder {str(r)!r} to import from and export to" for r in self.roots if not Path(r).is_dir()
        ]
        wrong += [
            f"{f.name} must be greater than 0; got {getattr(self, f.name)}"
            for f in limits_of(type(self))
            if not getattr(self, f.name) > 0
        ]
        if wrong:
            raise H2OValueError("; ".join(wrong))

    @property
    def hosts(self) -> frozenset[str]:
        """Names by which clients may call this server, in lower case."""
        bound = set() if self.host in ("0.0.0.0", "::", "") else {self.host}
        return frozenset(h.lower() for h in {*LOOPBACK_NAMES, *bound, *self.allowed_hosts})

    @property
    def files(self) -> Limits:
        """How large the tables in files may be."""
        free = min(Limits.free_bytes, self.max_unpacked)
        return Limits(self.max_unpacked, self.max_ratio, free, self.max_rows, self.max_columns)

    @property
    def expressions(self) -> Bounds:
        """How much a Rapids expression may ask for."""
        return Bounds(self.max_rows, self.max_columns, linear_patterns=True)


def limits_of(kind: type[Settings]) -> list[dataclasses.Field[Any]]:
    """Declarations of the settings that are limits."""
    return [f for f in dataclasses.fields(kind) if "read" in f.metadata]


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine's loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
