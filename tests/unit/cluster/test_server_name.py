"""The API server's name, with a name server that does not answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from lab.waiting import wait_until
from mooring.cluster import client, server_name, transport
from mooring.cluster.client import CALL_SECONDS, Api, client_factory
from mooring.cluster.server_name import ServerNames, system_lookup
from mooring.model.errors import Unavailable
from support.fake_api import FakeApi, says

SECONDS = 60.0
"""What a lookup that ends may take on a busy machine."""
PATH = "/api/v1/namespaces/default/endpoints/db"


class NameServer:
    """What a lookup gives; None: it hangs until the test ends."""

    def __init__(self, answer: Sequence[str] | OSError | None) -> None:
        self.answer, self.asked, self.ended = answer, 0, threading.Event()

    def __call__(self, name: str, port: int) -> Sequence[str]:
        self.asked += 1
        if self.answer is None:
            self.ended.wait(60)
            return ()
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.fixture
def hung() -> Iterator[NameServer]:
    server = NameServer(None)
    yield server
    server.ended.set()


def test_a_lookup_that_hangs_is_waited_for_in_time(hung: NameServer) -> None:
    """Whoever needs the name gets an error at the end of its time, and the lookup is one, however many wait."""
    names, begun = ServerNames(hung), time.monotonic()
    for _ in range(3):
        with pytest.raises(TimeoutError, match=r"api\.example\.com was not looked up in time"):
            names.addresses("api.example.com", 6443, 0.1)
    assert 0.3 <= time.monotonic() - begun < 30
    wait_until(lambda: hung.asked, SECONDS, "the lookup to begin")
    assert hung.asked == 1


@pytest.mark.parametrize("then", [None, socket.gaierror("temporary failure"), ()], ids=["hangs", "fails", "is empty"])
def test_the_last_addresses_are_kept(then: Sequence[str] | OSError | None) -> None:
    """A name server that dies later keeps no write from the server that was known."""
    server = NameServer(("10.0.0.1",))
    names = ServerNames(server)
    assert names.addresses("api.example.com", 6443, SECONDS) == ("10.0.0.1",)
    server.answer = then
    begun = time.monotonic()
    assert names.addresses("api.example.com", 6443, SECONDS) == ("10.0.0.1",)
    assert time.monotonic() - begun < 30.0
    server.ended.set()


def test_without_a_thread_the_last_addresses_are_used_and_later_ones_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a pids limit is reached; once there are threads again, the next connection asks anew."""

    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(server_name, "KNOWN_SECONDS", SECONDS)
    server = NameServer(("10.0.0.1",))
    names = ServerNames(server)
    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", no_more)
        with pytest.raises(OSError, match="may have no thread more"):
            names.addresses("api.example.com", 6443, SECONDS)
    assert names.addresses("api.example.com", 6443, SECONDS) == ("10.0.0.1",)
    server.answer = ("10.0.0.2",)
    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", no_more)
        assert names.addresses("api.example.com", 6443, SECONDS) == ("10.0.0.1",)
    assert names.addresses("api.example.com", 6443, SECONDS) == ("10.0.0.2",)


def test_a_new_address_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each new connection asks anew."""
    monkeypatch.setattr(server_name, "KNOWN_SECONDS", SECONDS)
    server = NameServer(("10.0.0.1",))
    names = ServerNames(server)
    names.addresses("api.example.com", 6443, SECONDS)
    server.answer = ("10.0.0.2",)
    assert names.addresses("api.example.com", 6443, SECONDS) == ("10.0.0.2",)


def test_a_name_that_is_not_there_is_an_error_at_once() -> None:
    """A mistyped server is no matter of time."""
    with pytest.raises(OSError, match="not known"):
        ServerNames(NameServer(socket.gaierror("name not known"))).addresses("nowhere.invalid", 6443, SECONDS)
    with pytest.raises(OSError, match="no name of a host"):
        ServerNames(system_lookup).addresses("a" * 70 + ".invalid", 6443, SECONDS)


def api_named(server: FakeApi, folder: Path) -> Api:
    """An ``Api`` whose kubeconfig gives the server by a name."""
    path = server.kubeconfig(folder / "kubeconfig", {"token": "none"})
    held = yaml.safe_load(path.read_text())
    held["clusters"][0]["cluster"]["server"] = server.url.replace("127.0.0.1", "api.example.com")
    path.write_text(yaml.safe_dump(held))
    return Api(client_factory("kubeconfig", path, None))


def test_a_call_ends_in_time_without_a_name_server(
    tmp_path: Path, hung: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lookup counts as part of the call: its deadline is that of all of it."""
    monkeypatch.setattr(transport, "_names", ServerNames(hung))
    monkeypatch.setattr(client, "CALL_SECONDS", 0.3)
    with FakeApi(says(200, {})) as server:
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            api_named(server, tmp_path).get(PATH)
    assert time.monotonic() - begun < 30.0


def test_the_next_address_is_tried_where_one_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control plane with several addresses of which the first does not listen is reached all the same."""
    monkeypatch.setattr(transport, "_names", ServerNames(NameServer(("127.0.0.9", "127.0.0.1"))))
    with FakeApi(says(200, {"a": 1})) as server:
        assert api_named(server, tmp_path).get(PATH) == {"a": 1}


def test_a_dead_way_is_noticed_in_time(tmp_path: Path) -> None:
    """What is sent into nothing is given up before a call's time is over, and a watch that waits within 10 s."""
    with FakeApi(says(200, {})) as server:
        api = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None))
        api.get(PATH)
        [pool] = [api._client.rest_client.pool_manager.connection_from_url(server.url)]
        assert pool.pool is not None
        line = pool.pool.get_nowait().sock
        unheard = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) / 1000
        idle, every, count = (
            line.getsockopt(socket.IPPROTO_TCP, one)
            for one in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert 0 < unheard < CALL_SECONDS
        assert idle + max(unheard, every * count) + every <= 10
        line.close()
