"""Grid search under H2O's names."""

from heavywater.grid.files import get_grid, load_grid, save_grid
from heavywater.grid.grid_search import H2OGridSearch

__all__ = ["H2OGridSearch", "get_grid", "load_grid", "save_grid"]
