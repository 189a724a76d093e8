"""Reading files as tables."""

from heavywater.frame.parse.decompress import Limits
from heavywater.frame.parse.importer import guess_setup, parse
from heavywater.frame.parse.setup import ParseSetup

__all__ = ["Limits", "ParseSetup", "guess_setup", "parse"]
