"""When the next login may be made, after how the last ones ended."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.probe.backoff import MOST_SECONDS, REFUSALS, STILL_REFUSED_SECONDS, TLS_TRIES, Backoff, after, hurried

OK, AUTH, QUOTA, TLS, REFUSED, TIMEOUT = (
    Reason.OK,
    Reason.AUTH,
    Reason.QUOTA,
    Reason.TLS,
    Reason.REFUSED,
    Reason.TIMEOUT,
)
NOW = 1000.0


def waits(*ended: Reason, logged_in: bool = False) -> list[float]:
    """Seconds that are waited after each of these ends, at least 0."""
    backoff, found = Backoff(), []
    for reason in ended:
        backoff = after(backoff, Observation(reason), NOW, logged_in=logged_in)
        found.append(max(0.0, backoff.next_at - NOW))
    return found


TABLE = [
    ([AUTH] * 9, [1, 2, 4, 8, 16, 32, 60, 60, 60]),
    ([QUOTA, AUTH, QUOTA], [1, 2, 4]),
    ([AUTH, AUTH, OK, AUTH], [1, 2, 0, 1]),
    ([AUTH, AUTH, REFUSED, AUTH], [1, 2, 0, 1]),
    ([AUTH, AUTH, TIMEOUT, AUTH], [1, 2, 0, 1]),
    ([TLS] * 6, [0, 0, 0, 60, 60, 60]),
    ([TLS] * 4 + [REFUSED, TLS], [0, 0, 0, 60, 0, 0]),
    ([TLS] * 4 + [OK, TLS], [0, 0, 0, 60, 0, 0]),
    ([AUTH, AUTH, TLS, AUTH], [1, 2, 0, 1]),
    ([Reason.BLOCKED, Reason.LOCAL, Reason.SATURATED, Reason.PROTOCOL], [0, 0, 0, 0]),
]


@pytest.mark.parametrize(("ended", "waited"), TABLE)
def test_the_waits_after_each_end(ended: list[Reason], waited: list[float]) -> None:
    """The table of the module, line by line."""
    assert waits(*ended) == waited


def test_a_question_that_is_refused_after_a_login_holds_no_login_back() -> None:
    """The server counts no refused login."""
    assert waits(AUTH, AUTH, logged_in=True) == [0, 0]


def test_a_refusal_is_remembered_for_ten_minutes() -> None:
    """Silence after our credentials is that refusal still; after anything else there is none to remember."""
    said = Observation(AUTH, "1045: Access denied")
    backoff = after(Backoff(), said, NOW, logged_in=False)
    assert backoff.refused_lately(NOW + STILL_REFUSED_SECONDS - 0.1) == said
    assert backoff.refused_lately(NOW + STILL_REFUSED_SECONDS) is None
    assert after(backoff, Observation(OK), NOW, logged_in=True).refused_lately(NOW) is None


def test_a_lost_session_hurries_one_login_and_the_row_goes_on() -> None:
    """So a host that ends our session and refuses the login is asked once more, and then less often again."""
    backoff = Backoff()
    for _ in range(4):
        backoff = after(backoff, Observation(AUTH), NOW, logged_in=False)
    assert hurried(backoff).next_at <= NOW
    assert after(hurried(backoff), Observation(AUTH), NOW, logged_in=False).next_at == NOW + 16


@given(st.lists(st.tuples(st.sampled_from(list(Reason)), st.booleans()), max_size=40))
def test_no_wait_is_longer_than_a_minute_and_none_follows_anything_else(ends: list[tuple[Reason, bool]]) -> None:
    """Whatever happens; and in a row of refusals no wait is shorter than the one before."""
    backoff, waited = Backoff(), [(Reason.OK, 0.0)]
    for reason, logged_in in ends:
        backoff = after(backoff, Observation(reason), NOW, logged_in=logged_in)
        wait = max(0.0, backoff.next_at - NOW)
        assert wait <= MOST_SECONDS
        refused = reason in REFUSALS and not logged_in
        assert (wait > 0) is (refused or (reason is TLS and backoff.tls_failures > TLS_TRIES))
        waited.append((reason if refused else OK, wait))
    for (before, short), (now, long) in pairwise(waited):
        if before in REFUSALS and now in REFUSALS:
            assert long >= short
