"""The progress bar is quiet when nobody looks."""

from __future__ import annotations

import sys

import pytest

from heavywater.display import Progress


def test_quiet_without_a_terminal(capsys):
    with Progress("deeplearning", rows=100) as bar:
        assert not bar.enabled
        bar.update(0.5, "logloss 0.3")
    assert capsys.readouterr() == ("", "")
    assert bar.fraction == 0.5


def test_shows_percent_speed_and_news(capsys):
    with Progress("deeplearning", rows=1000, enabled=True) as bar:
        bar.update(0.25, "logloss 0.31 [not markup]")
        bar.update(0.1)
        assert bar.fraction == 0.25
    out, err = capsys.readouterr()
    assert out == ""
    for piece in ("deeplearning", "100%", "rows/s", "logloss 0.31", "[not markup]"):
        assert piece in err


def test_an_error_passes_through_and_ends_the_bar(capsys):
    bar = Progress("x", enabled=True)
    bar.update(0.5)
    with pytest.raises(KeyboardInterrupt), bar:
        raise KeyboardInterrupt
    assert bar.fraction == 0.5
    assert "100%" not in capsys.readouterr().err


def test_terminal_is_an_audience(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert Progress().enabled


def test_estimates(monkeypatch):
    now = iter([100.0, 130.0, 130.0, 160.0, 160.0, 3900.0])
    monkeypatch.setattr("heavywater.display.progress.time.monotonic", lambda: next(now))
    with Progress("x", rows=1200, enabled=False) as bar:
        assert bar.left() == ""
        bar.update(0.25)
        assert bar.left() == "1:30 left"
        bar.update(0.5)
        assert bar.speed() == "10 rows/s"
        assert bar.left() == "1:00 left"
        bar.update(1.0)
        assert bar.left() == "in 1:03:20"
