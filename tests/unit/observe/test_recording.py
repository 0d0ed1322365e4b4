"""Which write published a change of verdict."""

from __future__ import annotations

import pytest

from lab.health_stores import probe, service, store_of
from lab.values import KEY, PORTS, stored
from mooring.judge.record import Stored
from mooring.model.events import Event, Published, Repaired
from mooring.model.objects import Condition, Endpoint, EndpointsWrite, Slice, SliceWrite, StoredSlice, Subset, Write
from mooring.model.reasons import Reason
from mooring.observe.recording import Recording

A, B = "10.20.0.11", "10.20.0.12"
WITHDRAWN = Slice("mysql-1", "IPv4", (Endpoint(A, Condition.NOT_READY), Endpoint(B, Condition.READY)), PORTS)
AT = 1_700_000_060.0


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (EndpointsWrite(KEY, stored(ready=(A, B)), (Subset((B,), (A,), PORTS),)), "Endpoints"),
        (SliceWrite(KEY, None, WITHDRAWN), "EndpointSlice mysql-1"),
    ],
)
def test_a_change_of_verdict_knows_the_write_that_stored_it(change: Write, name: str) -> None:
    """From the first evidence to the version that the API server gave the object."""
    store = store_of(service(A, B), of=stored(ready=(A, B)))
    probe(store, A, Reason.REFUSED, Reason.REFUSED, Reason.REFUSED)
    Recording(store).write(Published(change, version="4711", at=AT))
    out, other = (store.records(KEY)[address].transitions[-1] for address in (A, B))
    assert out.stored == Stored(AT, name, "4711")
    assert other.stored is None, "it is as it was stored before"


@pytest.mark.parametrize(
    "event",
    [
        Repaired(KEY),
        Published(SliceWrite(KEY, StoredSlice("1", "mooring", WITHDRAWN), None)),
        Published(EndpointsWrite(KEY, None, (Subset((A,), (), PORTS),))),
    ],
    ids=["no write", "deleted", "published otherwise"],
)
def test_what_publishes_no_change_marks_none(event: Event) -> None:
    """A host that is kept though it is out was not published as out."""
    store = store_of(service(A), of=stored(ready=(A,)))
    probe(store, A, Reason.REFUSED, Reason.REFUSED, Reason.REFUSED)
    Recording(store).write(event)
    assert store.records(KEY)[A].transitions[-1].stored is None
