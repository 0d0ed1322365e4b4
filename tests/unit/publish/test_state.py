"""How a Service stands with the cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mooring.plan.traffic_warning import Alarm, TrafficWarning, WarningKind
from mooring.publish.state import PublishState

FOUND = TrafficWarning(WarningKind.NOT_MIRRORED, "nobody copies it", patient=True)


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [(None, None, None), (None, 5.0, 5.0), (5.0, None, 5.0), (5.0, 9.0, 5.0), (9.0, 5.0, 5.0)],
)
def test_the_earliest_look_is_kept(before: float | None, asked: float | None, after: float | None) -> None:
    """Whoever asks for a later one does not put off an earlier one."""
    state = PublishState(look_at=before)
    assert state.looking(asked) == replace(state, look_at=after)


@pytest.mark.parametrize(
    ("active", "error", "shown"),
    [
        (True, FOUND.why, True),
        (False, FOUND.why, False),
        (True, "the Service has a selector", False),
        (True, None, False),
    ],
)
def test_a_traffic_warning_is_shown_where_nothing_worse_is(*, active: bool, error: str | None, shown: bool) -> None:
    """What hinders Mooring from publishing outweighs what is in the way of the traffic."""
    state = PublishState(error=error, alarm=Alarm(warning=FOUND, active=active))
    assert state.warning == (FOUND if shown else None)


def test_what_is_known_makes_no_other_state() -> None:
    """A round that finds nothing new copies nothing."""
    state = PublishState(error="why", held=("10.20.0.11",))
    assert state.noting(error="why", held=("10.20.0.11",)) is state
    assert state.noting(error="why", held=()) == replace(state, held=())
