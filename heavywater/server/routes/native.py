"""Addresses of heavywater's own Python API on a remote engine: exact values where H2O's wire would round or reword."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from heavywater.algos.base import algorithm
from heavywater.engine.jobs import Job
from heavywater.engine.request import TrainRequest
from heavywater.errors import H2OTypeError, HeavywaterError, InvalidParams, did_you_mean
from heavywater.frame import Frame
from heavywater.frame.parse import parse
from heavywater.frame.stored import pack, unpack
from heavywater.params.declare import infos
from heavywater.server.errors import Refused, bad_request, error_name, missing
from heavywater.server.hub import Hub
from heavywater.server.router import Raw, route
from heavywater.server.routes.model_builders import confined
from heavywater.server.v3 import job as v3job
from heavywater.server.wire import strings

_QUESTIONS: dict[str, dict[str, type]] = {"anomaly": {"per_feature": bool}, "deepfeatures": {"layer": int}}
"""What models answer with a frame, and the options of the question."""
_REQUEST = {
    "params": dict, "x": list, "y": (str, type(None)), "training": str, "validation": (str, type(None)),
    "training_key": (str, type(None)), "validation_key": (str, type(None)),
}  # fmt: skip


@route("GET", "/99/Native/frames/{key}")
def facts(hub: Hub, key: str) -> dict[str, Any]:
    """Names, kinds and levels of a frame's columns, and the number of rows."""
    f = hub.frame(key)
    columns = [[n, f.kind(n), f.levels(n)] for n in f.names]
    return {"rows": f.nrow, "columns": columns}


@route("GET", "/99/Native/frames/{key}/data")
def data(hub: Hub, key: str) -> Raw:
    """A frame, exactly."""
    return Raw(pack(hub.frame(key)))


@route("POST", "/99/Native/frames/{key}", upload=True)
async def put(hub: Hub, request: Request, key: str, session_id: str | None = None) -> dict[str, Any]:
    """Take a frame, exactly, under a name; under a temporary one of a session, if that is given."""
    pieces = [piece async for piece in request.stream()]
    frame = await hub.workers.run(lambda: unpack(b"".join(pieces), "the frame", hub.settings.files)[0])
    _keep(hub, key, frame, session_id)
    return {"rows": frame.nrow, "columns": frame.ncol}


def _keep(hub: Hub, key: str, frame: Frame, session_id: str | None) -> None:
    """Store a frame, for good or until its session ends."""
    if session_id is None:
        hub.engine.put(key, frame)
    else:
        hub.session(session_id).rapids.temps[key] = frame


@route("GET", "/99/Native/keys")
def keys(hub: Hub) -> dict[str, Any]:
    """Names and kinds of all objects."""
    return {"keys": {k: "frame" if isinstance(v, Frame) else "model" for k, v in hub.store.items()}}


@route("POST", "/99/Native/import")
def imported(hub: Hub, sources: str, key: str, options: str = "{}", session_id: str | None = None) -> dict[str, Any]:
    """Read files, or uploads by name, as a frame; a job."""
    given = _object(options)
    pattern = given.pop("pattern", None)
    if not isinstance(pattern, str | None):
        raise bad_request("pattern is a text")
    named = strings(sources) or []
    uploads = [n for n in named if n in hub.raw and hub.raw[n].uploaded]
    paths = [hub.raw[n].path for n in uploads] or [p for text in named for p in hub.roots.files(text, pattern)]
    if not paths:
        raise missing(sources, "path")
    unknown = set(given) - _PARSE_OPTIONS
    if unknown:
        name = min(unknown)
        raise H2OTypeError(f"import_file() has no option {name!r}{did_you_mean(name, _PARSE_OPTIONS)}")

    def work(job: Job[Frame]) -> Frame:
        frame = parse(paths, limits=hub.settings.files, **given)
        if not job.stop.is_set():
            _keep(hub, key, frame, session_id)
        for name in uploads:
            hub.remove(name)
        return frame

    return v3job.job(hub.start(work, "Parse", key))


_PARSE_OPTIONS = {
    "header", "sep", "col_names", "col_types", "na_strings", "skipped_columns", "quotechar", "escapechar",
    "custom_non_data_line_markers", "parse_type",
}  # fmt: skip


