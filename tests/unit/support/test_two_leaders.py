"""The oracle over two leaders sees a death that nobody takes out, and excuses what nobody could do."""

from __future__ import annotations

import json

import pytest

from lab.history import Version
from support.two_leaders import CUT, FREEZE, KILL, LEADER, Span, ready_late, steps_of, windows

DB = "10.77.0.51"


def version(seen: float, *ready: str) -> Version:
    subset = {"addresses": [{"ip": ip} for ip in ready]} if ready else {"notReadyAddresses": [{"ip": DB}]}
    metadata = {"annotations": {"mooring/writer": "one"}}
    return Version("default/redis", seen, json.dumps({"metadata": metadata, "subsets": [subset]}), 1)


def test_troubles_are_cut_out_of_the_time() -> None:
    """Also two that overlap, and those at its ends."""
    troubles = [Span("one", FREEZE, -1.0, 1.0), Span("one", CUT, 3.0, 5.0), Span("one", FREEZE, 4.0, 6.0)]
    assert windows([(0.0, 10.0)], troubles) == [(1.0, 3.0), (6.0, 10.0)]


@pytest.mark.parametrize(("left_at", "late"), [(4.0, []), (9.0, [5.0]), (99.0, [5.0])])
def test_who_was_able_for_long_has_taken_the_host_out(left_at: float, late: list[float]) -> None:
    """A host that leaves within the bound is right, one that stays is found."""
    versions = [version(-5.0, DB), version(left_at)]
    assert ready_late(versions, DB, [(0.0, 20.0)], 5.0) == late


def test_nobody_was_able_for_long_enough() -> None:
    """Then the host may stand as ready."""
    assert ready_late([version(-5.0, DB)], DB, [(0.0, 4.0), (6.0, 10.0)], 5.0) == []


@pytest.mark.parametrize("seed", range(20))
def test_each_walk_has_all_faults_and_takes_them_back(seed: int) -> None:
    """Equal seeds walk the same way; the leader is cut off for long while the first host is dead."""
    steps = steps_of(seed, 42.0)
    assert steps == steps_of(seed, 42.0)
    begun = [(step.host, step.fault) for step in steps if not step.over]
    assert sorted(begun) == sorted((step.host, step.fault) for step in steps if step.over)
    for who in ("one", "two"):
        assert {fault for host, fault in begun if host == who} == {FREEZE, CUT, "unread"}
    moments = {(step.host, step.fault, step.over): step.at for step in steps}
    assert moments["db1", KILL, False] < moments[LEADER, CUT, False] < moments["db1", KILL, True]
