"""Trees whose leaves lie on the server, as text that the server evaluates."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from heavywater.errors import H2OValueError
from heavywater.frame import Frame
from heavywater.rapids.node import Call, Done, Lambda, Leaf, Name, Node, text
from heavywater.remote.frame import RemoteFrame

if TYPE_CHECKING:
    from heavywater.remote.session import RemoteSession

_NAME = re.compile(r"""[^\s\\"'(){}\[\]+\-.0-9][^\s\\"'(){}\[\]]*""")


def is_away(node: Any, session: RemoteSession) -> bool:
    """Whether a tree speaks of a frame that lies on this session's server."""
    waiting = [node]
    while waiting:
        n = waiting.pop()
        if isinstance(n, Leaf) and isinstance(n.frame, RemoteFrame) and n.frame.session is session:
            return True
        if isinstance(n, Call):
            waiting += n.args
        elif isinstance(n, Lambda):
            waiting.append(n.body)
    return False


class Written:
    """The text of a tree, and the frames that must live until it has been evaluated."""

    def __init__(self, node: Node, session: RemoteSession) -> None:
        self.session = session
        self.frames: list[RemoteFrame] = []
        self.text = text(self._named(node))

    def _named(self, n: Node) -> Node:
        if isinstance(n, Call):
            return Call(n.primitive, tuple(self._named(a) for a in n.args), effect=n.effect)
        if isinstance(n, Lambda):
            return Lambda(n.params, self._named(n.body))
        if isinstance(n, Leaf):
            return self._frame(n.frame)
        if isinstance(n, Done):
            return self._frame(n.table.frame())
        if n is None:
            return Name("null")
        if isinstance(n, float) and math.isinf(n):
            return Call("/", (math.copysign(1.0, n), 0.0))
        return n

    def _frame(self, frame: Frame) -> Name:
        away = self.session.upload(frame)
        if not _NAME.fullmatch(away.key):
            raise H2OValueError(f"a frame called {away.key!r} cannot be named in an expression; assign it another name")
        self.frames.append(away)
        return Name(away.key)
