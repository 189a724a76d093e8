"""Version 1 of the manifest: one JSON object with `algo`, `version`, `params`, `schema` and `output`.

Other keys are allowed and ignored, so that a later release can add information without a new version.
"""

from __future__ import annotations

from heavywater.errors import ModelFileError
from heavywater.models import strict_json
from heavywater.models.state import ModelState

__all__ = ["read", "write"]

_TYPES = {"algo": str, "version": int, "params": dict, "schema": dict, "output": dict}


def write(state: ModelState) -> str:
    """Return the text of the manifest of `state`."""
    parts = (f'"{name}":{strict_json.dumps(getattr(state, name), name)}' for name in _TYPES)
    return "{" + ",".join(parts) + "}"


def read(text: str) -> ModelState:
    """Return the state that `text` describes, without arrays."""
    made = strict_json.loads(text, "the manifest")
    if not isinstance(made, dict):
        raise ModelFileError(f"the manifest must be a JSON object; it is {type(made).__name__}")
    for name, kind in _TYPES.items():
        if name not in made:
            raise ModelFileError(f"the manifest lacks {name!r}")
        if not isinstance(made[name], kind) or isinstance(made[name], bool):
            raise ModelFileError(f"the manifest's {name!r} must be {kind.__name__}; it is {type(made[name]).__name__}")
    if made["version"] < 1 or not made["algo"]:
        raise ModelFileError("the manifest's 'version' must be >= 1 and its 'algo' a name")
    return ModelState(**{name: made[name] for name in _TYPES})
