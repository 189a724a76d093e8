"""What the server has written to its log lately, kept in memory for those who ask over HTTP."""

from __future__ import annotations

import logging
from collections import deque

_KEPT = 5000
NAMES = {
    "trace": 0, "debug": logging.DEBUG, "info": logging.INFO, "default": logging.INFO, "httpd": logging.INFO,
    "warn": logging.WARNING, "error": logging.ERROR, "fatal": logging.CRITICAL, "stdout": logging.CRITICAL + 1,
    "stderr": logging.WARNING,
}  # fmt: skip
"""H2O's names of log files, and the least level of what is in them."""


class Recent(logging.Handler):
    """Keeps the latest lines of heavywater's loggers."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s: %(message)s"))
        self._lines: deque[tuple[int, str]] = deque(maxlen=_KEPT)
        server = logging.getLogger("heavywater.server")
        if server.level == logging.NOTSET:  # its news would not get as far as here
            server.setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line: the message without the traceback, which would show the insides."""
        plain = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None, "stack_info": None})
        self._lines.append((record.levelno, self.format(plain)))

    def text(self, level: int = 0) -> str:
        """The lines of at least this level."""
        return "".join(f"{line}\n" for at, line in list(self._lines) if at >= level)
