"""A crowd of hosts that overrun fills no log."""

from __future__ import annotations

from lab.values import target
from mooring.observe import overruns
from mooring.observe.overruns import EVERY_SECONDS, OverrunLog

ONE, TWO = target(), target(port=3307)


def test_one_line_a_minute_a_host_with_the_count() -> None:
    """The first is logged at once; a minute later one line reports all that came since."""
    log = OverrunLog()
    assert log.count(ONE, 100.0) == 1
    assert [log.count(ONE, 100.0 + second) for second in range(1, 60)] == [None] * 59
    assert log.count(TWO, 130.0) == 1
    assert log.count(ONE, 160.0) == 60
    assert log.count(ONE, 161.0) is None
    assert log.count(ONE, 1000.0) == 2


def test_targets_of_former_files_are_forgotten() -> None:
    """However many targets come and go, those without a line in the last minute are not kept."""
    log = OverrunLog()
    for number in range(3 * overruns.MOST_TARGETS):
        log.count(target(port=number), number * EVERY_SECONDS)
    assert len(log._seen) <= overruns.MOST_TARGETS
