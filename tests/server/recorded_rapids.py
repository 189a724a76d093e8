"""Rapids expressions that the original answered, sent over HTTP: each step is an exchange, and so is a look at its frame."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from tests.rapids.test_golden import frames, uploaded
from tests.server.replay import Result


def replay_rapids(client: Any, shared: Path) -> list[Result]:
    """Replay all cases against a fresh server."""
    for key, frame in frames().items():
        client.hub.engine.put(key, frame)
    recorded = json.loads((shared / "spec" / "traces" / "rapids_munging.json").read_text())
    session = client.post("/4/sessions")["session_key"]
    out: list[Result] = []
    for case in recorded["cases"]:
        session = _replay(client, case, session, out)
    return out


def _replay(client: Any, case: dict[str, Any], session: str, out: list[Result]) -> str:
    name = f"rapids/{case['case']}"
    last = None
    for i, step in enumerate(case["rapids"]):
        if "POST" in step:
            upload = uploaded(case["case"], step["body"])
            continue
        for token in re.findall(r"Key_Frame__upload\w+\.hex", step["ast"]):
            client.hub.engine.put(token, upload)
        if any(n in client.hub.session(session).rapids.temps for n in re.findall(r"\(tmp= (\S+)", step["ast"])):
            client.call("DELETE", f"/4/sessions/{session}")  # the recording goes on in a new session
            session = client.post("/4/sessions")["session_key"]
        answer = client.raw("POST", "/99/Rapids", data={"ast": step["ast"], "session_id": session})
        last = answer.json()
        out.append(Result(f"{name}[{i}] POST /99/Rapids", _step(step, answer.status_code, last)))
    wanted = case["out"]
    if wanted.get("kind") == "frame" and last is not None and last["__meta"]["schema_name"] == "RapidsFrameV3":
        key = last["key"]["name"]
        answer = client.raw("GET", f"/3/Frames/{key}", params={"row_count": 1000})
        out.append(Result(f"{name} GET /3/Frames", _frame(wanted, answer, case["case"] == "unique_na")))
    return session


def _step(step: dict[str, Any], status: int, live: dict[str, Any]) -> list[str]:
    if status != step.get("http_status", 200):
        return [f"status {status}: {live.get('msg', '')[:200]}"]
    kind = live["__meta"]["schema_name"]
    if kind != step["resp"]:
        return [f"{kind}, not {step['resp']}"]
    found = [
        f"{n}: {live[n]}, not {step[n]}" for n in ("num_rows", "num_cols", "string") if n in step and live[n] != step[n]
    ]
    if "scalar" in step and not _close(live["scalar"], step["scalar"]):
        found.append(f"scalar: {live['scalar']}, not {step['scalar']}")
    return found


def _frame(wanted: dict[str, Any], answer: Any, unordered: bool) -> list[str]:
    if answer.status_code != 200:
        return [f"status {answer.status_code}"]
    frame = answer.json()["frames"][0]
    found = [f"rows: {frame['rows']}, not {wanted['rows']}"] if frame["rows"] != wanted["rows"] else []
    for a, b in zip(wanted["columns"], frame["columns"]):
        whole = {a["type"], b["type"]} == {"int", "real"} and all(
            _whole(v) for v in a["data"]
        )  # a type that is a guess
        for name in ("label", "type", "domain"):
            if a[name] != b[name] and not (name == "type" and whole):
                found.append(f"{a['label']}/{name}: {b[name]}, not {a[name]}")
        cells = b["string_data"] if b["data"] is None else b["data"]
        given = a["data"]
        if given and isinstance(given[-1], str) and re.match(r"\.\.\.", given[-1]):
            given = given[:-1]
            cells = cells[: len(given)]
        if unordered:
            cells, given = sorted(cells, key=str), sorted(given, key=str)
        if not _close(cells, given):
            found.append(f"{a['label']}/data: {cells[:6]}, not {given[:6]}")
    return found


def _whole(value: Any) -> bool:
    return value in ("NaN", "Infinity", "-Infinity") or abs(float(value) - round(float(value))) < 1e-12


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, list) or isinstance(b, list):
        x, y = (v if isinstance(v, list) else [v] for v in (a, b))
        return len(x) == len(y) and all(_close(p, q) for p, q in zip(x, y))
    try:
        p, q = float(a), float(b)
    except (TypeError, ValueError):
        return bool(a == b)
    return (math.isnan(p) and math.isnan(q)) or math.isclose(p, q, rel_tol=1e-8, abs_tol=1e-12)
