"""/livez, /readyz and /status over a real socket."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mooring.errors import ConfigError
from mooring.observe.http import Server


@dataclass
class Health:
    """What the server is told when it asks."""

    alive: str | None = None
    ready: str | None = None


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def server(health: Health) -> Iterator[Server]:
    server = Server(
        ("127.0.0.1", 0),
        alive=lambda: health.alive,
        ready=lambda: health.ready,
        status=lambda: {"services": []},
        metrics=lambda: ("text/plain; version=0.0.4", b"mooring_blind 0\n"),
    )
    server.start()
    yield server
    server.stop()


def get(server: Server, path: str, method: str = "GET") -> tuple[int, str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


@pytest.mark.parametrize("page", ["/livez", "/readyz"])
def test_a_healthy_daemon_says_ok(server: Server, page: str) -> None:
    """A kubelet's probe gets 200, with or without a query."""
    assert get(server, page) == (200, "text/plain; charset=utf-8", "ok\n")
    assert get(server, f"{page}?verbose")[0] == 200


def test_what_stands_still_is_said(server: Server, health: Health) -> None:
    """503 comes with the sentence that says why, on its own page only."""
    health.alive = "the writer stands still"
    assert get(server, "/livez") == (503, "text/plain; charset=utf-8", "the writer stands still\n")
    assert get(server, "/readyz")[0] == 200
    health.ready = "not every host has been probed yet"
    assert get(server, "/readyz")[2] == "not every host has been probed yet\n"


def test_the_status_is_json(server: Server) -> None:
    """/status is the JSON document that `mooring status` reads."""
    status, kind, text = get(server, "/status")
    assert (status, kind, json.loads(text)) == (200, "application/json", {"services": []})


def test_head_has_no_body_and_other_pages_are_named(server: Server) -> None:
    """HEAD works for load balancers; a wrong page lists the right ones."""
    assert get(server, "/livez", "HEAD") == (200, "text/plain; charset=utf-8", "")
    assert get(server, "/metric") == (
        404,
        "text/plain; charset=utf-8",
        "no such page; there are: /livez /readyz /status /metrics\n",
    )


def test_a_silent_client_holds_up_nobody(server: Server) -> None:
    """A connection that says nothing does not keep others from their answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5):
        assert get(server, "/livez")[0] == 200


def test_a_port_that_is_taken_is_a_clear_error(server: Server) -> None:
    """Which option is wrong, and what is in the way."""
    with pytest.raises(ConfigError, match=r"--listen \(MOORING_LISTEN\): cannot listen on 127.0.0.1:\d+: .+in use"):
        Server(
            ("127.0.0.1", server.port), alive=lambda: None, ready=lambda: None, status=dict, metrics=lambda: ("", b"")
        )


def test_ipv6_is_welcome() -> None:
    """`--listen [::1]:0` listens on IPv6."""
    server = Server(("::1", 0), alive=lambda: None, ready=lambda: None, status=dict, metrics=lambda: ("", b""))
    server.start()
    with urllib.request.urlopen(f"http://[::1]:{server.port}/livez", timeout=5) as answer:
        assert answer.status == 200
    server.stop()
