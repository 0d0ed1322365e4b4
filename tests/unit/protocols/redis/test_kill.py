"""Ending sessions on Redis and Valkey: the commands, and the result of each answer."""

from __future__ import annotations

import time

import pytest

from mooring.model.reasons import Reason
from mooring.protocols.exchange import CAP
from mooring.protocols.redis.kill import KillUser, kill
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.results import KillResult
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from support.scripted_session import talking

NOPERM = b"-NOPERM User mooring has no permissions to run the 'client|kill' command\r\n"
APP = KillUser("app").request


def _ended(answers: dict[bytes, bytes], *users: str, **block: object) -> KillResult:
    result = KillResult()
    with talking(answers.__getitem__) as sock:
        kill(BoundedSocket(sock, time.monotonic() + 60, CAP), RedisOptions.model_validate(block), users, result)
    return result


def test_one_command_ends_all_sessions_of_a_user() -> None:
    """Only plain ones: no replica, no subscriber; and the server spares us by itself."""
    assert APP == b"*6\r\n$6\r\nCLIENT\r\n$4\r\nKILL\r\n$4\r\nUSER\r\n$3\r\napp\r\n$4\r\nTYPE\r\n$6\r\nnormal\r\n"
    assert _ended({APP: b":12\r\n", KillUser("jöb").request: b":0\r\n"}, "app", "jöb") == KillResult(12)


def test_a_user_that_is_not_there_hinders_no_other() -> None:
    """The result names it, as the file does."""
    answers = {KillUser("nobody").request: b"-ERR No such user 'nobody'\r\n", APP: b":3\r\n"}
    assert _ended(answers, "nobody", "app") == KillResult(3, "ERR No such user 'nobody'")


@pytest.mark.parametrize(("block", "user"), [({"user": "mooring"}, "mooring"), ({}, "default")])
def test_a_missing_right_is_reported_with_what_gives_it(block: dict[str, str], user: str) -> None:
    """For the user that we logged in as."""
    secret = {"passwordFile": "/secret"} if block else {}
    result = _ended({APP: NOPERM}, "app", **block, **secret)
    assert result.error.endswith(f"'client|kill' command; grant it by `ACL SETUSER {user} +client|kill`")


@pytest.mark.parametrize("answer", [b"+OK\r\n", b":x\r\n", b":-1\r\n", b":1\r\n:1\r\n", b"$-1\r\n"])
def test_what_is_no_answer_ends_the_talk(answer: bytes) -> None:
    """The connection is not used again."""
    with pytest.raises(Failure) as failed:
        _ended({APP: answer}, "app")
    assert failed.value.reason is Reason.PROTOCOL
