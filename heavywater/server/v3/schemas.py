"""Fields of the schemas that clients ask about before anything else: name, type and whether it is an argument."""

from __future__ import annotations

from typing import Any

from heavywater.server.v3.schema import schema

_ERROR = (
    "timestamp:long error_url:string msg:string dev_msg:string http_status:int values:Map<string,Object> "
    "exception_type:string exception_msg:string stacktrace:string[]"
)
_CLOUD = (
    "skip_ticks:boolean:INPUT version:string branch_name:string last_commit_hash:string describe:string compiled_by:string "
    "compiled_on:string build_number:string build_age:string build_too_old:boolean node_idx:int cloud_name:string "
    "cloud_size:int cloud_uptime_millis:long cloud_internal_timezone:string datafile_parser_timezone:string "
    "cloud_healthy:boolean bad_nodes:int consensus:boolean locked:boolean is_client:boolean hadoop_version:string "
    "telemetry_enabled:boolean nodes:Iced[] internal_security_enabled:boolean leader_idx:int web_ip:string "
    "_exclude_fields:string:INPUT"
)

SCHEMAS: dict[str, tuple[str, str, str]] = {
    "CloudV3": ("RequestSchemaV3", "Iced", _CLOUD),
    "H2OErrorV3": ("SchemaV3", "H2OError", _ERROR),
    "H2OModelBuilderErrorV3": (
        "H2OErrorV3", "H2OModelBuilderError",
        f"parameters:Parameters messages:ValidationMessage[] error_count:int {_ERROR}",
    ),
}  # fmt: skip
"""Name → superclass, type, fields."""

_HELP = {
    "version": "version of the API that is spoken",
    "cloud_healthy": "whether the server can work",
    "consensus": "whether all nodes agree; there is one node",
    "nodes": "the machines of the cluster; there is one",
    "msg": "what was wrong and what would be right",
    "http_status": "status of the answer",
    "exception_type": "kind of the error, by H2O's names",
}


def described(name: str) -> dict[str, Any]:
    """`MetadataV3` of one schema."""
    superclass, kind, text = SCHEMAS[name]
    fields = [_field(*item.split(":")) for item in f"{text} __meta:Schema.Meta".split()]
    one = schema(
        "SchemaMetadataV3", "SchemaMetadata",
        {"version": 3, "name": name, "label": name, "superclass": superclass, "type": kind, "fields": fields},
    )  # fmt: skip
    return schema("MetadataV3", "Iced", {"routes": None, "schemas": [one]}, request=True)


def _field(name: str, kind: str, direction: str = "OUTPUT") -> dict[str, Any]:
    base = kind.removesuffix("[]")
    inner = {"Parameters": "ModelParametersSchemaV3", "ValidationMessage": "ValidationMessageV3", "Iced": "NodeV3"}.get(base)
    start: Any = {"boolean": False, "int": 0, "long": 0}.get(kind)
    fields = {
        "name": name,
        "type": kind,
        "is_schema": inner is not None,
        "schema_name": inner,
        "value": start,
        "help": _HELP.get(name, name.replace("_", " ").strip()),
        "label": name,
        "required": False,
        "level": "critical",
        "direction": direction,
        "is_inherited": False,
        "inherited_from": None,
        "is_gridable": False,
        "values": [],
        "json": True,
        "is_member_of_frames": [],
        "is_mutually_exclusive_with": [],
    }
    return schema("FieldMetadataV3", "FieldMetadata", fields)
