"""Parameters as H2O's clients see them (ModelParameterSchemaV3), in H2O's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heavywater.params.declare import infos


def metadata(
    cls: type,
    *,
    given: Mapping[str, Any] | None = None,
    actual: Mapping[str, Any] | None = None,
    ours: bool = False,
) -> list[dict[str, Any]]:
    """One dictionary per parameter.

    Parameters
    ----------
    cls : type
        A parameter class or an estimator.
    given, actual : mapping, optional
        Values as the user gave them and values in force, by name; they appear as ``input_value`` and ``actual_value``.
    ours : bool
        Include the parameters that H2O does not know.

    Returns
    -------
    list of dict
        ``name, label, help, required, type, default_value, level, values, gridable, is_member_of_frames,
        is_mutually_exclusive_with``; all values can go into JSON.
    """
    out = []
    for name, i in infos(cls).items():
        if i.ours and not ours:
            continue
        entry = {
            "name": name.rstrip("_"),  # Python's keyword lambda is lambda_
            "label": name.rstrip("_"),
            "help": i.help,
            "required": False,
            "type": i.type,
            "default_value": list(i.default) if isinstance(i.default, tuple) else i.default,
            "level": i.level,
            "values": list(i.listed),
            "gridable": i.gridable,
            "is_member_of_frames": list(i.member_of),
            "is_mutually_exclusive_with": list(i.excludes),
        }
        if given is not None:
            entry["input_value"] = given.get(name, entry["default_value"])
        if actual is not None:
            entry["actual_value"] = actual.get(name, entry["default_value"])
        out.append(entry)
    return out
