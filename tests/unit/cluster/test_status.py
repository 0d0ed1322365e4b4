"""What an API server says of a call that it did not do."""

from __future__ import annotations

import pytest

from mooring.cluster.status import Expired, Missing, date_of, no_status, of_status
from mooring.model.errors import ClusterError, Conflict, Rejected, Unavailable


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Rejected),
        (401, Unavailable),
        (403, Rejected),
        (404, Missing),
        (409, Conflict),
        (410, Expired),
        (422, Rejected),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (None, Unavailable),
        ("403", Unavailable),
    ],
)
def test_a_code_decides_whether_a_call_is_tried_again(code: object, kind: type[ClusterError]) -> None:
    """A refusal is for people to mend; what may pass by itself is tried again."""
    assert type(of_status({"code": code, "message": "why"})) is kind


def test_the_servers_own_words_are_in_the_message_and_bounded() -> None:
    """The message first, else the reason; a server that says neither is named, too."""
    assert str(of_status({"code": 403, "message": "no", "reason": "Forbidden"}, "GET /x: ")) == "GET /x: 403: no"
    assert str(of_status({"code": 403, "reason": "Forbidden"})) == "403: Forbidden"
    assert str(of_status({"code": 403, "message": ["no"]})) == "403: no reason given"
    assert len(str(of_status({"code": 403, "message": "x" * 10_000}))) == 512


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("7", 7.0), ("0", 0.0), (None, None), ("-1", None), ("1.5", None), ("\u00b2", None), ("9" * 6, None), ("", None)],
)
def test_only_whole_seconds_of_a_retry_after_are_heeded(asked: str | None, seconds: float | None) -> None:
    """No more than a day, and no date: a server cannot stop writes for ever."""
    for error in (of_status({"code": 503}, retry_after=asked), no_status("502", asked)):
        assert isinstance(error, Unavailable)
        assert error.retry_after == seconds


def test_an_answer_that_is_no_status_says_nothing_of_an_object() -> None:
    """A 404 of a load balancer must not be taken for a Service that is gone."""
    error = no_status("GET /x: 404")
    assert isinstance(error, Unavailable)
    assert "something in front of it" in str(error)


def test_a_date_is_read_as_http_writes_it() -> None:
    """Another text is none."""
    assert date_of("Thu, 01 Jan 1970 00:01:00 GMT") == 60.0
    for text in (None, "", "now", "Thu, 99 Jan 1970 00:01:00 GMT"):
        assert date_of(text) is None
