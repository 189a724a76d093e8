"""Rapids: trees of operations on tables, the text form of them, and their evaluation over Polars."""

from heavywater.rapids.node import Call, Items, Lambda, Leaf, Name, Span, text
from heavywater.rapids.parse import parse
from heavywater.rapids.run import evaluate

__all__ = ["Call", "Items", "Lambda", "Leaf", "Name", "Span", "evaluate", "parse", "text"]
