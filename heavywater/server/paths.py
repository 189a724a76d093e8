"""Which files of this machine clients may name: those under the root folders, with all links resolved."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path

from heavywater.server.errors import Refused


class Outside(Refused):
    """A path that is not under a root."""


class Roots:
    """The folders that are open to clients."""

    def __init__(self, folders: Iterable[str | os.PathLike[str]]) -> None:
        self.folders = [Path(f).resolve(strict=True) for f in folders]

    def resolve(self, text: str) -> Path:
        """The file or folder meant by `text`, which need not exist; relative names start at the first root.

        Raises
        ------
        Outside
            When it is not under a root.  The answer is the same whether or not it exists.
        Refused
            When it is no path.
        """
        name = text.removeprefix("file://") if text.startswith("file://") else text.removeprefix("nfs:/")
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", name):
            raise Refused(f"{_short(text)}: this server reads and writes local files only, no addresses")
        if not name or "\x00" in name or len(name) > 4096:
            raise Refused("a path is 1 to 4096 characters without NUL")
        try:
            path = Path(os.path.realpath(self.folders[0] / name))
        except (OSError, ValueError):
            path = Path("/")
        if not self.contains(path):
            raise Outside(
                f"{_short(text)} is outside the folders that this server opens to clients; "
                "start it with --root to open another one"
            )
        return path

    def contains(self, path: Path) -> bool:
        """Whether a resolved path lies under a root."""
        return any(path == f or f in path.parents for f in self.folders)

    def files(self, text: str, pattern: str | None = None) -> list[Path]:
        """Files meant by `text`: one file, those of a folder (not of its subfolders), or those that match a glob.

        Parameters
        ----------
        text : str
        pattern : str, optional
            Regular expression for the whole path of the files in a folder.
        """
        fixed = re.split(r"[*?\[]", text)[0]
        if fixed != text and not os.path.lexists(self.folders[0] / text):
            folder = self.resolve(os.path.dirname(fixed) or ".")
            tail = text[len(os.path.dirname(fixed)) :].lstrip("/")
            if "**" in tail or ".." in tail.split("/"):
                raise Refused(f"{_short(text)}: a glob may not hold ** or ..")
            listed = sorted(glob.glob(tail, root_dir=folder))
            found = [Path(os.path.realpath(folder / p)) for p in listed]
        else:
            path = self.resolve(text)
            if not path.is_dir():
                return [path] if path.is_file() else []
            names = sorted(e.name for e in os.scandir(path) if not e.name.startswith((".", "_")))
            found = [Path(os.path.realpath(path / n)) for n in names]
        return _matching([p for p in found if p.is_file() and self.contains(p)], pattern)

    def shown(self, prefix: str, limit: int) -> list[str]:
        """Paths under the roots that begin with `prefix`, for completion."""
        if prefix == "":
            return [str(f) for f in self.folders][: max(limit, 0)]
        folder_text, _, start = prefix.rpartition("/")
        if not prefix.startswith("/"):
            folder_text = str(self.folders[0] / folder_text)
        try:
            folder = self.resolve(folder_text or "/")
            names = sorted(e.name for e in os.scandir(folder) if e.name.startswith(start))
        except (OSError, Refused):
            return [str(f) for f in self.folders if str(f).startswith(prefix)][: max(limit, 0)]
        inside = [folder / n for n in names if self.contains(Path(os.path.realpath(folder / n)))]
        return [str(p) for p in inside][: max(limit, 0)]


def _matching(paths: list[Path], pattern: str | None) -> list[Path]:
    """Paths that begin with a match of `pattern`, which is looked for in linear time."""
    if not pattern:
        return paths
    if len(pattern) > 1000:
        raise Refused(f"pattern {_short(pattern)} has {len(pattern)} characters; at most 1000 are read")
    import polars as pl

    try:
        found = pl.Series([str(p) for p in paths], dtype=pl.String).str.contains(f"^(?:{pattern})")
    except pl.exceptions.PolarsError as e:
        raise Refused(f"pattern {_short(pattern)} is no regular expression that is looked for here: {e}") from None
    return [p for p, hit in zip(paths, found) if hit]


def _short(text: str) -> str:
    return repr(text if len(text) <= 120 else text[:117] + "...")
