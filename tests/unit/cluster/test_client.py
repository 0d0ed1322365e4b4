"""Calls to an API server that says what a real one cannot be made to say."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.free_ports import free_port
from lab.listeners import closed_port
from lab.waiting import wait_until
from mooring.cluster import client, reading
from mooring.cluster.client import Api, client_factory
from mooring.cluster.deadline import Deadline
from mooring.cluster.reading import Json
from mooring.cluster.status import Expired, Missing
from mooring.model.errors import ClusterError, Conflict, NoCredentials, Rejected, Unavailable
from support.fake_api import ANSWER, STREAM, Answer, FakeApi, breaks_off, drips, says, silence, stays_open, streams

TOKEN = "sesame-and-barley"
PATH = "/api/v1/namespaces/default/endpoints"
STATUS = {"kind": "Status", "message": "said so"}
SHORT, SECONDS = 0.25, 60.0
EVENT = {"type": "ADDED", "object": {"metadata": {"name": "db", "resourceVersion": "7"}}}
DEEP = b"[" * 200_000


@pytest.fixture(scope="module", autouse=True)
def _all_closed() -> Iterator[None]:
    yield
    gc.collect()  # a socket that was left open complains here


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Api]]:
    """An ``Api`` whose server gives these answers."""
    servers: list[FakeApi] = []

    def make(*answers: Answer) -> Api:
        server = FakeApi(*answers).__enter__()
        servers.append(server)
        return Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {"token": TOKEN}), None))

    yield make
    for server in servers:
        server.__exit__()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    monkeypatch.setattr(client, "CALL_SECONDS", SHORT)
    monkeypatch.setattr(client, "STREAM_SECONDS", SHORT)
    monkeypatch.setattr(client, "STREAM_GRACE_SECONDS", 0.0)


def events(api: Api, seconds: float = SECONDS) -> Iterator[Json]:
    with Deadline(seconds) as call:
        yield from api.watch(PATH, "1", call)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "retry_after"),
    [
        (400, {}, Rejected, None),
        (401, {}, Unavailable, None),
        (403, {}, Rejected, None),
        (404, {}, Missing, None),
        (409, {}, Conflict, None),
        (410, {}, Expired, None),
        (422, {}, Rejected, None),
        (429, {"Retry-After": "7"}, Unavailable, 7.0),
        (429, {}, Unavailable, None),
        (500, {}, Unavailable, None),
        (503, {"Retry-After": "2"}, Unavailable, 2.0),
        (503, {"Retry-After": "Wed, 21 Oct 2065 07:28:00 GMT"}, Unavailable, None),
        (503, {"Retry-After": "\u00b2"}, Unavailable, None),
        (504, {"Retry-After": "-1"}, Unavailable, None),
        (503, {"Retry-After": "9" * 400}, Unavailable, None),
    ],
)
def test_each_refusal_has_its_error(
    serving: Callable[..., Api],
    status: int,
    headers: dict[str, str],
    kind: type[ClusterError],
    retry_after: float | None,
) -> None:
    """What the server answers decides whether the same call is worth a retry, and when; its words are told."""
    with pytest.raises(kind, match=f"GET {PATH}: {status}: said so") as told:
        serving(says(status, STATUS, headers)).get(PATH)
    assert type(told.value) is kind
    assert getattr(told.value, "retry_after", None) == retry_after


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[]", b"\xff", DEEP, b'{"message": 7}'])
def test_a_refusal_needs_no_status_object(serving: Callable[..., Api], body: bytes) -> None:
    """A proxy before the API server answers in its own words."""
    with pytest.raises(Unavailable, match="503, and not in the words of an API server"):
        serving(says(503, body)).get(PATH)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 418, 422])
@pytest.mark.parametrize("body", [b"", b"<html>nothing here</html>", b'{"code": 404}', b'{"kind": "Pod"}'])
def test_what_is_no_status_says_nothing_of_an_object(serving: Callable[..., Api], status: int, body: bytes) -> None:
    """A 404 of a load balancer is no missing Service, its 409 no conflict: the API server is not available."""
    with pytest.raises(Unavailable, match=f"{status}, and not in the words of an API server"):
        serving(says(status, body, {"Retry-After": "7"})).get(PATH)


@pytest.mark.parametrize(
    "answer",
    [
        says(200, b"{"),
        says(200, b""),
        says(200, b"[]"),
        says(200, b'"text"'),
        says(200, b"null"),
        says(200, b"\xff\xfe"),
        says(200, DEEP),
        says(302, b"", {"Location": "http://127.0.0.1:1/"}),
        breaks_off(),
        breaks_off(ANSWER + b'{"items": ['),
        breaks_off(STREAM + b"zz\r\n"),
        breaks_off(b"SSH-2.0-OpenSSH_9.2\r\n"),
        breaks_off(b"HTTP/1.1 200 Said\r\n" + b"A: b\r\n" * 300),
    ],
    ids=[
        "half an object",
        "nothing",
        "a list",
        "a text",
        "null",
        "no UTF-8",
        "nested too deep",
        "a redirection",
        "hangs up",
        "half an answer",
        "a broken chunk",
        "not HTTP",
        "too many headers",
    ],
)
def test_nonsense_is_no_answer(serving: Callable[..., Api], answer: Answer) -> None:
    """Whatever comes that is no JSON object: the cluster is not available now, and the call may be tried again."""
    with pytest.raises(Unavailable):
        serving(answer).get(PATH)


def test_a_closed_port_is_told_at_once(tmp_path: Path) -> None:
    """Nobody listens: that is told without waiting."""
    with FakeApi(silence) as server:
        server.url = f"http://127.0.0.1:{closed_port()}"
        path = server.kubeconfig(tmp_path / "kubeconfig", {"token": TOKEN})
    with pytest.raises(Unavailable, match="Connection refused"):
        Api(client_factory("kubeconfig", path, None)).get(PATH)


def test_since_when_the_server_was_not_heard(serving: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> None:
    """From its last answer on, once a call had none; any answer ends it, a refusal too."""
    moments = iter(range(100, 200))
    monkeypatch.setattr(client, "time", SimpleNamespace(time=lambda: float(next(moments))))
    api = serving(says(200, {}), silence, silence, says(403, {}))
    api.get(PATH)
    heard: list[float | None] = [api.unheard_since]
    for seconds in (SHORT, SHORT, SECONDS):
        monkeypatch.setattr(client, "CALL_SECONDS", seconds)
        with pytest.raises(ClusterError):
            api.get(PATH)
        heard.append(api.unheard_since)
    assert heard == [None, 101.0, 101.0, None]


@pytest.mark.parametrize(
    "answer",
    [
        silence,
        drips(b"HTTP/1.1 200 Said\r\n", b"A"),
        drips(b"HTTP/1.1 200 Said\r\n", b"A: b\r\n", 0.1),
        drips(ANSWER, b" "),
        drips(STREAM, b"1\r\n \r\n"),
        drips(STREAM, b"0"),
    ],
    ids=["silence", "a header", "headers", "a body", "chunks", "a chunk's length"],
)
@pytest.mark.parametrize("method", ["get", "refusal", "watch"])
def test_every_call_has_a_total_deadline(serving: Callable[..., Api], short: None, answer: Answer, method: str) -> None:
    """A server that answers a byte now and then keeps no call alive."""
    started = time.monotonic()
    with pytest.raises(Unavailable):
        _ask(serving(answer), method)
    assert time.monotonic() - started < SHORT + 20.0  # dripped answers would take many times that


def test_an_api_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """Whoever has several clusters sees which one; a password in its address is not shown."""
    with FakeApi() as server:
        kubeconfig = server.kubeconfig(tmp_path / "kubeconfig", {"token": TOKEN})
        nobody = f"http://127.0.0.1:{free_port()}"
        kubeconfig.write_text(kubeconfig.read_text().replace(server.url, nobody.replace("//", "//ann:secret@")))
        api = Api(client_factory("kubeconfig", kubeconfig, None))
        with pytest.raises(Unavailable, match=rf"^the API server does not answer: .*refused \({nobody}\)$"):
            api.get(PATH)


@pytest.mark.parametrize("address", ["https://[::1:6443", "https://", "https://ann:secret@[::1:6443/"])
def test_an_address_that_is_none_is_told(tmp_path: Path, address: str) -> None:
    """A kubeconfig is read anew while the daemon runs: a slip in it ends no thread, and shows no password."""
    with FakeApi() as server:
        kubeconfig = server.kubeconfig(tmp_path / "kubeconfig", {"token": TOKEN})
        kubeconfig.write_text(kubeconfig.read_text().replace(server.url, json.dumps(address)))
    with pytest.raises((Unavailable, NoCredentials)) as told:
        Api(client_factory("kubeconfig", kubeconfig, None)).get(PATH)
    assert "secret" not in str(told.value)


def test_our_own_deadline_is_not_told_as_the_servers_doing(
    serving: Callable[..., Api], short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We hang up at the deadline; the log says that the answer was late, not that the server closed the connection."""
    monkeypatch.setattr(client, "STREAM_GRACE_SECONDS", 60.0)  # else a busy machine may see the socket's own end first
    with pytest.raises(Unavailable, match=r"^the API server does not answer within its deadline \(http"):
        serving(silence).get(PATH)


