"""The periods of a host, by themselves; test_host has what they do to its streak."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import member, report, target, with_check
from mooring.judge.period import Periods
from mooring.model.reasons import Reason
from mooring.model.verdicts import Outcome

CHECK = with_check(member(), period=1.0, edge=0.1).check


@pytest.mark.parametrize(
    ("started", "more", "counts"),
    [
        pytest.param(0.5, {}, False, id="too early"),
        pytest.param(0.91, {}, True, id="early by the jitter of the schedule"),
        pytest.param(0.5, {"agrees": True}, True, id="agrees with the verdict"),
        pytest.param(0.05, {"edge": True}, True, id="the first confirmation of a loss"),
        pytest.param(0.05, {"expedited": True, "urgent": True}, False, id="a claim, too soon after the last"),
        pytest.param(0.1, {"expedited": True, "urgent": True}, True, id="an urgent claim"),
        pytest.param(0.1, {"expedited": True}, False, id="a claim that is not urgent"),
    ],
)
def test_one_probe_counts_in_each_period_but_for_two_kinds(
    started: float, more: dict[str, bool], *, counts: bool
) -> None:
    """A schedule that jitters neither loses a probe nor counts one twice."""
    periods, outcome = Periods(), Outcome(Reason.REFUSED)
    assert periods.counts(report(target(), Reason.REFUSED), outcome, CHECK, agrees=False, urgent=False)
    edge, expedited, agrees, urgent = (more.get(name, False) for name in ("edge", "expedited", "agrees", "urgent"))
    asked = replace(report(target(), Reason.REFUSED, started=started), edge=edge, expedited=expedited)
    assert periods.counts(asked, outcome, CHECK, agrees=agrees, urgent=urgent) is counts


def test_a_period_never_begins_after_its_probe() -> None:
    """Early probes do not drift until one of them is lost."""
    periods = Periods()
    for number in range(50):
        periods.begin(0.95 * number, 1.0)
        assert periods.start is not None
        assert 0.0 <= 0.95 * number - periods.start <= 0.95
