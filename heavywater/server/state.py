"""Frames and models kept in a folder, so that they are there again after a restart."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import IO

from heavywater.algos.base import algorithm
from heavywater.engine.session import LocalSession, validators
from heavywater.errors import H2OValueError, HeavywaterError
from heavywater.frame import Frame
from heavywater.frame.parse import Limits
from heavywater.frame.stored import unpack, write_frame
from heavywater.models.container import read, write
from heavywater.models.model import Model

log = logging.getLogger("heavywater.server")


class Kept:
    """The folder of a server's state; files are data, and nothing in them is ever run.

    Parameters
    ----------
    folder : path
        Made when there is none.
    engine : LocalSession
        Whose frames and models are kept.
    limits : Limits
        How large a frame may be.

    Raises
    ------
    H2OValueError
        The folder cannot be used, or another server uses it.
    """

    def __init__(self, folder: str | os.PathLike[str], engine: LocalSession, limits: Limits) -> None:
        self.folder, self.engine, self.limits = Path(folder).resolve(), engine, limits
        self._lock_file = self._locked()
        self.load()
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._news = threading.Condition()
        self._ends = False
        self._thread = threading.Thread(target=self._keep, name="state", daemon=True)
        self._thread.start()
        engine.store.changed = self.note

    def _locked(self) -> IO[bytes]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = (self.folder / "lock").open("ab")
        except OSError as e:
            raise H2OValueError(f"the state cannot be kept in {self.folder}: {e.strerror}") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            raise H2OValueError(
                f"another server keeps its state in {self.folder}; give this one another folder"
            ) from None
        return handle

    # -- reading ------------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Take what the folder holds into the engine; a damaged file is named in the log, set aside, and left out."""
        for path in sorted(self.folder.iterdir()):
            if path.name.startswith("."):  # left by a process that was killed while it wrote
                path.unlink(missing_ok=True)
            elif path.suffix in (".frame", ".model"):
                try:
                    self._load_one(path)
                except (HeavywaterError, OSError) as e:
                    aside = path.with_name(path.name + ".damaged")
                    log.warning("state: %s; it is left out and now called %s", e, aside.name)
                    path.replace(aside)

    def _load_one(self, path: Path) -> None:
        if path.suffix == ".frame":
            frame, facts = unpack(path.read_bytes(), path.name, self.limits)
            key: object = facts.get("key")
            value: Frame | Model = frame
        else:
            state = read(path, validators=validators())
            key = state.output["model_id"]
            value = algorithm(state.algo).build_model(state, str(key))
        if not isinstance(key, str) or path not in self._paths(key):
            raise H2OValueError(f"{path.name} is not the file of an object called {str(key)[:100]!r}")
        self.engine.put(key, value)

    def _paths(self, key: str) -> tuple[Path, Path]:
        """Where an object of this name is kept: as a frame, as a model."""
        name = hashlib.sha256(key.encode()).hexdigest()[:40]
        return self.folder / f"{name}.frame", self.folder / f"{name}.model"

    # -- writing ------------------------------------------------------------------------------------------------------

    def note(self, key: str) -> None:
        """An object has come, changed or gone; its file follows soon."""
        with self._news:
            self._waiting[key] = None
            self._news.notify()

    def close(self) -> None:
        """Write what waits, then let go of the folder."""
        self.engine.store.changed = None
        with self._news:
            self._ends = True
            self._news.notify()
        self._thread.join()
        self._lock_file.close()

    def _keep(self) -> None:
        while True:
            with self._news:
                while not self._waiting and not self._ends:
                    self._news.wait()
                if not self._waiting:
                    return
                key = self._waiting.popitem(last=False)[0]
            try:
                self._write(key)
            except Exception as e:
                log.warning("state: %s cannot be kept: %s", key, e)

    def _write(self, key: str) -> None:
        value = self.engine.store.find(key)
        as_frame, as_model = self._paths(key)
        if isinstance(value, Frame):
            write_frame(value, as_frame, force=True, key=key)
        else:
            as_frame.unlink(missing_ok=True)
        if isinstance(value, Model) and value.state.output.get("model_id") == key:
            write(value.state, as_model, force=True)
        else:
            as_model.unlink(missing_ok=True)
