"""The Python examples of README and docs run as they stand: the blocks of one page in order, in an empty folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "reference" not in p.parts)]
WITH_CODE = [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", WITH_CODE, ids=name)
def test_examples_run(page, tmp_path):
    text = page.read_text(encoding="utf-8")
    script = tmp_path / "page.py"
    # Blank lines in front, so that a traceback names the line of the page.
    lines = [""] * text.count("\n")
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1))
        code = block.group(1).splitlines()
        lines[first : first + len(code)] = code
    script.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run([sys.executable, "-W", "error", str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, f"{name(page)}:\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_the_readme_has_examples():
    assert ROOT / "README.md" in WITH_CODE


@pytest.mark.parametrize("script", ["scripts/demo", "scripts/test", "scripts/setup", "scripts/check", ".ci/run"])
def test_scripts_are_well_formed(script):
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)
