"""Frames as data: CSV, Arrow, files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from heavywater.frame import Frame
from heavywater.frame.export import export_file, write_csv
from heavywater.frame.stored import read_frame, write_frame
from heavywater.server.errors import Refused, bad_request
from heavywater.server.hub import Hub
from heavywater.server.router import Raw, route
from heavywater.server.v3 import frame as v3
from heavywater.server.v3 import job as v3job
from heavywater.server.v3.schema import schema

_BLOCK = 1 << 14
_MAX_PARTS = 1000


@route("GET", "/3/DownloadDataset")
def download(hub: Hub, frame_id: str, hex_string: bool = False, escape_quotes: bool = True) -> Raw:
    """A frame as CSV."""
    frame = hub.frame(frame_id, "frame_id")
    return Raw(
        _csv(frame, hexadecimal=hex_string),
        "application/octet-stream;charset=utf-8",
        200,
        _attached(csv_name(frame_id)),
    )


route("GET", "/3/DownloadDataset.bin")(download)


def csv_name(key: str) -> str:
    """The name under which a frame is downloaded."""
    name = key.replace(".hex", ".csv")
    return name if name.endswith(".csv") else f"{name}.csv"


def _csv(frame: Frame, *, hexadecimal: bool = False) -> Iterator[bytes]:
    """The frame as H2O writes it for its clients: times are milliseconds since 1970, real numbers hexadecimal if wanted."""
    real = [n for n in frame.names if frame.kind(n) == "real"] if hexadecimal else []
    times = [n for n in frame.names if frame.kind(n) == "time"]
    data = frame.stored.with_columns(pl.col(times).to_physical()) if times else frame.stored
    head = BytesIO()
    write_csv(Frame(data.head(0), frame.uuids), head)
    yield head.getvalue()
    for piece in data.iter_slices(_BLOCK):
        out = BytesIO()
        if real:
            yield _hexadecimal(piece, real)
            continue
        write_csv(Frame(piece, frame.uuids), out, header=False)
        yield out.getvalue()


def _hexadecimal(piece: pl.DataFrame, real: list[str]) -> bytes:
    """Lines of CSV in which the numbers of some columns are written as Java writes them in base 16."""
    out = piece.with_columns(
        pl.col(real).map_elements(java_hex, return_dtype=pl.String),
        *(
            ('"' + pl.col(n).cast(pl.String).str.replace_all('"', '""', literal=True) + '"').alias(n)
            for n, t in piece.schema.items()
            if t == pl.String or isinstance(t, pl.Enum)
        ),
    )
    return out.write_csv(include_header=False, quote_style="never").encode()


def java_hex(x: float) -> str:
    """A number in base 16, such as ``0x1.4p2`` for 5."""
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    mantissa, _, exponent = x.hex().partition("p")
    whole, _, digits = mantissa.partition(".")
    return f"{whole}.{digits.rstrip('0') or '0'}p{int(exponent)}"


@route("GET", "/3/Frames/{frame_id}/arrow")
def arrow(hub: Hub, frame_id: str) -> Raw:
    """A frame as an Arrow IPC file."""
    out = BytesIO()
    hub.frame(frame_id).data.write_ipc(out)
    return Raw(out.getvalue(), "application/vnd.apache.arrow.file", 200, _attached(f"{frame_id}.arrow"))


def _attached(name: str) -> dict[str, str]:
    safe = re.sub(r"[^A-Za-z0-9_.$-]", "_", name)
    return {"Content-Disposition": f"attachment; filename={safe}"}


@route("POST", "/3/Frames/{frame_id}/export")
def export(
    hub: Hub,
    frame_id: str,
    path: str,
    force: bool = False,
    num_parts: int = 1,
    compression: str | None = None,
    separator: int = 44,
    header: bool = True,
    quote_header: bool = True,
    parallel: bool = False,
    format: str = "csv",
    write_checksum: bool = True,
    tz_adjust_from_local: bool = False,
) -> dict[str, Any]:
    """Write a frame to a file, or in parts to a folder, under the folders open to clients; a job."""
    frame = hub.frame(frame_id, "frame_id")
    target = hub.roots.resolve(path)
    packed, kind = (compression or "none").lower(), format.lower()
    if packed not in ("none", "gzip") or kind not in ("csv", "parquet"):
        raise Refused("a frame is exported in the format csv or parquet, with the compression none or gzip (csv)")
    if not (num_parts == -1 or 1 <= num_parts <= _MAX_PARTS):
        raise bad_request(f"num_parts lies between 1 and {_MAX_PARTS}, or is -1; got {num_parts}")
    tail = ".gz" if packed == "gzip" and kind == "csv" else ""
    if tail and num_parts == 1 and target.suffix != tail:
        target = target.with_name(target.name + tail)
    if not 0 < separator < 128:
        raise bad_request("separator is the code of an ASCII character")
    if target.exists() and not force:
        raise _already_there(path)
    options: dict[str, Any] = {
        "force": force, "sep": chr(separator), "header": header, "quote_header": quote_header, "format": kind,
    }  # fmt: skip

    def work(job: Any) -> None:
        if num_parts == 1:
            export_file(frame, target, **options)
            return
        parts = max(num_parts, 1)
        target.mkdir(exist_ok=True)
        for i in range(parts):
            low, high = frame.nrow * i // parts, frame.nrow * (i + 1) // parts
            part = frame.slice(low, high - low)
            export_file(part, target / f"part-m-{i:05d}{tail}", **options)

    record = hub.start(work, "Export dataset", frame_id)
    return v3.frames(
        None, job=v3job.job(record), compression=compression, write_checksum=write_checksum, separator=separator,
        header=header, quote_header=quote_header, tz_adjust_from_local=tz_adjust_from_local,
    )  # fmt: skip


def _already_there(path: str) -> Refused:
    text = f"File {path} already exists!"
    values = {"argument": path, "function": "exportFrame", "value": text}
    return Refused(f"Illegal argument: {path} of function: exportFrame: {text} force=True replaces it", values=values)


@route("POST", "/3/Frames/{frame_id}/save")
def save(hub: Hub, frame_id: str, dir: str, force: bool = True) -> dict[str, Any]:
    """Save a frame in a folder under those open to clients, to be loaded again; a job."""
    frame = hub.frame(frame_id, "frame_id")
    target = _saved_as(hub, dir, frame_id)
    if target.exists() and not force:
        raise _already_there(dir)
    record = hub.start(lambda job: write_frame(frame, target, force=force), "Save frame", frame_id)
    return schema("FrameSaveV3", "Iced", {"dir": dir, "force": force, "job": v3job.job(record)}, request=True)


@route("POST", "/3/Frames/load")
def load(hub: Hub, frame_id: str, dir: str, force: bool = True) -> dict[str, Any]:
    """Load a frame that was saved in a folder; a job."""
    source = _saved_as(hub, dir, frame_id)
    if not source.is_file():
        raise Refused(
            f"there is no saved frame {frame_id!r} in {dir}", 404, "water.exceptions.H2ONotFoundArgumentException"
        )
    if hub.find(frame_id) is not None and not force:
        raise Refused(f"there is an object called {frame_id!r} already; force=True replaces it")

    def work(job: Any) -> Frame:
        frame = read_frame(source, hub.settings.files)
        hub.engine.put(frame_id, frame)
        return frame

    record = hub.start(work, "Load frame", frame_id)
    fields = {"dir": dir, "force": force, "job": v3job.job(record)}
    return schema("FrameLoadV3", "Iced", fields, request=True)


def _saved_as(hub: Hub, folder: str, frame_id: str) -> Path:
    safe = re.sub(r"[^A-Za-z0-9_.$-]", "_", frame_id)
    return hub.roots.resolve(f"{folder.rstrip('/')}/{safe}.frame")
