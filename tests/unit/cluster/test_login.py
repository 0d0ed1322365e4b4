"""A login that hangs holds nothing up for longer than its bound."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
import yaml
from kubernetes.client import ApiClient

from lab.waiting import wait_until
from mooring.cluster import client, login
from mooring.cluster.client import Api, client_factory
from mooring.cluster.login import BoundedLogin
from mooring.model.errors import NoCredentials, Unavailable
from support.fake_api import FakeApi, refuses, says

SHORT, SECONDS = 0.3, 60.0


def refuse_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread may be begun for a login any more, as under a pids limit; those that there are go on."""
    made = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if self.name == "cluster login":
            raise RuntimeError("can't start new thread")
        made(self)

    monkeypatch.setattr(threading.Thread, "start", start)


class EndsInTime(Future[str]):
    """A login that ends in the very moment in which the wait for it does."""

    def result(self, timeout: float | None = None) -> str:
        if timeout is not None:
            self.set_result("in time")
            raise TimeoutError
        return super().result()

    def set_result(self, result: str) -> None:
        if not self.done():
            super().set_result(result)


def test_what_the_login_gives_or_raises_is_handed_on() -> None:
    """Each call logs in anew, as a token may have changed."""
    answers = iter(["first", "second"])
    bounded = BoundedLogin(lambda: next(answers))
    assert (bounded(SECONDS), bounded(SECONDS)) == ("first", "second")

    def fail() -> str:
        raise NoCredentials("no token")

    with pytest.raises(NoCredentials, match="no token"):
        BoundedLogin(fail)(SECONDS)


def test_a_login_that_hangs_is_one_thread_however_often_it_is_tried() -> None:
    """Whoever comes next takes its result, also where nobody waited when it ended."""
    go, begun = threading.Event(), list[threading.Thread]()

    def hang() -> str:
        begun.append(threading.current_thread())
        go.wait(60)
        return "late"

    bounded = BoundedLogin(hang)
    for _ in range(3):
        with pytest.raises(NoCredentials, match=r"has given no token within 0\.3 s"):
            bounded(SHORT)
    wait_until(lambda: begun, SECONDS, "its thread")
    go.set()
    wait_until(lambda: bounded._running and bounded._running.done(), SECONDS, "its end")
    assert bounded(SECONDS) == "late"
    assert len(begun) == 1


def test_a_login_that_ends_in_the_very_moment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no failure, and no error that nobody expects."""
    monkeypatch.setattr(login, "Future", EndsInTime)
    go = threading.Event()
    try:
        assert BoundedLogin(lambda: str(go.wait(20)))(SHORT) == "in time"
    finally:
        go.set()


def test_without_a_thread_more_a_login_that_hangs_has_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread of the first login serves all later ones."""
    go, answers = threading.Event(), iter(["first"])
    bounded = BoundedLogin(lambda: next(answers, "") or str(go.wait(20)))
    assert bounded(SECONDS) == "first"
    refuse_all(monkeypatch)
    try:
        with pytest.raises(NoCredentials, match=r"has given no token within 0\.3 s"):
            bounded(SHORT)
    finally:
        go.set()


def test_the_first_login_is_not_made_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that hangs would hold the start up without a word; whoever starts is told what is missing."""
    begun = list[str]()
    refuse_all(monkeypatch)
    with pytest.raises(RuntimeError, match="start new thread"):
        BoundedLogin(lambda: begun.append("login"))(SHORT)
    monkeypatch.undo()
    bounded = BoundedLogin(lambda: "later")
    assert (bounded(SECONDS), begun) == ("later", [])


def once_then_hangs(folder: Path, **facts: str) -> str:
    """A program that gives a token with these facts, and hangs when it is asked again."""
    once, given = folder / "once", json.dumps({"token": "none", **facts})
    credential = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": ' + given + "}"
    return f"if [ -e {once} ]; then echo >>{once}; exec sleep 60; fi; touch {once}; echo '{credential}'"


def plugin(server: FakeApi, folder: Path, script: str) -> Path:
    """A kubeconfig whose token comes from a program."""
    path = server.kubeconfig(folder / "kubeconfig", {})
    document = yaml.safe_load(path.read_text())
    document["users"][0]["user"] = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "args": ["-c", script]}
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_plugin_that_hangs_ends_the_start_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of a daemon that stands there without a line."""
    monkeypatch.setattr(login, "LOGIN_SECONDS", SHORT)
    begun = time.monotonic()
    with FakeApi(says(200, {})) as server, pytest.raises(NoCredentials, match="the program that the kubeconfig names"):
        Api(client_factory("kubeconfig", plugin(server, tmp_path, "exec sleep 60"), None))
    assert time.monotonic() - begun < 40


def test_a_plugin_that_hangs_later_costs_a_call_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server no longer knows the token, and the program that gave it hangs now: calls fail in their own time."""
    waits: list[float] = []
    with FakeApi(refuses(401)) as server:
        log_in = client_factory("kubeconfig", plugin(server, tmp_path, once_then_hangs(tmp_path)), None)

        def hurried(seconds: float) -> ApiClient:
            """As if almost all of a call's time were over already."""
            waits.append(seconds)
            return log_in(seconds if len(waits) == 1 else min(seconds, SHORT))

        api = Api(hurried)
        monkeypatch.setattr(client, "CALL_SECONDS", SECONDS / 2)
        for _ in range(2):
            begun = time.monotonic()
            with pytest.raises(Unavailable, match="the program that the kubeconfig names"):
                api.get("/version")
            assert time.monotonic() - begun < 40
    assert all(0 < wait <= SECONDS / 2 for wait in waits[1:])


def test_a_plugin_that_hangs_under_a_pids_limit_costs_a_call_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it may have a thread: the call fails in its own time, and the next one does not ask twice."""
    with FakeApi(refuses(401)) as server:
        log_in = client_factory("kubeconfig", plugin(server, tmp_path, once_then_hangs(tmp_path)), None)
        api = Api(log_in)
        monkeypatch.setattr(client, "CALL_SECONDS", SECONDS / 2)
        monkeypatch.setattr(login, "LOGIN_SECONDS", SHORT)
        refuse_all(monkeypatch)
        for _ in range(2):
            begun = time.monotonic()
            with pytest.raises(Unavailable, match="the program that the kubeconfig names"):
                api.get("/version")
            assert time.monotonic() - begun < 40
    wait_until((tmp_path / "once").read_text, SECONDS, "the program to be asked again")
    assert (tmp_path / "once").read_text() == "\n", "it was asked once more, not twice"


def test_a_token_whose_time_is_over_holds_up_no_call(tmp_path: Path) -> None:
    """The server's 401 decides when a new one is needed. Otherwise each thread would wait for the program by itself."""
    script = once_then_hangs(tmp_path, expirationTimestamp="2001-01-01T00:00:00Z")
    with FakeApi(says(200, {})) as server:
        api = Api(client_factory("kubeconfig", plugin(server, tmp_path, script), None))
        assert api.get("/version") == {}
    assert (tmp_path / "once").read_text() == "", "the program was asked again"
