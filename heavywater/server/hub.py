"""What the handlers share: the engine's session, Rapids sessions, raw files, jobs."""

from __future__ import annotations

import contextlib
import logging
import secrets
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from heavywater.engine.jobs import Job
from heavywater.engine.session import LocalSession
from heavywater.frame import Frame, folders
from heavywater.metrics import ModelMetrics
from heavywater.models.model import Model
from heavywater.rapids.session import RapidsSession
from heavywater.rapids.table import Table
from heavywater.server.config import Settings
from heavywater.server.errors import Refused, missing, wrong_type
from heavywater.server.logs import Recent
from heavywater.server.model_rapids import model_acts
from heavywater.server.paths import Roots
from heavywater.server.search import Grid
from heavywater.server.state import Kept
from heavywater.server.workers import Workers, gone

_KEPT_JOBS = 1000
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class RawFile:
    """A file that was imported or uploaded and is not parsed yet.

    Attributes
    ----------
    path : Path
        Where it is; every symbolic link is resolved.
    name : str
        What the user calls it.
    uploaded : bool
        Whether the file is the server's own copy.
    since : float
        When it came, by the monotonic clock.
    """

    path: Path
    name: str
    uploaded: bool
    since: float = field(default_factory=time.monotonic)


@dataclass
class JobRecord:
    """A job with what clients want to know about its outcome."""

    job: Job[Any]
    description: str
    dest: str
    dest_kind: str
    ready_for_view: bool = True

    @property
    def key(self) -> str:
        """The job's name."""
        return self.job.key


