"""What every `H2OFrame` is: a tree, a name in the session, and a shape."""

from __future__ import annotations

import weakref
from typing import Any, Self

from heavywater.errors import H2OTypeError, H2OValueError, NotFound
from heavywater.frame import Frame
from heavywater.h2oframe.operators import Operators
from heavywater.h2oframe.values import node_of
from heavywater.rapids.declare import find
from heavywater.rapids.node import Call, Done, Leaf, Node
from heavywater.rapids.run import evaluate, names_of, schema_of, table_of
from heavywater.rapids.table import Table


def current_session() -> Any:
    """The session in use."""
    from heavywater.engine import session

    return session.current()


def _forget(key: str, session: Any) -> None:
    session.remove(key)


class Identity(Operators):
    """A tree with a name."""

    _node: Node
    _key: str | None

    # -- making frames ---------------------------------------------------------------------------------------------

    @classmethod
    def _of(cls, frame: Frame, key: str | None = None) -> Self:
        """A frame of data at hand; stored in the session when it has a key."""
        made = cls._of_node(Leaf(current_session().adopt(frame, key), key))
        made._key = key
        return made

    @classmethod
    def _of_node(cls, node: Node) -> Self:
        made = cls.__new__(cls)
        made._node, made._key = node, None
        return made

    def _call(self, op: str, *args: Any) -> Self:
        """A frame made by a primitive.

        Row selections and sorting wait until data is wanted.  Everything else is worked out at once, which for
        operations on columns touches no data, so that mistakes show where they are made.
        """
        node = Call(op, tuple(node_of(a) for a in args))
        away, frame = current_session().elsewhere(node, frame=True)
        if away:
            return self._of_node(Leaf(frame))
        return self._of_node(Done(table_of(node)) if find(op).schema is None else node)

    def _ask(self, op: str, *args: Any) -> Any:
        """The number, text or list that a primitive gives."""
        node = Call(op, tuple(node_of(a) for a in args))
        away, value = current_session().elsewhere(node, frame=False)
        return value if away else evaluate(node)

    # -- data ------------------------------------------------------------------------------------------------------

    def _frame(self) -> Frame:
        """The data; the tree that made it is let go."""
        if not isinstance(self._node, Leaf):
            frame = evaluate(self._node)
            if not isinstance(frame, Frame):
                raise H2OTypeError(f"a frame is needed; this is {frame!r}")
            self._node = Leaf(frame, self._key)
        return self._node.frame

    def _table(self) -> Table:
        return table_of(self._node)

    def _set(self, node: Node) -> None:
        """Become another frame; the name stays with the old one, as in H2O."""
        self._node, self._key = node, None

    # -- name ------------------------------------------------------------------------------------------------------

    @property
    def frame_id(self) -> str:
        """Name in the session.  A frame without one gets a temporary name, which goes when this object does."""
        if self._key is None:
            session = current_session()
            key = session.new_key("py")
            session.put(key, self._frame())
            self._key = key
            weakref.finalize(self, _forget, key, session).atexit = False
        return self._key

    @frame_id.setter
    def frame_id(self, newid: str) -> None:
        if not isinstance(newid, str) or not newid:
            raise H2OTypeError(f"frame_id must be a text; got {newid!r}")
        session = current_session()
        old = self._key
        session.put(newid, self._frame())
        self._node, self._key = Leaf(self._frame(), newid), newid
        if old is not None and old != newid:
            session.remove(old)

    @property
    def key(self) -> str:
        """The same as `frame_id`."""
        return self.frame_id

    @classmethod
    def get_frame(cls, frame_id: str, **ignored: Any) -> Self:
        """The frame called `frame_id` in the session.

        Raises
        ------
        NotFound
            When there is no such frame.
        """
        found = current_session().get(frame_id)
        if isinstance(found, Identity):
            found = found._frame()
        if isinstance(found, (Leaf, Call)):
            found = evaluate(found)
        if not isinstance(found, Frame):
            raise NotFound(f"{frame_id!r} is not a frame")
        made = cls._of_node(Leaf(found, frame_id))
        made._key = frame_id
        return made

    def detach(self) -> None:
        """Leave the name in the session to others."""
        self._key = None

    def refresh(self) -> None:
        """Work out everything that waits."""
        self._frame()

    # -- shape -----------------------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """Column names."""
        return names_of(self._node)

    @names.setter
    def names(self, value: list[str]) -> None:
        self._rename_all(value)

    columns = names
    col_names = names

    def _rename_all(self, names: Any) -> None:
        if isinstance(names, str) or not all(isinstance(n, str) for n in names):
            raise H2OTypeError(f"column names must be texts; got {names!r}")
        if len(names) != self.ncol:
            raise H2OValueError(f"{self.ncol} columns need as many names; got {len(names)}")
        made = self._call("colnames=", self, list(range(self.ncol)), list(names))
        self._set(made._node)

    @property
    def nrow(self) -> int:
        """Number of rows."""
        return self._node.frame.nrow if isinstance(self._node, Leaf) else self._table().nrow

    @property
    def ncol(self) -> int:
        """Number of columns."""
        return len(self.names)

    @property
    def nrows(self) -> int:
        """Number of rows."""
        return self.nrow

    @property
    def ncols(self) -> int:
        """Number of columns."""
        return self.ncol

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.nrow, self.ncol

    @property
    def dim(self) -> list[int]:
        """Numbers of rows and columns."""
        return [self.nrow, self.ncol]

    def __len__(self) -> int:
        return self.nrow

    @property
    def types(self) -> dict[str, str]:
        """Kind of each column: real, int, enum, time, string or uuid."""
        frame = self._frame()
        return {n: str(frame.kind(n)) for n in frame.names}

    def type(self, col: str | int) -> str:
        """Kind of one column."""
        from heavywater.h2oframe.values import column_position

        frame = self._frame()
        return str(frame.kind(frame.names[column_position(col, frame.names)]))

    def dtype(self) -> dict[str, str]:
        """The same as `types`."""
        return self.types

    def _kinds(self) -> dict[str, str]:
        """Kinds as far as known without data (a whole-number column may be ``real``)."""
        return dict(schema_of(self._node))
