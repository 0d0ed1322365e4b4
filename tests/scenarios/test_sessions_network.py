"""Sessions that a network ends, or lets live: storms, firewalls, silence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from lab.network import Host
from support.two_by_two import SERVICES, Scene, scene

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_servers]

PERIOD, LOGIN = 1.0, 2.0
STORM_SECONDS = 1.4
"""It meets one turn or two; whoever confirms at the pace of edgeSeconds has fallen."""
NAMES = ("db1", "db2", "db3", "db4")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("sessions"), period=PERIOD, login=LOGIN) as made:
        yield made


@pytest.fixture
def healthy(stage: Scene) -> Iterator[Scene]:
    stage.wait_healthy()
    yield stage
    for name in (*NAMES, "node"):
        stage.host(name).heal()
    for server in stage.servers.values():
        if not server.running:
            server.start()


def _probes(stage: Scene, name: str, after: int, **fields: object) -> list[dict[str, object]]:
    return stage.daemon.logs("probe", after=after, address=stage.host(name).address, **fields)


def reset_all(stage: Scene, seconds: float | None = None) -> None:
    """What Mooring asks is answered by a reset, from all hosts at once; for so long by the kernel's own clock.

    Just after a turn, which all hosts take together, and not by what the kernel sends of itself (a late acknowledgement
    of the last answer, a keepalive): who is lost alone is confirmed by edgeSeconds.
    """
    stage.wait_probes("db4", 1)
    until = "" if seconds is None else f" timeout {seconds * 1000:.0f}ms"
    struck = f"set struck {{ type inet_proto; flags timeout; elements = {{ tcp{until} }}; }}"
    asks = 'oifname "br0" meta l4proto @struck tcp flags & (syn | psh) != 0'
    rule = f"type filter hook output priority 0; {asks} reject with tcp reset;"
    stage.host("node").nft(f"table inet ground {{ {struck}; chain output {{ {rule} }}; }}")


@pytest.mark.fault(
    "network",
    "Every session is reset and every host refuses, for a moment",
    "A storm is confirmed by the period: nobody leaves.",
    within="nothing moves",
)
def test_storm_of_resets_fells_nobody(healthy: Scene) -> None:
    """Every session reset and every host refused for a second: confirmed by the period, not by edgeSeconds."""
    before, after = healthy.versions(), healthy.now()
    reset_all(healthy, STORM_SECONDS)
    for name in NAMES:
        address = healthy.host(name).address
        healthy.daemon.wait_log("probe", after=after, address=address, reason="refused")
    for name in NAMES:
        healthy.wait_probes(name, 2, reason="ok")
    healthy.wait_healthy()
    for name in NAMES:
        refused = len(_probes(healthy, name, after, reason="refused"))
        assert 1 <= refused <= 2, f"{name} was asked {refused} times within {STORM_SECONDS} s"
    assert not healthy.daemon.logs("host.not_ready", after=after)
    assert healthy.versions() == before


@pytest.mark.fault("network", "Every session is reset, and every host goes on refusing", "All leave.", within="F x P")
def test_storm_that_stays_fells_all_by_the_period(healthy: Scene) -> None:
    """Refusals are the hosts' own word, storm or not: all leave, after failureThreshold periods."""
    after = healthy.now()
    reset_all(healthy)
    for service in SERVICES:
        healthy.daemon.wait_ready(service, [])
    for left in healthy.daemon.logs("host.not_ready", after=after):
        assert (left["reason"], left["streak"]) == ("refused", 3)
        assert _span(healthy, left, after) > 1.5 * PERIOD


def _span(stage: Scene, left: dict[str, Any], after: int) -> float:
    """Seconds from the first refused probe to the verdict; a turn just after a loss counts as one with it."""
    first = _probes(stage, left["host"], after, reason="refused")[0]
    moments = [datetime.fromisoformat(str(line["timestamp"])) for line in (first, left)]
    return (moments[1] - moments[0]).total_seconds()


@pytest.mark.fault(
    "network",
    "A firewall lets old connections live and no new ones begin",
    "The full logins find it: the host leaves.",
    within="2 x L + F x P",
)
def test_firewall_that_kills_only_new_flows_is_found_by_the_full_logins(healthy: Scene) -> None:
    """The session goes on answering; two loginSeconds without a login are a failure, told in the login's own words."""
    after, dropped_at, names = healthy.now(), time.monotonic(), ("db1", "db3")
    for name in names:
        healthy.host(name).drop_new()
    for name in names:
        left = healthy.daemon.wait_log("host.not_ready", after=after, host=name, timeout=40)
        took = time.monotonic() - dropped_at
        assert (left["reason"], left["streak"]) == ("timeout", 3)
        assert left["message"] == "no whole answer in time (connecting)"
        assert took > 0.5 * LOGIN + 2 * PERIOD * 0.9, "a held session that answers is no dead host"
        assert _probes(healthy, name, after)[0]["reason"] == "ok"
    for name in names:
        healthy.host(name).heal()
    for name in names:
        healthy.daemon.wait_log("host.ready", after=after, host=name, timeout=20)


@pytest.mark.fault(
    "network",
    "A session is lost, and silence follows",
    "One probe at once, the others at their turns.",
    within="F x P + T",
)
def test_silence_behind_a_lost_session_keeps_its_period(healthy: Scene) -> None:
    """The process dies and the host drops what comes: one probe at once, which waits; the others at their turns."""
    after = healthy.now()
    host: Host = healthy.host("db3")
    host.drop_new()
    healthy.servers["db3"].kill()
    left = healthy.daemon.wait_log("host.not_ready", after=after, host="db3", timeout=20)
    assert (left["reason"], left["streak"]) == ("timeout", 3)
    edges = _probes(healthy, "db3", after, edge=True)
    assert [line["reason"] for line in edges] == ["timeout"]
