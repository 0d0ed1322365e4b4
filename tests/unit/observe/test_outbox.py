"""What may be slow is done in a thread of its own, within a bound."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lab.waiting import wait_until
from mooring.observe import outbox as room
from mooring.observe.outbox import Outbox


class Reader:
    """Takes items while its gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.got: list[int] = []
        self.reports: list[int] = []

    def handle(self, item: int) -> None:
        self.begun.set()
        self.gate.wait(60)
        self.got.append(item)


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.gate.set()


def test_items_are_handled_in_order(reader: Reader) -> None:
    """What one thread puts is handled in its order, and ``flush`` returns when it is."""
    reader.gate.set()
    outbox = Outbox("test", reader.handle, reader.reports.append)
    for number in range(1000):
        outbox.put(number)
    assert outbox.flush(60)
    assert reader.got == list(range(1000))
    assert (outbox.dropped, reader.reports) == (0, [])


def test_a_reader_that_hangs_is_waited_for_by_nobody(reader: Reader) -> None:
    """What does not fit is dropped and counted; once the reader is back, one report says how many were."""
    outbox = Outbox("test", reader.handle, reader.reports.append, bound=10)
    outbox.put(0)
    assert reader.begun.wait(60)
    for number in range(1, 100):
        outbox.put(number)
    assert not outbox.flush(0.05)
    dropped = outbox.dropped
    assert dropped == 89  # the first is under way, and ten wait
    reader.gate.set()
    assert outbox.flush(60)
    wait_until(lambda: reader.reports, 60, "the report")
    assert reader.reports == [dropped]
    assert reader.got == list(range(100 - dropped))


def test_a_reader_that_never_catches_up_is_reported_too(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that is never empty does not keep the report back."""
    monkeypatch.setattr(room, "REPORT_SECONDS", 0.0)
    more: list[int] = []
    outbox: Outbox[int] = Outbox("test", lambda item: more.append(item) or outbox.put(item), reader.reports.append)  # type: ignore[func-returns-value] # a list's append
    outbox.put(0)
    outbox.drop()
    wait_until(lambda: reader.reports, 60, "the report")
    assert reader.reports[0] == 1
    monkeypatch.setattr(outbox, "put", lambda _item: None)  # which ends the circle


def test_what_could_not_be_delivered_counts_as_dropped(reader: Reader) -> None:
    """A line for a full disk is lost as one is that did not fit."""
    reader.gate.set()
    outbox: Outbox[int] = Outbox("test", lambda item: outbox.drop() if item < 3 else None, reader.reports.append)
    for number in range(5):
        outbox.put(number)
    assert outbox.flush(60)
    assert outbox.dropped == 3
    assert sum(reader.reports) == 3
