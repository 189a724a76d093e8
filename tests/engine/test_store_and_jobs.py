"""Keys, jobs and cancellation."""

from __future__ import annotations

import threading

import pytest

from heavywater.engine.jobs import Job, follow
from heavywater.engine.store import Store
from heavywater.errors import H2OValueError, NotFound


def test_store_suggests_the_nearest_key() -> None:
    store = Store()
    store.put("prostate.hex", 1)
    with pytest.raises(NotFound, match=r"no object with the key 'prostata.hex' \(did you mean 'prostate.hex'\?\)"):
        store.get("prostata.hex")


@pytest.mark.parametrize("key", ["", "a\nb", "x" * 513, None])
def test_store_refuses_impossible_keys(key: str) -> None:
    with pytest.raises(H2OValueError, match="1 to 512 printable"):
        Store().put(key, 1)


def test_new_keys_differ() -> None:
    store = Store()
    assert len({store.new_key("m") for _ in range(100)}) == 100


def test_clear_keeps_what_it_is_told() -> None:
    store = Store()
    store.put("a", 1)
    store.put("b", 2)
    store.clear({"a"})
    assert store.keys() == ["a"]


def test_job_returns_and_reports() -> None:
    job: Job[int] = Job("j", "count", lambda j: j.update(0.5, "half") or 42)
    assert job.start().result() == 42
    assert (job.status, job.progress, job.text) == ("DONE", 1.0, "half")


def test_job_raises_what_the_work_raised() -> None:
    def work(job: Job[None]) -> None:
        raise ValueError("no")

    job: Job[None] = Job("j", "fail", work).start()
    with pytest.raises(ValueError, match="no"):
        job.result()
    assert job.status == "FAILED"


def test_cancel_reaches_the_work_and_its_hooks() -> None:
    seen = threading.Event()

    def work(job: Job[str]) -> str:
        job.stop.on_set(seen.set)
        seen.wait(10)
        return "kept"

    job: Job[str] = Job("j", "wait", work).start()
    while not job.stop._hooks:
        continue
    job.cancel()
    assert job.result() == "kept"
    assert job.status == "CANCELLED"


def test_first_interrupt_asks_the_second_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    job: Job[None] = Job("j", "wait", lambda j: release.wait(10) and None).start()
    calls = iter([KeyboardInterrupt, KeyboardInterrupt])

    def interrupted(seconds: float | None = None) -> bool:
        raise next(calls)

    monkeypatch.setattr(job, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        follow(job, lambda fraction, text: None)
    assert job.stop.is_set()
    release.set()
