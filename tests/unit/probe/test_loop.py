"""The one thread that waits."""

from __future__ import annotations

import gc
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.probe.loop import ANSWER, CONNECTED, HANGUP, TURN_SECONDS, Loop

SECONDS = 10.0


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A running one."""
    one = Loop(Clocks())
    one.start()
    yield one
    one.stop(SECONDS)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a TCP connection; the first does not block."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.create_connection(door.getsockname())
        theirs, _ = door.accept()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def test_what_is_handed_in_runs_in_its_order_in_the_one_thread(loop: Loop) -> None:
    """From whatever thread it comes."""
    seen: list[tuple[int, str]] = []
    for number in range(100):
        loop.call(lambda number=number: seen.append((number, threading.current_thread().name)))  # type: ignore[misc]  # bound now
    wait_until(lambda: len(seen) == 100, SECONDS, "all tasks")
    assert seen == [(number, "engine") for number in range(100)]


def test_moments_come_in_their_order_and_not_too_early(loop: Loop) -> None:
    """However they were asked for; what was cancelled does not come."""
    seen: list[tuple[str, float]] = []
    began = time.monotonic()

    def ask() -> None:
        for name, after in (("late", 0.2), ("never", 0.1), ("soon", 0.05), ("now", 0.0)):
            timer = loop.at(began + after, lambda name=name: seen.append((name, time.monotonic())))  # type: ignore[misc]  # bound now
            if name == "never":
                timer.cancel()

    loop.call(ask)
    wait_until(lambda: len(seen) == 3, SECONDS, "three moments")
    assert [name for name, _ in seen] == ["now", "soon", "late"]
    assert all(at >= began + after for (_, at), after in zip(seen, (0.0, 0.05, 0.2), strict=True))


def test_it_turns_where_nothing_happens(loop: Loop) -> None:
    """So that its liveness can be seen."""
    before = loop.turned_at
    wait_until(lambda: loop.turned_at > before, TURN_SECONDS + SECONDS, "a turn")


# watched for, what the other end does -> what is told
EVENTS = [
    (HANGUP, "says", 0),
    (HANGUP, "closes", select.EPOLLRDHUP),
    (ANSWER, "says", select.EPOLLIN),
    (ANSWER, "closes", select.EPOLLIN | select.EPOLLRDHUP),
    (CONNECTED, "nothing", select.EPOLLOUT),
]


@pytest.mark.parametrize(("events", "doing", "told"), EVENTS)
def test_a_socket_is_watched_for_what_is_asked(
    loop: Loop, pair: tuple[socket.socket, socket.socket], events: int, doing: str, told: int
) -> None:
    """An answer wakes nobody who waits for the end alone."""
    seen: list[int] = []

    def note(happened: int) -> None:
        seen.append(happened)
        loop.forget(pair[0])

    loop.call(lambda: loop.watch(pair[0], events, note))
    if doing == "says":
        pair[1].send(b"word")
    elif doing == "closes":
        pair[1].shutdown(socket.SHUT_WR)
    if told:
        wait_until(lambda: seen, SECONDS, "the event")
        assert seen[0] == told
    else:
        time.sleep(0.05)
        assert seen == []


def test_a_socket_may_be_watched_for_something_else_and_be_forgotten_twice(
    loop: Loop, pair: tuple[socket.socket, socket.socket]
) -> None:
    """The last word counts."""
    seen: list[str] = []
    done = threading.Event()

    def arrange() -> None:
        loop.watch(pair[0], CONNECTED, lambda _: seen.append("first"))
        loop.watch(pair[0], ANSWER, lambda _: seen.append("second"))
        loop.forget(pair[0])
        loop.forget(pair[0])
        loop.watch(pair[0], HANGUP, lambda _: seen.append("third"))
        loop.forget(pair[0])
        done.set()

    loop.call(arrange)
    assert done.wait(SECONDS)
    pair[1].close()
    time.sleep(0.05)
    assert seen == []


def test_what_is_handed_in_before_the_end_is_done_and_what_comes_later_too(loop: Loop) -> None:
    """The session of a login that ends after the engine is closed all the same, by the thread of the login."""
    seen: list[str] = []
    loop.call(lambda: seen.append("before"))
    loop.stop(SECONDS)
    assert seen == ["before"]
    loop.call(lambda: seen.append(threading.current_thread().name))
    assert seen == ["before", threading.current_thread().name]


def test_no_task_is_lost_at_the_end() -> None:
    """A task that a thread hands in while the loop ends is done, by the loop or by that thread."""
    for _ in range(30):
        loop, done = Loop(Clocks()), list[int]()
        loop.start()
        start = threading.Barrier(4)

        def hand_in(loop: Loop = loop, done: list[int] = done, start: threading.Barrier = start) -> None:
            start.wait(SECONDS)
            for number in range(50):
                loop.call(lambda number=number: done.append(number))  # type: ignore[misc]  # bound now

        crew = [threading.Thread(target=hand_in) for _ in range(3)]
        for thread in crew:
            thread.start()
        start.wait(SECONDS)
        loop.stop(SECONDS)
        for thread in crew:
            thread.join(SECONDS)
        assert len(done) == 150


def test_a_task_that_comes_between_the_last_and_the_end_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """The narrowest moment: the loop had not ended when it was handed in, and has when it is looked for."""
    loop, done = Loop(Clocks()), list[str]()
    hurry, last = threading.Event(), threading.Event()

    class Slow(type(loop._handed)):  # type: ignore[misc]  # a deque that waits where the two meet
        def append(self, task: object) -> None:
            if threading.current_thread().name == "late":
                hurry.set()
                last.wait(SECONDS)
            super().append(task)

    monkeypatch.setattr(loop, "_handed", Slow())
    loop.start()
    late = threading.Thread(target=lambda: loop.call(lambda: done.append("done")), name="late")
    late.start()
    assert hurry.wait(SECONDS)
    loop.stop(SECONDS)
    last.set()
    late.join(SECONDS)
    assert done == ["done"]


def test_nothing_is_left_of_one_that_was_never_started() -> None:
    """A daemon that ends while it starts."""
    loop = Loop(Clocks())
    with select.epoll() as watch:  # the kernel takes out of it what nobody has open
        watch.register(loop._wakeup)
        watched = Path(f"/proc/self/fdinfo/{watch.fileno()}")
        assert "tfd:" in watched.read_text()
        del loop
        gc.collect()
        assert "tfd:" not in watched.read_text()
