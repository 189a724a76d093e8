"""The store: key → frame tree, frame or model, as one process sees it."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from heavywater.errors import H2OValueError, NotFound, did_you_mean

_KEY = re.compile(r"[^\x00-\x1f\x7f]{1,512}")


class Store:
    """A thread-safe dictionary whose misses come with suggestions.

    Attributes
    ----------
    changed : callable, optional
        Told the key of every object that comes, is replaced or goes.
    """

    def __init__(self) -> None:
        self._items: dict[str, object] = {}
        self._lock = threading.RLock()
        self._serial = itertools.count(1)
        self._started = f"{time.time_ns() // 1_000_000:x}"
        self.changed: Callable[[str], None] | None = None

    def new_key(self, prefix: str) -> str:
        """A key that was never used in this process, such as ``deeplearning_model_18f3a_1``."""
        while (key := f"{prefix}_{self._started}_{next(self._serial)}") in self._items:
            continue
        return key

    def put(self, key: str, value: object) -> None:
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise H2OValueError(f"a key is 1 to 512 printable characters; got {key!r}")
        with self._lock:
            self._items[key] = value
        self._tell([key])

    def get(self, key: str) -> object:
        with self._lock:
            if key in self._items:
                return self._items[key]
            known = list(self._items)
        raise NotFound(f"there is no object with the key {key!r}{did_you_mean(key, known)}")

    def find(self, key: str) -> object | None:
        with self._lock:
            return self._items.get(key)

    def remove(self, key: str) -> None:
        with self._lock:
            self._items.pop(key, None)
        self._tell([key])

    def clear(self, keep: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        with self._lock:
            gone = [k for k in self._items if k not in keep]
            self._items = {k: v for k, v in self._items.items() if k in keep}
        self._tell(gone)

    def _tell(self, keys: list[str]) -> None:
        if self.changed is not None:
            for key in keys:
                self.changed(key)

    def keys(self) -> list[str]:
        with self._lock:
            return sorted(self._items)

    def items(self) -> Iterator[tuple[str, object]]:
        with self._lock:
            return iter(sorted(self._items.items()))


class Objects(MutableMapping[str, Any]):
    """A store as the mapping that the interpreter of Rapids wants: frames are frames, whatever stands for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, key: str) -> Any:
        found = self._store.find(key)
        if found is None:
            raise KeyError(key)
        return found._frame() if hasattr(found, "_frame") else found

    def __setitem__(self, key: str, value: Any) -> None:
        self._store.put(key, value)

    def __delitem__(self, key: str) -> None:
        self._store.remove(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.keys())

    def __len__(self) -> int:
        return len(self._store.keys())
