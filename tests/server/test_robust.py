"""What happens around the requests: encryption, the audit log, clients that vanish, the end of the process."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("uvicorn", reason="needs heavywater[server]")
httpx = pytest.importorskip("httpx", reason="needs httpx to call the server")

from tests.server.conftest import CSV  # noqa: E402
from tests.server.watched import Canary, Served, Watched  # noqa: E402

pytestmark = pytest.mark.network
TOKEN = "a-token-for-tests-0123"


@pytest.fixture
def served(tmp_path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*options: str) -> Served:
        made = Served(tmp_path, *options)
        (made.root / "people.csv").write_text(CSV)
        started.append(made)
        return made

    yield start
    for s in started:
        s.end()


@pytest.fixture
def client(served) -> Iterator[tuple[Served, Watched]]:
    s, canary = served("--token", TOKEN), Canary()
    made = Watched(s.url, s.root, canary, TOKEN)
    yield s, made
    made.http.close()
    canary.close()


def until(true: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


# -- https ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_https(served, certificate):
    cert, key = certificate
    s = served("--token", TOKEN, "--certfile", str(cert), "--keyfile", str(key))
    assert s.url.startswith("https://")
    trusting = ssl.create_default_context(cafile=str(cert))
    with httpx.Client(verify=trusting, headers={"Authorization": f"Bearer {TOKEN}"}) as c:
        assert c.get(f"{s.url}/3/Ping").json()["cloud_healthy"]
        entered = c.get(f"{s.url}/?token={TOKEN}")
        assert "Secure" in entered.headers["set-cookie"]
    with httpx.Client() as c, pytest.raises(httpx.ConnectError, match="(?i)certificate"):
        c.get(f"{s.url}/3/Ping")
    with httpx.Client() as c, pytest.raises(httpx.HTTPError):
        c.get(s.url.replace("https", "http") + "/3/Ping")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--certfile", "x.pem"], "--certfile and --keyfile go together"),
        (["--no-auth", "--host", "0.0.0.0"], "loopback only"),
        (["--root", "/nowhere"], "there is no folder '/nowhere'"),
        (["--token", "short"], "at least 16 characters"),
        (["--max-rows", "0"], "max_rows must be greater than 0"),
    ],
)
def test_unsafe_starts_are_refused(tmp_path, options, said):
    with pytest.raises(RuntimeError, match=said):
        Served(tmp_path, *options)


# -- audit ------------------------------------------------------------------------------------------------------------------


def test_audit_log(served, tmp_path):
    log = tmp_path / "audit.log"
    s = served("--token", TOKEN, "--audit-log", str(log))
    with httpx.Client(base_url=s.url, headers={"Authorization": f"Bearer {TOKEN}"}) as c:
        c.get("/3/Ping")
        c.get("/3/Ping", headers={"Authorization": "Bearer wrong"})
        c.get("/3/Ping", headers={"Host": "evil.example"})
        c.get("/3/Frames/a%0Aforged%20line")
        c.get(f"/?token={TOKEN}")
    lines = log.read_text().splitlines()
    assert len(lines) == 5
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["200", "401", "403", "404", "303"]
    assert all("127.0.0.1 GET /" in line for line in lines)
    assert TOKEN not in log.read_text()


# -- clients that vanish ------------------------------------------------------------------------------------------------------


def raw(url: str) -> socket.socket:
    place = urlsplit(url)
    return socket.create_connection((place.hostname, place.port), 30)


@pytest.mark.parametrize("form", ["plain", "multipart", "chunked"])
def test_client_vanishes_in_mid_upload(client, form):
    s, c = client
    c.upload(b"a\n1\n", "whole")
    kept = s.scratch()
    head = (
        f"POST /3/PostFile?destination_frame=half HTTP/1.1\r\nHost: {urlsplit(s.url).netloc}\r\n"
        f"Authorization: Bearer {TOKEN}\r\n"
    )
    with raw(s.url) as sock:
        if form == "plain":
            sock.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode() + b"x" * 300_000)
        elif form == "chunked":
            sock.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
        else:
            part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * 300_000
            kind = "Content-Type: multipart/form-data; boundary=b\r\n"
            sock.sendall(f"{head}{kind}Content-Length: 1000000\r\n\r\n".encode() + part)
        assert until(lambda: len(s.scratch()) == len(kept) + 1)
    assert until(lambda: s.scratch() == kept)
    assert [f["frame_id"]["name"] for f in c.get("/3/Frames")["frames"]] == ["whole"]


def test_client_vanishes_in_mid_request(client):
    s, c = client
    rows = b"a,b,c\n" + b"1,two,2001-01-01\n" * 1_500_000
    c.upload(rows, "big")
    body = "destination_frame=out&source_frames=%5B%22big%22%5D&blocking=true"
    with raw(s.url) as sock:
        sock.sendall(
            f"POST /3/Parse HTTP/1.1\r\nHost: {urlsplit(s.url).netloc}\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        assert until(lambda: bool(c.get("/3/Jobs")["jobs"]))
    assert until(lambda: c.get("/3/Jobs")["jobs"][0]["status"] not in ("CREATED", "RUNNING"))
    assert c.get("/3/Jobs")["jobs"][0]["status"] == "CANCELLED"
    assert [f["frame_id"]["name"] for f in c.get("/3/Frames")["frames"]] == ["big"]


def test_client_vanishes_in_mid_job(client):
    """A job goes on without its client, as in H2O, so that one may come back; whoever comes may cancel it."""
    s, c = client
    c.people()
    form = "training_frame=people&response_column=y&epochs=1e9&model_id=long"
    with raw(s.url) as sock:
        sock.sendall(
            f"POST /3/ModelBuilders/deeplearning HTTP/1.1\r\nHost: {urlsplit(s.url).netloc}\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(form)}\r\n\r\n{form}".encode()
        )
        assert until(lambda: any(j["description"] == "DeepLearning" for j in c.get("/3/Jobs")["jobs"]))
    job = next(j for j in c.get("/3/Jobs")["jobs"] if j["description"] == "DeepLearning")
    c.post(f"/3/Jobs/{job['key']['name']}/cancel")
    assert c.wait(job)["status"] == "CANCELLED"
    c.ask("DELETE", "/3/DKV")
    assert c.get("/3/Models")["models"] == c.get("/3/Frames")["frames"] == []
    assert s.scratch() == []


NO_HTTP = [
    b"\x16\x03\x01" + bytes(range(256)) * 9,
    b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"GET /3/Ping HTTP/1.1\r\n" + b"X: " + b"y" * 200_000,
    b"\r\n" * 5000,
    b"POST /3/Parse HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"GET /3/Ping HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("data", NO_HTTP)
def test_what_is_no_http(client, data):
    s, c = client
    with raw(s.url) as sock:
        sock.settimeout(30)
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            answer = sock.recv(1 << 16)
        except OSError:
            answer = b""
    assert b" 200 " not in answer.split(b"\r\n")[0]
    assert c.get("/3/Ping")["cloud_healthy"]


# -- the end ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["request", "SIGTERM", "SIGINT"])
def test_end(client, way, tmp_path):
    s, c = client
    c.people()
    c.upload(b"a\n1\n", "raw")
    c.post("/3/ModelBuilders/deeplearning", training_frame="people", response_column="y", epochs=1e9)
    assert len(s.scratch()) == 1
    if way == "request":
        c.post("/3/Shutdown")
    else:
        s.process.send_signal(getattr(signal, way))
    _, errors = s.process.communicate(timeout=60)
    assert s.process.returncode in (0, -getattr(signal, way, 0))
    assert "Traceback" not in errors
    assert list(s.temporary.iterdir()) == []
    with pytest.raises(OSError):
        raw(s.url)


def test_shutdown_needs_the_token(client):
    s, c = client
    connection = http.client.HTTPConnection(urlsplit(s.url).netloc)
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"}):
        connection.request("POST", "/3/Shutdown", headers=headers)
        answer = connection.getresponse()
        assert answer.status in (401, 403)
        assert json.loads(answer.read())["__meta"]["schema_name"] == "H2OErrorV3"
        connection.close()
    assert c.get("/3/Ping")["cloud_healthy"]


def test_state_survives_a_killed_server(tmp_path):
    options = ("--token", TOKEN, "--state", str(tmp_path / "state"))
    s, canary = Served(tmp_path, *options), Canary()
    (s.root / "people.csv").write_text(CSV)
    c = Watched(s.url, s.root, canary, TOKEN)
    c.model()
    before = c.get("/3/Models/m")["models"][0]["output"]["training_metrics"]
    assert until(lambda: len(list((tmp_path / "state").glob("[!.]*.[fm]*"))) == 2)
    s.process.kill()
    s.process.communicate()
    c.http.close()
    s = Served(tmp_path, *options)
    c = Watched(s.url, s.root, canary, TOKEN)
    assert c.get("/3/Models/m")["models"][0]["output"]["training_metrics"] == before
    assert c.get("/3/Frames/people/light")["frames"][0]["rows"] == 60
    c.http.close()
    canary.close()
    assert "Traceback" not in s.end()[1]
