"""The pages over a real socket."""

from __future__ import annotations

import json
import socket
import struct
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from lab.documents import host, service, status
from lab.waiting import wait_until
from mooring.judge.store import HealthStore
from mooring.model.errors import ConfigError
from mooring.observe import http
from mooring.observe.http import CONNECTIONS, Server

SECONDS = 60.0
"""What an answer may take on a busy machine."""


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine does not use up the time of a request."""
    monkeypatch.setattr(http, "REQUEST_SECONDS", SECONDS)


@dataclass
class Health:
    """What the server is told when it asks."""

    alive: str | None = None
    ready: str | None = None
    defect: bool = False

    def is_ready(self) -> str | None:
        if self.defect:
            raise RuntimeError("a defect")
        return self.ready


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def server(health: Health) -> Iterator[Server]:
    server = Server(
        ("127.0.0.1", 0),
        HealthStore(),
        alive=lambda: health.alive,
        ready=health.is_ready,
        status=lambda: status(service(host(name="db 2"))),
        metrics=lambda: ("text/plain; version=0.0.4", b"mooring_blind 0\n"),
    )
    server.start()
    yield server
    server.stop()


def get(server: Server, path: str, method: str = "GET") -> tuple[int, str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


@contextmanager
def raw(server: Server, begins: bytes) -> Iterator[socket.socket]:
    """A connection that has sent this."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as line:
        line.sendall(begins)
        yield line


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
    assert (status, kind) == (200, "application/json")
    assert [one["name"] for one in json.loads(text)["services"]] == ["mysql-external"]


def test_a_host_has_a_page_of_its_own(server: Server) -> None:
    """/status/NAMESPACE/NAME/HOST is the JSON document that `mooring explain` reads; names are percent-encoded."""
    status, kind, text = get(server, "/status/default/mysql-external/db%202")
    assert (status, kind) == (200, "application/json")
    assert json.loads(text)["services"][0]["hosts"][0]["explanation"].startswith("in since")
    for path in ("/status/default/mysql-external/db9", "/status/", "/status/%2e%2e/..//"):
        assert get(server, path)[:2] == (404, "text/plain; charset=utf-8")


def test_the_page_for_people_comes_with_its_policy(server: Server) -> None:
    """/ is HTML; the header forbids the browser whatever the page does not need."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert b"default/mysql-external" in answer.read()
    assert get(server, "/hosts/default/mysql-external/db%202")[:2] == (200, "text/html; charset=utf-8")


def test_the_metrics_have_their_own_type(server: Server) -> None:
    """/metrics is what Prometheus asks for, and its query is nobody's."""
    assert get(server, "/metrics?name[]=x") == (200, "text/plain; version=0.0.4", "mooring_blind 0\n")


def test_head_has_no_body_and_other_pages_are_named(server: Server) -> None:
    """HEAD works for load balancers; a wrong page lists the right ones."""
    assert get(server, "/livez", "HEAD") == (200, "text/plain; charset=utf-8", "")
    assert get(server, "/metric") == (
        404,
        "text/plain; charset=utf-8",
        "no such page; there are: / /still/ /livez /readyz /status /record /metrics\n",
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_a_wrong_method_is_told_which_are_right(server: Server, method: str) -> None:
    """Nothing here can be changed: 405 in plain words, with the header Allow."""
    with raw(server, f"{method} /livez HTTP/1.1\r\n\r\n".encode()) as line:
        head, _, body = line.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 405 ")
    assert b"Allow: GET, HEAD" in head.split(b"\r\n")
    assert body == b"only GET, HEAD are answered here\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"GET\r\n\r\n", b"400", id="no page"),
        pytest.param(b"GET /livez HTTP/9.9\r\n\r\n", b"505", id="another HTTP"),
        pytest.param(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414", id="a long address"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"431", id="many headers"),
        pytest.param(b"\x16\x03\x01\x00\xa5\x01\r\n\r\n", b"400", id="TLS"),
    ],
)
def test_nonsense_gets_an_answer_in_plain_words(server: Server, request_: bytes, status: bytes) -> None:
    """No page of HTML, no traceback; and the next one is served."""
    with raw(server, request_) as line:
        answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.0 " + status)
    assert b"<" not in answer
    assert get(server, "/livez")[0] == 200


