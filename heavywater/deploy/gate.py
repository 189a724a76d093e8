"""Who may ask: the name in Host, pages of other sites, the token, the size of a body."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from heavywater.errors import H2OValueError

COOKIE = "heavywater-token"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Gate:
    """What every request must show.

    Parameters
    ----------
    host : str
        Address that the service listens on.
    token : str or None
        Secret; None, on loopback only, asks for none.
    allowed_hosts : tuple of str
        Further names of the service.
    max_body : int
        Bytes of the largest body.

    Raises
    ------
    H2OValueError
        Without a token the service would be open to others.
    """

    host: str
    token: str | None
    allowed_hosts: tuple[str, ...] = ()
    max_body: int = 64 << 20

    def __post_init__(self) -> None:
        if self.token is None and not _is_loopback(self.host):
            raise H2OValueError(f"without a token the service listens on loopback only, not on {self.host!r}")
        if self.token is not None and len(self.token) < 16:
            raise H2OValueError("a token has at least 16 characters")

    def refusal(self, path: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> tuple[int, str] | None:
        """Status and reason when a request is refused."""
        host = headers.get("host", "")
        bound = set() if self.host in ("0.0.0.0", "::", "") else {self.host}
        if _name(host) not in {h.lower() for h in {*_LOCAL, *bound, *self.allowed_hosts}}:
            return 403, f"this service is not called {host[:100]!r}; start it with --allow-host to accept that name"
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
        if foreign or headers.get("sec-fetch-site", "none") in ("cross-site", "same-site"):
            return 403, "requests from pages of other sites are refused"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.max_body:
            return 413, f"the body has more than {self.max_body:,} bytes, the limit"
        if self.token is not None and path != "/health" and not self._authorized(headers, cookies):
            return 401, "the token is missing or wrong; send 'Authorization: Bearer <token>'"
        return None

    def matches(self, given: str) -> bool:
        """Whether `given` is the token."""
        return bool(given) and hmac.compare_digest(given.encode(), (self.token or "").encode())

    def _authorized(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self.matches(value.strip())
        if kind.lower() == "basic":
            try:
                return self.matches(base64.b64decode(value, validate=True).decode().partition(":")[2])
            except (binascii.Error, UnicodeDecodeError):
                return False
        return self.matches(cookies.get(COOKIE, ""))


def _name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
