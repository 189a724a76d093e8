"""`RemoteSession`: what `LocalSession` does in this process, done by a server."""

from __future__ import annotations

import contextlib
import json
import math
import os
import warnings
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heavywater.algos.base import algorithm
from heavywater.engine.jobs import Job, follow
from heavywater.engine.request import TrainRequest
from heavywater.engine.session import LocalSession, validators
from heavywater.errors import H2OConnectionError, H2OTypeError, H2OValueError, HeavywaterError
from heavywater.frame import Frame
from heavywater.frame.stored import pack
from heavywater.metrics import ModelMetrics
from heavywater.models.container import from_bytes, read
from heavywater.models.model import Model
from heavywater.rapids.node import Node
from heavywater.remote.connection import Connection, quoted
from heavywater.remote.expressions import Written, is_away
from heavywater.remote.frame import RemoteFrame
from heavywater.remote.job import RemoteJob
from heavywater.remote.store import RemoteStore

_A_FRAME = object()
_ANSWERED_THERE = ("anomaly", "deepfeatures")


class RemoteSession(LocalSession):
    """An engine behind a server.  Frames stay there; models come here as data and answer here, except about frames.

    Parameters
    ----------
    connection : Connection

    Raises
    ------
    H2OConnectionError
        Nobody answers, the credentials are wrong, or it is not heavywater that answers.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        try:
            about = connection.get("/99/Native/about")
        except H2OConnectionError:
            raise
        except HeavywaterError as e:
            raise H2OConnectionError(
                f"{connection.url} is no heavywater server of this version ({e}); h2o.init() works in this process"
            ) from None
        super().__init__(1, about["max_mem_bytes"])
        self.nthreads = int(about["nthreads"])
        self.name, self.version = str(about["name"]), str(about["heavywater"])
        self.store = RemoteStore(self)
        self.rapids_session = str(connection.post("/4/sessions")["session_key"])
        self._end = weakref.finalize(self, _end, connection, self.rapids_session)

    def close(self) -> None:
        """Forget the temporary frames on the server and hang up."""
        self._end()

    # -- frames -------------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Tell the server which temporary frames nobody holds any more."""
        waiting = self.connection.forgotten
        while waiting:
            self.rapids(f"(rm {waiting.popleft()})")

    def adopt(self, frame: Frame, key: str | None = None) -> Frame:
        return self.upload(frame, key)

    def upload(self, frame: Frame, key: str | None = None) -> RemoteFrame:
        """The frame on the server, under `key` or a temporary name; sent only if it is not there already."""
        self.forget()
        there = isinstance(frame, RemoteFrame) and frame.session is self
        if there and key in (None, frame.key):  # type: ignore[attr-defined]
            return frame  # type: ignore[return-value]
        name = key or self.new_key("py")
        if there and key is not None:
            self.rapids(f"(assign {name} {frame.key})")  # type: ignore[attr-defined]
        else:
            whose = self.rapids_session if key is None else None
            self.connection.send(f"/99/Native/frames/{quoted(name)}", pack(frame), session_id=whose)
        return RemoteFrame(self, name, temporary=key is None)

    def elsewhere(self, node: Node, *, frame: bool) -> tuple[bool, Any]:
        if not is_away(node, self):
            return False, None
        self.forget()
        written = Written(node, self)
        if not frame:
            value = self._value(self.rapids(written.text))
            if value is not _A_FRAME:
                return True, value
        key = self.new_key("py")
        self.rapids(f"(tmp= {key} {written.text})")
        return True, RemoteFrame(self, key, temporary=True)

    def rapids(self, text: str) -> dict[str, Any]:
        """The server's answer to an expression."""
        return dict(self.connection.post("/99/Rapids", ast=text, session_id=self.rapids_session))

    def _value(self, answer: Mapping[str, Any]) -> Any:
        kind = answer["__meta"]["schema_name"]
        if kind == "RapidsFrameV3":
            return _A_FRAME
        if kind == "RapidsNumberV3":
            return _number(answer["scalar"])
        if kind == "RapidsNumbersV3":
            return [_number(v) for v in answer["scalar"]]
        return answer.get("string")

    def run_text(self, text: str) -> tuple[Any, str | None]:
        value = self._value(answer := self.rapids(text))
        if value is not _A_FRAME:
            return value, None
        name = (answer.get("key") or {}).get("name")
        if name is not None:
            return RemoteFrame(self, name), name
        key = self.new_key("py")
        self.rapids(f"(tmp= {key} {text})")
        return RemoteFrame(self, key, temporary=True), None

    # -- files --------------------------------------------------------------------------------------------------------

    def import_file(self, sources: Any, **options: Any) -> Frame:
        listed = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
        return self._imported([os.fspath(s) for s in listed], options)

    def upload_file(self, path: str | os.PathLike[str], **options: Any) -> Frame:
        try:
            data = Path(path).expanduser().read_bytes()
        except OSError as e:
            raise H2OValueError(f"{os.fspath(path)!r} cannot be uploaded: {e.strerror}") from None
        name = self.new_key(Path(path).name)
        self.connection.send("/3/PostFile", data, destination_frame=name)
        return self._imported([name], options)

    def _imported(self, sources: Sequence[str], options: Mapping[str, Any]) -> Frame:
        given = {k: v for k, v in options.items() if v is not None}
        key = self.new_key("py")
        form = {"sources": json.dumps(list(sources)), "key": key, "options": json.dumps(given, default=_plain)}
        form["session_id"] = self.rapids_session
        started = self.connection.post("/99/Native/import", **form)
        job = RemoteJob(self, started["key"]["name"], "Parse", lambda: RemoteFrame(self, key, temporary=True))
        follow(job, lambda fraction, text: None)
        for text in job.warnings:
            warnings.warn(text, stacklevel=4)
        return job.result()

    def export_file(self, frame: Frame, path: str | os.PathLike[str], **options: Any) -> None:
        there = self.upload(frame)
        given = {"force": options.get("force", False), "separator": ord(options.get("sep", ",")),
                 "header": options.get("header", True)}  # fmt: skip
        name = os.fspath(path)
        given["format"] = "parquet" if name.endswith(".parquet") else "csv"
        given["compression"] = "gzip" if name.endswith(".gz") else "none"
        unknown = set(options) - {"force", "sep", "header", "format", "compression", "parts", "quote_header"}
        if unknown:
            raise H2OTypeError(f"export_file() has no option {min(unknown)!r}")
        given |= {k: options[k] for k in ("format", "compression", "quote_header") if options.get(k) is not None}
        if options.get("parts") is not None:
            given["num_parts"] = options["parts"]
        answer = self.connection.post(f"/3/Frames/{quoted(there.key)}/export", path=name, **given)
        job = RemoteJob(self, answer["job"]["key"]["name"], "Export", lambda: there)
        job.result()

    def save_model(
        self, model: Model, path: str | os.PathLike[str], *, force: bool = False, parents: bool = False
    ) -> Path:
        self._there(model)
        answer = self.connection.get(f"/99/Models.bin/{quoted(model.key)}", dir=os.fspath(path), force=force)
        return Path(answer["dir"])

    def load_model(self, path: str | os.PathLike[str]) -> Model:
        answer = self.connection.post("/99/Models.bin/", dir=os.fspath(path))
        return self.fetch_model(answer["models"][0]["model_id"]["name"])

    def download_model(
        self, model: Model, path: str | os.PathLike[str], *, force: bool = False, parents: bool = False
    ) -> Path:
        return super().save_model(model, path, force=force, parents=parents)

    def upload_model(self, path: str | os.PathLike[str]) -> Model:
        state = read(Path(path), validators=validators())
        model: Model = algorithm(state.algo).build_model(state, str(state.output["model_id"]))
        self.put(model.key, model)
        return model

    # -- models -------------------------------------------------------------------------------------------------------

    def fetch_model(self, key: str) -> Model:
        """A model of the server, as data."""
        state = from_bytes(self.connection.raw("GET", f"/3/Models.fetch.bin/{quoted(key)}"), validators=validators())
        model: Model = algorithm(state.algo).build_model(state, key)
        return model

    def _there(self, model: Model) -> None:
        """See to it that the server has a model which may have been removed since."""
        if model.key not in self.store.kinds():  # type: ignore[attr-defined]
            self.put(model.key, model)

    def submit(self, request: TrainRequest) -> Job[Model]:
        training = self.upload(request.training)
        validation = None if request.validation is None else self.upload(request.validation)
        kept: list[RemoteFrame] = []
        given = {
            "params": {k: self._param(k, v, kept) for k, v in request.params.items()},
            "x": request.x,
            "y": request.y,
            "training": training.key,
            "validation": None if validation is None else validation.key,
            "training_key": request.training_key,
            "validation_key": request.validation_key,
        }
        text = json.dumps(given, default=_plain)
        started = self.connection.post("/99/Native/train", algo=request.algo, request=text)
        model = started["dest"]["name"]
        job = RemoteJob(self, started["key"]["name"], model, lambda: self.fetch_model(model))
        job.held = (training, validation, kept)  # type: ignore[attr-defined]
        return job

    def train(self, request: TrainRequest) -> Model:
        model = super().train(request)
        history = model.table("scoring_history") if request.verbose else None
        if history is not None:
            history.show()
        return model

    def _param(self, name: str, value: Any, kept: list[RemoteFrame]) -> Any:
        """A parameter as JSON; frames and models by their names."""
        if isinstance(value, (list, tuple)):
            return [self._param(name, v, kept) for v in value]
        if hasattr(value, "_frame") or isinstance(value, Frame):
            kept.append(self.upload(value if isinstance(value, Frame) else value._frame()))
            return {"frame": kept[-1].key}
        if isinstance(value, Model) or hasattr(value, "_model"):
            model = self._model_of(value)
            self._there(model)
            return {"model": model.key}
        if callable(value):
            raise H2OTypeError(f"{name} is code, which is not sent to a server; h2o.init() works in this process")
        return value

    def predict(self, model: Model, frame: Frame) -> Frame:
        return self._asked(model, frame, {})

    def ask(self, model: Model, question: str, *args: Any, **options: Any) -> Any:
        if question in _ANSWERED_THERE and len(args) == 1:
            return self._asked(model, args[0], {"question": question, "options": json.dumps(options, default=_plain)})
        return super().ask(model, question, *args, **options)

    def _asked(self, model: Model, frame: Frame, form: Mapping[str, Any]) -> Frame:
        self._there(model)
        there, key = self.upload(frame), self.new_key("py")
        self.connection.post(
            "/99/Native/predict", model=model.key, frame=there.key, key=key, session_id=self.rapids_session, **form
        )
        return RemoteFrame(self, key, temporary=True)

    def performance(self, model: Model, frame: Frame, *, frame_key: str | None = None, **options: Any) -> ModelMetrics:
        self._there(model)
        there = self.upload(frame)
        form = {"model": model.key, "frame": there.key, "frame_key": frame_key, "options": json.dumps(options)}
        return ModelMetrics.from_json(self.connection.post("/99/Native/performance", **form)["metrics"])

    def narrowed(self, width: int) -> LocalSession:
        return self


def _end(connection: Connection, session: str) -> None:
    """What happens when a session goes, at the end of the process at the latest."""
    with contextlib.suppress(HeavywaterError):
        connection.raw("DELETE", f"/4/sessions/{quoted(session)}", timeout=5.0)
    connection.close()


def _number(value: Any) -> float:
    return float(value) if value is not None else math.nan


def _plain(value: Any) -> Any:
    """What JSON does not know: numpy's numbers and arrays, sets, paths."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (set, frozenset, range)):
        return sorted(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise H2OTypeError(f"a value of type {type(value).__name__} cannot be sent to a server")
