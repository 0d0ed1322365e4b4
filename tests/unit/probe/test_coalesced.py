"""One action for all who ask."""

from __future__ import annotations

import threading
import time

from lab.waiting import wait_until
from mooring.probe.coalesced import Coalesced


def test_many_who_ask_share_an_action() -> None:
    """Nobody who asks waits; who asks while it runs gets another one, after the rest."""
    go, ran = threading.Event(), list[float]()

    def action() -> None:
        ran.append(time.monotonic())
        go.wait(10)

    one = Coalesced(action, 0.2)
    for _ in range(1000):
        one.ask()
    one.start()
    wait_until(lambda: ran, 10, "the action")
    for _ in range(1000):
        one.ask()
    assert len(ran) == 1
    go.set()
    wait_until(lambda: len(ran) == 2, 10, "the second one")
    time.sleep(0.5)
    assert len(ran) == 2
    assert ran[1] - ran[0] >= 0.2
    one.stop()
    one.ask()
    time.sleep(0.3)
    assert len(ran) == 2
