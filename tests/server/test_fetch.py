"""Addresses that the server fetches for clients: those of the public internet."""

from __future__ import annotations

import http.server
import socket
import threading

import pytest

from heavywater.engine.session import LocalSession
from heavywater.server import fetch as module
from heavywater.server.app import create_app
from heavywater.server.config import Settings
from heavywater.server.errors import Refused
from heavywater.server.fetch import fetch, is_public
from tests.server.conftest import TOKEN, Client, Http
from tests.server.watched import Canary

pytestmark = pytest.mark.network


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("127.9.9.9", False), ("::1", False),
        ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False),
        ("0.0.0.0", False), ("100.64.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False), ("fe80::1%eth0", False),
        ("fd00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True), ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False), ("64:ff9b::808:808", True), ("::", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_public(address, public):
    assert is_public(address) is public


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind == "to":
            self.send_response(302)
            self.send_header("Location", rest)
            self.end_headers()
            return
        body = b"x,y\n1,2\n" * (int(rest or 1))
        self.send_response(404 if kind == "absent" else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def site(monkeypatch):
    """A site on loopback that passes for public; every other address keeps its meaning."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(module, "is_public", lambda a: a == "127.0.0.1" or is_public(a))
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def get(url, tmp_path, **options):
    target = tmp_path / "target"
    fetch(url, target, **({"max_bytes": 1000, "seconds": 20} | options))
    return target.read_bytes()


def test_what_is_public_is_fetched(site, tmp_path):
    assert get(f"{site}/data", tmp_path) == b"x,y\n1,2\n"
    assert get(f"{site}/to/{site}/to//data", tmp_path) == b"x,y\n1,2\n"


def test_too_much_and_absent(site, tmp_path):
    with pytest.raises(Refused, match="more than 1000 bytes"):
        get(f"{site}/data/1000", tmp_path)
    with pytest.raises(Refused, match="answered 404"):
        get(f"{site}/absent", tmp_path)
    with pytest.raises(Refused, match="more than 5 redirects"):
        get(f"{site}/to/" + "/to/" * 9 + site, tmp_path)
    with pytest.raises(Refused, match="did not come in time"):
        get(f"{site}/data", tmp_path, seconds=-1)


def test_redirects_do_not_lead_inside(site, tmp_path):
    canary = Canary("127.0.0.2")
    for inside in (f"http://127.0.0.2:{canary.port}/x", f"//127.0.0.2:{canary.port}/x", "file:///etc/passwd"):
        with pytest.raises(Refused, match="no address of the public internet|only http"):
            get(f"{site}/to/{inside}", tmp_path)
    canary.close()
    assert canary.calls == 0


def test_names_that_mean_something_else_the_second_time(site, tmp_path, monkeypatch):
    canary = Canary("127.0.0.2")
    asked = []

    def resolve(host, port, **options):
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(module.socket, "getaddrinfo", lambda host, port, *a, **o: real(host, port, *a, **o)
                        if host.startswith("127.") else resolve(host, port))  # fmt: skip
    port = site.rpartition(":")[2]
    assert get(f"http://rebound.example:{port}/data", tmp_path) == b"x,y\n1,2\n"
    assert asked == ["rebound.example"]  # looked up once: what was checked is what was called
    with pytest.raises(Refused, match="no address of the public internet"):
        get(f"http://rebound.example:{canary.port}/data", tmp_path)
    canary.close()
    assert canary.calls == 0


real = socket.getaddrinfo


def test_one_private_address_among_public_ones_is_enough(tmp_path, monkeypatch):
    mixed = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *a, **o: mixed)
    with pytest.raises(Refused, match="no address of the public internet"):
        get("http://mixed.example/x", tmp_path)


@pytest.mark.parametrize("url", ["http:///x", "http://u:p@8.8.8.8/", "http://8.8.8.8:x/", "ftp://8.8.8.8/", "http://8.8.8.8/a b",
                                 "http://8.8.8.8/\r\nX: y"])  # fmt: skip
def test_what_is_no_address(url, tmp_path):
    with pytest.raises(Refused):
        get(url, tmp_path)


def test_import_of_an_address(site, root):
    app = create_app(LocalSession(1), Settings(token=TOKEN, roots=[root], allow_url=True))
    with Http(app) as http:
        client = Client(http, app.hub, root)
        url = f"{site}/data"
        assert client.post("/3/ImportFilesMulti", paths=f'["{url}"]')["destination_frames"] == [url]
        done = client.wait(
            client.post("/3/Parse", destination_frame="d", source_frames=f'["{url}"]', delete_on_done=1)["job"]
        )
        assert done["status"] == "DONE"
        assert client.get("/3/Frames/d/light")["frames"][0]["rows"] == 1
        client.post("/3/ImportFilesMulti", 412, paths=f'["{site}/absent"]')
        assert list(app.hub.scratch.iterdir()) == []
    app.hub.close()
