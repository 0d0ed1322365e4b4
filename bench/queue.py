# ruff: noqa: INP001 -- a script, no package
"""A failover beside writes that hang, against a real API server: ``PYTHONPATH=tools python -m bench.queue [SERVICES]``.

An admission webhook accepts the writes of one namespace and never answers. A host of each of its Services is down, so
that each write hangs for its full deadline, again and again. Meanwhile a host of a Service in another namespace dies:
seconds from its end until the API server has stored that, alone and beside the others, and the ratio of the medians.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence

from bench.usage import spread, tell

from kube.api import Api as Server
from kube.daemon import ClusterDaemon
from kube.hung_webhook import HERE, Door, hanging
from lab.waiting import wait_until

TIMES = 9
REST_SECONDS = 1.3
FIRST_ROUND_SECONDS = 30.0
BOTH = 2


def service(namespace: str, name: str, hosts: Sequence[tuple[str, int]]) -> dict[str, object]:
    listed = [{"address": address, "probeAddress": HERE, "probePort": port} for address, port in hosts]
    check = {"periodSeconds": 0.5, "timeoutSeconds": 0.5, "failureThreshold": 2, "tcp": {}}
    return {"name": name, "namespace": namespace, "hosts": listed, "check": check, "flap": "off"}


def make_service(api: Server, namespace: str, name: str) -> None:
    spec = {"ports": [{"name": "db", "port": 7000, "targetPort": 7000}], "clusterIP": "None"}
    api.rest.create(f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": name}, "spec": spec})


def ready(daemon: ClusterDaemon, service: str) -> int:
    found = daemon.manifest(service)
    return sum(len(subset.get("addresses") or ()) for subset in (found or {}).get("subsets") or ())


def failover(daemon: ClusterDaemon, service: str, door: Door) -> float:
    """Seconds from the end of a host until it is stored as not ready; it is back and stored afterwards."""
    wait_until(lambda: ready(daemon, service) == BOTH, 120, "both hosts")
    time.sleep(REST_SECONDS)
    begun = time.monotonic()
    door.shut()
    wait_until(lambda: ready(daemon, service) == 1, 120, "the failover", every=0.002)
    took = time.monotonic() - begun
    door.open()
    return took


def run(count: int) -> None:
    with Server() as api, Door() as stays, Door() as dies, Door() as theirs, Door() as webhook:  # noqa: SIM117 -- long
        with api.namespace() as broken, api.namespace() as payments:
            names = [f"s{number}" for number in range(count)]
            for namespace, name in [*((broken, name) for name in names), (payments, "db")]:
                make_service(api, namespace, name)
            hosts = [("10.20.0.1", stays.port), ("10.20.0.2", dies.port)]
            services = [service(payments, "db", hosts)]
            for number, name in enumerate(names):
                addresses = [f"10.{21 + host}.{number // 250}.{number % 250 + 1}" for host in range(2)]
                services.append(service(broken, name, list(zip(addresses, (stays.port, theirs.port), strict=True))))
            with ClusterDaemon(json.dumps({"version": 1, "services": services}), api) as daemon:
                key = f"{payments}/db"
                wait_until(
                    lambda: all(ready(daemon, f"{broken}/{name}") == BOTH for name in names), 120, "all to be ready"
                )
                alone = [failover(daemon, key, dies) for _ in range(TIMES)]
                with hanging(api, broken, webhook):
                    theirs.shut()
                    time.sleep(0.2)
                    first = failover(daemon, key, dies)
                    time.sleep(FIRST_ROUND_SECONDS)
                    beside = [failover(daemon, key, dies) for _ in range(TIMES)]
                    stuck = sum(ready(daemon, f"{broken}/{name}") == BOTH for name in names)
    ratio = statistics.median(beside) / statistics.median(alone)
    tell(
        f"kill to stored beside {count} Services whose writes hang, as alone",
        "<= 1.5 x",
        f"{ratio:.2f} x",
        f"alone {spread(alone)} s, beside them {spread(beside)} s, n = {TIMES}",
        f"in their first round {first:.2f} s; {stuck} of {count} were not stored until the end",
    )


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
