"""Numbers that are not normal count as zero while fast trainers work, and only then and there."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from heavywater.core.mlp.tiny import IS_X86, taken_for_zero

pytestmark = pytest.mark.skipif(not IS_X86, reason="another processor's control register")
SMALL = np.full(64, 2e-30, np.float32)


def squares() -> np.ndarray:
    return SMALL * np.float32(1e-10)


def test_only_inside_and_only_this_thread() -> None:
    found: list[bool] = []
    begun, ended = threading.Event(), threading.Event()

    def other() -> None:
        begun.wait()
        found.append(bool(squares().all()))
        ended.set()

    thread = threading.Thread(target=other)
    thread.start()
    with taken_for_zero():
        begun.set()
        ended.wait()
        assert not squares().any()
    thread.join()
    assert squares().all()
    assert found == [True]


def test_an_error_ends_it() -> None:
    with pytest.raises(ZeroDivisionError), taken_for_zero():
        raise ZeroDivisionError
    assert squares().all()


def test_inside_one_another() -> None:
    with taken_for_zero():
        with taken_for_zero():
            assert not squares().any()
        assert not squares().any()
    assert squares().all()


def test_numbers_that_are_normal_are_not_touched() -> None:
    least = np.full(64, np.finfo(np.float32).tiny)
    with taken_for_zero():
        assert (least * np.float32(1) == least).all()
