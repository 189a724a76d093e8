"""Files of the server's machine and uploads: what there is to parse."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import Request

from heavywater.server.errors import Refused
from heavywater.server.fetch import fetch, is_url
from heavywater.server.hub import Hub, RawFile
from heavywater.server.paths import Outside
from heavywater.server.router import route
from heavywater.server.v3.schema import schema

_MAX_FILES = 10_000
_NO_FILE = "water.exceptions.H2ONotFoundArgumentException"


@route("POST", "/3/ImportFilesMulti")
def import_many(hub: Hub, paths: list[str], pattern: str | None = None) -> dict[str, Any]:
    """Make files known by path, to be parsed."""
    twice = next((i for i, p in enumerate(paths) if p in paths[:i]), None)
    if twice is not None:
        _imported(hub, paths[:twice], pattern)  # as in H2O, which meets the second when it has the first
        raise Refused(f"{paths[twice]} stands in the list twice", 400, "java.lang.IllegalArgumentException")
    fields = {"paths": paths, "pattern": pattern, **_imported(hub, paths, pattern)}
    return schema("ImportFilesMultiV3", "ImportFilesMulti", fields, request=True)


@route("GET", "/3/ImportFiles")
def import_one(hub: Hub, path: str, pattern: str | None = None) -> dict[str, Any]:
    """Make the files of one path known, to be parsed."""
    fields = {"path": path, "pattern": pattern, **_imported(hub, [path], pattern)}
    return schema("ImportFilesV3", "ImportFiles", fields, request=True)


route("POST", "/3/ImportFiles")(import_one)


def _imported(hub: Hub, paths: list[str], pattern: str | None) -> dict[str, Any]:
    found: list[Path] = []
    fetched: list[str] = []
    for text in paths:
        if is_url(text) and hub.settings.allow_url:
            fetched.append(text)
            continue
        try:
            files = hub.roots.files(text, pattern)
        except Outside as e:
            raise Refused(e.text, 404, _NO_FILE) from e
        if not files:
            raise Refused(f"File {text} does not exist", 404, _NO_FILE, {"argument": "path"})
        found += files
    if len(found) > _MAX_FILES:
        raise Refused(f"{len(found)} files are more than {_MAX_FILES}, the limit")
    keys = [f"nfs:/{p}" for p in found]
    known = [k for k in [*keys, *fetched] if k in hub.raw]
    for url in fetched:
        target = hub.upload_path()
        try:
            fetch(url, target, max_bytes=hub.settings.max_body, seconds=hub.settings.request_seconds)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        hub.put_raw(url, RawFile(target, url.rpartition("/")[2] or "download", True))
    for k, p in zip(keys, found):
        hub.put_raw(k, RawFile(p, p.name, False))
    names = [*map(str, found), *fetched]
    return {"files": names, "destination_frames": [*keys, *fetched], "fails": [], "dels": known}


@route("GET", "/3/Typeahead/files")
def complete(hub: Hub, src: str = "", limit: int = 100) -> dict[str, Any]:
    """Paths that begin with a text, under the folders open to clients."""
    fields = {"src": src, "limit": limit, "matches": hub.roots.shown(src, min(limit, 1000))}
    return schema("TypeaheadV3", "Iced", fields, request=True)


# -- uploads ------------------------------------------------------------------------------------------------------------


@route("POST", "/3/PostFile", upload=True)
async def post_file(
    hub: Hub, request: Request, destination_frame: str | None = None, filename: str | None = None
) -> dict[str, Any]:
    """Take a file: the body itself, or the first part of a multipart form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/octet-stream", "multipart/form-data", "application/x-www-form-urlencoded"):
        raise Refused(f"an upload is a plain body or a multipart form, not {kind!r}", 400)
    key = destination_frame or f"upload_{secrets.token_hex(16)}"
    target, total = hub.upload_path(), 0
    source = _first_part(request) if kind == "multipart/form-data" else request.stream()
    try:
        with target.open("xb") as out:
            pieces = aiter(source)
            while True:
                try:
                    async with asyncio.timeout(hub.settings.request_seconds):  # a client that falls silent is let go
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    break
                out.write(piece)
                total += len(piece)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    hub.put_raw(key, RawFile(target, key, True))
    return {"destination_frame": key, "total_bytes": total}


route("POST", "/3/PostFile.bin", upload=True)(post_file)


async def _first_part(request: Request) -> AsyncIterator[bytes]:
    """The content of the first part of a multipart body, piece by piece."""
    from python_multipart.multipart import MultipartParser, parse_options_header

    _, options = parse_options_header(request.headers["content-type"])
    if b"boundary" not in options:
        raise Refused("the multipart form names no boundary", 400)
    pieces: list[bytes] = []
    part = 0

    def begin() -> None:
        nonlocal part
        part += 1

    def data(chunk: bytes, start: int, end: int) -> None:
        if part == 1:
            pieces.append(chunk[start:end])

    parser = MultipartParser(options[b"boundary"], {"on_part_begin": begin, "on_part_data": data})
    try:
        async for chunk in request.stream():
            parser.write(chunk)
            while pieces:
                yield pieces.pop(0)
        parser.finalize()
    except ValueError as e:
        raise Refused(f"the multipart form is damaged: {e}", 400) from None
    if part == 0:
        raise Refused("the multipart form has no part", 400)
