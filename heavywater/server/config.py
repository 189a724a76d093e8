"""How the server is set up: who may talk to it, what it may touch, how much it may take."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heavywater.errors import H2OValueError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


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
    h2o_version : str
        Version of H2O that clients are told; the official client compares it with its own.
    cloud_name : str
        Name of the cluster that clients are told.
    max_body, max_form : int
        Largest upload and largest form or JSON body, in bytes.
    max_jobs : int
        Jobs that may run at one time.
    max_depth : int
        Deepest nesting of a Rapids expression.
    request_seconds : float
        Time that one request may take before its client is told to come back.

    Raises
    ------
    H2OValueError
        A setting that would be unsafe or cannot be used.
    """

    host: str = "127.0.0.1"
    port: int = 54321
    token: str | None = field(default_factory=lambda: secrets.token_urlsafe(24))
    username: str = "h2o"
    roots: Sequence[str | os.PathLike[str]] = (".",)
    allowed_hosts: Sequence[str] = ()
    h2o_version: str = "3.46.0.12"
    cloud_name: str = "heavywater"
    max_body: int = 4 << 30
    max_form: int = 32 << 20
    max_jobs: int = 64
    max_depth: int = 200
    request_seconds: float = 300.0

    def __post_init__(self) -> None:
        if self.token is None and not is_loopback(self.host):
            raise H2OValueError(
                f"without a token the server listens on loopback only, not on {self.host!r}; leave --no-auth out"
            )
        if self.token is not None and len(self.token) < 16:
            raise H2OValueError("a token has at least 16 characters")
        missing = [str(r) for r in self.roots if not Path(r).is_dir()]
        if missing:
            raise H2OValueError(f"there is no folder {missing[0]!r} to import from and export to")

    @property
    def hosts(self) -> frozenset[str]:
        """Names by which clients may call this server, in lower case."""
        bound = set() if self.host in ("0.0.0.0", "::", "") else {self.host}
        return frozenset(h.lower() for h in {*LOOPBACK_NAMES, *bound, *self.allowed_hosts})


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine's loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
