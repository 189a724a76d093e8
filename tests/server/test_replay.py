"""Recorded sessions with the original server, replayed request by request."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from heavywater.engine.session import LocalSession
from heavywater.server.app import create_app
from heavywater.server.config import Settings
from tests.rapids.test_golden import EXCEPTIONS as OTHER_RAPIDS
from tests.server.conftest import TOKEN, Client, Http
from tests.server.recorded_rapids import replay_rapids
from tests.server.recordings import GROUPS, replay
from tests.server.replay import Result

DIFFERENT = {
    r"connect/connect_info\[5\]": "the number of time zones is the machine's",
    r"import_parse_opts\[5\]|frame_view\[18\]": "numbers among na_strings become missing values, as documented",
    r"import_multi\[1\]": "H2O shows ten rows of several files with a header, and nine of one",
    r"import_multi\[7\]": "H2O keeps the first of two equal paths that it refuses",
    r"parse_formats\[([6-9]|10|11)\]": "XLS files are not read",
    r"parse_formats\[1[2-7]\]": "the file is not at hand",
    r"import_errors\[0\]": "a path outside the root folders is refused, whether or not there is a file",
    r"frame_raw\[3\]": "H2O leaves the first row out",
    r"cross_validation\[[456]\]": "models of folds carry no internal weights column and no frame of their own",
    r"base_models\[5\]": "a model keeps the names of its frames when they are gone",
    r"grid\[2[13]\]|metrics_endpoints\[5\]": "epochs=-5 is refused, H2O trains",
    r"errors\[1\]": "errors stand in the order of the parameters",
    r"errors\[5\]": "no training frame is an error at once, not a job that fails",
    r"job_cancel\[4\]": "a cancelled model says what it was given",
    r"metrics_endpoints\[8\]": "other algorithms",
    r"generic_import\[[39]\]": "a model made of a MOJO is of the algorithm that made it",
    r"misc_endpoints\[[59]\]|misc_endpoints2\[2\]": "the process is not laid open",
    r"misc_endpoints2\[0\]": "H2O leaves the first row out",
    r"r_client\[20[01]\]": "H2O lists its own objects, such as metrics, too",
    r"other_algos/": "other algorithms, and other members in what a model of them shows",
    r"rapids/nvs": "reads files of the server's machine",
    r"rapids/insert_missing": "not a Rapids call there",
    r"rapids/str_add": "an error of the user is 400, not 500",
}
"""Exchanges that differ, by a pattern for their names, and why."""

pytestmark = pytest.mark.slow
ALL_GROUPS = [*GROUPS, "rapids"]


@pytest.fixture(scope="module")
def results(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Result]]:
    """For each group the outcome of its exchanges, against a server of its own."""
    found = {}
    for group in ALL_GROUPS:
        root = tmp_path_factory.mktemp(group)
        app = create_app(LocalSession(1), Settings(token=TOKEN, roots=[root], port=54321))
        with Http(app) as http:
            client = Client(http, app.hub, root)  # type: ignore[attr-defined]
            found[group] = replay_rapids(client, shared) if group == "rapids" else replay(client, shared, root, group)
        app.hub.close()  # type: ignore[attr-defined]
    return found


def _reason(name: str) -> str | None:
    case = re.match(r"rapids/(\w+)", name)
    if case and case[1] in OTHER_RAPIDS:
        return OTHER_RAPIDS[case[1]]
    return next((why for pattern, why in DIFFERENT.items() if re.search(pattern, name)), None)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("group", ALL_GROUPS)
def test_every_difference_has_a_reason(results, group):
    unexplained = {r.name: r.problems[:4] for r in results[group] if r.problems and _reason(r.name) is None}
    assert not unexplained, "\n".join(f"{k}: {v}" for k, v in unexplained.items())


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_share_of_equal_answers(results, capsys):
    total, equal = Counter[str](), Counter[str]()
    for listed in results.values():
        for r in listed:
            file = r.name.partition("/")[0]
            total[file] += 1
            equal[file] += not r.problems
    with capsys.disabled():
        for file in total:
            print(f"\n  {file}: {equal[file]} of {total[file]} ({equal[file] / total[file]:.1%})", end="")
    everything = equal.total() / total.total()
    ours = (equal.total() - equal["other_algos"]) / (total.total() - total["other_algos"])
    with capsys.disabled():
        print(f"\n  all: {equal.total()} of {total.total()} ({everything:.1%}); without other algorithms {ours:.1%}")
    assert ours >= 0.95
    assert everything >= 0.92
    assert equal["r_client"] / total["r_client"] >= 0.98


def test_every_reason_is_needed(results):
    different = [r.name for listed in results.values() for r in listed if r.problems]
    unused = [p for p in DIFFERENT if not any(re.search(p, name) for name in different)]
    assert not unused
