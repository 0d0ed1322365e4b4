"""Two installations over one Lease, seen by the Services of their files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.leader.installation import (
    DIFFERS_SECONDS,
    MOST,
    NO_SERVICES,
    Comparison,
    Services,
    are_disjoint,
    compare,
    from_json,
    sketch,
)

NAMES = st.frozensets(st.sampled_from([f"default/db{n}" for n in range(40)]), max_size=MOST)
MINE = sketch(["default/db", "default/sessions"])
GROWN = sketch(["default/db", "default/sessions", "default/more"])
OTHERS = sketch(["shop/db"])


@given(one=NAMES, other=NAMES)
def test_the_sketch_of_a_small_file_is_exact(one: frozenset[str], other: frozenset[str]) -> None:
    """Up to 64 Services it is known whether two files have one in common, and whether they list the same."""
    assert are_disjoint(sketch(one), sketch(other)) == (bool(one and other) and not one & other)
    assert (sketch(one) == sketch(other)) == (one == other)
    assert from_json(sketch(one).as_json()) == sketch(one)


def test_the_sketch_of_a_large_file_is_bounded() -> None:
    """A thousand Services take as much room as 64, and the same thousand without one of them is known as related."""
    names = [f"default/db{n}" for n in range(1000)]
    assert len(sketch(names).some) == MOST
    assert not are_disjoint(sketch(names), sketch(names[1:]))
    assert are_disjoint(sketch(names), sketch(f"other/db{n}" for n in range(1000)))


@pytest.mark.parametrize(
    "said", [None, 7, [], {}, {"count": "x", "hash": "", "some": []}, {"count": 1, "some": [7], "hash": ""}]
)
def test_a_malformed_sketch_is_empty(said: object) -> None:
    """A malformed annotation reports no difference."""
    assert from_json(said) == NO_SERVICES


@pytest.mark.parametrize(
    ("said", "after", "reported"),
    [
        (MINE, 10 * DIFFERS_SECONDS, False),
        (OTHERS, 0.0, True),
        (GROWN, DIFFERS_SECONDS - 1, False),
        (GROWN, DIFFERS_SECONDS, True),
        (NO_SERVICES, 10 * DIFFERS_SECONDS, False),
    ],
    ids=["ours", "nothing-in-common", "a-reload-under-way", "differ-for-5-minutes", "says-none"],
)
def test_when_another_installation_is_reported(said: Services, after: float, *, reported: bool) -> None:
    """At once where they have nothing in common, after five minutes where they differ, and once."""
    state, news = compare(Comparison(), MINE, {"other": said}, 100.0)
    if after:
        assert news == {}
        state, news = compare(state, MINE, {"other": said}, 100.0 + after)
    assert ("other" in news) is reported
    state, news = compare(state, MINE, {"other": said}, 100.0 + after)
    assert news == {}


def test_it_is_reported_again_after_it_was_mended() -> None:
    """Five minutes begin anew with each new difference."""
    state, _ = compare(Comparison(), MINE, {"other": OTHERS}, 0.0)
    state, _ = compare(state, MINE, {"other": MINE}, 1.0)
    state, news = compare(state, MINE, {"other": GROWN}, 2.0)
    assert news == {}
    state, news = compare(state, MINE, {"other": GROWN}, 2.0 + DIFFERS_SECONDS)
    assert list(news) == ["other"]


def test_a_daemon_without_services_reports_no_difference() -> None:
    assert compare(Comparison(), NO_SERVICES, {"other": OTHERS}, 0.0) == (Comparison(), {})
