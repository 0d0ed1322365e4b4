"""A total deadline for calls, and one around several of them."""

from __future__ import annotations

import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from ground.fake_api import FakeApi, says, silence
from mooring.cluster.client import Api, login
from mooring.cluster.deadline import Call, before
from mooring.errors import Unavailable

PATH = "/api/v1/namespaces/default/endpoints/db"


def api_of(server: FakeApi, folder: Path) -> Api:
    return Api(login("kubeconfig", server.kubeconfig(folder / "kubeconfig", {"token": "none"}), None))


def test_a_call_ends_at_the_moment_that_is_set_around_it(tmp_path: Path) -> None:
    """A lease that runs out in a moment leaves a write that moment, whatever a call may usually take."""
    with FakeApi(silence) as server:
        api, begun = api_of(server, tmp_path), time.monotonic()
        with before(begun + 0.2), pytest.raises(Unavailable, match="within its deadline"):
            api.merge(PATH, {})
    assert 0.2 <= time.monotonic() - begun < 4


@pytest.mark.parametrize("kept", [False, True], ids=["first-call", "kept-connection"])
def test_nothing_is_sent_after_that_moment(tmp_path: Path, *, kept: bool) -> None:
    """A process that slept through its lease writes nothing with what it knew before, over no connection."""
    with FakeApi(says(200, {})) as server:
        api = api_of(server, tmp_path)
        if kept:
            api.get(PATH)
        with before(time.monotonic()), pytest.raises(Unavailable, match="within its deadline"):
            api.merge(PATH, {})
        assert [asked.line for asked in server.asked] == [f"GET {PATH} HTTP/1.1"] * kept


def test_it_holds_for_this_thread_and_ends_with_its_block(tmp_path: Path) -> None:
    """Nobody else's calls are shortened, and none of ours later."""
    answers: list[object] = []
    with FakeApi(says(200, {"a": 1})) as server:
        api = api_of(server, tmp_path)
        with before(time.monotonic()):
            other = threading.Thread(target=lambda: answers.append(api.get(PATH)))
            other.start()
            other.join()
        assert [*answers, api.get(PATH)] == [{"a": 1}] * 2


def test_what_was_not_taken_until_the_end_is_never_delivered() -> None:
    """After a lost network the kernel would send again what a call had left: its close tells it not to."""
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()) as line:
        with Call(5) as call:
            call.reads(line)
            call.end()
        assert struct.unpack("ii", line.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 0)
