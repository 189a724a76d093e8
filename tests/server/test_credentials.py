"""The official client's ways to say who it is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.server.test_robust import certificate  # noqa: F401  (a fixture)
from tests.server.watched import Served

pytestmark = [pytest.mark.network, pytest.mark.slow]
TOKEN = "a-token-for-tests-0123"
SCRIPT = """
import sys, h2o
h2o.{call}, verbose=False, strict_version_check=False)
h2o.no_progress()
frame = h2o.H2OFrame({{"a": [1, 2, 3]}})
print("SUM", frame["a"].sum(), len(h2o.ls()))
"""


def run(python: str, call: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-c", SCRIPT.format(call=call)], capture_output=True, text=True, timeout=120, check=False,
        env={"DO_NOT_TRACK": "1", "PATH": "", "HOME": os.environ.get("HOME", "/")},
    )  # fmt: skip


@pytest.fixture
def served(tmp_path):
    s = Served(tmp_path, "--token", TOKEN, "--username", "ann")
    yield s
    s.end()


def test_user_and_password(h2o_python, served):
    port = served.url.rpartition(":")[2]
    for call in (
        f"connect(url={served.url!r}, auth=('ann', {TOKEN!r})",
        f"connect(ip='127.0.0.1', port={port}, auth=('ann', {TOKEN!r})",
        f"init(url={served.url!r}, username='ann', password={TOKEN!r}, start_h2o=False",
    ):
        done = run(h2o_python, call)
        assert "SUM 6" in done.stdout, done.stdout + done.stderr
    for call in (
        f"connect(url={served.url!r}",
        f"connect(url={served.url!r}, auth=('ann', 'wrong')",
        f"connect(url={served.url!r}, auth=('bob', {TOKEN!r})",
    ):
        done = run(h2o_python, call)
        assert (done.returncode, "SUM" in done.stdout) == (1, False)
        assert (
            "H2OConnectionError" in done.stderr or "H2OServerError" in done.stderr or "H2OResponseError" in done.stderr
        )


def test_https(h2o_python, tmp_path, certificate: tuple[Path, Path]):  # noqa: F811
    cert, key = certificate
    s = Served(tmp_path, "--token", TOKEN, "--certfile", str(cert), "--keyfile", str(key))
    try:
        done = run(h2o_python, f"connect(url={s.url!r}, cacert={str(cert)!r}, auth=('h2o', {TOKEN!r})")
        assert "SUM 6" in done.stdout, done.stdout + done.stderr
        done = run(h2o_python, f"connect(url={s.url!r}, auth=('h2o', {TOKEN!r})")
        assert "SUM" not in done.stdout
    finally:
        s.end()
