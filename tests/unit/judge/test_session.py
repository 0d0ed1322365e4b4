"""What is believed of an answer over a held session, when the last full login says otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.judge.session import Login, note_login, weigh
from mooring.model.facts import Facts
from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Effect, Reason

OK, SATURATED, AUTH, LOADING, TIMEOUT = Reason.OK, Reason.SATURATED, Reason.AUTH, Reason.LOADING, Reason.TIMEOUT
NOW, PATIENCE = 1000.0, 20.0
EARLY, LATE = NOW - PATIENCE, NOW - PATIENCE - 0.001

TABLE = [
    # the session says, the last login said, a login was last completed -> believed, by a session that is held
    (OK, OK, EARLY, OK, False),
    (OK, OK, LATE, OK, False),
    (OK, AUTH, NOW, OK, False),
    (OK, AUTH, LATE, OK, False),
    (OK, Reason.QUOTA, LATE, OK, False),
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
    seen = weigh(Observation(said), Login(Observation(login), completed), NOW, PATIENCE)
    assert (seen.reason, seen.held) == (believed, held)


def test_what_a_login_found_is_true_while_its_session_answers() -> None:
    """The session sees neither the certificate nor how the account got in."""
    login = Login(Observation(OK, caution="expires soon", not_after=1.8e9), NOW)
    seen = weigh(Observation(OK), login, NOW, PATIENCE)
    assert (seen.caution, seen.not_after) == ("expires soon", 1.8e9)


@given(st.sampled_from(list(Reason)), st.sampled_from(list(Reason)), st.floats(0, NOW), st.floats(0.1, 100))
def test_nothing_is_made_better_than_the_session_says(
    said: Reason, login: Reason, completed: float, patience: float
) -> None:
    """A login may turn a good answer into a failure, never a failure into a good answer."""
    seen = weigh(Observation(said), Login(Observation(login), completed), NOW, patience)
    if said is not OK:
        assert seen.reason is said
    else:
        assert seen.reason in (OK, login)
        if MEANINGS[login].effect is Effect.UNKNOWN and login not in (AUTH, Reason.QUOTA):
            assert seen.reason is login


def test_the_answer_of_a_held_session_is_judged_in_full_beside_a_refused_login() -> None:
    """Its facts stay, and its message shows the refusal, cut to the length of a message."""
    facts = Facts(identity="7")
    held = Observation(OK, "warns", "1", facts=facts)
    seen = weigh(held, Login(Observation(AUTH, "1045: Access denied" + "é" * 200), NOW), NOW, PATIENCE)
    assert (seen.reason, seen.facts, seen.answer) == (OK, facts, "1")
    assert seen.message.startswith("warns; the held session answers; a new login is refused: 1045: Access denied")
    assert seen.caution.startswith("the held session answers; a new login is refused: 1045: Access denied")
    assert len(seen.message.encode()) <= 256


@given(st.lists(st.tuples(st.sampled_from(list(Reason)), st.floats(0.001, 10)), min_size=1, max_size=20))
def test_a_completed_login_is_the_last_that_worked_or_else_the_first_that_was_begun(
    logins: list[tuple[Reason, float]],
) -> None:
    """From there the two intervals are counted."""
    known, now, worked, begun = None, 100.0, None, None
    for reason, step in logins:
        started, now = now, now + step
        begun = started if begun is None else begun
        known = note_login(known, Observation(reason), started, now)
        worked = now if reason is OK else worked
        assert known == Login(Observation(reason), begun if worked is None else worked)
