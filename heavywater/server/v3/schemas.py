"""What the server says about schemas: `MetadataV3`, from the list of their fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from heavywater.server.v3.schema import meta, schema
from heavywater.server.v3.schema_fields import SCHEMA_FIELDS

_FIELD = re.compile(
    r"(?P<name>\w+):(?P<type>[^@<=]+(?:<[\w,.<>]+>(?:\[\])*)?)(?:@(?P<schema>\w+))?(?P<way><>|<)?(?:=(?P<value>.+))?"
)
_START: dict[str, Any] = {"boolean": False, "int": 0, "long": 0, "byte": 0, "double": 0.0, "float": 0.0}
_WAYS = {None: "OUTPUT", "<": "INPUT", "<>": "INOUT"}
_REQUESTS = "RequestSchemaV3"


@dataclass(frozen=True)
class Described:
    """A schema: its place among the others and its fields as ``name:type…``."""

    name: str
    superclass: str
    type: str
    fields: tuple[str, ...]


@cache
def schemas() -> dict[str, Described]:
    """All schemas that are described, by name."""
    found = {}
    for paragraph in re.split(r"\n(?=\S)", SCHEMA_FIELDS.strip()):
        head, _, rest = paragraph.partition("\n")
        name, superclass, kind = head.split()
        found[name] = Described(name, superclass, kind, tuple(rest.split()))
    return found


def described(s: Described) -> dict[str, Any]:
    """`SchemaMetadataV3`."""
    fields = [_field(s, text) for text in s.fields]
    version = int(re.findall(r"V(\d+)$", s.name)[0]) if re.search(r"V\d+$", s.name) else 3
    fields.append(_field_object(s, "__meta", "Schema.Meta", None, "OUTPUT", meta(s.name, s.type, version)))
    values = {
        "version": version,
        "name": s.name,
        "label": s.name,
        "superclass": s.superclass,
        "type": s.type,
        "fields": fields,
        "markdown": _markdown(s, fields),
    }
    return schema("SchemaMetadataV3", "SchemaMetadata", values)


def metadata(routes: list[dict[str, Any]] | None, listed: Iterable[Described]) -> dict[str, Any]:
    """`MetadataV3`."""
    fields = {"routes": routes, "schemas": [described(s) for s in listed], "markdown": None}
    return schema("MetadataV3", "Iced", fields, request=True)


def _field(s: Described, text: str) -> dict[str, Any]:
    found = _FIELD.fullmatch(text)
    assert found is not None, text
    value = json.loads(found["value"]) if found["value"] else _START.get(found["type"])
    return _field_object(s, found["name"], found["type"], found["schema"], _WAYS[found["way"]], value)


def _field_object(s: Described, name: str, kind: str, inner: str | None, way: str, value: Any) -> dict[str, Any]:
    told = False if s.superclass == _REQUESTS else None  # H2O knows this of requests only
    fields = {
        "name": name,
        "type": kind,
        "is_schema": inner is not None and kind != "enum",
        "schema_name": inner,
        "value": value,
        "help": name.replace("_", " ").strip(),
        "label": name,
        "required": told,
        "level": "critical",
        "direction": way,
        "is_inherited": False,
        "inherited_from": None,
        "is_gridable": told,
        "values": [],
        "json": True,
        "is_member_of_frames": [],
        "is_mutually_exclusive_with": [],
    }
    return schema("FieldMetadataV3", "FieldMetadata", fields)


def _markdown(s: Described, fields: list[dict[str, Any]]) -> str:
    rows = "".join(f"| {f['name']} | {f['type']} | {f['direction']} |\n" for f in fields)
    return f"# schema {s.name}\n\n| field | type | direction |\n|---|---|---|\n{rows}"
