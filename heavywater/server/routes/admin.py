"""The rest: logs, stopping the server, notebooks, and what is absent on purpose."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from heavywater.server.errors import Refused, missing
from heavywater.server.hub import Hub
from heavywater.server.router import Raw, route
from heavywater.server.v3.schema import schema

_NAME = re.compile(r"[A-Za-z0-9_. -]{1,200}")
_MAX_NOTES, _MAX_NOTE = 1000, 16 << 20
log = logging.getLogger("heavywater.server")


@route("POST", "/3/LogAndEcho", quick=True)
def log_and_echo(hub: Hub, message: str = "") -> dict[str, Any]:
    """Write a line to the server's log."""
    log.info("client: %s", message[:1000].encode("unicode_escape").decode())
    return schema("LogAndEchoV3", "Iced", {"message": message}, request=True)


@route("POST", "/3/Shutdown", quick=True)
def shutdown(hub: Hub) -> dict[str, Any]:
    """Stop the server, after the answer."""
    hub.stop()
    return schema("ShutdownV3", "Iced", {}, request=True)


@route("POST", "/3/GarbageCollect")
def collect(hub: Hub) -> dict[str, Any]:
    """Give unused memory back."""
    import gc

    gc.collect()
    return schema("GarbageCollectV3", "Iced", {})


@route("POST", "/3/UnlockKeys", quick=True)
def unlock(hub: Hub) -> dict[str, Any]:
    """Nothing is ever locked here."""
    return schema("UnlockKeysV3", "Iced", {}, request=True)


@route("POST", "/3/CloudLock", quick=True)
def lock(hub: Hub, reason: str | None = None) -> dict[str, Any]:
    """A server of one machine is always complete."""
    return schema("CloudLockV3", "Iced", {"reason": reason}, request=True)


# -- notebooks ----------------------------------------------------------------------------------------------------------


@route("GET", "/3/NodePersistentStorage/configured", quick=True)
def configured(hub: Hub) -> dict[str, Any]:
    """Whether notebooks can be kept."""
    return _storage(configured=True)


@route("GET", "/3/NodePersistentStorage/{category}", quick=True)
def entries(hub: Hub, category: str) -> dict[str, Any]:
    """Names in a category."""
    listed = [
        schema(
            "NodePersistentStorageEntryV3", "Iced",
            {"category": c, "name": n, "size": len(value), "timestamp_millis": stamp},
        )
        for (c, n), (value, stamp) in sorted(hub.notes.items())
        if c == category
    ]  # fmt: skip
    return _storage(category=category, entries=listed)


@route("GET", "/3/NodePersistentStorage/categories/{category}/exists", quick=True)
def category_exists(hub: Hub, category: str) -> dict[str, Any]:
    """Whether a category holds anything."""
    return _storage(category=category, exists=any(c == category for c, _ in hub.notes))


@route("GET", "/3/NodePersistentStorage/categories/{category}/names/{name}/exists", quick=True)
def name_exists(hub: Hub, category: str, name: str) -> dict[str, Any]:
    """Whether a category holds a name."""
    return _storage(category=category, name=name, exists=(category, name) in hub.notes)


@route("GET", "/3/NodePersistentStorage/{category}/{name}", quick=True)
def read(hub: Hub, category: str, name: str) -> dict[str, Any]:
    """A text that was kept."""
    if (category, name) not in hub.notes:
        raise missing(name, "name")
    return _storage(category=category, name=name, value=hub.notes[category, name][0].decode("utf-8", "replace"))


@route("GET", "/3/NodePersistentStorage.bin/{category}/{name}", quick=True)
def download(hub: Hub, category: str, name: str) -> Raw:
    """A text that was kept, as a file."""
    if (category, name) not in hub.notes:
        raise missing(name, "name")
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return Raw(hub.notes[category, name][0], headers={"Content-Disposition": f"attachment; filename={safe}"})


@route("POST", "/3/NodePersistentStorage/{category}/{name}", quick=True)
def write(hub: Hub, category: str, name: str, value: str = "") -> dict[str, Any]:
    """Keep a text under a name."""
    if not (_NAME.fullmatch(category) and _NAME.fullmatch(name)):
        raise Refused("categories and names are 1 to 200 letters, digits, blanks, dots, dashes and underscores")
    data = value.encode("utf-8", "replace")
    if len(data) > _MAX_NOTE or (len(hub.notes) >= _MAX_NOTES and (category, name) not in hub.notes):
        raise Refused(f"at most {_MAX_NOTES} texts of {_MAX_NOTE} bytes are kept")
    hub.notes[category, name] = data, int(time.time() * 1000)
    return _storage(category=category, name=name, value=value)


