"""What an API server answers, read within bounds."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import urllib3

from mooring.cluster import reading
from mooring.cluster.deadline import Deadline
from mooring.cluster.reading import event_of, lines, whole
from mooring.cluster.status import Expired
from mooring.model.errors import Rejected

EVENT: dict[str, Any] = {"type": "MODIFIED", "object": {"metadata": {"name": "db", "resourceVersion": "7"}}}


def response(content: bytes) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(io.BytesIO(content), preload_content=False)


def test_an_answer_is_read_to_its_end() -> None:
    """Whatever pieces it comes in."""
    with Deadline(60) as call:
        assert whole(response(b"x" * 3 * reading.PIECE_BYTES), call) == b"x" * 3 * reading.PIECE_BYTES


def test_an_answer_that_is_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory has a bound, whoever answers."""
    monkeypatch.setattr(reading, "MOST_BYTES", 10)
    with Deadline(60) as call, pytest.raises(ValueError, match="more than 10 bytes"):
        whole(response(b"x" * 11), call)


def test_a_call_that_was_ended_has_no_whole_answer() -> None:
    """Its connection was cut, which looks like an end."""
    with Deadline(60) as call:
        call.end()
        with pytest.raises(TimeoutError):
            whole(response(b"{}"), call)


def test_each_line_of_a_watch_is_an_event() -> None:
    """Across the borders of pieces, too; empty lines are none."""
    first, second = b"a" * (reading.PIECE_BYTES - 3), b"b" * 10
    with Deadline(60) as call:
        assert list(lines(response(first + b"\n\n" + second + b"\n"), call)) == [first, second]


def test_a_watch_that_ends_within_an_event_is_an_error() -> None:
    """Half an event says nothing."""
    with Deadline(60) as call, pytest.raises(ValueError, match="within an event"):
        list(lines(response(b'{"type"'), call))


def test_an_event_that_is_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an answer is."""
    monkeypatch.setattr(reading, "MOST_LINE_BYTES", 10)
    with Deadline(60) as call, pytest.raises(ValueError, match="in one event"):
        list(lines(response(b"x" * 11), call))


def test_an_event_has_a_kind_a_version_and_a_name() -> None:
    """A bookmark has no name."""
    assert event_of(json.dumps(EVENT).encode()) == EVENT
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}}
    assert event_of(json.dumps(bookmark).encode()) == bookmark


@pytest.mark.parametrize(
    "event",
    [
        [],
        {},
        {"type": "MODIFIED"},
        {**EVENT, "type": "MOVED"},
        {**EVENT, "object": []},
        {**EVENT, "object": {"metadata": {"name": "db"}}},
        {**EVENT, "object": {"metadata": {"name": "db", "resourceVersion": 7}}},
        {**EVENT, "object": {"metadata": {"name": "db", "resourceVersion": ""}}},
        {**EVENT, "object": {"metadata": {"resourceVersion": "7"}}},
    ],
    ids=str,
)
def test_something_else_is_no_event(event: object) -> None:
    """What answers is no API server then."""
    with pytest.raises(ValueError, match="an event without an object"):
        event_of(json.dumps(event).encode())


@pytest.mark.parametrize(("code", "kind"), [(410, Expired), (403, Rejected)])
def test_an_error_in_a_watch_is_that_error(code: int, kind: type[Exception]) -> None:
    """410: the watch begins anew with a list."""
    with pytest.raises(kind, match="old"):
        event_of(json.dumps({"type": "ERROR", "object": {"code": code, "message": "too old"}}).encode())
