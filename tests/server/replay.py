"""Replay of recorded exchanges with the original server: request by request, answer by answer.

Names that a server makes up (sessions, jobs, models, frames) are learnt from each answer and put into the requests that
follow; folders of the recording stand for folders of this run.  `compare` says where an answer differs.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from tests.server import replay_rules as rules

Exchange = dict[str, Any]

_GENERATED = re.compile(
    r"\$03[0-9a-f]{10,}\$_[0-9a-f]{20,}|_sid_[0-9a-f]{4}|upload_[0-9a-f]{25,32}"
    r"|(?:transformation|deep_features|reconstruction_error|predictions)_[0-9a-f]{4}(?=_)"
    r"|_[0-9a-f]{28,32}|[A-Za-z]{3,20}_model_(?:python|R|rest)_\d+_\d+"
)


def scenarios(path: Path) -> Iterator[tuple[str, list[Exchange]]]:
    """Name and exchanges of each scenario in a file; what the client made of an answer is left out."""
    for name, listed in json.loads(path.read_text())["scenarios"].items():
        yield name, [e for e in listed if "request" in e]


@dataclass
class Result:
    """What came of one exchange.

    Attributes
    ----------
    name : str
        File, scenario, position and address.
    problems : list of str
        Each a path in the answer and what differs there; empty when the answers agree.
    """

    name: str
    problems: list[str]


@dataclass
class Replay:
    """A recording in progress.

    Parameters
    ----------
    client : Client
        Sends requests to the server.
    folder : Path
        Stands for ``/`` of the recorded machine.
    """

    client: Any
    folder: Path
    agent: str = "H2O Python client/3.11"
    names: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    fetched: bytes = b""

    def run(self, name: str, exchanges: list[Exchange]) -> list[Result]:
        """Replay the exchanges of a scenario, in order."""
        return [Result(f"{name}[{i}] {self._title(e)}", self.one(e)) for i, e in enumerate(exchanges)]

    @staticmethod
    def _title(e: Exchange) -> str:
        path = e["request"]["path"].partition("?")[0]
        return f"{e['request']['method']} {re.sub(_GENERATED, '*', path)}"

    def one(self, e: Exchange) -> list[str]:
        """Replay one exchange and compare the answers."""
        request, wanted = e["request"], e["response"]
        self._wait(request["path"], wanted)
        answer = self.send(request)
        if wanted["status"] != answer.status_code:
            return [f"status {answer.status_code}, not {wanted['status']}: {answer.text[:300]}"]
        body = wanted.get("body")
        if not isinstance(body, (dict, list)) or "binary_len" in body:
            return self._text(request["path"], wanted, answer)
        if "json" not in answer.headers["content-type"]:
            return [f"content type {answer.headers['content-type']}"]
        live = answer.json()
        if "total_bytes" in live and isinstance(request.get("body"), dict):
            live["total_bytes"] = body["total_bytes"]  # of bytes that are not recorded
        self.learn(body, live)
        self.seen.setdefault(request["path"].partition("?")[0], body)
        return compare(self.localised(body), live, request["path"].partition("?")[0])

    def _text(self, path: str, wanted: dict[str, Any], answer: Any) -> list[str]:
        body = wanted.get("body")
        if isinstance(body, str) and body.startswith("same shape as earlier "):
            earlier = self.seen[
                body.removeprefix("same shape as earlier ").removesuffix(" in this file").partition("?")[0]
            ]
            return compare(self.localised(earlier), answer.json(), path.partition("?")[0], shape=True)
        if "Location" in wanted and answer.headers.get("location") != wanted["Location"]:
            return [f"location {answer.headers.get('location')}"]
        if path.startswith("/3/Models.fetch.bin/"):
            self.fetched = answer.content
        said = wanted.get("Content-Disposition")
        if said and disposition(self.localised(said)) != disposition(answer.headers.get("content-disposition", "")):
            return [f"Content-Disposition {answer.headers.get('content-disposition')}, not {said}"]
        kind = wanted.get("content_type", "").partition(";")[0]
        if (
            kind
            and answer.status_code == 200
            and body != ""
            and kind != answer.headers["content-type"].partition(";")[0]
        ):
            return [f"content type {answer.headers['content-type']}, not {kind}"]
        if isinstance(body, str) and rules.TEXT_COUNTS.search(path):
            return rules.compare_text(self.localised(body), answer.text)
        return []

    # -- requests -------------------------------------------------------------------------------------------------------

    def send(self, request: dict[str, Any]) -> Any:
        """Send a recorded request with the names and folders of this run."""
        path = self.localised(request["path"])
        place = urlsplit(path)
        given: dict[str, Any] = {"params": parse_qsl(place.query, keep_blank_values=True)} if place.query else {}
        headers = {"User-Agent": self.agent}
        body = request.get("body")
        if isinstance(body, dict) and "binary_len" in body:
            given["content"] = self.fetched or (self.folder / "data" / "trace" / "test_mojo.zip").read_bytes()
        elif isinstance(body, dict):
            given["data"] = {k: self.localised(v) for k, v in body.items()}
        elif isinstance(body, str) and body:
            given["content"] = self._content(request, body)
            headers["Content-Type"] = request.get("content_type") or "application/octet-stream"
        return self.client.raw(request["method"], quote(place.path, safe="/$:.%~"), headers=headers, **given)

    def _content(self, request: dict[str, Any], body: str) -> bytes:
        """The body; one that was cut in the recording is the file it came from."""
        for start, file in rules.CUT_BODIES.items():
            head, found, _ = body.partition(start)
            if found:
                tail = f"\r\n{head.splitlines()[0]}--\r\n" if head else ""
                return head.encode() + (self.folder / file).read_bytes() + tail.encode()
        return body.encode()

    def localised(self, value: Any) -> Any:
        """A recorded text or answer with the names and folders of this run."""
        if isinstance(value, dict):
            return {k: self.localised(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.localised(v) for v in value]
        if not isinstance(value, str):
            return value
        text = _GENERATED.sub(lambda m: self.names.get(m[0], m[0]), value)
        return re.sub(r"(nfs:/|^|[\[\"' ,:=])/data/(?=[a-z])", rf"\1{self.folder}/data/", text)

    def learn(self, wanted: Any, live: Any) -> None:
        """Pair the names that the two servers made up."""
        if isinstance(wanted, dict) and isinstance(live, dict):
            for k in wanted.keys() & live.keys():
                self.learn(wanted[k], live[k])
        elif isinstance(wanted, list) and isinstance(live, list):
            for a, b in zip(wanted, live):
                self.learn(a, b)
        elif isinstance(wanted, str) and isinstance(live, str) and wanted != live and len(wanted) < 300:
            a, b = _GENERATED.findall(wanted), _GENERATED.findall(live)
            if len(a) == len(b):
                for old, new in zip(a, b):
                    self.names.setdefault(old, new)

    def _wait(self, path: str, wanted: dict[str, Any]) -> None:
        """Let a job end before its end is asked for."""
        found = re.match(r"/3/Jobs/(\$[^/?]+)(/cancel)?$", path)
        body = wanted.get("body")
        if found and found[2]:
            self._let_begin(self.names.get(found[1], found[1]))
            return
        if found and isinstance(body, dict) and body["jobs"][0]["status"] in ("DONE", "FAILED", "CANCELLED"):
            record = self.client.hub.jobs.get(self.names.get(found[1], found[1]))
            if record is not None:
                record.job.wait(120)

    def _let_begin(self, key: str) -> None:
        """Wait until a job has something to show."""
        record = self.client.hub.jobs[key]
        end = time.monotonic() + 60
        while not record.job.text and time.monotonic() < end and not record.job.wait(0.01):
            continue


def disposition(text: str) -> str:
    """A Content-Disposition without what differs between servers."""
    return re.sub(r"[0-9]{8}_[0-9]{6}", "TIME", re.sub(r"[^A-Za-z0-9_.=; ]", "_", text))


# -- comparison -----------------------------------------------------------------------------------------------------------


def compare(wanted: Any, live: Any, where: str = "", *, shape: bool = False) -> list[str]:
    """Differences between a recorded and a live answer: names and types of fields, and values that are determined.

    Parameters
    ----------
    wanted, live : JSON values
    where : str
        The address that was asked.
    shape : bool
        Compare names and types only.
    """
    found: list[str] = []
    _compare(wanted, live, f"{where}#", found, shape)
    return found[:12]


def kind(value: Any) -> str:
    """The type of a JSON value; numbers that are not finite are text on the wire."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)) or value in ("NaN", "Infinity", "-Infinity"):
        return "number"
    return {str: "string", list: "list", dict: "object"}[type(value)]


