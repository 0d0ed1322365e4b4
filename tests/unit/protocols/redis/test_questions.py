"""What is asked of a host, and what its replies mean together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mooring.model.facts import Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.verdicts import Outcome
from mooring.protocols.exchange import CAP, Answer
from mooring.protocols.redis import questions, wire
from mooring.protocols.redis.login import exchange
from mooring.protocols.redis.options import RedisOptions

PONG, NO_CLUSTER = b"+PONG\r\n", b"-ERR This instance has cluster support disabled\r\n"
DENIED, DOWN = b"-NOPERM User x has no permissions to run 'cluster|info'\r\n", b"-MASTERDOWN Link is down\r\n"
MISCONF, LOADING = b"-MISCONF cannot save\r\n", b"-LOADING Redis is loading\r\n"


def _text(text: str) -> bytes:
    return f"${len(text)}\r\n{text}\r\n".encode()


INFO, CLUSTER = _text("# Replication\r\nrole:master\r\n"), _text("cluster_state:fail\r\n")
UNSEEN = "cannot see whether its cluster has failed; grant it by `ACL SETUSER default +cluster|info`"
PRIMARY = Facts()
OK = Observation(Reason.OK, facts=PRIMARY)


def _options(**block: Any) -> RedisOptions:
    return RedisOptions.model_validate(block).question()


def _fed(options: RedisOptions, *pieces: bytes, server: str | None = None) -> Answer | None:
    asked, answer = exchange(options, server), None
    for piece in pieces:
        answer = asked.feed(piece)
    return answer


def _words(request: bytes) -> list[bytes]:
    return [part for part in request.split(b"\r\n") if part.isalpha() or b" " in part]


@pytest.mark.parametrize(
    ("block", "server", "words"),
    [
        ({}, None, [b"PING"]),
        ({"key": "a b"}, None, [b"PING", b"EXISTS", b"a b"]),
        ({"role": "primary"}, None, [b"PING", b"INFO", b"replication", b"CLUSTER", b"INFO"]),
        ({"role": "replica"}, None, [b"PING", b"INFO", b"replication", b"CLUSTER", b"INFO"]),
        ({"role": "replica"}, questions.NO_CLUSTER, [b"PING", b"INFO", b"replication"]),
        (
            {"role": "replica", "key": "a b"},
            questions.NO_CLUSTER,
            [b"PING", b"EXISTS", b"a b", b"INFO", b"replication"],
        ),
        ({"key": "a b"}, questions.NO_CLUSTER, [b"PING", b"EXISTS", b"a b"]),
        ({"key": "a b"}, questions.CLUSTER, [b"PING", b"EXISTS", b"a b", b"CLUSTER", b"INFO"]),
    ],
    ids=["any", "key", "primary", "replica", "no-cluster", "all", "key-no-cluster", "key-cluster"],
)
def test_no_more_is_asked_than_is_needed(block: dict[str, Any], server: str | None, words: list[bytes]) -> None:
    """Facts only where a role is asked for, the cluster only where there may be one; all in one go."""
    assert _words(exchange(_options(**block), server).request) == words


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (PONG + INFO + NO_CLUSTER, OK),
        (PONG + INFO + DENIED, replace(OK, caution=UNSEEN)),
        (PONG + INFO + CLUSTER, replace(OK, facts=Facts(offline="cluster_state:fail"))),
        (
            MISCONF + INFO + NO_CLUSTER,
            Observation(Reason.OK, "MISCONF cannot save", facts=Facts(hindered="MISCONF cannot save")),
        ),
        (DOWN + INFO + NO_CLUSTER, Observation(Reason.NOT_REPLICATING, "MASTERDOWN Link is down", facts=PRIMARY)),
        (LOADING + INFO + LOADING, Observation(Reason.LOADING, "LOADING Redis is loading", facts=PRIMARY)),
        (PONG + _text("") + NO_CLUSTER, Observation(Reason.OK)),
    ],
    ids=["alone", "cluster-denied", "cluster", "misconf", "masterdown", "loading", "no-role"],
)
def test_facts_come_beside_what_ping_says(said: bytes, seen: Observation) -> None:
    """Also where that is a failure: the role may decide at once. However it is cut."""
    options = _options(role="primary")
    assert _fed(options, said) == Answer(seen)
    assert _fed(options, *(bytes([byte]) for byte in said)) == Answer(seen)
    assert _fed(options, said[:20], said[20:] + PONG) == Answer(seen, PONG)


@pytest.mark.parametrize(
    ("block", "grantee"), [({}, "default"), ({"user": "probe", "passwordFile": "/p"}, "probe")], ids=["default", "user"]
)
def test_a_missing_grant_is_reported_with_its_remedy(block: dict[str, Any], grantee: str) -> None:
    """The host is well, its role is unknown, and the message has the command that grants the right."""
    said = b"-NOPERM this user has no permissions to run the 'info' command\r\n"
    answer = _fed(_options(role="primary", **block), PONG + said + NO_CLUSTER)
    why = f"{said[1:-2].decode()}; grant it by `ACL SETUSER {grantee} +info`"
    assert answer == Answer(Observation(Reason.OK, unread=Outcome(Reason.AUTH, why)))


def test_an_info_that_is_gone_is_no_failure_of_the_host() -> None:
    """Renamed in redis.conf: there is no grant for that, and the host may serve as ever."""
    answer = _fed(_options(role="primary"), PONG + b"-ERR unknown command 'INFO'\r\n" + NO_CLUSTER)
    assert answer is not None
    assert answer.observation == Observation(Reason.OK, unread=Outcome(Reason.AUTH, "ERR unknown command 'INFO'"))


@pytest.mark.parametrize(
    ("said", "reason", "answer"),
    [
        (PONG + b":1\r\n", Reason.OK, "1"),
        (MISCONF + b":0\r\n", Reason.OK, "0"),
        (PONG + b"-NOPERM no\r\n", Reason.AUTH, None),
        (PONG + b"-ERR unknown command `EXISTS`\r\n", Reason.AUTH, None),
        (DOWN + DOWN, Reason.NOT_REPLICATING, None),
    ],
    ids=["there", "misconf", "denied", "gone", "down"],
)
def test_the_key_is_read_beside_the_facts(said: bytes, reason: Reason, answer: str | None) -> None:
    """One question for both; neither hides the other."""
    told = _fed(_options(role="primary", key="x"), said + INFO + NO_CLUSTER)
    assert told is not None
    assert (told.observation.reason, told.observation.answer, told.observation.facts is None) == (reason, answer, False)


def test_a_server_that_cannot_save_is_alive_to_who_asks_for_no_role() -> None:
    """It serves readers; its words are shown beside that."""
    assert _fed(_options(), MISCONF) == Answer(Observation(Reason.OK, "MISCONF cannot save"))


@pytest.mark.parametrize(
    "said",
    [
        PONG + b"+role:master\r\n" + NO_CLUSTER,
        PONG + b"$-1\r\n" + NO_CLUSTER,
        PONG + INFO + b":1\r\n",
        PONG + INFO + b"$-1\r\n",
        PONG + b"$5\r\nrole:master\r\n" + NO_CLUSTER,
        PONG + b"$70000\r\n" + b"x" * CAP,
        PONG + INFO + b"-" + b"x" * CAP,
        b"$4\r\nPONG\r\n" + INFO + NO_CLUSTER,
    ],
    ids=lambda said: repr(said[7:30]),
)
def test_a_reply_that_is_none_ends_the_session(said: bytes) -> None:
    """Nothing that came with it is believed."""
    answer = _fed(_options(role="primary"), said[:30], said[30:])
    assert answer is not None
    assert (answer.observation.reason, answer.observation.facts, answer.keep) == (Reason.PROTOCOL, None, False)


@pytest.mark.parametrize(
    ("said", "learned"),
    [
        (PONG + INFO + NO_CLUSTER, questions.NO_CLUSTER),
        (PONG + INFO + DENIED, questions.NO_CLUSTER),
        (PONG + INFO + CLUSTER, None),
        (LOADING + INFO + LOADING, None),
    ],
    ids=["alone", "denied", "cluster", "loading"],
)
def test_a_login_learns_whether_there_is_a_cluster(said: bytes, learned: str | None) -> None:
    """An error at every question would fill the statistics of a server that has none."""
    talk = wire.ReplyParser(questions.question(None, None, roles=True, server=None))
    assert talk.learned is None
    assert talk.feed(said) is not None
    assert talk.learned == learned


@pytest.mark.parametrize(
    ("said", "learned"),
    [
        (PONG + _text("# Cluster\r\ncluster_enabled:0\r\n"), questions.NO_CLUSTER),
        (PONG + _text("# Cluster\r\ncluster_enabled:1\r\n"), None),
        (PONG + _text(""), None),
        (PONG + DENIED, questions.NO_CLUSTER),
        (LOADING + LOADING, None),
    ],
    ids=["alone", "cluster", "not-said", "denied", "loading"],
)
def test_a_login_asks_first_whether_there_is_a_cluster(said: bytes, learned: str | None) -> None:
    """INFO cluster counts no error on a server that has none; where it does not say, CLUSTER INFO is asked."""
    learning = _options(role="primary").learning()
    assert learning is not None
    assert _options().learning() is None
    talk = wire.ReplyParser(learning)
    answer = talk.feed(said)
    assert answer is not None
    assert (answer.observation.reason, talk.learned) == (Reason.OK, learned)


_MODULE = b"*4\r\n" + _text("name") + _text("search") + _text("ver") + b":20811\r\n"
HELLO = (
    b"*6\r\n" + _text("proto") + b":2\r\n" + _text("mode") + _text("cluster") + _text("modules") + b"*1\r\n" + _MODULE
)


@pytest.mark.parametrize("cut", range(1, len(HELLO)))
def test_the_mode_is_learned_however_the_reply_is_cut(cut: int) -> None:
    """Numbers and arrays in it, too: a network may hand over any part of it first."""
    talk = wire.ReplyParser(questions.MODE)
    assert talk.feed(HELLO[:cut]) is None
    answer = talk.feed(HELLO[cut:])
    assert answer is not None
    assert (answer.observation.reason, answer.rest, talk.learned) == (Reason.OK, b"", questions.CLUSTER)


def test_the_mode_is_no_number_without_an_end() -> None:
    """As long as a line may be, and no longer."""
    talk = wire.ReplyParser(questions.MODE)
    answer = talk.feed(b"*2\r\n:" + b"1" * 100)
    assert answer is not None
    assert answer.observation.reason is Reason.PROTOCOL
