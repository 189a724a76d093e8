"""A server in this process, and one in a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs heavywater[server]")
httpx = pytest.importorskip("httpx", reason="needs httpx to call the server")

from heavywater.engine.session import LocalSession  # noqa: E402
from heavywater.server.app import create_app  # noqa: E402
from heavywater.server.config import Settings  # noqa: E402

TOKEN = "a-token-for-tests-0123"
CSV = "id,age,group,sex,y\n" + "".join(
    f"{i},{20 + i % 37},{'abc'[i % 3]},{'mf'[i % 2]},{'yes' if (i * 7) % 11 > 5 else 'no'}\n" for i in range(60)
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "people.csv").write_text(CSV)
    (tmp_path / "secret.csv").write_text("secret\n1\n2\n")
    return folder


@pytest.fixture
def client(root: Path) -> Iterator[Client]:
    settings = Settings(token=TOKEN, roots=[root], port=54321)
    app = create_app(LocalSession(1), settings)
    with Http(app) as http:
        yield Client(http, app.hub, root)  # type: ignore[attr-defined]
    app.hub.close()  # type: ignore[attr-defined]


class Http:
    """Requests to an application in this process, one at a time."""

    def __init__(self, app: Any) -> None:
        self.loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(app=app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:54321")

    def request(self, method: str, path: str, **more: Any) -> Any:
        return self.loop.run_until_complete(self.client.request(method, path, **more))

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *error: object) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


class Client:
    """A client that sends the token and waits for jobs."""

    def __init__(self, http: Http, hub: Any, root: Path) -> None:
        self.http, self.hub, self.root = http, hub, root
        self.headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "H2O Python client/3.11"}

    def raw(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Any:
        return self.http.request(method, path, headers=self.headers | (headers or {}), **more)

    def call(self, method: str, path: str, status: int = 200, /, **form: Any) -> Any:
        place = "data" if method == "POST" else "params"
        answer = self.raw(method, path, **{place: {k: str(v) for k, v in form.items()}})
        assert answer.status_code == status, answer.text[:2000]
        return answer.json()

    def get(self, path: str, status: int = 200, /, **query: Any) -> Any:
        return self.call("GET", path, status, **query)

    def post(self, path: str, status: int = 200, /, **form: Any) -> Any:
        return self.call("POST", path, status, **form)

    def wait(self, job: dict[str, Any]) -> dict[str, Any]:
        key = job["key"]["name"]
        self.hub.jobs[key].job.wait(60)
        return self.get(f"/3/Jobs/{key}")["jobs"][0]

    def rapids(self, text: str, status: int = 200) -> Any:
        return self.post("/99/Rapids", status, ast=text, session_id="_sid_test")

    def load(self, name: str = "people.csv", key: str = "people.hex", **options: Any) -> str:
        raw = self.post("/3/ImportFilesMulti", paths=f"[{self.root / name}]")["destination_frames"]
        source = f'["{raw[0]}"]'
        setup = self.post("/3/ParseSetup", source_frames=source)
        types = "[" + ",".join(f'"{t}"' for t in setup["column_types"]) + "]"
        given = {
            "column_types": types,
            "separator": setup["separator"],
            "check_header": setup["check_header"],
        } | options
        job = self.post("/3/Parse", destination_frame=key, source_frames=source, delete_on_done=True, **given)["job"]
        done = self.wait(job)
        assert done["status"] == "DONE", done
        return key

    def train(self, **params: Any) -> dict[str, Any]:
        given = {"training_frame": "people.hex", "hidden": "[4]", "epochs": 2, "seed": 1, "reproducible": True} | params
        done = self.wait(self.post("/3/ModelBuilders/deeplearning", **given)["job"])
        assert done["status"] == "DONE", done
        return self.get(f"/3/Models/{done['dest']['name']}")["models"][0]


@pytest.fixture
def people(client: Client) -> Client:
    client.load()
    return client


CLIENT = "h2o-client==3.46.0.12"
PLACE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def h2o_python() -> str:
    """A Python that has the official client: the one of HEAVYWATER_H2O_PYTHON, or one made here from the package index."""
    given = os.environ.get("HEAVYWATER_H2O_PYTHON")
    if given:
        return given
    folder = PLACE / ".cache" / "h2o-client"
    python = folder / "bin" / "python"
    if not _has_client(python):
        steps = [
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", CLIENT],
        ]
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode:
                break
    if _has_client(python):
        return str(python)
    other = PLACE / ".venv-h2o" / "bin" / "python"
    if _has_client(other):
        return str(other)
    pytest.skip(
        f"{CLIENT} could not be installed, and HEAVYWATER_H2O_PYTHON names no Python that has it: {done.stderr[-300:]}"
    )


def _has_client(python: Path) -> bool:
    return (
        python.is_file()
        and not subprocess.run([python, "-c", "import h2o"], capture_output=True, check=False).returncode
    )


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., tuple[str, Path]]]:
    """Start ``heavywater serve`` in a process; gives its address and its root folder."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> tuple[str, Path]:
        folder = tmp_path_factory.mktemp("served")
        (folder / "people.csv").write_text(CSV)
        command = [
            sys.executable,
            "-m",
            "heavywater.server.serve",
            "--port",
            "0",
            "--root",
            str(folder),
            "--nthreads",
            "1",
        ]
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        timer = threading.Timer(60, process.kill)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        found = re.search(r"http://[^/]+", line)
        assert found, line
        return found[0], folder

    yield start
    for process in started:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
