"""Writes docs/reference/ from the declarations of parameters.

python tools/reference.py           writes the pages
python tools/reference.py --check   only says which pages are out of date
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

from heavywater.algos import ALGORITHMS, algorithm
from heavywater.params import Info, infos, wanted

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT))

_HOW = """\
Parameters are given by name to the constructor of an estimator, and are checked when training starts: all problems are
reported together. Lists may be lists, tuples or arrays; numpy numbers are numbers; a whole number will do where a
number is wanted, but True is no number. Words are matched without regard to case, spaces and punctuation
(`rectifier_with_dropout` is RectifierWithDropout). None stands for the default.
"""


def pages() -> dict[str, str]:
    """The text of every page by file name."""
    out = {f"{name}.md": page(name) for name in ALGORITHMS}
    lines = ["# Reference", "", "Parameters of the algorithms.", ""]
    lines += [f"- [{algorithm(name).FULL_NAME}]({name}.md)" for name in ALGORITHMS]
    out["README.md"] = "\n".join(lines) + "\n"
    return out


def page(name: str) -> str:
    """The page of one algorithm: a table of all parameters, then a section for each."""
    module = algorithm(name)
    declared = infos(module.Params)
    not_yet = module.Params.not_yet
    lines = [f"# Parameters of {module.FULL_NAME}", "", *_HOW.splitlines(), ""]
    lines += ["| parameter | type | default | what it does |", "|---|---|---|---|"]
    for n, i in declared.items():
        lines.append(f"| [{n}](#{n}) | {i.type.replace('<', '&lt;')} | {_default(i)} | {_cell(i.help)} |")
    effects, without = tested(name)
    if effects:
        lines += ["", "## Tests", "", *_TESTS.splitlines(), "", "| parameter | status | test |", "|---|---|---|"]
        lines += [f"| {n} | {_status(n, not_yet, without)} | `{effects[n]}` |" for n in declared]
    for n, i in declared.items():
        lines += ["", f"## {n}", "", *_section(i, not_yet.get(n))]
    if module.Params.removed:
        lines += ["", "## Names of the past", ""]
        lines += [f"- `{old}`: {what}." for old, what in module.Params.removed.items()]
    return "\n".join(lines) + "\n"


def tested(name: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Parameter → test of an algorithm, and parameter → why it has no effect; empty where no such list is kept."""
    own = f"tests.algos.{name}.effects"
    if not (ROOT / "tests" / "algos" / name / "effects.py").is_file():
        if name != "deeplearning":
            return {}, {}
        own = "tests.algos.effects"
    module = importlib.import_module(own)  # the tests are not installed
    return module.EFFECTS, module.WITHOUT_EFFECT


_TESTS = """\
For every parameter the test, in `tests/algos`, that fails when its effect is taken away. Where the status says that it
has no effect, the test makes sure of that.
"""


def _status(name: str, not_yet: Mapping[str, str], without: Mapping[str, str]) -> str:
    return f"refused: {not_yet[name]}" if name in not_yet else without.get(name, "works")


def _section(i: Info, missing: str | None) -> list[str]:
    lines = [i.help, ""]
    if i.note:
        lines += [i.note, ""]
    if missing:
        lines += [f"**Not in this version:** {missing}. Other values than the default are refused.", ""]
    lines.append(f"- Value: {wanted(i)}")
    lines.append(f"- Default: {_default(i)}")
    if i.spellings:
        lines.append("- Other spellings: " + ", ".join(f"`{a}` for {b}" for a, b in i.spellings.items()))
    if i.excludes:
        lines.append("- Not the same column as " + ", ".join(f"`{c}`" for c in i.excludes))
    lines.append(f"- For {_LEVELS[i.level]}; {'may be varied' if i.gridable else 'fixed'} in a grid search")
    if i.ours:
        lines.append("- heavywater's own")
    return lines


_LEVELS = {"critical": "everybody", "secondary": "some tasks", "expert": "experts"}


def _default(i: Info) -> str:
    if i.default is None:
        return "none"
    return f"`{list(i.default) if isinstance(i.default, tuple) else i.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def stale() -> list[str]:
    """Names of pages that differ from what would be written, and of pages that nobody writes."""
    wanted_pages = pages()
    there = {p.name: p.read_text(encoding="utf-8") for p in FOLDER.glob("*.md")}
    return sorted(n for n in wanted_pages.keys() | there.keys() if wanted_pages.get(n) != there.get(n))


def main() -> int:
    if "--check" in sys.argv[1:]:
        found = stale()
        for name in found:
            print(f"docs/reference/{name} is out of date; run: python tools/reference.py")
        return 1 if found else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale():
        if name in pages():
            (FOLDER / name).write_text(pages()[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
