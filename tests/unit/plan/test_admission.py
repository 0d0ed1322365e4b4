"""What the API server makes of a write: a truth table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import KEY, PORTS, stored
from mooring.model.memory import Memory
from mooring.model.objects import (
    MANAGER,
    Condition,
    Endpoint,
    EndpointsWrite,
    Slice,
    SliceWrite,
    StoredEndpoints,
    StoredSlice,
    Subset,
    Write,
)
from mooring.model.spec import Port
from mooring.plan.admission import (
    ADDRESSES,
    ANNOTATIONS,
    LABELS,
    MOST_ADMISSIONS,
    REST,
    Admission,
    Stored,
    find_admission,
    note_admission,
)

A, B = "10.20.0.11", "10.20.0.12"
RESULT = stored(ready=(A,), not_ready=(B,))
STEP = EndpointsWrite(KEY, None, (Subset((A,), (B,), PORTS),))
SLICE = Slice("db-mooring-ipv4-0", "IPv4", (Endpoint(A, Condition.READY, "z"),), PORTS)
SLICE_STEP = SliceWrite(KEY, None, SLICE)


def held(**changes: object) -> StoredSlice:
    return StoredSlice("1", MANAGER, replace(SLICE, **changes))  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("step", "result", "changed", "again"),
    [
        (STEP, RESULT, set(), False),
        (STEP, replace(RESULT, managed=False), {LABELS}, False),
        (STEP, replace(RESULT, skip_mirror=True), {LABELS}, False),
        (STEP, replace(RESULT, memory=Memory(((A, ""),))), {ANNOTATIONS}, False),
        (STEP, stored(ready=(A, B)), {ADDRESSES}, True),
        (STEP, replace(RESULT, subsets=(Subset((A,), (B,), (Port("mysql", 3307),)),)), {ADDRESSES}, True),
        (SLICE_STEP, held(), set(), False),
        (SLICE_STEP, replace(held(), managed_by="platform"), {LABELS}, False),
        (SLICE_STEP, held(endpoints=(Endpoint(A, Condition.READY),)), {REST}, False),
        (SLICE_STEP, held(endpoints=(Endpoint(A, Condition.NOT_READY, "z"),)), {ADDRESSES}, True),
        (SLICE_STEP, held(ports=()), {ADDRESSES}, True),
    ],
)
def test_what_was_changed_says_whether_it_is_tried_again(
    step: Write, result: Stored, changed: set[str], *, again: bool
) -> None:
    """Mooring leaves changed labels as they are, and writes changed addresses and ports again after two seconds."""
    known, news = note_admission((), step, result, 100.0)
    assert news == changed
    assert [one.retry_at for one in known] == ([102.0 if again else None] if changed else [])


def test_tries_back_off_and_are_reported_once() -> None:
    """After 2, 4 … 60 s, for as long as the cluster goes on."""
    known: tuple[Admission, ...] = ()
    pauses, reports = [], []
    for _ in range(8):
        known, news = note_admission(known, STEP, stored(ready=(A, B)), 0.0)
        pauses.append(known[0].retry_at)
        reports.append(bool(news))
    assert pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert reports == [True] + [False] * 7
    assert note_admission(known, STEP, RESULT, 0.0) == ((), frozenset())


def test_only_the_very_result_is_the_server_s_doing() -> None:
    """A later change by somebody else is a foreign edit; new desired content is a new write."""
    result = replace(RESULT, managed=False)
    known, _ = note_admission((), STEP, result, 0.0)
    assert find_admission(known, replace(STEP, before=replace(result, version="9"))) is known[0]
    assert find_admission(known, replace(STEP, before=stored(ready=(A, B)))) is None
    assert find_admission(known, replace(STEP, before=result, subsets=())) is None
    assert find_admission(known, STEP) is None


def test_objects_are_bounded() -> None:
    """A Service of very many slices fills no memory with what is known of them."""
    known: tuple[Admission, ...] = ()
    for number in range(MOST_ADMISSIONS + 10):
        of = replace(SLICE, name=f"s-{number}")
        known, _ = note_admission(known, SliceWrite(KEY, None, of), StoredSlice("1", "platform", of), 0.0)
    assert len(known) == MOST_ADMISSIONS


def test_the_answer_to_a_deletion_is_nothing() -> None:
    """A deletion has no admission."""
    before: StoredEndpoints | StoredSlice = held()
    assert isinstance(before, StoredSlice)
    assert note_admission((), SliceWrite(KEY, before, None), None, 0.0) == ((), frozenset())