class _Named(MutableMapping[str, Any]):
    """The engine's store as the Rapids sessions see it: frames are frames, never trees."""

    def __init__(self, engine: LocalSession) -> None:
        self.engine = engine

    def __getitem__(self, key: str) -> Any:
        value = self.engine.store.find(key)
        if value is None:
            raise KeyError(key)
        return value if isinstance(value, (Frame, Model)) else self.engine.frame(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.engine.put(key, value)

    def __delitem__(self, key: str) -> None:
        if self.engine.store.find(key) is None:
            raise KeyError(key)
        self.engine.remove(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.engine.keys())

    def __len__(self) -> int:
        return len(self.engine.keys())


class RestSession:
    """One client's Rapids session; one expression at a time."""

    def __init__(self, store: MutableMapping[str, Any], more: Mapping[str, Callable[..., Any]]) -> None:
        self.rapids = RapidsSession(store, more)
        self.lock = threading.Lock()
        self.properties: dict[str, str] = {}
        self.used = time.monotonic()


class Hub:
    """The state behind the handlers.

    Parameters
    ----------
    engine : LocalSession
    settings : Settings
    """

    def __init__(self, engine: LocalSession, settings: Settings) -> None:
        self.engine, self.settings = engine, settings
        self.roots = Roots(settings.roots)
        self.workers = Workers(settings.request_seconds, settings.expressions)
        folders.restrict(self.roots.resolve)
        self.started = time.time()
        self.store = _Named(engine)
        self.acts: dict[str, Callable[..., Any]] = {**model_acts(engine), "ls": self._ls}
        self.sessions: dict[str, RestSession] = {}
        self.raw: dict[str, RawFile] = {}
        self.jobs: OrderedDict[str, JobRecord] = OrderedDict()
        self.metrics: OrderedDict[tuple[str, str], ModelMetrics] = OrderedDict()
        self.grids: dict[str, Grid] = {}
        self.curves: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.notes: dict[tuple[str, str], tuple[bytes, int]] = {}
        self.stop: Callable[[], None] = lambda: None
        self._lock = threading.RLock()
        self._serial = 0
        self.scratch = Path(tempfile.mkdtemp(prefix="heavywater-"))
        self.log = Recent()
        logging.getLogger("heavywater").addHandler(self.log)
        self.kept = None if settings.state is None else Kept(settings.state, engine, settings.files)

    def close(self) -> None:
        """Stop jobs, write what is to be kept, and remove the server's own files."""
        for record in list(self.jobs.values()):
            record.job.cancel()
        if self.kept is not None:
            self.kept.close()
        folders.restrict(None)
        shutil.rmtree(self.scratch, ignore_errors=True)
        logging.getLogger("heavywater").removeHandler(self.log)

    # -- sessions -----------------------------------------------------------------------------------------------------

    def open_session(self) -> str:
        with self._lock:
            while (name := f"_sid_{secrets.token_hex(2)}") in self.sessions:
                continue
            self.sessions[name] = RestSession(self.store, self.acts)
            return name

    def session(self, name: str | None) -> RestSession:
        """The session called `name`, made when there is none."""
        with self._lock:
            if len(self.sessions) > 10_000:
                raise Refused("there are too many sessions; close some with DELETE /4/sessions/{session_key}")
            self._forget_the_silent()
            found = self.sessions.setdefault(name or "_specialSess", RestSession(self.store, self.acts))
            found.used = time.monotonic()
            return found

    def _forget_the_silent(self) -> None:
        """Close sessions, and remove uploads, of clients that have not been heard of for long."""
        long_ago = time.monotonic() - self.settings.idle_seconds
        for name in [n for n, s in self.sessions.items() if s.used < long_ago and not s.lock.locked()]:
            self.sessions.pop(name).rapids.close()
        for key in [k for k, r in self.raw.items() if r.uploaded and r.since < long_ago]:
            self.raw.pop(key).path.unlink(missing_ok=True)

    def close_session(self, name: str) -> None:
        with self._lock:
            session = self.sessions.pop(name, None)
        if session is not None:
            session.rapids.close()

    # -- objects ------------------------------------------------------------------------------------------------------

    def find(self, key: str) -> Any:
        """A frame, model or raw file by its name; temporary frames of every session are seen; None if there is none."""
        found = self.store.get(key)
        if found is not None:
            return found
        for session in list(self.sessions.values()):
            if key in session.rapids.temps:
                return session.rapids.temps[key]
        return self.raw.get(key)

    def _ls(self) -> Table:
        """Names of everything, as a frame."""
        temps = [k for s in list(self.sessions.values()) for k in s.rapids.temps]
        names = sorted({*self.store, *temps, *self.raw})
        return Table.of({"key": pl.Series(names, dtype=pl.Enum(names))})

    def frame(self, key: str, argument: str = "key", function: str | None = None) -> Frame:
        found = self.find(key)
        if found is None:
            raise missing(key, argument, function)
        if not isinstance(found, Frame):
            raise wrong_type(key, "Frame", "Model" if isinstance(found, Model) else "raw file")
        return found

    def model(self, key: str, argument: str = "key", function: str | None = None) -> Model:
        found = self.find(key)
        if found is None:
            raise missing(key, argument, function)
        if not isinstance(found, Model):
            raise wrong_type(key, "Model", "Frame")
        return found

    def frames(self) -> list[tuple[str, Frame]]:
        """Named and temporary frames by name."""
        found = {k: v for k, v in self.store.items() if isinstance(v, Frame)}
        for session in list(self.sessions.values()):
            found.update(session.rapids.temps)
        return sorted(found.items())

    def models(self) -> list[Model]:
        return [v for _, v in sorted(self.store.items()) if isinstance(v, Model)]

    def replace(self, key: str, frame: Frame) -> None:
        """Put another frame in the place of the one called `key`, temporary or not."""
        for session in list(self.sessions.values()):
            if key in session.rapids.temps:
                session.rapids.temps[key] = frame
                return
        self.engine.put(key, frame)

    def remove(self, key: str) -> bool:
        """Forget the object called `key`, whatever it is; says whether there was one."""
        gone = self.store.pop(key, None) is not None
        for session in list(self.sessions.values()):
            gone = session.rapids.temps.pop(key, None) is not None or gone
        with self._lock:
            raw = self.raw.pop(key, None)
            grid = self.grids.pop(key, None)
            self.metrics = OrderedDict((k, v) for k, v in self.metrics.items() if key not in k)
        if raw is not None and raw.uploaded:
            raw.path.unlink(missing_ok=True)
        for record in list(self.jobs.values()):
            if record.dest == key:
                record.job.release()
        for model in grid.models if grid is not None else ():
            self.remove(model)
        return gone or raw is not None or grid is not None

    def clear(self, keep: set[str]) -> None:
        """Forget everything but the objects named in `keep`."""
        temps = [k for s in list(self.sessions.values()) for k in s.rapids.temps]
        kept_models = {m for k in keep for m in (self.grids[k].models if k in self.grids else ())}
        for key in {*self.store, *temps, *self.raw, *self.grids} - keep - kept_models:
            self.remove(key)
        with self._lock:
            self.curves = OrderedDict((k, v) for k, v in self.curves.items() if k in keep)

    def new_model_key(self, label: str, agent: str) -> str:
        with self._lock:
            self._serial += 1
            return f"{label}_model_{agent}_{int(self.started * 1000)}_{self._serial}"

    def remember(self, model: str, frame: str, metrics: ModelMetrics) -> None:
        """Keep metrics for the lists of metrics."""
        with self._lock:
            self.metrics[model, frame] = metrics
            while len(self.metrics) > 10_000:
                self.metrics.popitem(last=False)

    # -- raw files ----------------------------------------------------------------------------------------------------

    def upload_path(self) -> Path:
        """A new name for an uploaded file."""
        return self.scratch / secrets.token_hex(16)

    def put_raw(self, key: str, raw: RawFile) -> None:
        with self._lock:
            old = self.raw.get(key)
            self.raw[key] = raw
        if old is not None and old.uploaded:
            old.path.unlink(missing_ok=True)

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def check_room(self) -> None:
        """Refuse more jobs than may run at one time."""
        running = sum(r.job.status in ("CREATED", "RUNNING") for r in list(self.jobs.values()))
        if running >= self.settings.max_jobs:
            raise Refused(f"{running} jobs are running, which is the limit; wait for some or cancel them", 503)

    def start(
        self, work: Callable[[Job[Any]], Any], description: str, dest: str, kind: str = "Frame", *, wait: bool = False
    ) -> JobRecord:
        """Run `work` as a job on a thread of its own."""
        self.check_room()
        job: Job[Any] = Job(self.job_key(), description, work)
        record = self.follow(job, description, dest, kind)
        job.start()
        left = gone()
        while wait and not job.wait(_LOOK_SECONDS):
            if left.is_set():  # nobody waits for the answer any more
                job.cancel()
        return record

    def job_key(self) -> str:
        return f"$0301{secrets.token_hex(8)}ffffffff$_{secrets.token_hex(16)}"

    def follow(self, job: Job[Any], description: str, dest: str, kind: str) -> JobRecord:
        """Make a job known to clients."""
        record = JobRecord(job, description, dest, kind)
        with self._lock:
            self.jobs[job.key] = record
            ended = [k for k, r in self.jobs.items() if r.job.status not in ("CREATED", "RUNNING")]
            for key in ended[: max(0, len(self.jobs) - _KEPT_JOBS)]:
                with contextlib.suppress(KeyError):
                    del self.jobs[key]
        return record
