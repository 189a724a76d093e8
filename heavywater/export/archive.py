"""Zip archives that may come from anybody, and archives of our own that are the same bytes for the same content."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from heavywater.errors import H2OValueError, ModelFileError, NotFound

MAX_FILE = 4 << 30
"""Largest archive that is opened, in bytes."""
MAX_ENTRIES = 20_000
MAX_DIRECTORY = 8 << 20
_FREE = 64 << 20
_MAX_RATIO = 50
"""An archive may unpack to 64 MB, or to 50 times its size when that is more; text of numbers compresses 2 to 4 times."""
_DIRECTORY_END = struct.Struct("<4s4H2LH")


class Archive:
    """A zip archive whose directory has been checked; entries are unpacked one at a time, when asked for.

    Use as a context manager.

    Raises
    ------
    NotFound
        There is no such file.
    ModelFileError
        It is not a zip archive, or one that asks for more than an honest one would.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        try:
            descriptor = os.open(self.name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            raise NotFound(f"there is no file {self.name!r}") from None
        except (OSError, ValueError) as error:
            raise ModelFileError(f"cannot open {self.name!a}: {getattr(error, 'strerror', None) or error}") from None
        self._stream: BinaryIO = os.fdopen(descriptor, "rb")
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ModelFileError(f"{self.name} is not a file")
            check_directory(self._stream, status.st_size)
            self._zip = zipfile.ZipFile(self._stream)
            self._entries = _checked(self._zip.infolist(), status.st_size)
        except (zipfile.BadZipFile, struct.error, UnicodeDecodeError, NotImplementedError, OSError) as error:
            self._stream.close()
            raise ModelFileError(f"{self.name} is a damaged zip archive ({error})") from None
        except ModelFileError as error:
            self._stream.close()
            raise ModelFileError(f"{self.name} cannot be read as a MOJO: {error}") from None

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *exc: object) -> None:
        self._zip.close()
        self._stream.close()

    def __contains__(self, entry: str) -> bool:
        return entry in self._entries

    def size(self, entry: str) -> int:
        """Unpacked size of an entry in bytes."""
        return self._entries[entry].file_size

    def bytes(self, entry: str) -> bytes:
        """Content of an entry."""
        if entry not in self._entries:
            raise ModelFileError(f"the archive lacks {entry!r}")
        try:
            with self._zip.open(self._entries[entry]) as part:
                data = part.read(self._entries[entry].file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError) as error:
            raise ModelFileError(f"{entry!r} in the archive is damaged ({error})") from None
        if len(data) != self._entries[entry].file_size:
            raise ModelFileError(f"{entry!r} in the archive is not as long as its directory says")
        return data

    def text(self, entry: str) -> str:
        """Content of an entry, which must be UTF-8."""
        data = self.bytes(entry)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ModelFileError(
                f"{entry!r} in the archive is not UTF-8 text ({error.reason} at byte {error.start})"
            ) from None


def check_directory(stream: BinaryIO, size: int) -> None:
    """Raise ModelFileError unless the archive ends in a directory of reasonable length; read before anything is built."""
    if size > MAX_FILE:
        raise ModelFileError(f"it has {size:,} bytes; at most {MAX_FILE:,} are read")
    if size < _DIRECTORY_END.size:
        raise ModelFileError(f"it has {size} bytes, too few for a zip archive")
    stream.seek(max(size - _DIRECTORY_END.size - 20, 0))
    tail = stream.read()
    end = _DIRECTORY_END.unpack(tail[-_DIRECTORY_END.size :])
    magic, disk, first_disk, here, count, length, start, comment = end
    if magic != b"PK\x05\x06" or comment:
        raise ModelFileError("it does not end like a zip archive: cut short, or another kind of file")
    if tail[:4] == b"PK\x06\x07" or 0xFFFF in (disk, first_disk, count) or 0xFFFFFFFF in (length, start):
        raise ModelFileError("it is a zip64 archive, which no MOJO is")
    if disk or first_disk or here != count:
        raise ModelFileError("it is one part of a zip archive of several")
    if count > MAX_ENTRIES or length > MAX_DIRECTORY:
        raise ModelFileError(f"it lists {count:,} entries in {length:,} bytes; at most {MAX_ENTRIES:,} are read")
    if start + length + _DIRECTORY_END.size > size:
        raise ModelFileError("its directory would lie beyond its end")
    stream.seek(0)


def _checked(entries: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for e in entries:
        shown = ascii(e.filename[:60])
        parts = e.filename.split("/")
        if len(e.filename) > 500 or not e.filename.isprintable() or "\\" in e.filename or ":" in e.filename:
            raise ModelFileError(f"the entry {shown} has a name that no MOJO has")
        if e.filename.startswith("/") or ".." in parts:
            raise ModelFileError(f"the entry {shown} would lie outside the archive")
        if e.filename in found:
            raise ModelFileError(f"the entry {shown} is there twice")
        if e.flag_bits & 0x1:
            raise ModelFileError(f"the entry {shown} is encrypted")
        if e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelFileError(f"the entry {shown} is compressed in a way that no MOJO is (method {e.compress_type})")
        if e.compress_size > size or e.header_offset > size:
            raise ModelFileError(f"the entry {shown} claims more bytes than the archive has")
        found[e.filename] = e
    total, bound = sum(e.file_size for e in entries), max(_FREE, _MAX_RATIO * size)
    if total > bound:
        raise ModelFileError(f"it would unpack to {total:,} bytes, more than {bound:,}: a zip bomb?")
    return found


def write_archive(path: str | os.PathLike[str], texts: Mapping[str, str | bytes], *, force: bool = True) -> Path:
    """Write files, text or bytes, into a new zip archive; the same content gives the same bytes."""
    target = Path(os.path.abspath(os.fspath(path)))
    if target.is_dir():
        raise H2OValueError(f"{target} is a folder; name a file in it")
    if target.exists() and not force:
        raise H2OValueError(f"{target} exists; give another name, or force=True to replace it")
    temporary = target.with_name(f".{target.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        with zipfile.ZipFile(temporary, "x", zipfile.ZIP_DEFLATED, allowZip64=False) as archive:
            for name, text in texts.items():
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, text.encode("utf-8") if isinstance(text, str) else text)
        os.replace(temporary, target)
    except OSError as error:
        raise H2OValueError(f"cannot write {target}: {error.strerror or error}") from None
    except zipfile.LargeZipFile:
        raise H2OValueError("the model is too large for a MOJO (4 GB)") from None
    finally:
        temporary.unlink(missing_ok=True)
    return target
