"""What follows from a batch of reports, collected report by report."""

from __future__ import annotations

from lab.values import KEY, member, target
from mooring.judge.batch import BatchBuilder, BatchResult
from mooring.judge.host import HostTracker
from mooring.judge.result import HostResult
from mooring.model.events import HostChanged
from mooring.model.reasons import Reason
from mooring.model.verdicts import HostState, Verdict

TRACKER = HostTracker(member())
CHANGED = HostChanged(member(), HostState(Verdict.NOT_READY), Verdict.READY, 3)


def test_a_changed_verdict_names_its_service() -> None:
    """A change of verdict publishes the Service at once."""
    found = BatchBuilder()
    found.add(TRACKER, HostResult([CHANGED], {target()}, Reason.REFUSED))
    assert found.build() == BatchResult((CHANGED,), frozenset({KEY}), frozenset(), frozenset({target()}))


def test_a_write_that_may_wait_does_so_unless_another_is_due_at_once() -> None:
    """A primary that steps down is published a moment later; a change of the same batch takes it along."""
    waits = HostResult([CHANGED], writer_grace_seconds=0.1)
    found = BatchBuilder()
    found.add(TRACKER, waits)
    assert found.build() == BatchResult((CHANGED,), writer_grace_seconds={KEY: 0.1})
    found.add(TRACKER, HostResult([CHANGED]))
    assert found.build() == BatchResult((CHANGED, CHANGED), frozenset({KEY}))
