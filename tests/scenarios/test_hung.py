"""Hung hosts delay nobody."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import pytest

from lab.mooring import Daemon
from support.many_hosts import ADDRESS, Crowd

PERIOD = 1.0
JITTER = 0.02
"""Parts of a period by which the schedule itself spreads the probes."""
SECONDS = 20.0
ANSWERING, SILENT, DEAF = 100, 60, 40
LATE_SECONDS = 0.5


def config(ports: list[int]) -> str:
    """One Service; its hosts have addresses of their own, and are probed at a port each."""
    hosts = [
        {"address": f"10.20.0.{number}", "probeAddress": ADDRESS, "probePort": port}
        for number, port in enumerate(ports, 1)
    ]
    check = {"periodSeconds": PERIOD, "timeoutSeconds": PERIOD, "redis": {}}
    services = [{"name": "many", "ports": [{"name": "redis", "port": 6379}], "hosts": hosts, "check": check}]
    return json.dumps({"version": 1, "services": services})


def lateness(moments: list[float]) -> list[float]:
    """By how much each interval differs from the period, beyond what the schedule itself spreads."""
    intervals = (after - before for before, after in itertools.pairwise(moments))
    return [max(0.0, abs(interval - PERIOD) - JITTER * PERIOD) for interval in intervals]


@pytest.mark.fault(
    "host",
    "Half of 200 hosts never answer",
    "The others are asked once a period all the same.",
    within="no other host is late",
)
def test_hung_hosts_delay_nobody(tmp_path: Path) -> None:
    """100 of 200 hosts never answer, some not even to a connect: the others are asked once a period all the same."""
    with Crowd(answering=ANSWERING, silent=SILENT, deaf=DEAF) as crowd:
        sound = crowd.ports["answering"]
        hung = crowd.ports["silent"] + crowd.ports["deaf"]
        mixed = [port for pair in zip(sound, hung, strict=True) for port in pair]
        with Daemon(config(mixed), tmp_path, args=("--log-level", "debug")) as daemon:
            daemon.wait_log("probe", reason="ok")
            time.sleep(SECONDS)
            status = daemon.status()
            assert daemon.stop() == 0
        asked = crowd.asked()
    late = sorted(seconds for port in sound for seconds in lateness(asked[port]))
    median, p99 = (late[int(part * len(late))] for part in (0.5, 0.99))
    print(f"{len(late)} intervals: median {median:.4f} s, p99 {p99:.4f} s, worst {late[-1]:.4f} s")  # noqa: T201 -- shown when it fails
    assert min(len(asked[port]) for port in sound) >= SECONDS / PERIOD / 2
    assert median <= LATE_SECONDS
    overruns = [line["port"] for line in daemon.logs("probe.overrun") if line["port"] in sound]
    assert len(overruns) <= len(late) / 10
    assert status["services"][0]["ready"] == ANSWERING
    reasons = {(line["port"], line["reason"]) for line in daemon.logs("probe")}
    assert {port for port, reason in reasons if reason == "ok"} == set(sound)
    assert {port for port, reason in reasons if reason == "timeout"} >= set(hung)