def _compare(wanted: Any, live: Any, path: str, found: list[str], shape: bool) -> None:
    if rules.IGNORED.search(path):
        return
    a, b = kind(wanted), kind(live)
    if a != b:
        if not ("null" in (a, b) and (shape or rules.NULLABLE.search(path))):
            found.append(f"{path}: {b} {_short(live)}, not {a} {_short(wanted)}")
    elif a == "object":
        _compare_objects(wanted, live, path, found, shape)
    elif a == "list":
        _compare_lists(wanted, live, path, found, shape)
    elif not shape and not rules.same(path, wanted, live):
        found.append(f"{path}: {_short(live)}, not {_short(wanted)}")


def _compare_objects(wanted: dict[str, Any], live: dict[str, Any], path: str, found: list[str], shape: bool) -> None:
    if rules.FREE_KEYS.search(path):
        return
    lacking = [k for k in wanted if k not in live]
    extra = [] if rules.CUT_KEYS.search(path) else [k for k in live if k not in wanted]
    if lacking:
        found.append(f"{path}: lacks {', '.join(lacking)}")
    if extra:
        found.append(f"{path}: has {', '.join(extra)}")
    if wanted.get("name") == "seed" and wanted.get("input_value") == -1:
        path += "(drawn)"
    for k in wanted:
        if k in live:
            _compare(wanted[k], live[k], f"{path}/{k}", found, shape)


def _compare_lists(wanted: list[Any], live: list[Any], path: str, found: list[str], shape: bool) -> None:
    cut = re.match(r"\.\.\. ?(\d+)", wanted[-1]) if wanted and isinstance(wanted[-1], str) else None
    length = int(cut[1]) if cut else len(wanted)
    if cut:
        wanted = wanted[:-1]
    free = shape or rules.FREE_LENGTH.search(path)
    if length != len(live) and not free:
        found.append(f"{path}: {len(live)} items {_short(live)}, not {length} {_short(wanted)}")
        return
    shape = shape or bool(free and length != len(live))
    if rules.UNORDERED.search(path):
        lost = [x for x in wanted if not any(_alike(x, y, f"{path}/-", shape) for y in live)]
        found.extend(f"{path}: lacks {_short(x)}" for x in lost)
        return
    for x, y in zip(wanted, live):
        _compare(x, y, f"{path}/-", found, shape)


def _alike(wanted: Any, live: Any, path: str, shape: bool) -> bool:
    found: list[str] = []
    _compare(wanted, live, path, found, shape)
    return not found


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 90 else text[:87] + "..."
