"""Fetching an address for a client: of the public internet only, whatever names and redirects say."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from heavywater.server.errors import Refused

_MAX_REDIRECTS = 5
_TIMEOUT_S = 30.0
_BLOCK = 1 << 18
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_url(text: str) -> bool:
    """Whether `text` is an address that `fetch` knows how to fetch."""
    return text.lower().startswith(("http://", "https://"))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet: not loopback, private, link-local, multicast, reserved."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    for inner in (getattr(ip, "ipv4_mapped", None), getattr(ip, "sixtofour", None)):
        if inner is not None:
            return is_public(str(inner))
    if ip in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast


def fetch(url: str, target: Path, *, max_bytes: int, seconds: float) -> None:
    """Write the content of `url` to the file `target`.

    The name is resolved once, all its addresses are checked, and the connection goes to one of those addresses, so that
    a name which changes its meaning in between gains nothing.  Redirects are checked in the same way.

    Raises
    ------
    Refused
        The address is not public, does not answer, or gives too much.
    """
    end = time.monotonic() + seconds
    place = url
    for _ in range(_MAX_REDIRECTS + 1):
        moved = _one(place, target, max_bytes, end)
        if moved is None:
            return
        place = urljoin(place, moved)
    raise Refused(f"{url[:200]}: more than {_MAX_REDIRECTS} redirects")


def _one(url: str, target: Path, max_bytes: int, end: float) -> str | None:
    """Fetch without following; where to go next, or None when the content has been written."""
    connection, path = _connect(url)
    try:
        connection.request("GET", path, headers={"User-Agent": "heavywater", "Accept-Encoding": "identity"})
        with connection.getresponse() as reply:
            if reply.status in (301, 302, 303, 307, 308) and reply.headers.get("location"):
                return str(reply.headers["location"])
            if reply.status != 200:
                raise Refused(f"{url[:200]}: the server answered {reply.status}")
            total = 0
            with target.open("wb") as out:
                while piece := reply.read(_BLOCK):
                    total += len(piece)
                    if total > max_bytes:
                        raise Refused(f"{url[:200]} holds more than {max_bytes} bytes, the limit", 413)
                    if time.monotonic() > end:
                        raise Refused(f"{url[:200]} did not come in time", 503)
                    out.write(piece)
            return None
    except (OSError, http.client.HTTPException) as e:
        raise Refused(f"{url[:200]}: cannot be fetched ({type(e).__name__})") from None
    finally:
        connection.close()


def _connect(url: str) -> tuple[http.client.HTTPConnection, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused(f"{url[:200]} is not an address") from None
    if parts.scheme.lower() not in ("http", "https") or not host or parts.username is not None:
        raise Refused(f"{url[:200]}: only http:// and https:// addresses without user names are fetched")
    secure = parts.scheme.lower() == "https"
    port = port or (443 if secure else 80)
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        found = []
    if not found or not all(is_public(a) for a in found):
        raise Refused(f"{url[:200]}: this is no address of the public internet, and no other is fetched")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(ord(c) < 33 or ord(c) > 126 for c in path):
        raise Refused(f"{url[:200]} holds characters that an address must write as %XX")
    return _Pinned(host, port, found[0], secure), path


class _Pinned(http.client.HTTPConnection):
    """A connection to one IP address that speaks to the host by its name."""

    def __init__(self, host: str, port: int, address: str, secure: bool) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_S)
        self.address, self.secure = address, secure
        self.default_port = 443 if secure else 80

    def connect(self) -> None:
        sock = socket.create_connection((self.address, self.port), _TIMEOUT_S)
        self.sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self.host) if self.secure else sock
