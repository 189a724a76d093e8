"""Tables: types, parsing, summaries and the design matrix.  Data only; nothing here is lazy."""

from heavywater.frame.frame import Frame, Kind

__all__ = ["Frame", "Kind"]
