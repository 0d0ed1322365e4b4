"""The Redis probe."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.waiting import wait_until
from mooring.model.reasons import Reason
from support.probe_once import ask
from support.rogue_servers import Peer, Play, redis, rogue
from support.scripted_server import says_and_hangs_up


def _bulks(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


HELLO = _bulks(b"HELLO", b"2")
_PAIRS = (b"$6\r\nserver", b"$5\r\nredis", b"$5\r\nproto", b":2", b"$2\r\nid", b":8", b"$4\r\nmode", b"$7\r\ncluster")
_MODULES = b"$7\r\nmodules\r\n*1\r\n*4\r\n$4\r\nname\r\n$9\r\nvectorset\r\n$4\r\nargs\r\n*0\r\n"
OF_A_CLUSTER = b"*10\r\n" + b"\r\n".join(_PAIRS) + b"\r\n" + _MODULES


def _answers(**replies: bytes) -> Play:
    """A server that knows these commands."""

    def play(peer: Peer) -> None:
        while True:
            asked = re.findall("|".join(replies), peer.receive().decode())
            peer.send(b"".join(replies[command] for command in asked))

    return play


def test_without_a_password_only_ping_is_said_before_the_answer() -> None:
    """No CLIENT SETINFO: nothing that an old server or a narrow ACL would refuse. HELLO comes after the answer."""
    with rogue(redis(b"+PONG\r\n")) as server:
        assert ask("redis", server.address, server.port).reason is Reason.OK
    assert server.received == _bulks(b"PING") + HELLO


def test_user_and_password_come_first(password: bytes, password_file: str) -> None:
    """AUTH with the ACL user, then PING."""
    with rogue(redis(b"+PONG\r\n")) as server:
        seen = ask("redis", server.address, server.port, user="probe", passwordFile=password_file)
    assert seen.reason is Reason.OK
    assert server.received == _bulks(b"AUTH", b"probe", password) + _bulks(b"PING") + HELLO


def test_a_password_alone_is_that_of_the_default_user(password: bytes, password_file: str) -> None:
    """The form that servers older than ACLs know, too."""
    with rogue(redis(b"+PONG\r\n")) as server:
        assert ask("redis", server.address, server.port, passwordFile=password_file).reason is Reason.OK
    assert server.received == _bulks(b"AUTH", password) + _bulks(b"PING") + HELLO


@pytest.mark.parametrize("state", ["0", "1"])
def test_the_key_is_asked_with_ping(state: str) -> None:
    """The answer shows whether the maintenance switch is there; it costs no round trip of its own."""
    with rogue(_answers(PING=b"+PONG\r\n", EXISTS=f":{state}\r\n".encode(), HELLO=b"-ERR no\r\n")) as server:
        seen = ask("redis", server.address, server.port, key="maintenance of db1")
    assert (seen.reason, seen.answer) == (Reason.OK, state)
    assert server.received == _bulks(b"PING") + _bulks(b"EXISTS", b"maintenance of db1") + HELLO


@pytest.mark.parametrize("enabled", [0, 1])
def test_a_role_is_asked_with_the_cluster_only_where_there_is_one(enabled: int) -> None:
    """Another server counts CLUSTER INFO as an error."""
    info = f"cluster_enabled:{enabled}\r\nrole:master\r\n"
    state = "cluster_state:fail\r\n"
    replies = {word: f"${len(text)}\r\n{text}\r\n".encode() for word, text in {"INFO": info, "CLUSTER": state}.items()}

    def play(peer: Peer) -> None:
        while True:
            asked = re.findall(r"PING|INFO(?=\r\n\$\d+\r\n[cr])|CLUSTER(?=\r\n\$4)", peer.receive().decode())
            peer.send(b"".join(replies.get(word, b"+PONG\r\n") for word in asked))

    with rogue(play) as server:
        seen = ask("redis", server.address, server.port, role="primary")
    assert seen.facts
    assert seen.facts.offline == ("cluster_state:fail" if enabled else "")
    assert (_bulks(b"CLUSTER", b"INFO") in server.received) is bool(enabled)


@pytest.mark.parametrize(
    ("cluster", "reason", "message", "caution"),
    [
        (b"$17\r\ncluster_state:ok\n\r\n", Reason.OK, "", ""),
        (b"$18\r\ncluster_state:fail\r\n", Reason.OFFLINE, "cluster_state:fail", ""),
        (
            b"-NOPERM User x has no permissions to run the 'cluster|info' command\r\n",
            Reason.OK,
            "",
            "cannot see whether its cluster has failed; grant it by `ACL SETUSER default +cluster|info`",
        ),
        (b"-LOADING Redis is loading\r\n", Reason.OK, "", ""),
    ],
    ids=["ok", "failed", "denied", "loading"],
)
def test_a_node_of_a_cluster_is_asked_for_its_state(cluster: bytes, reason: Reason, message: str, caution: str) -> None:
    """Also for no role: a failed cluster refuses every key. Without the right nothing is lost, and it is reported."""
    with rogue(_answers(PING=b"+PONG\r\n", HELLO=OF_A_CLUSTER, CLUSTER=cluster)) as server:
        seen = ask("redis", server.address, server.port)
    assert (seen.reason, seen.message, seen.caution) == (reason, message, caution)
    assert server.received == _bulks(b"PING") + HELLO + _bulks(b"PING") + _bulks(b"CLUSTER", b"INFO")


def test_who_may_not_even_say_hello_is_asked_for_the_cluster() -> None:
    """Redis 6.0 wants a right for it; without the one for CLUSTER INFO, too, nobody knows that it is a cluster."""
    denied = b"-NOPERM this user has no permissions\r\n"
    for cluster, reason in ((b"$18\r\ncluster_state:fail\r\n", Reason.OFFLINE), (denied, Reason.OK)):
        with rogue(_answers(PING=b"+PONG\r\n", HELLO=denied, CLUSTER=cluster)) as server:
            seen = ask("redis", server.address, server.port)
        assert (seen.reason, seen.caution) == (reason, "")


@pytest.mark.parametrize("said", [None, b"+PONG\r\n", b"*1\r\n$4\r\nmode\r\n$1\r\n", b"*1\r\n$1\r\nx\r\n"])
def test_a_proxy_that_does_not_like_hello_is_no_failure(said: bytes | None) -> None:
    """It has answered PING; whether it hangs up or answers nonsense."""

    def play(peer: Peer) -> None:
        while b"HELLO" not in peer.receive():
            peer.send(b"+PONG\r\n")
        if said:
            peer.send(said)

    with rogue(play) as server:
        assert ask("redis", server.address, server.port).reason is Reason.OK


def test_a_wrong_pong_is_final() -> None:
    """What follows it is no answer."""
    with rogue(_answers(PING=b"+PANG\r\n", EXISTS=b":0\r\n")) as server:
        seen = ask("redis", server.address, server.port, key="switch")
    assert (seen.reason, seen.answer) == (Reason.PROTOCOL, None)


@pytest.mark.parametrize("cut", [None, 16], ids=["whole", "cut-short"])
def test_an_echoed_password_is_not_shown(cut: int | None, password: bytes, password_file: str) -> None:
    """A server that does not know AUTH repeats its arguments; the message keeps the rest of the sentence."""
    reply = b"-ERR unknown command 'AUTH', with args beginning with: '" + password[:cut] + b"'\r\n"
    with rogue(_answers(AUTH=reply)) as server:
        seen = ask("redis", server.address, server.port, passwordFile=password_file)
    assert seen.reason is Reason.PROTOCOL
    assert seen.message == "ERR unknown command 'AUTH', with args beginning with: '***'"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"-WRONGPASS invalid username-password pair or user is disabled.", Reason.AUTH),
        (b"-ERR invalid password", Reason.AUTH),
        (b"-LOADING Redis is loading the dataset in memory", Reason.LOADING),
        (b"-MASTERDOWN Link with MASTER is down", Reason.NOT_REPLICATING),
        (b"-BUSY Redis is busy running a script", Reason.OFFLINE),
        (b"-MISCONF Redis is configured to save RDB snapshots", Reason.OK),
        (b"-NOPERM this user has no permissions", Reason.AUTH),
        (b"-ERR max number of clients reached", Reason.SATURATED),
        (b"-WHATEVER else", Reason.PROTOCOL),
    ],
    ids=lambda value: value[1:12].decode() if isinstance(value, bytes) else str(value),
)
def test_errors_keep_their_kind_through_the_library(reply: bytes, reason: Reason) -> None:
    """redis-py takes the first word off some errors; the message has it all the same."""
    with rogue(redis(reply + b"\r\n")) as server:
        seen = ask("redis", server.address, server.port)
    assert (seen.reason, seen.message) == (reason, reply[1:].decode())


def test_one_silent_server_costs_one_connection() -> None:
    """No retries: a library's ten attempts would outlive any deadline."""
    with rogue(Peer.hold) as server:
        assert ask("redis", server.address, server.port, timeout=0.2).reason is Reason.TIMEOUT
        wait_until(lambda: server.connections, 20, "the server to take it")
        assert server.connections == 1


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(b"+-:$*_\r\n01x"), max_size=60).map(bytes))
def test_no_bytes_make_a_probe_raise_or_pass(data: bytes) -> None:
    """Only a PONG is a PONG; everything else is some failure."""
    with rogue(says_and_hangs_up(data)) as server:
        seen = ask("redis", server.address, server.port)
    assert seen.reason is not Reason.OK or data.startswith((b"+PONG\r\n", b"$4\r\nPONG"))