def _ask(api: Api, method: str) -> None:
    if method == "watch":
        list(events(api, SHORT))
    elif method == "get":
        api.get(PATH)
    else:
        api.merge(PATH, {})


def test_a_connection_outlives_a_call(tmp_path: Path, time_passes: Callable[[float], None]) -> None:
    """One connection serves call after call, and the deadline of an earlier one does not end a later one."""
    lines: list[Any] = []

    def while_time_passes(line: Any, ending: threading.Event) -> None:
        lines.append(line)
        time_passes(SECONDS * 0.7)
        with Deadline(SECONDS * 0.1) as other:
            time_passes(SECONDS * 0.2)
            wait_until(lambda: other.ended, SECONDS, "the end of all that are over")
        says(200, {"at": len(lines)})(line, ending)

    with FakeApi(while_time_passes) as server:
        made = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {"token": TOKEN}), None))
        for number in range(1, 5):
            assert made.get(PATH) == {"at": number}
    assert len(set(map(id, lines))) == 1, "all use one connection"


def test_an_answer_too_big_is_refused(serving: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer can take all memory."""
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    assert serving(says(200, {"a": "b" * 900})).get(PATH)
    with pytest.raises(Unavailable, match="more than 1000 bytes"):
        serving(says(200, {"a": "b" * 1000})).get(PATH)


def test_a_line_too_long_ends_a_watch(serving: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> None:
    """No event can take all memory, also where it comes in small pieces; what came before it counts."""
    monkeypatch.setattr(reading, "MOST_LINE_BYTES", 1000)
    told = events(serving(streams(EVENT, EVENT, *([b"x" * 100] * 20))))
    assert [next(told), next(told)] == [EVENT, EVENT]
    with pytest.raises(Unavailable, match="more than 1000 bytes"):
        next(told)


def test_events_come_as_they_are_cut(serving: Callable[..., Api]) -> None:
    """An event may come in several pieces, several events in one."""
    whole = (json.dumps(EVENT).encode() + b"\n") * 3
    pieces = [whole[:10], whole[10:11], whole[11:150], whole[150:]]
    assert list(events(serving(streams(*pieces)))) == [EVENT] * 3


def test_events_come_at_once_without_chunks(serving: Callable[..., Api]) -> None:
    """Behind a proxy that ends a watch by hanging up, no event waits for the next."""
    head = b"HTTP/1.0 200 Said\r\nContent-Type: application/json\r\n\r\n"

    def answer(line: Any, ending: threading.Event) -> None:
        line.sendall(head + json.dumps(EVENT).encode() + b"\n")
        ending.wait(60)

    started = time.monotonic()
    assert next(events(serving(answer))) == EVENT
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "line",
    [
        b"{\n",
        b"[]\n",
        b"7\n",
        b"{}\n",
        b'{"type": "ADDED"}\n',
        b'{"type": "ADDED", "object": []}\n',
        b'{"type": "ADDED", "object": {}}\n',
        b'{"type": "ADDED", "object": {"metadata": []}}\n',
        b'{"type": "ADDED", "object": {"metadata": {"resourceVersion": "7"}}}\n',
        b'{"type": "ERROR", "object": []}\n',
        b'{"type": "ERROR", "object": {"code": [1]}}\n',
        DEEP + b"\n",
        b"\xff\n",
    ],
)
def test_nonsense_ends_a_watch(serving: Callable[..., Api], line: bytes) -> None:
    """An event that is none ends the watch; no thread dies of it."""
    with pytest.raises(ClusterError):
        list(events(serving(streams(line))))


def test_a_watch_that_is_too_old_is_told_apart(serving: Callable[..., Api]) -> None:
    """410 as an event or as the answer: begin anew with a list."""
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}
    with pytest.raises(Expired, match="too old"):
        list(events(serving(streams(EVENT, gone))))
    with pytest.raises(Expired):
        list(events(serving(says(410, STATUS))))


def test_a_lost_watch_is_told(serving: Callable[..., Api]) -> None:
    """A connection that ends in the middle is not the end of a watch."""
    told = events(serving(streams(EVENT, ended=False)))
    assert next(told) == EVENT
    with pytest.raises(Unavailable, match="broke"):
        next(told)


def test_no_connection_is_left(tmp_path: Path) -> None:
    """A hundred watches that broke, and as many refusals, leave no connection and no thread."""
    with FakeApi(*[streams(EVENT, ended=False), says(401, STATUS), says(503, b"busy")] * 50, says(200, {})) as server:
        made = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {"token": TOKEN}), None))
        before = threading.active_count()
        for _ in range(100):
            with pytest.raises(ClusterError):
                list(events(made))
        made.get(PATH)
        wait_until(lambda: server.connections <= 2, 5, "connections to end")
        wait_until(lambda: threading.active_count() <= before + 2, 5, "threads to end")
        assert server.connections <= 2


def test_a_token_that_is_refused_is_read_again(tmp_path: Path) -> None:
    """401: the token file is read once more, and the call made again with what it holds now."""
    token = tmp_path / "token"
    token.write_text("old")
    with FakeApi(says(401, STATUS), says(200, {"it": "works"}), says(401, STATUS)) as server:
        made = Api(
            client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {"tokenFile": str(token)}), None)
        )
        token.write_text("new")
        assert made.get(PATH) == {"it": "works"}
        assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer old", "Bearer new"]
        with pytest.raises(Unavailable, match="401"):
            made.get(PATH)
        assert len(server.asked) == 4
        token.unlink()
        with pytest.raises(Unavailable, match="no usable credentials"):
            made.get(PATH)


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
def test_a_line_end_after_a_token_is_no_part_of_it(tmp_path: Path, end: str) -> None:
    """A token file that was written by an editor works as with kubectl."""
    token = tmp_path / "token"
    token.write_text(TOKEN + end)
    with FakeApi(says(200, {})) as server:
        Api(
            client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {"tokenFile": str(token)}), None)
        ).get(PATH)
        assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("token", [f"{TOKEN}\nmore", f"{TOKEN}\u20ac", f"{TOKEN}\r\nX: y"])
def test_a_token_that_cannot_be_sent_is_not_shown(tmp_path: Path, token: str) -> None:
    """A file that holds no token is told of without its content."""
    with FakeApi(says(200, {})) as server:
        made = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {"token": token}), None))
        with pytest.raises(Unavailable, match="token") as told:
            made.get(PATH)
    assert TOKEN not in _all_words(told.value)


def _all_words(error: BaseException | None) -> str:
    """All that a traceback without locals would show."""
    words = ""
    while error is not None:
        words += f"{error!r} {error}\n"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return words


KUBECONFIG = "current-context: one\ncontexts: [{name: one, context: {cluster: one, user: one}}]\n"
CLUSTERS = "clusters: [{name: one, cluster: {server: 'http://127.0.0.1:1'}}]\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{",
        f"token: {TOKEN}\n  broken: [",
        "current-context: one\n",
        "current-context: two\ncontexts: [{name: one, context: {}}]\n",
        KUBECONFIG + CLUSTERS + f"users: [{{name: one, token: {TOKEN}}}]\n",
        KUBECONFIG + CLUSTERS + f"users: [{{user: {{token: {TOKEN}}}}}]\n",
        KUBECONFIG + f"users: [{{name: one, user: {{token: {TOKEN}}}}}]\nclusters: [{{name: one, token: {TOKEN}}}]\n",
        KUBECONFIG + CLUSTERS + "users: [{name: one, user: {tokenFile: /nowhere/token}}]\n",
        KUBECONFIG + "clusters: [{name: one, cluster: {server: 'https://h', certificate-authority: /nowhere/ca}}]\n",
    ],
)
def test_a_broken_kubeconfig_is_told_without_secrets(tmp_path: Path, text: str) -> None:
    """Whatever is wrong with a kubeconfig, it is told as missing credentials, and no token is in the words."""
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(NoCredentials, match=r"no usable credentials for a cluster: .") as told:
        client_factory("kubeconfig", path, None)(60.0)
    assert TOKEN not in _all_words(told.value)


def test_a_kubeconfig_that_is_not_there(tmp_path: Path) -> None:
    """Without the file there are no credentials."""
    with pytest.raises(NoCredentials):
        client_factory("kubeconfig", tmp_path / "none", None)(60.0)


def test_a_watch_can_be_ended_from_outside(serving: Callable[..., Api]) -> None:
    """Whoever no longer wants a watch does not wait for the server to say something."""
    started = time.monotonic()
    with Deadline(60) as call:
        told = serving(stays_open(EVENT)).watch(PATH, "1", call)
        assert next(told) == EVENT
        threading.Timer(0.1, call.end).start()
        with pytest.raises(Unavailable):
            next(told)
    assert time.monotonic() - started < 30
