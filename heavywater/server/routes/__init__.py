"""Handlers by subject; importing this package registers all of them."""

from heavywater.server.routes import (
    admin,
    cloud,
    diagnostics,
    explain,
    exports,
    files,
    frame_data,
    frame_tools,
    frames,
    grids,
    jobs,
    metadata,
    model_builders,
    models,
    native,
    parse,
    predictions,
    rapids,
)

__all__ = [
    "admin", "cloud", "diagnostics", "explain", "exports", "files", "frame_data", "frame_tools", "frames", "grids", "jobs",
    "metadata", "model_builders", "models", "native", "parse", "predictions", "rapids",
]  # fmt: skip
