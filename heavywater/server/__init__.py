"""H2O's REST API (version 3) over the engine of this process; needs the extra ``heavywater[server]``."""

from heavywater.server.config import Settings

__all__ = ["Settings"]
