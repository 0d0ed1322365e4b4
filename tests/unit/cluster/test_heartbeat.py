"""An API server that is silent while nobody has a question is noticed, and so is its return."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.waiting import wait_until
from mooring.cluster import client
from mooring.cluster.client import CALL_SECONDS, Api, client_factory
from mooring.cluster.heartbeat import QUIET_SECONDS, TURN_SECONDS, Heartbeat
from support.fake_api import FakeApi, says, silence
from support.refused_thread import refuse_first

SECONDS = 20.0
QUIET, TURN = 0.1, 0.05


@pytest.fixture
def back() -> threading.Event:
    """Set: the server answers again."""
    return threading.Event()


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: threading.Event) -> Iterator[Api]:
    """It answers, refuses, and is silent until it is back."""

    def refuses_once(line: socket.socket, ending: threading.Event) -> None:
        monkeypatch.setattr(client, "CALL_SECONDS", 0.5)  # of the calls after this one, which meet silence
        says(403, {"kind": "Status"})(line, ending)

    def is_silent_at_first(line: socket.socket, ending: threading.Event) -> None:
        (says(200, {}) if back.is_set() else silence)(line, ending)

    with FakeApi(says(200, {}), refuses_once, is_silent_at_first) as server:
        yield Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None))


def test_silence_and_its_end_show_while_nothing_is_asked(api: Api, back: threading.Event) -> None:
    """Since its last answer, a refusal included; once it answers again, it is heard."""
    begun = time.time()
    heartbeat = Heartbeat(api, QUIET, TURN)
    heartbeat.start()
    since = wait_until(lambda: api.unheard_since, SECONDS, "the silence")
    assert since is not None
    assert since >= begun
    back.set()
    wait_until(lambda: api.unheard_since is None, SECONDS, "the end of the silence")
    heartbeat.stop()


def test_a_server_that_is_heard_is_not_asked(tmp_path: Path) -> None:
    """A leader that renews its Lease costs no question more."""
    with FakeApi(says(200, {})) as server:
        api = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None))
        heartbeat = Heartbeat(api, 60.0, TURN)
        heartbeat.start()
        time.sleep(5 * TURN)
        heartbeat.stop()
        assert server.asked == []


def test_a_clock_that_was_set_back_hides_no_silence(api: Api) -> None:
    """The server is asked also where its last word lies in the future."""
    api.heard_at = time.time() + 3600
    heartbeat = Heartbeat(api, QUIET, TURN)
    heartbeat.start()
    wait_until(lambda: api.heard_at < time.time() + 1, SECONDS, "a question")
    heartbeat.stop()


def test_a_thread_that_may_not_be_made_is_tried_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a pids limit."""
    refuse_first(monkeypatch, "heartbeat")
    heartbeat = Heartbeat(api, QUIET, TURN)
    heartbeat.start()
    wait_until(lambda: api.unheard_since, SECONDS, "the silence")
    heartbeat.stop()


def test_the_silence_shows_within_fifteen_seconds() -> None:
    """In every mode: without a Lease, as a standby, and while nothing is written."""
    assert QUIET_SECONDS + TURN_SECONDS + CALL_SECONDS < 15
