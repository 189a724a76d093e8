"""Files that are not local: ``http(s)://`` by the standard library, other kinds of URL through fsspec or pyarrow.

fsspec knows a kind of URL when the package for it is installed (``s3fs``, ``gcsfs``, ...); what it does not know is
tried with pyarrow, which has S3, GCS, Azure and HDFS built in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from heavywater.errors import ParseError
from heavywater.frame.parse.decompress import BLOCK, Limits

TIMEOUT_S = 60
T = TypeVar("T")


def read_http(url: str, limits: Limits) -> bytes:
    """The body of a web page."""
    import urllib.error  # these load half of the standard library
    import urllib.request

    request = urllib.request.Request(url, headers={"User-Agent": "heavywater"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
            return _drain(url, reply, limits)
    except urllib.error.HTTPError as e:
        with e:
            raise ParseError(f"{url}: the server answered {e.code} {e.reason}") from e
    except (OSError, ValueError) as e:
        raise ParseError(f"{url}: cannot be fetched ({getattr(e, 'reason', e)})") from e


def read_store(url: str, limits: Limits) -> bytes:
    """The bytes of a file in an object store or on HDFS."""

    def by_fsspec(fs: Any, path: str) -> bytes:
        with fs.open(path, "rb") as f:
            return _drain(url, f, limits)

    def by_pyarrow(fs: Any, path: str) -> bytes:
        with fs.open_input_stream(path) as f:
            return _drain(url, f, limits)

    return _either(url, by_fsspec, by_pyarrow)


def list_store(url: str) -> list[str]:
    """URLs of the files that `url` stands for: a folder's files in sorted order, the matches of a glob, or itself."""
    scheme = url.split("://", 1)[0]

    def by_fsspec(fs: Any, path: str) -> list[str]:
        if any(c in path for c in "*?["):
            found = [p for p in fs.glob(path) if fs.isfile(p)]
        elif fs.isdir(path):
            found = [i["name"] for i in fs.ls(path, detail=True) if i["type"] == "file"]
        else:
            return [url]
        return [str(fs.unstrip_protocol(p)) for p in sorted(found)]

    def by_pyarrow(fs: Any, path: str) -> list[str]:
        from pyarrow.fs import FileSelector, FileType

        if fs.get_file_info(path).type != FileType.Directory:
            return [url]
        return [f"{scheme}://{i.path.lstrip('/')}" for i in fs.get_file_info(FileSelector(path)) if i.is_file]

    return _either(url, by_fsspec, by_pyarrow)


def _either(url: str, by_fsspec: Callable[[Any, str], T], by_pyarrow: Callable[[Any, str], T]) -> T:
    tried: list[str] = []
    try:
        try:
            import fsspec

            system, path = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as e:  # ValueError: a protocol that it does not know
            tried.append(f"fsspec: {e}")
            from pyarrow import fs

            system, path = fs.FileSystem.from_uri(url)
            return by_pyarrow(system, path)
        return by_fsspec(system, path)
    except ParseError:
        raise
    except Exception as e:  # each backend raises its own kind
        said = "; ".join([*tried, str(e).split("\n")[0]])
        hint = " (pip install 'heavywater[remote-files]', and the package for this kind of URL)" if tried else ""
        raise ParseError(f"{url}: cannot be read: {said}{hint}") from e


def _drain(url: str, stream: Any, limits: Limits) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := stream.read(BLOCK):
        size += len(part)
        if size > limits.max_bytes:
            raise ParseError(f"{url}: larger than {limits.max_bytes:,} bytes; raise Limits(max_bytes=...)")
        parts.append(bytes(part))
    return b"".join(parts)
