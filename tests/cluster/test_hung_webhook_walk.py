"""An admission webhook takes the writes of one namespace at random times and never answers: no other one is slower."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from kube.api import Api
from kube.daemon import ClusterDaemon
from kube.hung_webhook import HERE, Door, hanging
from lab.configuration import file, service
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_api]

SEED = int(os.environ.get("MOORING_WALK_SEED", random.randrange(1 << 32)))
SECONDS = 28.0
BROKEN = 40
"""Services of the other namespace: more than Mooring writes at a time."""
ONE, TWO = "10.20.0.1", "10.20.0.2"
SLOWEST_SECONDS = 8.0
"""For what takes one second alone."""
LATEST = 60.0


def listed(*doors: Door) -> list[dict[str, object]]:
    return [
        {"address": ip, "probeAddress": HERE, "probePort": door.port}
        for ip, door in zip((ONE, TWO), doors, strict=True)
    ]


@pytest.fixture
def other(api: Api) -> Iterator[str]:
    with api.namespace() as name:
        yield name


def serve(api: Api, namespace: str, names: Sequence[str]) -> None:
    spec = {"ports": [{"name": "tcp", "port": 7000}], "clusterIP": "None"}
    for name in names:
        api.rest.create(f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": name}, "spec": spec})


def failover(daemon: ClusterDaemon, key: str, door: Door) -> float:
    """Seconds from the end of a host until it is stored as not ready; it is back, and stored, afterwards."""
    begun = time.monotonic()
    door.shut()
    wait_until(lambda: daemon.ready(key) == [ONE], LATEST, "the failover")
    took = time.monotonic() - begun
    door.open()
    wait_until(lambda: daemon.ready(key) == [ONE, TWO], LATEST, "the host to be back")
    return took


class Walk:
    """Phases with and without the webhook; ``took`` has the failovers of each kind, in seconds."""

    def __init__(self, daemon: ClusterDaemon, key: str, dies: Door, chance: random.Random) -> None:
        self._daemon, self._key, self._dies, self._chance = daemon, key, dies, chance
        self.took: dict[str, list[float]] = {"alone": [], "beside": []}

    def _fail_over(self, kind: str, times: int) -> None:
        for _ in range(times):
            time.sleep(self._chance.uniform(0.0, 1.0))
            self.took[kind].append(failover(self._daemon, self._key, self._dies))

    def alone(self) -> None:
        self._fail_over("alone", self._chance.randint(1, 2))

    def beside(self, webhook: Door, theirs: Door, wait_stuck: Callable[[], object]) -> None:
        """A host of each Service of the other namespace ends, and no write of that comes back."""
        before = webhook.taken
        theirs.shut()
        wait_until(lambda: webhook.taken > before, LATEST, "the webhook to be asked")
        self._fail_over("beside", self._chance.randint(2, 4))
        assert wait_stuck(), "no write hung"


@pytest.mark.fault(
    "api",
    "An admission webhook of one namespace hangs",
    "Failovers elsewhere are stored as fast as without it.",
    within="as without it",
)
def test_a_webhook_that_hangs_delays_no_other_namespace(api: Api, namespace: str, other: str) -> None:
    """Each failover is stored as fast as without it, and what hung is stored once the webhook is gone."""
    print(f"MOORING_WALK_SEED={SEED}")  # noqa: T201 -- shown when the test fails, to walk the same way again
    names = [f"broken{number}" for number in range(BROKEN)]
    serve(api, namespace, ["db"])
    serve(api, other, names)
    with Door() as stays, Door() as dies, Door() as theirs, Door() as webhook:
        services = [service("db", "tcp", listed(stays, dies), namespace=namespace)]
        services += [service(name, "tcp", listed(stays, theirs), namespace=other) for name in names]
        with ClusterDaemon(file(*services, period=0.3), api) as daemon:

            def all_are(*ready: str) -> bool:
                return all(daemon.ready(f"{other}/{name}") == list(ready) for name in names)

            walk = Walk(daemon, f"{namespace}/db", dies, random.Random(SEED))
            begun = time.monotonic()
            while time.monotonic() - begun < SECONDS:
                wait_until(lambda: all_are(ONE, TWO), LATEST, "the others to be ready")
                walk.alone()
                with hanging(api, other, webhook):
                    walk.beside(webhook, theirs, lambda: all_are(ONE, TWO))
                wait_until(lambda: all_are(ONE), LATEST, "what hung to be stored")
                theirs.open()
    print(walk.took)  # noqa: T201 -- shown when the test fails
    assert max(walk.took["beside"]) < max(SLOWEST_SECONDS, 2 * max(walk.took["alone"]))
