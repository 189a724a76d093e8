"""The server's objects as a session's store sees them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from heavywater.engine.store import Store
from heavywater.errors import NotFound, did_you_mean
from heavywater.frame import Frame
from heavywater.models.container import to_bytes
from heavywater.models.model import Model
from heavywater.remote.connection import quoted
from heavywater.remote.frame import RemoteFrame

if TYPE_CHECKING:
    from heavywater.remote.session import RemoteSession


class RemoteStore(Store):
    """Frames and models are the server's; everything else, such as grids, stays with this client."""

    def __init__(self, session: RemoteSession) -> None:
        super().__init__()
        self.session = session
        self._started = f"{self._started}{secrets.token_hex(4)}"  # clients do not know of each other

    def put(self, key: str, value: object) -> None:
        if isinstance(value, Frame):
            self.session.upload(value, key)
        elif isinstance(value, Model):
            self.send_model(value)
        else:
            super().put(key, value)

    def send_model(self, model: Model) -> None:
        """Give the server a model that is here."""
        there = self.session.connection
        name = there.send("/3/PostFile", to_bytes(model.state), destination_frame=self.new_key("model"))
        there.post("/99/Models.upload.bin/", dir=name["destination_frame"])

    def find(self, key: str) -> object | None:
        found = super().find(key)
        if found is not None:
            return found
        kind = self.kinds().get(key)
        if kind is None:
            return None
        return RemoteFrame(self.session, key) if kind == "frame" else self.session.fetch_model(key)

    def get(self, key: str) -> object:
        found = self.find(key)
        if found is None:
            raise NotFound(f"there is no object with the key {key!r}{did_you_mean(key, self.keys())}")
        return found

    def remove(self, key: str) -> None:
        super().remove(key)
        self.session.connection.delete(f"/3/DKV/{quoted(key)}")

    def clear(self, keep: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        super().clear(keep)
        for key in set(self.kinds()) - keep:
            self.session.connection.delete(f"/3/DKV/{quoted(key)}")

    def kinds(self) -> dict[str, str]:
        """``"frame"`` or ``"model"`` by key, of everything on the server."""
        self.session.forget()
        told: dict[str, Any] = self.session.connection.get("/99/Native/keys")
        return dict(told["keys"])

    def keys(self) -> list[str]:
        return sorted({*super().keys(), *self.kinds()})

    def items(self) -> Iterator[tuple[str, object]]:
        frames = {k: RemoteFrame(self.session, k) for k, kind in self.kinds().items() if kind == "frame"}
        return iter(sorted({**frames, **dict(super().items())}.items(), key=lambda pair: pair[0]))
