"""The judge of lagging replicas that were published."""

from __future__ import annotations

import json

import pytest

from lab.history import Version
from support.true_lag import Sample, overdue

REPLICA, OTHER = "10.20.0.12", "10.20.0.13"


def version(seen: float, *ready: str) -> Version:
    addresses = [{"ip": address} for address in ready]
    return Version("default/ro", seen, json.dumps({"subsets": [{"addresses": addresses}]}))


BOTH, LEFT = version(0, REPLICA, OTHER), version(4, OTHER)
JUDGED = [
    pytest.param([(1, 0), (2, 5), (9, 5)], [BOTH], [], id="at the limit"),
    pytest.param([(1, 6), (2, 7), (3, 8)], [BOTH], [], id="soon enough"),
    pytest.param([(1, 6), (3, 8), (4, 9), (5, 10)], [BOTH], [(4, 9), (5, 10)], id="too long"),
    pytest.param([(1, 6), (3, 8), (5, 10), (9, 14)], [BOTH, LEFT], [], id="left in time"),
    pytest.param([(1, None), (3, None), (5, None)], [BOTH], [(5, None)], id="no lag at all, as nothing is applied"),
    pytest.param([(1, 6), (3, 8), (3.5, 0), (4, 6), (6, 8)], [BOTH], [], id="caught up between"),
    pytest.param([(1, 6), (5, 9)], [], [], id="nothing stored"),
]


@pytest.mark.parametrize(("samples", "versions", "expected"), JUDGED)
def test_who_is_published_too_long(samples: list[Sample], versions: list[Version], expected: list[Sample]) -> None:
    """Only a replica that was over its limit for longer than allowed, without a break, and published then."""
    assert list(overdue(samples, versions, REPLICA, 5, 2.5)) == expected
