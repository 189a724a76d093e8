"""Many clients at once against ``heavywater serve``: mixed work, every answer checked, memory and latency measured.

    python benchmarks/server_load.py [--clients 64] [--seconds 60]

Each client repeats: upload a table of its own, parse it, compute with it by Rapids, train a small model, predict, compare
the predictions with those of the first round, download, and remove what it made.  One more client asks for ``/3/Ping`` all
the time.  Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

TOKEN = "a-token-for-load-0123456"


class Client:
    """One client with a table of its own."""

    def __init__(self, url: str, number: int) -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=300)
        self.number, self.rounds = number, 0
        self.rows = 200 + number
        self.table = "x,g,y\n" + "".join(
            f"{(i * (number + 3)) % 101},{'abc'[i % 3]},{'yes' if (i * 7 + number) % 5 > 2 else 'no'}\n"
            for i in range(self.rows)
        )
        self.mean = statistics.fmean((i * (number + 3)) % 101 for i in range(self.rows))
        self.predictions: str | None = None

    def call(self, method: str, path: str, **form: Any) -> Any:
        place = "data" if method == "POST" else "params"
        answer = self.http.request(method, path, **{place: form})
        if answer.status_code != 200:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def done(self, job: dict[str, Any]) -> str:
        while True:
            seen = self.call("GET", f"/3/Jobs/{job['key']['name']}")["jobs"][0]
            if seen["status"] not in ("CREATED", "RUNNING"):
                assert seen["status"] == "DONE", seen["exception"]
                return str(seen["dest"]["name"])
            time.sleep(0.02)

    def round(self) -> None:
        """One round of work; raises AssertionError for a wrong answer."""
        n = self.number
        raw = self.http.post("/3/PostFile", params={"destination_frame": f"raw{n}"}, content=self.table.encode())
        assert raw.json()["total_bytes"] == len(self.table)
        source = f'["raw{n}"]'
        setup = self.call("POST", "/3/ParseSetup", source_frames=source)
        assert setup["column_names"] == ["x", "g", "y"]
        parse = {"destination_frame": f"f{n}", "source_frames": source, "check_header": 1, "delete_on_done": "true"}
        self.done(self.call("POST", "/3/Parse", **parse)["job"])
        text = f"(flatten (mean (cols_py f{n} 'x') True 0))"
        value = self.call("POST", "/99/Rapids", ast=text, session_id=f"_s{n}")["scalar"]
        assert abs(value - self.mean) < 1e-9, (value, self.mean)
        kept = self.call(
            "POST", "/99/Rapids", ast=f"(tmp= t{n} (rows f{n} (> (cols_py f{n} 'x') 50)))", session_id=f"_s{n}"
        )
        assert kept["num_rows"] == sum((i * (n + 3)) % 101 > 50 for i in range(self.rows))
        model = self.done(
            self.call(
                "POST", "/3/ModelBuilders/deeplearning", training_frame=f"f{n}", response_column="y", hidden="[4]",
                epochs="2", seed="7", reproducible="true", model_id=f"m{n}",
            )["job"]
        )  # fmt: skip
        self.done(self.call("POST", f"/4/Predictions/models/{model}/frames/f{n}", predictions_frame=f"p{n}"))
        text = self.http.get("/3/DownloadDataset", params={"frame_id": f"p{n}"}).text
        assert text.count("\n") == self.rows + 1
        self.predictions = self.predictions or text
        assert text == self.predictions, "the same model predicts otherwise"
        refused = self.http.get(f"/3/Frames/nothing{n}")
        assert refused.status_code == 404
        for key in (f"t{n}", f"p{n}", f"f{n}", model):
            self.call("DELETE", f"/3/DKV/{key}")
        self.rounds += 1


def crowd(clients: list[Client], seconds: float) -> list[str]:
    """Let all clients work for `seconds` (each finishes its round); what went wrong."""
    wrong: list[str] = []
    end = time.monotonic() + seconds

    def work(c: Client) -> None:
        try:
            while True:
                c.round()
                if time.monotonic() >= end:
                    return
        except Exception as e:
            wrong.append(f"client {c.number}: {type(e).__name__}: {e}")

    threads = [threading.Thread(target=work, args=(c,)) for c in clients]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return wrong


def _ping(url: str, end: Any, out: Any) -> None:
    times = []
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as http:
        while not end.wait(0.005):
            start = time.perf_counter()
            assert http.get("/3/Ping").status_code == 200
            times.append(time.perf_counter() - start)
    out.put(times)


class Pinger:
    """A process that asks for a sign of life all the time and notes how long each took."""

    def __init__(self, url: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.times: list[float] = []
        self._end, self._out = context.Event(), context.Queue()
        self._process = context.Process(target=_ping, args=(url, self._end, self._out))

    def __enter__(self) -> Pinger:
        self._process.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self.times = self._out.get(timeout=120)
        self._process.join()
        self._process.close()
        self._out.close()

    def quantile(self, q: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.times)
        return 1000 * ordered[min(int(q * len(ordered)), len(ordered) - 1)]


def resident(pid: int) -> float:
    """Resident memory in MiB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def measure(url: str, pid: int, clients: int, seconds: float, warm_seconds: float) -> dict[str, Any]:
    """A warm-up round, the crowd, and what is left after everything was removed."""
    crew = [Client(url, i) for i in range(clients)]
    wrong = crowd(crew, warm_seconds)
    crew[0].call("DELETE", "/3/DKV")
    crew[0].call("POST", "/3/GarbageCollect")
    before = resident(pid)
    with Pinger(url) as ping:
        wrong += crowd(crew, seconds)
    busy = resident(pid)
    crew[0].call("DELETE", "/3/DKV")
    crew[0].call("POST", "/3/GarbageCollect")
    time.sleep(0.5)
    left = [f["frame_id"]["name"] for f in crew[0].call("GET", "/3/Frames")["frames"]]
    left += [m["model_id"]["name"] for m in crew[0].call("GET", "/3/Models")["models"]]
    after = resident(pid)
    for c in crew:
        c.http.close()
    return {
        "clients": clients, "seconds": seconds, "rounds": sum(c.rounds for c in crew), "wrong": wrong, "left": left,
        "memory_mib": {"before": round(before, 1), "busy": round(busy, 1), "after": round(after, 1)},
        "growth": round(after / before - 1, 4), "pings": len(ping.times),
        "ping_ms": {"p50": round(ping.quantile(0.5), 1), "p99": round(ping.quantile(0.99), 1)},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm-seconds", type=float, default=10)
    o = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        command = [sys.executable, "-m", "heavywater.server.serve", "--port", "0", "--token", TOKEN, "--root", root]
        server = subprocess.Popen(
            [*command, "--nthreads", "1", "--max-jobs", "1000"], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        try:
            found = re.search(r"http://[^/]+", server.stdout.readline())
            assert found is not None
            print(json.dumps(measure(found[0], server.pid, o.clients, o.seconds, o.warm_seconds)))
        finally:
            server.terminate()
            server.wait(60)


if __name__ == "__main__":
    main()
