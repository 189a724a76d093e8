"""The reference pages say what the declarations say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from heavywater.algos.deeplearning.params import DeepLearningParams
from heavywater.params import infos

TOOL = Path(__file__).resolve().parents[2] / "tools" / "reference.py"


def tool():
    spec = importlib.util.spec_from_file_location("reference", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date():
    assert tool().stale() == [], "run: python tools/reference.py"


def test_every_parameter_has_a_section():
    page = tool().page("deeplearning")
    for name, info in infos(DeepLearningParams).items():
        assert f"\n## {name}\n\n{info.help}\n" in page
        assert f"| [{name}](#{name}) |" in page


def test_a_changed_page_and_a_foreign_page_are_noticed(tmp_path):
    reference = tool()
    reference.FOLDER = tmp_path
    assert reference.stale() == sorted(reference.pages())
    for name, text in reference.pages().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert reference.stale() == []
    (tmp_path / "deeplearning.md").write_text("old", encoding="utf-8")
    (tmp_path / "gone.md").write_text("?", encoding="utf-8")
    assert reference.stale() == ["deeplearning.md", "gone.md"]
