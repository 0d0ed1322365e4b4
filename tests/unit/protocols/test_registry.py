"""Every protocol against every rogue server that is meant for it."""

from __future__ import annotations

import time

import pytest

from ground.asking import target_of
from ground.rogue import SCRIPTS, rogue
from mooring.model import Target
from mooring.protocols.registry import PROTOCOLS
from mooring.reasons import Reason

DEADLINE = 0.5
MARGIN = 0.05
CASES = [
    pytest.param(name, protocol, reason, id=f"{protocol}-against-{name}")
    for name, script in SCRIPTS.items()
    for protocol, reason in script.expected.items()
]


def _target(protocol: str, port: int, password_file: str, *, tls: bool) -> Target:
    block: dict[str, object] = {} if protocol == "tcp" else {"passwordFile": password_file}
    if protocol == "mysql":
        block["user"] = "prober"
    if tls:
        block["tls"] = {}
    return target_of(protocol, "127.0.0.1", port, timeout=DEADLINE, **block)


@pytest.mark.parametrize(("name", "protocol", "reason"), CASES)
def test_no_rogue_holds_a_probe_or_is_called_sound(
    name: str, protocol: str, reason: Reason, password: bytes, password_file: str
) -> None:
    """Each probe ends within its deadline and 50 ms, as an outcome with the right reason, and shows no password.

    The margin is the best of three runs, as a busy machine may stop us for longer; the outcome must be right in each.
    """
    took: list[float] = []
    while not took or (min(took) > DEADLINE + MARGIN and len(took) < 3):
        with rogue(SCRIPTS[name]) as server:
            target = _target(protocol, server.port, password_file, tls=SCRIPTS[name].tls)
            started = time.monotonic()
            seen = PROTOCOLS[protocol].probe(target)
            took.append(time.monotonic() - started)
        assert seen.reason is reason, seen
        assert password.decode() not in seen.message
        assert protocol == "redis" or password not in server.received
    assert min(took) <= DEADLINE + MARGIN


@pytest.mark.parametrize("name", [name for name, script in SCRIPTS.items() if script.tls])
def test_no_password_leaves_without_the_tls_that_was_asked_for(name: str, password: bytes, password_file: str) -> None:
    """Whoever stands in the way and strips or breaks TLS learns nothing."""
    (protocol,) = SCRIPTS[name].expected
    with rogue(SCRIPTS[name]) as server:
        PROTOCOLS[protocol].probe(_target(protocol, server.port, password_file, tls=True))
    assert password not in server.received
    assert b"prober" not in server.received


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_closed_port_is_refused_by_every_protocol(protocol: str, password_file: str) -> None:
    """One word for one fault, whichever library is in between."""
    with rogue(SCRIPTS["silent"]) as server:
        port = server.port
    assert PROTOCOLS[protocol].probe(_target(protocol, port, password_file, tls=False)).reason is Reason.REFUSED


@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_an_unreadable_secret_dials_nobody(protocol: str, password_file: str) -> None:
    """Without a password there is no half login that the server would count against us."""
    with rogue(SCRIPTS["silent"]) as server:
        seen = PROTOCOLS[protocol].probe(_target(protocol, server.port, password_file + ".gone", tls=False))
    assert (seen.reason, server.connections) == (Reason.LOCAL, 0)
    assert f"{password_file}.gone" in seen.message
