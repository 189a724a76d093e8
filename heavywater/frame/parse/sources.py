"""From a path, folder, glob, URL or list of them to the bytes of each file."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from heavywater.errors import H2OTypeError, ParseError, did_you_mean
from heavywater.frame.folders import remember
from heavywater.frame.parse.decompress import Limits, unpack
from heavywater.frame.parse.remote import list_store, read_http, read_store

Location = str | os.PathLike[str]


class Source(NamedTuple):
    """The unpacked bytes of one file and the name that messages call it by."""

    name: str
    data: bytes


def expand(sources: Location | Sequence[Location], pattern: str | None = None) -> list[str]:
    """Names of the files that `sources` stand for; folders are listed (not their subfolders) in sorted order.

    Parameters
    ----------
    sources : path, URL or sequence of these
        A local path may be a folder or a glob (``*``, ``?``, ``[...]``); ``~`` is the home folder.
    pattern : str, optional
        Regular expression; only files of a folder whose full path it matches are taken, as in H2O.

    Raises
    ------
    ParseError
        When there is no such file, or nothing is left.
    """
    items: list[Location] = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    out: list[str] = []
    for item in items:
        if not isinstance(item, (str, os.PathLike)):
            raise H2OTypeError(
                f"a path or URL is expected, not {type(item).__name__}; use H2OFrame(...) for Python objects"
            )
        out += _one(os.fspath(item), pattern)
    if not out:
        raise ParseError(f"no files found in {sources!r}" + (f" that match {pattern!r}" if pattern else ""))
    return out


def _one(path: str, pattern: str | None) -> list[str]:
    scheme = _scheme(path)
    if scheme == "file":
        from urllib.request import url2pathname  # loads half of the standard library

        path = url2pathname(path.split(":", 1)[1].removeprefix("//"))
    elif scheme in ("http", "https"):
        return [path]
    elif scheme:
        return [p for p in list_store(path) if pattern is None or re.match(pattern, p)]
    path = os.path.expanduser(path)
    if os.path.isdir(path):
        found = sorted(e.path for e in os.scandir(path) if e.is_file() and not e.name.startswith((".", "_")))
    elif os.path.exists(path):
        return [path]
    elif any(c in path for c in "*?["):
        found = sorted(p for p in glob.glob(path, recursive=True) if os.path.isfile(p))
    else:
        found = []
    if not found and os.path.isdir(path):
        raise ParseError(f"no files in the folder {path!r}")
    if not found:
        folder = Path(path).parent
        near = [e.name for e in os.scandir(folder)] if folder.is_dir() else []
        raise ParseError(f"no such file or folder: {path!r}{did_you_mean(Path(path).name, near)}")
    return [p for p in found if pattern is None or re.match(pattern, p)]


def _scheme(path: str) -> str:
    m = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", path)
    return m.group(1).lower() if m else ""


def read(name: str, limits: Limits | None = None) -> list[Source]:
    """Bytes of the file called `name`, unpacked; several when it is a zip archive."""
    limits = limits or Limits()
    scheme = _scheme(name)
    if scheme in ("http", "https"):
        data = read_http(name, limits)
    elif scheme:
        data = read_store(name, limits)
    else:
        try:
            data = Path(name).read_bytes()
        except OSError as e:
            raise ParseError(f"{name}: cannot be read ({e.strerror})") from e
        remember(name)
    return [Source(*pair) for pair in unpack(name, data, limits)]