def test_a_page_that_cannot_be_made_is_an_error_of_its_own(
    health: Health, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """500 and a line in the log, not a connection that breaks off; the other pages are served."""
    health.defect = True
    assert get(server, "/readyz") == (
        500,
        "text/plain; charset=utf-8",
        "this page could not be made; the log says why\n",
    )
    assert "http.defect" in "".join(capsys.readouterr())
    assert get(server, "/livez")[0] == 200


def test_a_client_that_leaves_is_no_news(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """A scrape that was broken off leaves no traceback in the log."""
    with raw(server, b"GET /livez HTTP/1.1\r\n") as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert get(server, "/livez")[0] == 200, "which comes after it"
    wait_until(lambda: not server._server._open, 5, "the end of the connection")
    assert "".join(capsys.readouterr()) == ""


@pytest.mark.parametrize("dripping", [False, True], ids=["silent", "dripping"])
def test_a_connection_ends_when_its_time_is_over(
    server: Server, *, dripping: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of a request has its time, not each byte of it."""
    monkeypatch.setattr(http, "REQUEST_SECONDS", 0.3)
    with raw(server, b"GET /livez HTTP/1.1\r\na: ") as line:
        line.settimeout(0.05)

        def ended() -> bool:
            try:
                if dripping:
                    line.send(b"b")
                return line.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_until(ended, 10, "the end of the connection")


def test_a_reader_that_reads_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scrape whose answer is not taken ends with its time, and its thread with it."""
    asked = threading.Event()

    def page() -> tuple[str, bytes]:
        asked.set()
        return "", b"a" * 50_000_000

    large = Server(
        ("127.0.0.1", 0),
        HealthStore(),
        alive=lambda: None,
        ready=lambda: None,
        status=dict,
        metrics=page,
    )
    large.start()
    before = threading.active_count()
    with raw(large, b"GET /metrics HTTP/1.1\r\n\r\n"):
        assert asked.wait(SECONDS)
        monkeypatch.setattr(http, "REQUEST_SECONDS", 0.3)
        wait_until(lambda: not large._server._open, 60, "its end")
        wait_until(lambda: threading.active_count() <= before, 60, "the end of its thread")
    large.stop()


def test_silent_clients_keep_nobody_out(server: Server) -> None:
    """Whoever holds all connections loses the oldest to the next that comes: a kubelet always gets its answer."""
    with ExitStack() as held:
        lines = [held.enter_context(raw(server, b"GET ")) for _ in range(CONNECTIONS + 10)]
        for page in ("/livez", "/readyz", "/metrics"):
            assert get(server, page)[0] == 200
        assert len(server._server._open) <= CONNECTIONS
        assert lines[0].recv(1) == b""
        lines[-1].sendall(b"/livez HTTP/1.1\r\n\r\n")
        assert lines[-1].recv(4096).startswith(b"HTTP/1.0 200 ")


def test_a_port_that_is_taken_is_a_clear_error(server: Server) -> None:
    """Which option is wrong, and what is in the way."""
    with pytest.raises(ConfigError, match=r"--listen \(MOORING_LISTEN\): cannot listen on 127.0.0.1:\d+: .+in use"):
        Server(
            ("127.0.0.1", server.port),
            HealthStore(),
            alive=lambda: None,
            ready=lambda: None,
            status=dict,
            metrics=lambda: ("", b""),
        )


def test_ipv6_is_welcome() -> None:
    """`--listen [::1]:0` listens on IPv6."""
    server = Server(
        ("::1", 0), HealthStore(), alive=lambda: None, ready=lambda: None, status=dict, metrics=lambda: ("", b"")
    )
    server.start()
    with urllib.request.urlopen(f"http://[::1]:{server.port}/livez", timeout=SECONDS) as answer:
        assert answer.status == 200
    server.stop()


def test_it_answers_though_the_process_may_have_no_thread_more(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a pids limit is reached: a thread that is kept for it answers, so no kubelet ends the daemon."""

    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    assert [get(server, "/livez")[0] for _ in range(3)] == [200, 200, 200]
