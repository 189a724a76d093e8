"""A tree walked in plain Python, from LightGBM's own description of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def walk(node: Mapping[str, Any], row: Sequence[float]) -> float:
    """Value of the leaf that `row` falls into."""
    while "split_feature" in node:
        value = row[node["split_feature"]]
        categorical = node["decision_type"] == "=="
        if math.isnan(value):
            if node["missing_type"] == "NaN":
                left = node["default_left"] and not categorical
            else:
                left = count(node["left_child"]) >= count(node["right_child"])
        elif categorical:
            left = int(value) in [int(v) for v in str(node["threshold"]).split("||")]
        else:
            left = value <= node["threshold"]
        node = node["left_child" if left else "right_child"]
    return float(node["leaf_value"])


def count(node: Mapping[str, Any]) -> int:
    return int(node.get("internal_count", node.get("leaf_count", 0)))
