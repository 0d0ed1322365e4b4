"""Pause and trust, the annotations by which people overrule Mooring: truth tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import member
from mooring.model.overrides import Pause, Trusted
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Outcome, Verdict
from mooring.plan.overrides import (
    NO_TRUST,
    Trust,
    is_active,
    override_news,
    parse_pause,
    parse_trust,
    trust,
    with_trusted,
    write_pause,
)

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z
A, B = "10.20.0.11", "10.20.0.12"
READY, NOT_READY, UNJUDGED = Verdict.READY, Verdict.NOT_READY, Verdict.UNJUDGED


@pytest.mark.parametrize(
    ("annotation", "pause"),
    [
        (None, None),
        ("", Pause()),
        ("true", Pause()),
        ("until=2023-11-14T22:13:20Z", Pause(NOW)),
        ("until=2023-11-14T23:13:20+01:00;by=ada;reason=disk%3B%20again", Pause(NOW, "ada", "disk; again")),
        (" by = ada ; until=tomorrow", Pause(None, "ada")),
        ("until=2023-11-14T22:13:20", Pause(NOW)),
    ],
)
def test_whatever_stands_there_pauses(annotation: str | None, pause: Pause | None) -> None:
    """An end that cannot be parsed is no end: the pause holds, and an alert follows after an hour."""
    assert parse_pause(annotation) == pause


@pytest.mark.parametrize("pause", [Pause(), Pause(NOW, "ada@example.com", "50% done; then, back")])
def test_what_the_command_writes_is_read_again(pause: Pause) -> None:
    """Commas, semicolons and percent signs of a reason are escaped."""
    assert parse_pause(write_pause(pause)) == pause


def test_a_pause_ends_by_itself() -> None:
    """A pause ends at its ``until``, and never without one."""
    assert is_active(Pause(NOW), NOW - 1)
    assert not is_active(Pause(NOW), NOW)
    assert is_active(Pause(), NOW)
    assert not is_active(None, NOW)


HOSTS = (HostSpec("db1", A), HostSpec("db2", B))


@pytest.mark.parametrize(
    ("annotation", "hosts", "unknown"),
    [
        (None, (), ()),
        ("db1;until=2023-11-14T23:00:00Z", ("db1",), ()),
        (f"{A};until=2023-11-14T23:00:00Z, db2;until=2023-11-15T00:00:00Z", ("db1", "db2"), ()),
        ("db1;until=2023-11-14T22:00:00Z", (), ()),
        ("db1", (), ("db1",)),
        ("db1;until=tomorrow", (), ("db1;until=tomorrow",)),
        ("db9;until=2023-11-14T23:00:00Z", (), ("db9;until=2023-11-14T23:00:00Z",)),
    ],
)
def test_trust_needs_a_host_and_an_end(
    annotation: str | None, hosts: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    """An entry without an end, or of a host that the file lacks, means nothing and is reported."""
    found = trust(parse_trust(annotation), HOSTS, NOW)
    assert (found.hosts, found.unknown) == (hosts, unknown)


def test_trust_says_when_its_first_host_is_trusted_no_more() -> None:
    """``ends_at`` is the first end of all, so the daemon looks again by then."""
    entries = (Trusted("db1", NOW + 60, ""), Trusted("db2", NOW + 30, ""))
    assert trust(entries, HOSTS, NOW).ends_at == NOW + 30


def host(address: str, *, maintenance: bool = False) -> Member:
    one = member(address, maintenance=maintenance)
    return replace(one, host=replace(one.host, name="db1" if address == A else "db2"))


def state(verdict: Verdict, reason: Reason | None, *, disqualified: bool = False) -> HostState:
    outcome = None if reason is None else Outcome(reason)
    return HostState(verdict, outcome=outcome, self_disqualified=disqualified)


@pytest.mark.parametrize(
    ("of", "after"),
    [
        (state(NOT_READY, Reason.AUTH), READY),
        (state(UNJUDGED, Reason.DNS), READY),
        (state(NOT_READY, Reason.BLIND), READY),
        (state(NOT_READY, Reason.REFUSED), NOT_READY),
        (state(NOT_READY, Reason.TIMEOUT), NOT_READY),
        (state(NOT_READY, Reason.WRONG_ROLE), NOT_READY),
        (state(NOT_READY, Reason.AUTH, disqualified=True), NOT_READY),
        (state(UNJUDGED, None), UNJUDGED),
        (state(NOT_READY, Reason.OK), NOT_READY),
    ],
)
def test_only_a_host_of_which_nothing_is_known_is_trusted(of: HostState, after: Verdict) -> None:
    """Trust covers only an unknown host: a failure or the host's own word outweighs it."""
    ((_, found),) = with_trusted([(host(A), of)], Trust(("db1",)), single=False, split=False)
    assert found.verdict is after


def test_a_host_in_maintenance_is_not_trusted() -> None:
    """Maintenance and a drain outweigh trust."""
    view = [(host(A, maintenance=True), state(NOT_READY, Reason.AUTH))]
    assert with_trusted(view, Trust(("db1",)), single=False, split=False)[0][1].verdict is NOT_READY


UNKNOWN = state(NOT_READY, Reason.AUTH)


@pytest.mark.parametrize(
    ("other", "trusted", "split", "writers"),
    [
        (state(NOT_READY, Reason.REFUSED), ("db1",), False, 1),
        (state(NOT_READY, Reason.WRONG_ROLE), ("db1",), False, 1),
        (state(READY, Reason.OK), ("db1",), False, 1),
        (state(NOT_READY, Reason.OK), ("db1",), False, 0),
        (state(NOT_READY, Reason.SECOND_WRITER), ("db1",), False, 0),
        (UNKNOWN, ("db1", "db2"), False, 0),
        (UNKNOWN, ("db1",), False, 1),
        (state(NOT_READY, Reason.REFUSED), ("db1",), True, 0),
    ],
)
def test_trust_never_makes_a_second_writer(
    other: HostState, trusted: tuple[str, ...], writers: int, *, split: bool
) -> None:
    """Of a Service with one primary a host is trusted only while no other is ready, claims to be it, or is trusted."""
    found = with_trusted([(host(A), UNKNOWN), (host(B), other)], Trust(trusted), single=True, split=split)
    assert sum(state.verdict is READY for _, state in found) == writers


def test_news_are_reported_once() -> None:
    """A pause, its end, and each entry that means nothing."""
    first = override_news(member().service, None, Pause(NOW), NO_TRUST, Trust(("db1",), ("db9",)))
    assert [type(event).__name__ for event in first] == ["PauseChanged", "TrustChanged", "TrustUnknown"]
    assert override_news(member().service, Pause(NOW), Pause(NOW), Trust((), ("db9",)), Trust((), ("db9",))) == ()
