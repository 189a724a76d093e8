"""Unpack gzip, zip, zstd, bzip2 and xz files, with limits that stop decompression bombs."""

from __future__ import annotations

import bz2
import io
import lzma
import math
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from heavywater.errors import ParseError

BLOCK = 16 << 20


@dataclass(frozen=True)
class Limits:
    """How much a file may grow while it is unpacked, downloaded and read as a table.

    Attributes
    ----------
    max_bytes : int
        Largest size of one unpacked or downloaded file.
    max_ratio : float
        Largest ratio of unpacked to packed size, looked at only beyond `free_bytes`.
    free_bytes : int
        Unpacked size up to which no ratio is suspicious.
    max_rows, max_columns : float
        Largest table.
    """

    max_bytes: int = 64 << 30
    max_ratio: float = 250.0
    free_bytes: int = 1 << 30
    max_rows: float = math.inf
    max_columns: float = math.inf

    def allowed(self, packed: int) -> int:
        """Bytes that `packed` bytes may unpack to."""
        return min(self.max_bytes, max(self.free_bytes, int(self.max_ratio * packed)))

    def check_table(self, name: str, rows: float, columns: int) -> None:
        """Refuse a table that is larger than allowed.

        Raises
        ------
        ParseError
        """
        if columns > self.max_columns:
            raise ParseError(f"{name}: {columns:,} columns are more than {self.max_columns:,}, the limit")
        if rows > self.max_rows:
            raise ParseError(f"{name}: {rows:,} rows are more than {self.max_rows:,}, the limit")


def unpack(name: str, data: bytes, limits: Limits | None = None) -> list[tuple[str, bytes]]:
    """Contents of a file, as (name, bytes) pairs; the kind of compression is told by the first bytes.

    Returns
    -------
    list of (str, bytes)
        One pair; for a zip archive one for each file in it.

    Raises
    ------
    ParseError
        When the file is damaged, encrypted or unpacks to more than `limits` allow.
    """
    limits = limits or Limits()
    allowed = limits.allowed(len(data))
    try:
        if data[:2] == b"\x1f\x8b":
            return [(name, _gzip(name, data, allowed))]
        if data[:4] == b"PK\x03\x04":
            return _zip(name, data, allowed)
        if data[:4] == b"\x28\xb5\x2f\xfd":
            return [(name, _zstd(name, data, allowed))]
        if data[:3] == b"BZh" and data[4:10] == b"1AY&SY":
            return [(name, _streams(name, data, allowed, bz2.BZ2Decompressor))]
        if data[:6] == b"\xfd7zXZ\x00":
            return [(name, _streams(name, data, allowed, lzma.LZMADecompressor))]
    except (zlib.error, zipfile.BadZipFile, lzma.LZMAError, EOFError, OSError, RuntimeError) as e:
        raise ParseError(f"{name}: the compressed file is damaged or cannot be unpacked ({e})") from e
    return [(name, data)]


def _too_big(name: str, packed: int, allowed: int) -> ParseError:
    return ParseError(
        f"{name}: {packed:,} bytes unpack to more than {allowed:,}; if the file is trusted, "
        "raise the limits, e.g. parse(..., limits=Limits(max_ratio=1e6))"
    )


def _gzip(name: str, data: bytes, allowed: int) -> bytes:
    from isal import igzip_lib, isal_zlib  # unpacks more than twice as fast as zlib

    parts: list[bytes] = []
    size, rest = 0, data
    while rest[:2] == b"\x1f\x8b":  # a gzip file may be several members one after the other
        d = isal_zlib.decompressobj(31)
        try:
            part = d.decompress(rest, allowed - size + 1)
        except igzip_lib.IsalError as e:  # type: ignore[misc]
            raise zlib.error(str(e)) from e
        size += len(part)
        if size > allowed:
            raise _too_big(name, len(data), allowed)
        if not d.eof:
            raise EOFError("it ends too early")
        parts.append(part)
        rest = d.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _streams(
    name: str, data: bytes, allowed: int, make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]
) -> bytes:
    parts: list[bytes] = []
    size, rest = 0, data
    while rest:
        d = make()
        part = d.decompress(rest, allowed - size + 1)
        size += len(part)
        if size > allowed:
            raise _too_big(name, len(data), allowed)
        if not d.eof:
            raise EOFError("it ends too early")
        parts.append(part)
        rest = d.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _zstd(name: str, data: bytes, allowed: int) -> bytes:
    import pyarrow as pa

    stream = pa.CompressedInputStream(pa.py_buffer(data), "zstd")
    return _bounded(name, stream.read, len(data), allowed)


def _zip(name: str, data: bytes, allowed: int) -> list[tuple[str, bytes]]:
    out: list[tuple[str, bytes]] = []
    left = allowed
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if info.is_dir() or info.filename.startswith("__MACOSX/"):
                continue
            with archive.open(info) as f:
                text = _bounded(f"{name}/{info.filename}", f.read, len(data), left)
            left -= len(text)
            out.append((f"{name}/{info.filename}", text))
    if not out:
        raise ParseError(f"{name}: the zip archive holds no files")
    return out


def _bounded(name: str, read: Callable[[int], bytes], packed: int, allowed: int) -> bytes:
    """All that `read` gives, at most `allowed` bytes."""
    parts: list[bytes] = []
    size = 0
    while part := read(min(BLOCK, allowed - size + 1)):
        parts.append(part)
        size += len(part)
        if size > allowed:
            raise _too_big(name, packed, allowed)
    return b"".join(parts)
