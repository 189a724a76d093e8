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
    r"parse_formats\[([6-9]|10|11)\]": "XLS files are not read",
    r"parse_formats\[1[2-7]\]": "the file is not at hand",
    r"grid\[2[13]\]|metrics_endpoints\[5\]": "epochs=-5 is refused, H2O trains",
    r"metrics_endpoints\[8\]": "algorithms that are not here, such as xgboost and coxph",
    r"generic_import\[[39]\]": "a model made of a MOJO is of the algorithm that made it",
    r"misc_endpoints\[[59]\]|misc_endpoints2\[2\]": "the process is not laid open",
    r"r_client\[20[01]\]": "H2O lists its own objects, such as metrics, too",
    r"glm_gbm_models\[0\]|stacked\[4\]": "the family ordinal is not available, so the category Ordinal is not promised",
    r"glm_gbm_models\[(1[6-9]|2\d)\]": "k-means, principal components and isolation forests are not here",
    r"stacked\[7\]": "penalised coefficients: H2O's fit ends earlier, 3 digits agree",
    r"stacked\[12\]": "the metalearner's penalty, which H2O works out from columns that are not standardised",
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
    assert everything >= 0.95
    assert equal["r_client"] / total["r_client"] >= 0.98


def test_every_reason_is_needed(results):
    different = [r.name for listed in results.values() for r in listed if r.problems]
    unused = [p for p in DIFFERENT if not any(re.search(p, name) for name in different)]
    assert not unused
