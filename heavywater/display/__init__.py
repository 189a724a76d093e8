"""What people look at: tables, progress bars and plots; optional libraries are loaded only when they are needed."""

from heavywater.display.progress import Progress
from heavywater.display.table import Table

__all__ = ["Progress", "Table"]
