"""When the loss of a session is confirmed, and what is a storm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.probe.confirm import STORM_SECONDS, Losses, confirms


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("greeted", [True, False])
def test_only_a_refusal_or_an_end_without_a_word_confirms(reason: Reason, *, greeted: bool) -> None:
    """Silence keeps the period, and a host that sends anything is there."""
    wanted = reason is Reason.REFUSED or (reason is Reason.RESET and not greeted)
    assert confirms(Observation(reason), greeted=greeted) is wanted


# (seconds, address) of each loss, the moment of asking, sessions that are still there -> a storm
TABLE = [
    ([], 0.0, 0, False),
    ([], 0.0, 100, False),
    ([(0.0, "a")], 0.0, 1, False),
    ([(0.0, "a")], 0.0, 0, True),
    ([(0.0, "a"), (0.5, "b")], 0.5, 2, False),
    ([(0.0, "a"), (0.5, "b")], 0.5, 1, True),
    ([(0.0, "a"), (0.5, "b"), (0.9, "c")], 1.0, 1000, True),
    ([(0.0, "a"), (0.5, "b"), (0.9, "c")], 1.01, 1000, False),
    ([(0.0, "a"), (0.1, "a"), (0.2, "a"), (0.3, "a")], 0.3, 4, False),
    ([(0.0, "a"), (0.1, "a"), (0.2, "a"), (0.3, "a")], 0.3, 3, True),
    ([(0.0, "a"), (0.1, "a")], 60.0, 0, False),
]


@pytest.mark.parametrize(("lost", "now", "held", "storm"), TABLE)
def test_three_hosts_or_over_half_of_the_sessions_within_a_second_are_a_storm(
    lost: list[tuple[float, str]], now: float, held: int, *, storm: bool
) -> None:
    """One host with many sessions is one host, as long as most sessions stand."""
    losses = Losses()
    for session, (at, address) in enumerate(lost):
        losses.note(at, address, session)
    assert losses.storm(now, lambda: held) is storm


def test_one_session_that_is_lost_again_and_again_is_no_storm() -> None:
    """A server that ends each session soon is one host's trouble, however fast we log in again."""
    losses = Losses()
    for number in range(10):
        losses.note(number / 100, "a", "the only one of a")
    assert not losses.storm(0.1, lambda: 1)
    losses.note(0.1, "b", "one of b")
    assert losses.storm(0.1, lambda: 1)


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from("abcd")), max_size=12), st.floats(3, 5), st.integers(0, 20))
def test_what_is_older_than_a_second_does_not_count(lost: list[tuple[float, str]], now: float, held: int) -> None:
    """A storm is judged by what was lost within the last second alone, in whatever order it is asked."""
    losses = Losses()
    for session, (at, address) in enumerate(sorted(lost)):
        losses.note(at, address, session)
    lately = [address for at, address in lost if at >= now - STORM_SECONDS]
    wanted = len(set(lately)) >= 3 or len(lately) > held
    assert losses.storm(now, lambda: held) is wanted
    assert losses.storm(now, lambda: held) is wanted


def test_a_session_that_is_lost_again_and_again_is_one() -> None:
    """That a host ends each new session at once is evidence about that host."""
    losses = Losses()
    for number in range(9):
        losses.note(number / 10, "a", "the same")
    assert not losses.storm(0.9, lambda: 1)
    assert losses.storm(0.9, lambda: 0)
