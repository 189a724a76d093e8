"""A server in a process of its own, with somebody watching what an attack leaves behind."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx


class Canary:
    """A listener on loopback that nobody has a reason to call; it counts the connections."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.calls = 0
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


class Watched:
    """A client of a server, which also looks at the server's process and files."""

    def __init__(self, url: str, root: Path, canary: Canary, token: str) -> None:
        self.url, self.root, self.canary = url, root, canary
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self.pid = self.get("/3/Cloud")["nodes"][0]["pid"]

    def ask(self, method: str, path: str, /, **form: Any) -> httpx.Response:
        place = "data" if method == "POST" else "params"
        return self.http.request(method, path, **{place: {k: str(v) for k, v in form.items()}})

    def get(self, path: str, /, **query: Any) -> Any:
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text[:1000]
        return answer.json()

    def post(self, path: str, /, **form: Any) -> Any:
        answer = self.ask("POST", path, **form)
        assert answer.status_code == 200, answer.text[:1000]
        return answer.json()

    def refused(self, method: str, path: str, /, **form: Any) -> str:
        """The message of H2O's error object, with which the request must be answered."""
        answer = self.ask(method, path, **form)
        assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.text[:500]}"
        error = answer.json()
        assert error["__meta"]["schema_name"] in ("H2OErrorV3", "H2OModelBuilderErrorV3")
        assert error["http_status"] == answer.status_code
        return str(error["msg"])

    def fails(self, path: str, /, **form: Any) -> str:
        """The message with which a request, or the job that it starts, must fail."""
        answer = self.ask("POST", path, **form)
        if answer.status_code != 200:
            return self.refused("POST", path, **form)
        done = self.wait(answer.json()["job"])
        assert done["status"] == "FAILED", done
        return str(done["exception"])

    def upload(self, data: bytes, key: str) -> str:
        answer = self.http.post("/3/PostFile", params={"destination_frame": key}, content=data)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["destination_frame"])

    def wait(self, job: dict[str, Any]) -> dict[str, Any]:
        while True:
            seen = self.get(f"/3/Jobs/{job['key']['name']}")["jobs"][0]
            if seen["status"] not in ("CREATED", "RUNNING"):
                return seen
            time.sleep(0.05)

    def parse(self, source: str, key: str, **options: Any) -> dict[str, Any]:
        job = self.post("/3/Parse", destination_frame=key, source_frames=f'["{source}"]', **options)["job"]
        return self.wait(job)

    def people(self) -> str:
        """The frame ``people``."""
        source = self.post("/3/ImportFilesMulti", paths=f"[{self.root / 'people.csv'}]")["destination_frames"][0]
        done = self.parse(source, "people", check_header=1)
        assert done["status"] == "DONE", done
        return "people"

    def model(self) -> str:
        """A model ``m`` of that frame."""
        answer = self.post(
            "/3/ModelBuilders/deeplearning", training_frame=self.people(), response_column="y", model_id="m",
            hidden="[3]", epochs=1,
        )  # fmt: skip
        done = self.wait(answer["job"])
        assert done["status"] == "DONE", done
        return "m"

    # -- what is left behind ------------------------------------------------------------------------------------------

    def files(self) -> dict[str, int]:
        """Files of the server's folder and of those around it, and their sizes."""
        return {str(p): p.stat().st_size for p in self.root.parent.rglob("*") if p.is_file()}

    def children(self) -> list[str]:
        """Processes that the server has started."""
        tasks = Path(f"/proc/{self.pid}/task")
        return [c for t in tasks.iterdir() for c in (t / "children").read_text().split()] if tasks.is_dir() else []

    @contextmanager
    def nothing_left(self) -> Iterator[None]:
        """Within the block no file may change, nobody may be called, no process may start."""
        files, objects = self.files(), self._objects()
        yield
        time.sleep(0.1)
        assert self.canary.calls == 0
        assert self.children() == []
        assert self.files() == files
        assert self._objects() == objects
        assert os.path.exists(f"/proc/{self.pid}") or not os.path.isdir("/proc")

    def _objects(self) -> list[str]:
        frames = [f["frame_id"]["name"] for f in self.get("/3/Frames")["frames"]]
        return sorted([*frames, *(m["model_id"]["name"] for m in self.get("/3/Models")["models"])])


class Served:
    """``heavywater serve`` in a process of its own, to be looked at and ended."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.root = folder / "root"
        self.root.mkdir(parents=True, exist_ok=True)
        (folder / "tmp").mkdir(exist_ok=True)
        self.temporary = folder / "tmp"
        command = [sys.executable, "-m", "heavywater.server.serve", "--port", "0", "--root", str(self.root), *options]
        self.process = subprocess.Popen(
            [*command, "--nthreads", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"TMPDIR": str(self.temporary)},
        )  # fmt: skip
        assert self.process.stdout is not None
        timer = threading.Timer(120, self.process.kill)
        timer.start()
        self.greeting = self.process.stdout.readline()
        timer.cancel()
        found = re.search(r"https?://[^/]+", self.greeting)
        if found is None:
            raise RuntimeError(self.end()[1])
        self.url = found[0]

    def memory(self) -> int:
        """Resident memory of the process in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) * 1024

    def scratch(self) -> list[Path]:
        """Files that the server keeps for itself."""
        return [p for p in self.temporary.rglob("*") if p.is_file()]

    def end(self) -> tuple[int, str]:
        """End the process kindly; its exit status and what it complained about."""
        self.process.terminate()
        try:
            _, errors = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, errors = self.process.communicate()
        return self.process.returncode, errors
