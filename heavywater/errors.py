"""Every error that heavywater raises on purpose.

::

    HeavywaterError
    ├── H2OValueError (ValueError)          a value that cannot be used
    │   ├── InvalidParams                   one or more parameters of a model are wrong; lists all of them
    │   └── ParseError                      a file that cannot be read as a table
    ├── H2OTypeError (TypeError)            a value of the wrong type
    ├── NotFound (KeyError)                 no such column, frame, model or key; carries suggestions
    ├── NotSupported                        a feature that this version lacks; names the parameter
    ├── ModelFileError                      a model file that is damaged, hostile or of an unknown version
    ├── TrainingError                       training had to stop without a usable model
    │   └── UnstableModel                   weights, biases or predictions grew beyond bounds
    ├── H2OConnectionError (ConnectionError)  a server that does not answer, or lets nobody in
    └── Cancelled                           stopped by the user; nothing was kept because nothing existed yet

The message of every error says what was wrong, where, and what would be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class HeavywaterError(Exception):
    """Root of the tree; catch this to catch everything that heavywater raises on purpose."""


class H2OValueError(HeavywaterError, ValueError):
    """A value that cannot be used."""


class InvalidParams(H2OValueError):
    """One or more parameters are wrong.

    Attributes
    ----------
    messages : sequence of ``heavywater.params.Message``
        Every problem found, in the order of the parameters' declaration.
    """

    def __init__(self, model: str, messages: Sequence[object]) -> None:
        self.messages = tuple(messages)
        lines = "\n".join(f"  {m}" for m in self.messages)
        super().__init__(f"Illegal argument(s) for {model}. Details:\n{lines}")


class ParseError(H2OValueError):
    """A file or Python object that cannot be read as a table; the message names the file and the line."""


class H2OTypeError(HeavywaterError, TypeError):
    """A value of the wrong type."""


class NotFound(HeavywaterError, KeyError):
    """No such column, frame, model or key."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:  # KeyError prints the repr of its argument
        return self.message


class NotSupported(HeavywaterError, NotImplementedError):
    """A feature that this version does not have; the message names the parameter and an alternative."""


class ModelFileError(H2OValueError):
    """A model file that is damaged, hostile or of a version that this program does not know."""


class TrainingError(HeavywaterError, RuntimeError):
    """Training had to stop without a usable model."""


class UnstableModel(TrainingError):
    """Weights, biases or predictions are no longer finite or have grown beyond all bounds."""


class H2OConnectionError(HeavywaterError, ConnectionError):
    """A server that does not answer, does not let this client in, or is not one of heavywater's."""


class Cancelled(HeavywaterError, KeyboardInterrupt):
    """The user stopped the work before there was anything to keep."""


def did_you_mean(name: str, known: Iterable[str], *, limit: int = 3) -> str:
    """Return ``" (did you mean 'a' or 'b'?)"`` for the known names closest to `name`, or an empty string."""
    pool = {str(k).lower(): str(k) for k in known}
    close = [pool[c] for c in difflib.get_close_matches(str(name).lower(), list(pool), n=limit, cutoff=0.6)]
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
