"""A total deadline for calls, and the moment after which they send nothing."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3

from lab.waiting import wait_until
from mooring.cluster import client
from mooring.cluster.client import Api, client_factory
from mooring.cluster.deadline import Deadline, start_thread
from mooring.cluster.reading import Json, whole
from mooring.model.errors import Unavailable
from support.fake_api import FakeApi, says, silence
from support.refused_thread import refuse_first

PATH = "/api/v1/namespaces/default/endpoints/db"
SECONDS = 60.0


def api_of(server: FakeApi, folder: Path) -> Api:
    return Api(client_factory("kubeconfig", server.kubeconfig(folder / "kubeconfig", {"token": "none"}), None))


def test_a_call_ends_at_the_moment_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that runs out in a moment leaves a write that moment, whatever a call may usually take."""
    monkeypatch.setattr(client, "CALL_SECONDS", 60.0)
    with FakeApi(silence) as server:
        api, begun = api_of(server, tmp_path), time.monotonic()
        with pytest.raises(Unavailable, match="within its deadline"):
            api.merge(PATH, {}, until=begun + 0.2)
    assert 0.2 <= time.monotonic() - begun < 30


@pytest.mark.parametrize("kept", [False, True], ids=["first-call", "kept-connection"])
def test_nothing_is_sent_after_that_moment(tmp_path: Path, *, kept: bool) -> None:
    """A process that slept through its lease writes nothing with what it knew before, over no connection."""
    with FakeApi(says(200, {})) as server:
        api = api_of(server, tmp_path)
        if kept:
            api.get(PATH)
        with pytest.raises(Unavailable, match="within its deadline"):
            api.merge(PATH, {}, until=time.monotonic())
        assert [asked.line for asked in server.asked] == [f"GET {PATH} HTTP/1.1"] * kept


def test_a_thread_that_is_held_up_after_its_answer_cuts_no_other_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time ends while it has its answer already: its connection serves another call by then."""
    go, found, first = threading.Event(), list[Json](), [True]

    def when_told(line: socket.socket, ending: threading.Event) -> None:
        go.wait(SECONDS)
        says(200, {"second": True})(line, ending)

    def held_up(response: urllib3.BaseHTTPResponse, call: Deadline) -> bytes:
        answer = whole(response, call)
        if first and first.pop():
            other.start()
            wait_until(lambda: len(server.asked) == 2, SECONDS, "the other call")
            call.end()
            go.set()
        return answer

    monkeypatch.setattr(client, "CALL_SECONDS", SECONDS)
    monkeypatch.setattr(client, "whole", held_up)
    with FakeApi(says(200, {"first": True}), when_told) as server:
        api = api_of(server, tmp_path)
        other = threading.Thread(target=lambda: found.append(api.get(PATH)))
        assert api.get(PATH) == {"first": True}
        assert server.connections == 1, "both calls use one connection"
        other.join(SECONDS)
    assert found == [{"second": True}]


def test_what_was_not_taken_until_the_end_is_never_delivered() -> None:
    """After a lost network the kernel would send again what a call had left: its close tells it not to."""
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()) as line:
        with Deadline(5) as call:
            call.attach(line)
            call.end()
        assert struct.unpack("ii", line.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 0)


def test_calls_end_in_their_time_without_a_thread_each(time_passes: Callable[[float], None]) -> None:
    """The shorter of two ends first, though the longer began before; one that was extended lives on."""
    with Deadline(600) as long, Deadline(60) as extended, Deadline(60) as short:
        threads = set(threading.enumerate())
        extended.extend(600)
        time_passes(60)
        wait_until(lambda: short.ended, 10, "the end of the shorter")
        with Deadline(0.1) as later:
            wait_until(lambda: later.ended, 10, "the end of one that began later")
        assert set(threading.enumerate()) <= threads, "those of an earlier test may end meanwhile"
        assert not long.ended
        assert not extended.ended


def test_a_call_needs_no_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a pids limit is reached."""

    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Deadline(60):
        monkeypatch.setattr(threading.Thread, "start", no_more)
        with Deadline(0.05) as call:
            wait_until(lambda: call.ended, 10, "its end")


def test_a_thread_that_may_not_be_made_is_tried_again_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a pids limit; who waits for it is told why."""
    refuse_first(monkeypatch, "patient")
    began, stopped, refused = threading.Event(), threading.Event(), threading.Event()
    start_thread(began.set, "patient", stopped, refused.set)
    assert refused.is_set()
    assert began.wait(60)
    stopped.set()
    began.clear()
    start_thread(began.set, "patient", stopped)
    assert not began.wait(0.05)
