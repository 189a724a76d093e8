"""The engine on another machine: the same session interface, over HTTP to ``heavywater serve``."""

from heavywater.remote.session import RemoteSession

__all__ = ["RemoteSession"]
