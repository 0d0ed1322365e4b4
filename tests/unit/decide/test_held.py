"""What is believed of an answer over a held session, when the last full login says otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.decide.held import INTERVALS, Login, after, weigh
from mooring.model import Observation
from mooring.reasons import MEANINGS, Effect, Reason

OK, SATURATED, AUTH, LOADING, TIMEOUT = Reason.OK, Reason.SATURATED, Reason.AUTH, Reason.LOADING, Reason.TIMEOUT
NOW, INTERVAL = 1000.0, 10.0
EARLY, LATE = NOW - INTERVALS * INTERVAL, NOW - INTERVALS * INTERVAL - 0.001

TABLE = [
    # the session says, the last login said, a login was last completed -> believed, by a session that is held
    (OK, OK, EARLY, OK, False),
    (OK, OK, LATE, OK, False),
    (OK, AUTH, NOW, AUTH, False),
    (OK, AUTH, LATE, AUTH, False),
    (OK, Reason.LOCAL, NOW, Reason.LOCAL, False),
    (OK, Reason.BLOCKED, EARLY, Reason.BLOCKED, False),
    (OK, SATURATED, NOW, SATURATED, True),
    (OK, SATURATED, LATE, SATURATED, True),
    (OK, TIMEOUT, NOW, OK, False),
    (OK, TIMEOUT, EARLY, OK, False),
    (OK, TIMEOUT, LATE, TIMEOUT, False),
    (OK, Reason.TLS, LATE, Reason.TLS, False),
    (OK, Reason.REFUSED, LATE, Reason.REFUSED, False),
    (LOADING, OK, EARLY, LOADING, False),
    (LOADING, AUTH, LATE, LOADING, False),
    (LOADING, SATURATED, LATE, LOADING, False),
    (LOADING, TIMEOUT, LATE, LOADING, False),
    (Reason.READ_ONLY, SATURATED, LATE, Reason.READ_ONLY, False),
]


@pytest.mark.parametrize(("said", "login", "completed", "believed", "held"), TABLE)
def test_a_failing_login_weighs_against_a_session_that_answers(
    said: Reason, login: Reason, completed: float, believed: Reason, *, held: bool
) -> None:
    """The table of ``weigh``, line by line, to the very moment."""
    seen = weigh(Observation(said), Login(Observation(login), completed), NOW, INTERVAL)
    assert (seen.reason, seen.held) == (believed, held)


@given(st.sampled_from(list(Reason)), st.sampled_from(list(Reason)), st.floats(0, NOW), st.floats(0.1, 100))
def test_nothing_is_made_better_than_the_session_says(
    said: Reason, login: Reason, completed: float, interval: float
) -> None:
    """A login takes a good answer back, never a bad one."""
    seen = weigh(Observation(said), Login(Observation(login), completed), NOW, interval)
    if said is not OK:
        assert seen.reason is said
    else:
        assert seen.reason in (OK, login)
        if MEANINGS[login].effect is Effect.UNKNOWN:
            assert seen.reason is login


@given(st.lists(st.tuples(st.sampled_from(list(Reason)), st.floats(0.001, 10)), min_size=1, max_size=20))
def test_a_completed_login_is_the_last_that_worked_or_else_the_first_that_was_begun(
    logins: list[tuple[Reason, float]],
) -> None:
    """From there the two intervals are counted."""
    known, now, worked, begun = None, 100.0, None, None
    for reason, step in logins:
        started, now = now, now + step
        begun = started if begun is None else begun
        known = after(known, Observation(reason), started, now)
        worked = now if reason is OK else worked
        assert known == Login(Observation(reason), begun if worked is None else worked)
