"""From raw files to frames: what they look like, and reading them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from heavywater.engine.jobs import Job
from heavywater.frame import Frame
from heavywater.frame.parse import parse
from heavywater.frame.parse.importer import guess_setup
from heavywater.server.errors import Refused, bad_request
from heavywater.server.hub import Hub, RawFile
from heavywater.server.router import route
from heavywater.server.v3 import job as v3
from heavywater.server.v3.schema import key, schema

_CHUNK = 4 << 20
_TYPES = {
    "numeric": "Numeric", "enum": "Enum", "string": "String", "time": "Time", "uuid": "UUID", None: "Unknown", "bad": "Unknown",
}  # fmt: skip
_GUESSED = {"unknown", "bad", ""}


def _sources(hub: Hub, names: list[str] | None) -> list[RawFile]:
    out = []
    for name in names or []:
        raw = hub.raw.get(name)
        if raw is None:
            raise bad_request(f"Key not loaded: Key<Frame> {name}")
        if not raw.uploaded and not hub.roots.contains(raw.path.resolve()):
            raise Refused(f"{name} is outside the folders that this server opens to clients")
        out.append(raw)
    if not out:
        raise bad_request("source_frames names no file; import or upload one first")
    return out


def _paths(raws: list[RawFile]) -> list[Path]:
    return [r.path for r in raws]


def _char(code: int | None) -> str | None:
    return None if code is None or code <= 0 or code > 127 else chr(code)


@route("POST", "/3/ParseSetup")
def setup(
    hub: Hub,
    source_frames: list[str],
    parse_type: str | None = None,
    separator: int | None = None,
    single_quotes: bool = False,
    check_header: int = 0,
    column_names: list[str] | None = None,
    column_types: list[str] | None = None,
    na_strings: list[list[str]] | None = None,
    skipped_columns: list[int] | None = None,
    column_name_filter: str | None = None,
    column_offset: int = 0,
    column_count: int = 0,
    destination_frame: str | None = None,
    chunk_size: int = _CHUNK,
    force_col_types: bool = False,
    tz_adjust_to_local: bool = False,
    custom_non_data_line_markers: str | None = None,
    decrypt_tool: str | None = None,
    partition_by: list[str] | None = None,
    escapechar: int = 0,
    total_filtered_column_count: int = 0,
) -> dict[str, Any]:
    """What raw files look like: format, separator, header, names and types of the columns, first rows."""
    raws = _sources(hub, source_frames)
    look = guess_setup(
        _paths(raws),
        limits=hub.settings.files,
        header=max(-1, min(1, check_header)),
        sep=_char(separator),
        quotechar="'" if single_quotes else None,
        escapechar=_char(escapechar),
        custom_non_data_line_markers=custom_non_data_line_markers or None,
    )
    names = list(column_names or ()) or (list(look.names) if look.header or look.parse_type != "CSV" else None)
    fields = {
        "source_frames": [key(n, "Frame") for n in source_frames],
        "parse_type": look.parse_type,
        "separator": ord(look.separator) if look.separator else 44,
        "single_quotes": look.quote == "'",
        "check_header": 1 if look.header else -1,
        "column_names": names,
        "skipped_columns": skipped_columns,
        "column_types": [_TYPES.get(w, "Unknown") for w in look.wanted],
        "na_strings": na_strings,
        "column_name_filter": column_name_filter,
        "column_offset": column_offset,
        "column_count": column_count,
        "destination_frame": destination_frame or _free_name(hub, raws[0]),
        "header_lines": 0,
        "number_columns": len(look.names),
        "data": [list(r) for r in look.preview][: 9 if look.header and len(raws) == 1 else 10],
        "warnings": None,
        "chunk_size": chunk_size,
        "total_filtered_column_count": len(look.names),
        "custom_non_data_line_markers": custom_non_data_line_markers,
        "decrypt_tool": key(decrypt_tool, "DecryptionTool"),
        "partition_by": partition_by,
        "escapechar": escapechar,
        "force_col_types": force_col_types,
        "tz_adjust_to_local": tz_adjust_to_local,
    }
    return schema("ParseSetupV3", "ParseSetup", fields, request=True)


def _free_name(hub: Hub, raw: RawFile) -> str:
    """A frame's name after the file's, with a number if it is taken."""
    stem = raw.name.rpartition("/")[2]
    if raw.uploaded and stem == raw.name:
        stem = f"Key_Frame__{stem}"
    while re.search(r"[^.]\.[A-Za-z0-9]{1,8}$", stem):
        stem = stem.rpartition(".")[0]
    stem = re.sub(r"[^A-Za-z0-9_]", "_", stem) or "frame"
    stem = stem if not stem[0].isdigit() else f"x{stem}"
    name, n = f"{stem}.hex", 0
    while hub.find(name) is not None:
        n += 1
        name = f"{stem}{n}.hex"
    return name


@route("POST", "/3/Parse")
def parse_files(
    hub: Hub,
    destination_frame: str | None = None,
    source_frames: list[str] | None = None,
    parse_type: str | None = None,
    separator: int | None = None,
    single_quotes: bool = False,
    check_header: int = 0,
    number_columns: int = 0,
    column_names: list[str] | None = None,
    column_types: list[str] | None = None,
    skipped_columns: list[int] | None = None,
    force_col_types: bool = False,
    domains: list[list[str]] | None = None,
    na_strings: list[list[str]] | None = None,
    chunk_size: int = _CHUNK,
    delete_on_done: bool = False,
    blocking: bool = False,
    decrypt_tool: str | None = None,
    custom_non_data_line_markers: str | None = None,
    partition_by: list[str] | None = None,
    escapechar: int = 0,
    tz_adjust_to_local: bool = False,
) -> dict[str, Any]:
    """Read raw files as one frame; a job."""
    if not source_frames or not destination_frame:
        raise Refused("Missing data")
    if partition_by or (decrypt_tool or "null").lower() != "null":
        raise Refused("partition_by and decrypt_tool are not supported by this server; leave them out")
    lost = [n for n in source_frames if n not in hub.raw]
    if lost:
        raise Refused(f"Missing data: there is no file under the key {lost[0]}")
    raws = _sources(hub, source_frames)
    given_names, column_names = column_names, [n for n in column_names or () if n] or None
    kept_names = column_names
    if skipped_columns and column_names and number_columns and len(column_names) == number_columns:
        kept_names = [n for i, n in enumerate(column_names) if i not in set(skipped_columns)]
    types = [None if t.lower() in _GUESSED else t.lower() for t in column_types or []] or None
    separator_char = _char(separator)

    def work(job: Job[Frame]) -> Frame:
        job.update(0.0, "Ingesting files.")
        frame = parse(
            _paths(raws),
            limits=hub.settings.files,
            header=max(-1, min(1, check_header)),
            sep=separator_char if (parse_type or "CSV").upper() in ("CSV", "GUESS") else None,
            col_names=kept_names or None,
            col_types=types,
            na_strings=na_strings or None,
            skipped_columns=skipped_columns or None,
            quotechar="'" if single_quotes else None,
            escapechar=_char(escapechar),
            custom_non_data_line_markers=custom_non_data_line_markers or None,
            parse_type=parse_type,
        )
        if job.stop.is_set():
            return frame
        hub.engine.put(destination_frame, frame)
        if delete_on_done:
            for name in source_frames:
                hub.remove(name)
        return frame

    record = hub.start(work, "Parse", destination_frame, wait=blocking)
    fields = {
        "destination_frame": key(destination_frame, "Frame"),
        "source_frames": [key(n, "Frame") for n in source_frames],
        "parse_type": parse_type or "CSV",
        "separator": separator if separator is not None else -1,
        "single_quotes": single_quotes,
        "check_header": check_header,
        "number_columns": number_columns,
        "column_names": given_names,
        "column_types": column_types,
        "skipped_columns": skipped_columns,
        "force_col_types": force_col_types,
        "domains": domains,
        "na_strings": na_strings,
        "chunk_size": chunk_size,
        "delete_on_done": delete_on_done,
        "blocking": blocking,
        "decrypt_tool": key(decrypt_tool, "DecryptionTool"),
        "custom_non_data_line_markers": custom_non_data_line_markers,
        "partition_by": partition_by,
        "job": v3.job(record),
        "rows": record.job.result().nrow if record.job.status == "DONE" else 0,
        "escapechar": escapechar,
        "tz_adjust_to_local": tz_adjust_to_local,
    }
    return schema("ParseV3", "Iced", fields, request=True)


@route("POST", "/3/ParseSVMLight")
def parse_svmlight(hub: Hub, source_frames: list[str], destination_frame: str | None = None) -> Any:
    """Read raw files in the format of SVMLight; a job."""
    name = destination_frame or _free_name(hub, _sources(hub, source_frames)[0])
    return parse_files(hub, name, source_frames, parse_type="SVMLight")["job"]
