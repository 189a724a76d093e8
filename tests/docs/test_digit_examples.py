"""The examples run: in short on the digits of scikit-learn, and on MNIST."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def printed(script: str, folder: Path, *options: str) -> str:
    """What an example writes; any warning but that of constant pixels ends it."""
    usual = "ignore:constant and empty columns"
    command = [sys.executable, "-W", "error", "-W", usual, str(ROOT / "examples" / script), *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def numbers(text: str, *labels: str) -> list[float]:
    """The numbers behind labels at the beginning of a line."""
    found = [re.search(rf"^{label}\s+([\d.]+)$", text, re.MULTILINE) for label in labels]
    assert all(found), text
    return [float(f.group(1)) for f in found if f]


STACK = ("layers put together", "trained as a whole", "from random weights")
STARTS = ("the autoencoder's layers", "random weights")


def test_stacked_autoencoder(tmp_path: Path) -> None:
    text = printed("stacked_autoencoder.py", tmp_path, "--data", "digits")
    assert re.findall(r"^layer \d: (\d+) to (\d+)", text, re.MULTILINE) == [
        ("64", "50"), ("50", "40"), ("40", "30"), ("30", "20"), ("20", "10"),
    ]  # fmt: skip
    together, tuned, random = numbers(text, *STACK)
    assert together < 0.05  # a constant per pixel has 0.074
    assert tuned < 0.7 * together
    assert tuned < random


def test_pretraining(tmp_path: Path) -> None:
    text = printed("pretraining.py", tmp_path, "--data", "digits", "--epochs", "5")
    assert "1,441 rows without a label, 60 with one" in text
    pretrained, random = numbers(text, *STARTS)
    assert pretrained != random
    assert max(pretrained, random) < 0.45  # nine of ten would be wrong by guessing


@pytest.mark.slow
def test_stacked_autoencoder_on_mnist(tmp_path: Path, shared: Path) -> None:
    text = printed("stacked_autoencoder.py", tmp_path, "--data", str(shared / "data" / "mnist"), "--epochs", "1")
    together, tuned, random = numbers(text, *STACK)
    assert tuned < together < 0.067  # what a constant per pixel has
    assert random < 0.067


@pytest.mark.slow
def test_pretraining_on_mnist(tmp_path: Path, shared: Path) -> None:
    text = printed("pretraining.py", tmp_path, "--data", str(shared / "data" / "mnist"), "--epochs", "1")
    assert "60,000 rows without a label, 500 with one" in text
    assert max(numbers(text, *STARTS)) < 0.3


def test_digits(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    text = printed("mnist.py", tmp_path, "--data", "digits", "--epochs", "5")
    assert "predicted the same" in text
    assert {p.name for p in (tmp_path / "demo-output").iterdir()} == {
        "digits.safetensors", "learning-curve.png", "variable-importance.png",
    }  # fmt: skip
