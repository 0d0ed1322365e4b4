"""The threads that work on a queue; they really hang here, for as long as a test lets them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from lab.waiting import wait_until
from mooring.publish.queue import Again, Cause, Lanes
from mooring.publish.workers import Workers

LANES = Lanes(quick=2, slow=4, most=12, slow_seconds=0.2)


class Work:
    """Keys that begin with "hang" take until they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = threading.Event()

    def __call__(self, key: str) -> Again | None:
        self.begun.append(key)
        if key.startswith("hang"):
            self.go.wait(60)
        return None


@pytest.fixture
def work() -> Iterator[Work]:
    one = Work()
    yield one
    one.go.set()


@pytest.fixture
def start(work: Work) -> Iterator[Callable[[], Workers[str]]]:
    made: list[Workers[str]] = []

    def start() -> Workers[str]:
        made.append(Workers[str](work, time.monotonic, LANES))
        made[-1].start(lambda: None)
        return made[-1]

    yield start
    work.go.set()
    for one in made:
        assert one.stop(10)


def test_who_hangs_holds_up_nobody(start: Callable[[], Workers[str]], work: Work) -> None:
    """A hundred keys hang for the first time: another one is worked on all the same, and later ones at once."""
    workers = start()
    workers.add([f"hang{number}" for number in range(8)], Cause.VERDICT)
    workers.add(["fresh"], Cause.VERDICT)
    wait_until(lambda: "fresh" in work.begun, 30, "the other key")
    for number in range(20):
        workers.add([f"fresh{number}"], Cause.CHANGE)
    wait_until(lambda: "fresh19" in work.begun, 30, "the next ones")
    assert not work.go.is_set()


def test_stopping_waits_for_what_is_under_way_and_begins_nothing(start: Callable[[], Workers[str]], work: Work) -> None:
    """Whether it has ended is said; nothing that is due is begun."""
    workers = start()
    workers.add(["hang"], Cause.VERDICT)
    wait_until(lambda: work.begun == ["hang"], 10, "the work to begin")
    assert not workers.stop(0.1)
    workers.add(["more"], Cause.VERDICT)
    workers.add_after("later", 0.0, Cause.VERDICT)
    work.go.set()
    assert workers.stop(10)
    time.sleep(0.1)
    assert work.begun == ["hang"]


def test_a_delayed_key_wakes_a_thread(start: Callable[[], Workers[str]], work: Work) -> None:
    """A thread that waits with nothing to do comes back at the time of a key that was delayed."""
    workers = start()
    begun = time.monotonic()
    workers.add_after("a", 0.3, Cause.VERDICT)
    wait_until(lambda: work.begun == ["a"], 10, "the key")
    assert time.monotonic() - begun >= 0.3


def test_it_is_known_since_when_the_slowest_has_not_turned(start: Callable[[], Workers[str]], work: Work) -> None:
    """Who waits for work turns; who works turns with each call that it makes."""
    workers, before = start(), time.monotonic()
    assert workers.turned_at >= before
    workers.add(["hang"], Cause.VERDICT)
    wait_until(lambda: work.begun, 10, "the work to begin")
    stood = workers.turned_at
    time.sleep(0.05)
    assert workers.turned_at == stood
    workers.turn("hang")
    assert workers.turned_at > stood


def test_a_process_without_another_thread_works_with_those_it_has(
    start: Callable[[], Workers[str]], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit of its threads the daemon goes on, one key after the other."""
    workers = start()

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    workers.add([str(number) for number in range(50)], Cause.CHANGE)
    wait_until(lambda: len(work.begun) == 50, 10, "all of them")


def test_a_key_whose_time_has_come_wakes_one_thread_and_not_all(work: Work) -> None:
    """With a thousand Services somebody is due every few hundredths of a second: 32 threads would wake each time."""
    looks: list[None] = []

    def monotonic() -> float:
        looks.append(None)
        return time.monotonic()

    workers = Workers[str](work, monotonic, LANES)
    workers.start(lambda: None)
    threads = LANES.most - LANES.quick
    workers.add([f"hang{number}" for number in range(threads)], Cause.CHANGE)
    wait_until(lambda: len(work.begun) == threads, 30, "as many threads as one group may have")
    work.go.set()
    keys = [f"later{number}" for number in range(20)]
    for number, key in enumerate(keys):
        workers.add_after(key, 0.1 + 0.01 * number, Cause.TIME)
    before = len(looks)
    wait_until(lambda: len(work.begun) == threads + len(keys), 30, "all that was due")
    assert len(looks) - before < threads * len(keys)
    assert workers.stop(10)
