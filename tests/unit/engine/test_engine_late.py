"""The engine itself is late: its thread was held up, as a machine without time does it. Here it is put to sleep."""

from __future__ import annotations

import time

from ground.puppet import puppet
from ground.turns import Turns, of, turns
from mooring.model import Target
from mooring.reasons import Reason

TIMEOUT = 0.2


def asked_of_a_sleeper(under: Turns, target: Target) -> Reason:
    """What is told of a target that is asked just before the engine stands still for four timeouts."""
    number = len(under.of(target))
    under.engine.ask([target])
    under.engine._loop.call(lambda: time.sleep(4 * TIMEOUT))
    return under.next(target, number).observation.reason


def test_an_answer_that_came_in_time_counts_however_late_it_is_read() -> None:
    """A host that answers is not made to pay for our being late."""
    with puppet() as server, turns(target := of(server, timeout=TIMEOUT)) as under:
        under.turn(target)
        assert asked_of_a_sleeper(under, target) is Reason.OK


def test_silence_that_was_not_looked_at_in_time_is_unknown() -> None:
    """Long after its deadline nobody can say what the host did until then: that is our fault, and moves nothing."""
    with puppet() as server, turns(target := of(server, timeout=TIMEOUT)) as under:
        under.turn(target)
        server.awake.clear()
        assert asked_of_a_sleeper(under, target) is Reason.LOCAL
        assert asked_of_a_sleeper(under, target) is Reason.LOCAL, "nor over a fresh connection"
        (report,) = under.turn(target)
        assert report.observation.reason is Reason.TIMEOUT
