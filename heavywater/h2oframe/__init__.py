"""`H2OFrame`: H2O's table, backed by Rapids trees over Polars."""

from heavywater.h2oframe.frame import H2OFrame
from heavywater.h2oframe.groupby import GroupBy

__all__ = ["GroupBy", "H2OFrame"]
