"""The result of ending the sessions of users."""

from __future__ import annotations

from mooring.protocols.results import KillResult


def test_the_first_error_stays() -> None:
    """Later ones mostly follow from it, and the message has room for one."""
    result = KillResult()
    result.note_error("needs GRANT PROCESS")
    result.note_error("there are more")
    assert (result.count, result.error) == (0, "needs GRANT PROCESS")
