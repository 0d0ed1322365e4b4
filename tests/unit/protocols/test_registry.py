"""Every protocol against every rogue server that is meant for it."""

from __future__ import annotations

import time

import pytest

from lab.listeners import closed_port
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.registry import PROTOCOLS
from support.probe_once import SECONDS, target_of
from support.rogue_servers import SCRIPTS, rogue

DEADLINE = 1.0
MARGIN = 0.05
TRIES = 20
CASES = [
    pytest.param(name, protocol, reason, id=f"{protocol}-against-{name}")
    for name, script in SCRIPTS.items()
    for protocol, reason in script.expected.items()
]


def _target(protocol: str, port: int, password_file: str, *, tls: bool, timeout: float = SECONDS) -> Target:
    block: dict[str, object] = {} if protocol == "tcp" else {"passwordFile": password_file}
    if protocol == "mysql":
        block["user"] = "prober"
    if tls:
        block["tls"] = {}
    return target_of(protocol, "127.0.0.1", port, timeout=timeout, **block)


@pytest.mark.parametrize(("name", "protocol", "reason"), CASES)
def test_no_rogue_holds_a_probe_or_is_called_sound(
    name: str, protocol: str, reason: Reason, password: bytes, password_file: str
) -> None:
    """Each probe ends within its deadline and 50 ms, as an outcome with the right reason, and shows no password.

    The margin is the best of many runs, as a busy machine may stop us for longer; the outcome must be right in each.
    """
    took: list[float] = []
    timeout = DEADLINE if reason is Reason.TIMEOUT else SECONDS
    while not took or (min(took) > timeout + MARGIN and len(took) < TRIES):
        with rogue(SCRIPTS[name]) as server:
            target = _target(protocol, server.port, password_file, tls=SCRIPTS[name].tls, timeout=timeout)
            started = time.monotonic()
            seen = PROTOCOLS[protocol].client.probe(target)
            took.append(time.monotonic() - started)
        assert seen.reason is reason, seen
        assert password.decode() not in seen.message
        assert protocol == "redis" or password not in server.received
    assert min(took) <= timeout + MARGIN


@pytest.mark.parametrize("name", [name for name, script in SCRIPTS.items() if script.tls])
def test_no_password_leaves_without_the_tls_that_was_asked_for(name: str, password: bytes, password_file: str) -> None:
    """An attacker in between who strips or breaks TLS learns nothing."""
    (protocol,) = SCRIPTS[name].expected
    with rogue(SCRIPTS[name]) as server:
        PROTOCOLS[protocol].client.probe(_target(protocol, server.port, password_file, tls=True, timeout=DEADLINE))
    assert password not in server.received
    assert b"prober" not in server.received


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_closed_port_is_refused_by_every_protocol(protocol: str, password_file: str) -> None:
    """One word for one fault, whichever library is in between."""
    target = _target(protocol, closed_port(), password_file, tls=False)
    assert PROTOCOLS[protocol].client.probe(target).reason is Reason.REFUSED


@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_an_unreadable_secret_dials_nobody(protocol: str, password_file: str) -> None:
    """Without a password there is no half login that the server would count against us."""
    with rogue(SCRIPTS["silent"]) as server:
        seen = PROTOCOLS[protocol].client.probe(_target(protocol, server.port, password_file + ".gone", tls=False))
    assert (seen.reason, server.connections) == (Reason.LOCAL, 0)
    assert f"{password_file}.gone" in seen.message
