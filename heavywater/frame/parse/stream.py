"""The text of a plain or gzip file a block at a time, so that it is never in memory as a whole."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TypeVar

from heavywater.errors import ParseError
from heavywater.frame.parse.decompress import Limits

BLOCK = 1 << 20
"""Bytes of a block, unpacked."""
READ = 1 << 18
"""Bytes that are read from a packed file at a time."""
GZIP = b"\x1f\x8b"
_MOST_RATIO = 1032
"""Deflate cannot make a file smaller than by this."""

Item = TypeVar("Item")


def text_blocks(path: str, limits: Limits) -> Generator[bytes]:
    """What a local file holds, unpacked if it is packed by gzip, in blocks of at most `BLOCK` bytes.

    Raises
    ------
    ParseError
        The file is damaged or unpacks to more than `limits` allow.
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as f:
        allowed, size = limits.allowed(os.fstat(f.fileno()).st_size), 0
        packed = f.read(2) == GZIP
        f.seek(0)
        for block in _gunzipped(path, f) if packed else iter(lambda: f.read(BLOCK), b""):
            size += len(block)
            if size > allowed:
                raise ParseError(f"{path}: it unpacks to more than {allowed:,} bytes")
            yield block


def _gunzipped(path: str, f: IO[bytes]) -> Iterator[bytes]:
    from isal import igzip_lib  # unpacks more than twice as fast as zlib

    packed = f.read(READ)
    while packed[:2] == GZIP:  # a gzip file may be several members one after the other
        unpacker = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        while not unpacker.eof:
            if unpacker.needs_input and not packed and not (packed := f.read(READ)):
                raise ParseError(f"{path}: the compressed file ends too early")
            try:
                block = unpacker.decompress(packed, BLOCK)
            except igzip_lib.IsalError as e:  # type: ignore[misc]
                raise ParseError(f"{path}: the compressed file is damaged ({e})") from e
            packed = b""
            if block:
                yield block
        packed = unpacker.unused_data
        if len(packed) < 2:
            packed += f.read(READ)


def expected_size(path: str) -> int:
    """About how many bytes the text of a file has: what a gzip file says at its end, but no more than is possible."""
    size = os.path.getsize(path)
    with open(path, "rb") as f:
        if f.read(2) != GZIP or size < 18:
            return size
        f.seek(-4, os.SEEK_END)
        return min(int.from_bytes(f.read(4), "little"), _MOST_RATIO * size)


def ahead(items: Iterator[Item]) -> Generator[Item]:
    """The same items, each made on another thread while the one before is used."""
    with ThreadPoolExecutor(1, "unpack") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