@route("POST", "/3/NodePersistentStorage/{category}", quick=True)
def write_unnamed(hub: Hub, category: str, value: str = "") -> dict[str, Any]:
    """Keep a text under a new name."""
    return write(hub, category, f"{time.time_ns():x}", value)


@route("DELETE", "/3/NodePersistentStorage/{category}/{name}", quick=True)
def forget(hub: Hub, category: str, name: str) -> dict[str, Any]:
    """Forget a text."""
    hub.notes.pop((category, name), None)
    return _storage(category=category, name=name)


def _storage(**fields: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "category": None,
        "name": None,
        "value": None,
        "configured": False,
        "exists": False,
        "entries": None,
    }
    return schema("NodePersistentStorageV3", "Iced", empty | fields, request=True)


@route("GET", "/99/Leaderboards", quick=True)
def leaderboards(hub: Hub) -> dict[str, Any]:
    """Leaderboards of AutoML: there are none; Rapids' makeLeaderboard compares given models."""
    return schema(
        "LeaderboardsV99", "Leaderboards", {"project_name": None, "leaderboards": []}, version=99, request=True
    )


@route("GET", "/99/Leaderboards/{project_name}", quick=True)
def leaderboard(hub: Hub, project_name: str, extensions: list[str] | None = None) -> dict[str, Any]:
    """A leaderboard of AutoML: there is none."""
    raise missing(project_name, "project_name")


# -- absent on purpose --------------------------------------------------------------------------------------------------


def _absent(method: str, pattern: str, what: str) -> None:
    def handler(hub: Hub, **fields: str) -> dict[str, Any]:
        raise Refused(f"{what} is not supported by this server", 412, "water.exceptions.H2ONotSupportedException")

    handler.__doc__ = f"{what}: absent on purpose."
    route(method, pattern, quick=True)(handler)


for _method, _pattern, _what in (
    ("POST", "/99/ImportSQLTable", "Import from a database"),
    ("POST", "/3/ImportHiveTable", "Import from Hive"),
    ("POST", "/3/SaveToHiveTable", "Export to Hive"),
    ("POST", "/3/PersistS3", "Storing credentials"),
    ("POST", "/3/DecryptionSetup", "Decryption while parsing"),
    ("POST", "/3/PutKey", "Uploading code"),
    ("GET", "/3/KillMinus3", "Dumping the process"),
    ("GET", "/3/JStack", "Dumping the process"),
    ("GET", "/3/Profiler", "Profiling the process"),
    ("POST", "/99/AutoMLBuilder", "AutoML"),
    ("GET", "/3/Metadata/schemaclasses/{classname}", "Looking at classes"),
    ("GET", "/99/AutoML/{automl_id}", "AutoML"),
    ("POST", "/99/Assembly", "Assembly"),
    ("GET", "/3/Tree", "Looking at trees"),
    ("POST", "/3/FeatureInteraction", "Feature interaction of trees"),
    ("POST", "/3/FriedmansPopescusH", "Feature interaction of trees"),
    ("POST", "/3/SignificantRules", "Significant rules"),
    ("GET", "/3/h2o-genmodel.jar", "Downloading H2O's Java runtime"),
    ("DELETE", "/3/PersistS3", "Storing credentials"),
    ("POST", "/3/SegmentModelsBuilders/{algo}", "Training a model for each segment"),
    ("GET", "/99/Assembly.java/{assembly_id}/{file_name}", "Assembly"),
    ("GET", "/99/Assembly.fetch_mojo_pipeline/{assembly_id}/{file_name}", "Assembly"),
    ("POST", "/99/DCTTransformer", "Cosine transforms"),
    ("POST", "/3/DataInfoFrame", "Showing expanded columns"),
    ("GET", "/3/ComputeGram", "Computing Gram matrices"),
    ("GET", "/3/GetGLMRegPath", "Showing the path of a regularised model"),
    ("POST", "/3/MakeGLMModel", "Making a generalised linear model by hand"),
    ("POST", "/3/MakeUnrestrictedGLMModel", "Making a generalised linear model by hand"),
    ("POST", "/3/MakeDerivedGLMModel", "Making a generalised linear model by hand"),
    ("GET", "/3/TargetEncoderTransform", "Target encoding"),
    ("GET", "/3/Word2VecSynonyms", "Word2Vec"),
    ("GET", "/3/Word2VecTransform", "Word2Vec"),
    ("POST", "/4/Frames/$simple", "Making up a frame in this way; POST /3/CreateFrame"),
    ("GET", "/4/jobs/{job_id}", "Version 4 of a job; GET /3/Jobs/{job_id}"),
    ("GET", "/3/Frames/{frame_id}/export/{path}/overwrite/{force}", "Export by GET"),
):
    _absent(_method, _pattern, _what)
