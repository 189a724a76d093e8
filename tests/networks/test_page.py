"""The table of networks in the documentation is the one that the networks give."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def page():
    spec = importlib.util.spec_from_file_location("networks_page", ROOT / "tools" / "networks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page()


def test_the_page_is_up_to_date():
    assert (ROOT / "docs" / "networks.md").read_text(encoding="utf-8") == page(), "run tools/networks.py"


def test_the_page_holds_the_figures_of_deep_water():
    text = page()
    for figure in ("432,080", "58,322,314", "235,762,058", "6,014,522", "10,362,410", "2,399,264", "154,527,614"):
        assert figure in text
    assert "| global_pool | avg pooling 7x7 | 1024x3x3 | |" in text
    assert "| fc6 | fully connected | 4096 | 209,719,296 |" in text
