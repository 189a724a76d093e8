"""Tables of measurements in pages of the documentation, between two lines that say who wrote them."""

from __future__ import annotations

from pathlib import Path

END = "<!-- measured: end -->"


def begin(module: str) -> str:
    """The line above the tables that ``python -m <module>`` writes."""
    return f"<!-- measured: begin (written by python -m {module}) -->"


def replace(page: Path, first: str, text: str) -> None:
    """Put `text` between the lines `first` and `END` of a page.

    Raises
    ------
    ValueError
        When the page lacks them.
    """
    whole = page.read_text()
    if whole.count(first) != 1 or whole.count(END) != 1:
        raise ValueError(f"{page} needs the lines {first!r} and {END!r} once each")
    page.write_text(f"{whole.split(first)[0]}{first}\n\n{text.strip()}\n\n{END}{whole.split(END)[1]}")
