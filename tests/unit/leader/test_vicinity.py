"""Which addresses are this machine's."""

from __future__ import annotations

import pytest

from mooring.leader.vicinity import is_own


@pytest.mark.parametrize(
    ("place", "own"),
    [("127.0.0.1:3306", True), ("127.9.8.7:3306", True), ("[::1]:3306", True), ("192.0.2.1:3306", False)],
)
def test_only_here_a_socket_can_be_bound_to_it(place: str, own: bool) -> None:  # noqa: FBT001 -- table
    """No packet is sent to find out."""
    assert is_own(place) is own


@pytest.mark.parametrize("place", ["", "db:3306", "[fd00::zz]:1", "0.0.0.0:1"])
def test_what_is_no_address_is_not_ours(place: str) -> None:
    """A place comes from an annotation that others write."""
    assert not is_own(place)
