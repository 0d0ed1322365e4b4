"""The logins that ending sessions needs, beside those of the probes: a real engine, over a server that stands still.

The server is the fake of all tests of the engine; real ones are in the scenarios.
"""

from __future__ import annotations

from lab.waiting import wait_until
from mooring.model.reasons import Reason
from support.demoted import Demoted
from support.engine_harness import SECONDS, turns
from support.fake_redis import puppet


def test_a_probe_makes_no_login_beside_the_one_that_ending_sessions_has_under_way() -> None:
    """A server that stands still meets one login of Mooring, not two: the probe waits, and then is a timeout."""
    with puppet() as server:
        demoted = Demoted("redis", server.address, server.port)
        with turns(demoted.target) as engine:
            server.awake.clear()
            worker = demoted.worker(engine)
            wait_until(lambda: server.connections, SECONDS, "its login")
            engine.engine.ask([demoted.target])
            assert engine.next(demoted.target, 0).observation.reason is Reason.TIMEOUT
            assert worker.wait(SECONDS)
            assert server.connections == 1
    assert demoted.error().startswith("no login: ")
