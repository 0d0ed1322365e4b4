"""The bounded crew of threads."""

from __future__ import annotations

import threading

import pytest

from lab.waiting import wait_until
from mooring.protocols.transport.workers import Workers


def test_every_task_runs_and_threads_are_reused() -> None:
    """A thousand quick tasks one after the other need one or two threads, not a thousand."""
    seen: set[int] = set()
    workers = Workers("crew", 100)
    done = threading.Semaphore(0)

    def task() -> None:
        seen.add(threading.get_ident())
        done.release()

    for _ in range(1000):
        workers.submit(task)
        assert done.acquire(timeout=60)
    assert len(seen) <= 10


def test_the_bound_holds_and_what_waits_runs_later() -> None:
    """No more threads than the bound, however many tasks wait; each of them runs in the end."""
    workers, gate, ran = Workers("bounded", 3), threading.Event(), list[str]()

    def task() -> None:
        gate.wait(60)
        ran.append(threading.current_thread().name)

    for _ in range(10):
        workers.submit(task)
    wait_until(lambda: sum(t.name == "bounded" for t in threading.enumerate()) == 3, 5, "three threads")
    assert ran == []
    gate.set()
    wait_until(lambda: len(ran) == 10, 5, "ten tasks done")


def test_a_hung_task_delays_no_other() -> None:
    """As long as there are fewer hung tasks than threads, the next one starts at once."""
    workers, gate, done = Workers("crew", 50), threading.Event(), threading.Event()

    def hang() -> None:
        gate.wait(60)

    for _ in range(49):
        workers.submit(hang)
    workers.submit(done.set)
    assert done.wait(60)
    gate.set()


def test_a_defect_is_reported_and_the_crew_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that leaves a task reaches the process's hook; the next task still runs."""
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))
    workers, done = Workers("crew", 1), threading.Event()

    def defect() -> None:
        raise RuntimeError("a defect")

    workers.submit(defect)
    wait_until(lambda: told, 5, "the defect told")
    workers.submit(done.set)
    assert done.wait(60)
    assert str(told[0]) == "a defect"
