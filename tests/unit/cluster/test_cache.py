"""The watch cache against a server that says what a real one cannot be made to say."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.waiting import wait_until
from mooring.cluster import cache
from mooring.cluster.cache import Watch
from mooring.cluster.client import Api, client_factory
from mooring.cluster.reading import Json
from mooring.model.errors import Unavailable
from support.fake_api import Answer, FakeApi, breaks_off, refuses, says, silence, stays_open, streams

PATH = "/api/v1/namespaces/default/endpoints"
GONE = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}


def thing(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def event(kind: str, name: str, version: int) -> dict[str, Any]:
    return {"type": kind, "object": thing(name, version)}


def lists(version: int, **versions: int) -> Answer:
    items = [thing(name, held) for name, held in versions.items()]
    return says(200, {"metadata": {"resourceVersion": str(version)}, "items": items})


class Cache:
    """A watch of a fake server, with the names that it told of."""

    def __init__(self, tmp_path: Path, *answers: Answer) -> None:
        self.server = FakeApi(*answers).__enter__()
        kubeconfig = self.server.kubeconfig(tmp_path / "kubeconfig", {"token": "none"})
        self.told: list[str] = []
        self.watch: Watch[Json] = Watch(
            Api(client_factory("kubeconfig", kubeconfig, None)), PATH, self.told.extend, dict
        )

    def has(self, **versions: int | None) -> bool:
        if not self.watch.listed.is_set():
            return False
        held = {name: self.watch.get(name) for name in versions}
        return {name: found and int(found["metadata"]["resourceVersion"]) for name, found in held.items()} == versions

    def wait(self, **versions: int | None) -> None:
        wait_until(lambda: self.has(**versions), 5, f"the cache to hold {versions}")

    def asked(self, what: str) -> int:
        return sum((what == "watch") == ("watch=true" in asked.line) for asked in self.server.asked)


@pytest.fixture(scope="module", autouse=True)
def _all_closed() -> Iterator[None]:
    yield
    gc.collect()  # a socket that was left open complains here


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Cache]]:
    made: list[Cache] = []

    def start(*answers: Answer) -> Cache:
        made.append(Cache(tmp_path, *answers))
        made[-1].watch.start()
        return made[-1]

    yield start
    for one in made:
        one.watch.stop()
        one.server.__exit__()


def test_events_are_taken_in_their_order(started: Callable[..., Cache]) -> None:
    """Made, changed, deleted, made again: what came last counts, and each is told."""
    kept = started(
        lists(10, a=5),
        stays_open(
            event("MODIFIED", "a", 11), event("DELETED", "a", 12), event("ADDED", "a", 13), event("ADDED", "b", 14)
        ),
    )
    kept.wait(a=13, b=14)
    wait_until(lambda: len(kept.told) >= 5, 5, "what is told after it is held")
    assert kept.told == ["a", "a", "a", "a", "b"]


def test_what_vanished_during_a_lost_connection_is_noticed(started: Callable[..., Cache]) -> None:
    """After a break all is listed anew: deletions and changes are told, what is the same is not."""
    kept = started(
        lists(10, a=5, b=6, c=7), streams(ended=False), lists(20, b=6, c=15), stays_open(event("ADDED", "d", 21))
    )
    kept.wait(a=None, b=6, c=15, d=21)
    wait_until(lambda: "d" in kept.told, 5, "what is told after it is held")
    assert sorted(kept.told[3:]) == ["a", "c", "d"]


def test_a_version_too_old_leads_to_a_list(started: Callable[..., Cache]) -> None:
    """410: listed anew at once, as an event or as an answer."""
    kept = started(lists(10, a=5), streams(GONE), lists(20), refuses(410), lists(30, a=25), stays_open())
    begun = time.monotonic()
    kept.wait(a=25)
    assert time.monotonic() - begun < 30


def test_a_watch_that_ends_goes_on_where_it_was(started: Callable[..., Cache]) -> None:
    """The server ends each watch after a while: nothing is listed again, bookmarks move the place."""
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "15"}}}
    kept = started(lists(10, a=5), streams(event("MODIFIED", "a", 11), bookmark), stays_open(event("ADDED", "b", 16)))
    kept.wait(a=11, b=16)
    assert kept.asked("list") == 1
    assert "resourceVersion=15" in kept.server.asked[-1].line


@pytest.mark.parametrize(
    "answers",
    [
        [lists(10), streams()],
        [lists(10), streams(GONE)],
        [lists(10), streams(ended=False)],
        [says(503, {})],
        [breaks_off()],
        [says(200, {})],
        [says(200, {"metadata": {}, "items": []})],
        [says(200, {"metadata": {"resourceVersion": "1"}, "items": [{}]})],
        [says(200, {"metadata": {"resourceVersion": "1"}, "items": 7})],
        [says(200, {"metadata": {"resourceVersion": "1"}, "items": ["a"]})],
    ],
    ids=[
        "watches end",
        "all too old",
        "watches break",
        "busy",
        "hangs up",
        "no list",
        "no version",
        "no names",
        "a number",
        "texts",
    ],
)
def test_a_server_that_is_of_no_use_is_not_flooded(started: Callable[..., Cache], answers: list[Answer]) -> None:
    """However each attempt ends, the next ones come later and later, and the thread lives."""
    kept = started(*answers * 50)
    wait_until(lambda: len(kept.server.asked) > 2, 5, "some attempts")
    time.sleep(0.5)
    assert len(kept.server.asked) < 12
    assert [thread for thread in threading.enumerate() if thread.name == "watch"]


def test_before_the_first_list_there_is_a_reason(started: Callable[..., Cache]) -> None:
    """A read before anything was seen tells why; once listed, an outage hides nothing."""
    go = threading.Event()

    def late(line: Any, ending: threading.Event) -> None:
        go.wait(60)
        lists(10, a=5)(line, ending)

    kept = started(refuses(503, "still starting"), late, streams(ended=False), silence)

    def reason() -> str:
        with pytest.raises(Unavailable) as told:
            kept.watch.get("a")
        return str(told.value)

    wait_until(lambda: "still starting" in reason(), 5, "the reason")
    go.set()
    kept.wait(a=5)
    wait_until(lambda: len(kept.server.asked) >= 4, 5, "the outage")
    assert kept.has(a=5)


def test_what_a_write_answered_is_not_undone_by_an_older_event(tmp_path: Path) -> None:
    """Events that were on their way when a write was answered change nothing, nor does a late deletion."""
    kept = Cache(tmp_path)
    kept.watch.learn("a", thing("a", 20))
    kept.watch._take("a", thing("a", 18), "18")
    kept.watch._take("a", None, "19")
    kept.watch._take("a", thing("a", 20), "20")
    kept.watch.listed.set()
    assert kept.has(a=20)
    assert kept.told == []
    kept.watch._take("a", None, "21")
    assert kept.has(a=None)
    assert kept.told == ["a"]
    kept.server.__exit__()


def test_what_is_gone_does_not_come_back_by_an_older_event(tmp_path: Path) -> None:
    """A read showed that the object is gone: events from before are no news; one that is made again is."""
    kept = Cache(tmp_path)
    kept.watch.listed.set()
    kept.watch.learn("a", thing("a", 20))
    kept.watch.learn("a", None)
    kept.watch._take("a", thing("a", 18), "18")
    kept.watch._take("a", thing("a", 20), "20")
    assert kept.has(a=None)
    assert kept.told == []
    kept.watch._take("a", None, "21")
    kept.watch._take("a", thing("a", 22), "22")
    assert kept.has(a=22)
    kept.server.__exit__()


def test_what_a_write_answered_is_not_undone_by_a_list_under_way(started: Callable[..., Cache]) -> None:
    """A list that the server had begun to answer before the write is older than it."""
    wait, learnt = threading.Event(), threading.Event()

    def late(line: Any, ending: threading.Event) -> None:
        wait.set()
        learnt.wait(60)
        lists(10, a=5, b=6)(line, ending)

    kept = started(late, stays_open(event("ADDED", "c", 30)))
    wait.wait(60)
    kept.watch.learn("a", thing("a", 20))
    learnt.set()
    kept.wait(a=20, b=6, c=30)


def test_a_list_counts_more_than_numbers(started: Callable[..., Cache]) -> None:
    """After etcd was restored from a backup versions are smaller: what is listed then is what is there."""
    kept = started(lists(100, a=90, b=91), streams(ended=False), lists(50, a=40), stays_open(event("ADDED", "b", 51)))
    kept.wait(a=40, b=51)


@pytest.mark.parametrize("answers", [[lists(10), stays_open(event("ADDED", "a", 11))], [says(503, {})]])
def test_stopping_ends_the_thread(started: Callable[..., Cache], answers: list[Answer]) -> None:
    """A watch that is open, and one that waits for its next attempt, end at once."""
    kept = started(*answers)
    wait_until(lambda: len(kept.server.asked) >= len(answers), 5, "the watch")
    kept.watch.stop()
    wait_until(lambda: not threads(), 5, "the thread to end")


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "watch"]


def test_a_hundred_lost_connections_leave_nothing(
    started: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the connection is lost, there is one thread and one connection."""
    monkeypatch.setattr(cache, "BACKOFF_SECONDS", (0.001, 0.001))
    before = threading.active_count()
    kept = started(*[lists(10), streams(event("ADDED", "a", 11), ended=False)] * 100, lists(20), stays_open())
    wait_until(lambda: len(kept.server.asked) >= 202, 20, "a hundred connections")
    wait_until(lambda: kept.server.connections <= 2, 5, "connections to end")
    wait_until(lambda: threading.active_count() <= before + 6, 5, "threads to end")  # the server's own among them


def test_one_long_watch_forgives_earlier_failures(
    started: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where connections work for a while and then break, each break is followed up at once."""
    monkeypatch.setattr(cache, "LASTED_SECONDS", 0.05)
    monkeypatch.setattr(cache, "BACKOFF_SECONDS", (0.2, 60.0))

    def extend(line: Any, ending: threading.Event) -> None:
        time.sleep(0.1)
        streams(ended=False)(line, ending)

    kept = started(*[lists(10), extend] * 10, lists(20, a=15), stays_open())
    begun = time.monotonic()
    kept.wait(a=15)
    assert time.monotonic() - begun < 30