@route("POST", "/99/Native/train")
def train(hub: Hub, algo: str, request: str) -> dict[str, Any]:
    """Train a model with values as Python has them; a job."""
    given = _object(request, _REQUEST)
    lacking = sorted(set(_REQUEST) - set(given))
    if lacking:
        raise bad_request(f"the request lacks {', '.join(lacking)}")
    module = algorithm(algo)
    known = infos(module.Params)
    params = {k: _value(hub, v) for k, v in given["params"].items()}
    for name in params:
        if name not in known:
            raise H2OTypeError(f"{module.LABEL} has no parameter {name!r}{did_you_mean(name, known)}")
    hub.check_room()
    asked = TrainRequest(
        algo=algo,
        params=confined(hub, params),
        x=[str(n) for n in given["x"]],
        y=given["y"],
        training=hub.frame(given["training"], "training_frame"),
        validation=None if given["validation"] is None else hub.frame(given["validation"], "validation_frame"),
        training_key=given["training_key"],
        validation_key=given["validation_key"],
        quiet=True,
    )
    try:
        job = hub.engine.submit(asked)
    except InvalidParams as e:
        messages = [[m.field, m.severity, m.text] for m in e.messages]  # type: ignore[attr-defined]
        raise Refused(str(e), 412, values={"messages": messages, "model": str(e).splitlines()[0]}) from e
    return v3job.job(hub.follow(job, module.LABEL, job.description, "Model"))


def _object(text: str, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The members of a JSON object; of the types `known` by name, if that is given."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise bad_request("a JSON object is needed")
    if known is None:
        return value
    for name, member in value.items():
        if name not in known or not isinstance(member, known[name]):
            raise bad_request(f"{name[:100]!r} is no member of the request, or not of the right type")
    return value


def _value(hub: Hub, value: Any) -> Any:
    """A value of a parameter; frames and models are written as ``{"frame": key}`` and ``{"model": key}``."""
    if isinstance(value, list):
        return [_value(hub, v) for v in value]
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), str):
        kind, key = next(iter(value.items()))
        if kind in ("frame", "model"):
            return hub.frame(key) if kind == "frame" else hub.model(key)
    return value


@route("GET", "/99/Native/jobs/{key}", quick=True)
def job(hub: Hub, key: str) -> dict[str, Any]:
    """How far a job is, and the kind of error with which it ended."""
    record = hub.jobs.get(key)
    if record is None:
        raise missing(key, "job")
    j = record.job
    e = j.exception
    error = (
        None if e is None else {"kind": error_name(e), "text": str(e) if isinstance(e, HeavywaterError) else repr(e)}
    )
    return {
        "status": j.status, "progress": j.progress, "text": j.text, "warnings": list(j.warnings), "error": error,
        "start_time": j.start_time, "end_time": j.end_time,
    }  # fmt: skip


@route("POST", "/99/Native/performance")
def performance(hub: Hub, model: str, frame: str, frame_key: str | None = None, options: str = "{}") -> dict[str, Any]:
    """Metrics of a model on a frame, exactly."""
    m, rows = hub.model(model, "model"), hub.frame(frame, "frame")
    given = _object(options, {"auc_type": str})
    made = hub.engine.performance(m, rows, frame_key=frame_key, **given)
    return {"metrics": made.to_json()}


@route("POST", "/99/Native/predict")
def predict(
    hub: Hub,
    model: str,
    frame: str,
    key: str,
    question: str | None = None,
    options: str = "{}",
    session_id: str | None = None,
) -> dict[str, Any]:
    """Predictions for the rows of a frame, or what else a model answers with a frame, under a name."""
    m, rows = hub.model(model, "model"), hub.frame(frame, "frame")
    if question is None:
        answer = hub.engine.predict(m, rows)
    elif question in _QUESTIONS:
        answer = hub.engine.ask(m, question, rows, **_object(options, _QUESTIONS[question]))
    else:
        raise bad_request(f"question is one of {', '.join(_QUESTIONS)}; got {question[:100]!r}")
    _keep(hub, key, answer, session_id)
    return {"rows": answer.nrow, "columns": answer.ncol}


@route("GET", "/99/Native/about", quick=True)
def about(hub: Hub) -> dict[str, Any]:
    """What a client needs to know of the engine."""
    from heavywater import __version__

    return {
        "heavywater": __version__, "nthreads": hub.engine.nthreads, "max_mem_bytes": hub.engine.max_mem_bytes,
        "name": hub.settings.cloud_name, "pid": os.getpid(), "objects": len(hub.store),
    }  # fmt: skip
