"""Parameters of algorithms: declared once, then checked, described and documented from the declaration."""

from heavywater.params.check import canonical, check, examine, wanted
from heavywater.params.declare import Info, Message, Params, infos, param, parameters
from heavywater.params.metadata import metadata

__all__ = [
    "Info",
    "Message",
    "Params",
    "canonical",
    "check",
    "examine",
    "infos",
    "metadata",
    "param",
    "parameters",
    "wanted",
]
