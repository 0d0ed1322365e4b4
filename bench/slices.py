# ruff: noqa: INP001 -- a script, no package
"""EndpointSlices at size, against a real API server: ``PYTHONPATH=tools python -m bench.slices [SERVICES] [HOSTS]``.

- a restart over so many Services x 3 hosts, in each mode: seconds from the start of the process until all is settled,
  its CPU meanwhile, and the writes, which must be none. The file has no ``ports``: the cluster gives them, as in most
  clusters;
- what such a daemon costs while nothing happens, probes left out: their period is an hour then;
- one flip in a Service of so many hosts: writes, bytes of the body, CPU of deciding it.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.usage import spread

from kube.api import Api as Server
from kube.daemon import ClusterDaemon
from kube.versions import ENDPOINTS, SLICES, Versions
from lab.servers import Redis
from lab.waiting import wait_until
from mooring.cluster.slice_manifest import slice_patch
from mooring.model.objects import MANAGER, Condition, DesiredObjects, Endpoint, StoredObjects, StoredSlice
from mooring.model.spec import Port, Publish, ServiceKey
from mooring.plan.slices import slice_writes

PORTS = (Port("db", 7000),)
TICKS = 100.0
TIMES = 3
IDLE_SECONDS = 60


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def file(count: int, namespace: str, publish: str, period: float = 2.0) -> str:
    services = [
        {
            "name": f"db-{number}",
            "namespace": namespace,
            "publish": publish,
            "hosts": [
                {"address": f"10.{place}", "probeAddress": f"127.{place}"}
                for place in (f"{21 + host}.{number // 250}.{number % 250 + 1}" for host in range(3))
            ],
            "check": {"periodSeconds": period, "timeoutSeconds": 1, "tcp": {}},
            "flap": "off",
        }
        for number in range(count)
    ]
    return json.dumps({"version": 1, "services": services})


def cpu(daemon: ClusterDaemon) -> float:
    """Seconds of a process, as the kernel counts them."""
    fields = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def settled(daemon: ClusterDaemon) -> bool:
    with contextlib.suppress(OSError):
        # No controller mirrors Endpoints here, which is an error that a status shows and not one that hinders a write.
        return all(one["ready"] == one["total"] for one in daemon.status()["services"])
    return False


def probed(daemon: ClusterDaemon) -> bool:
    """Each host has been probed: from then on only its next turn costs anything."""
    return all(host["lastProbeAt"] for one in daemon.status()["services"] for host in one["hosts"])


@contextlib.contextmanager
def prepared(api: Server, count: int, port: int) -> Iterator[str]:
    with api.namespace() as namespace:
        for number in range(count):
            spec = {"ports": [{"name": "db", "port": port, "targetPort": port}], "clusterIP": "None"}
            body = {"metadata": {"name": f"db-{number}"}, "spec": spec}
            api.rest.create(f"/api/v1/namespaces/{namespace}/services", body)
        yield namespace


def restarts(count: int) -> None:
    with (
        Server() as api,
        contextlib.closing(Redis(address="0.0.0.0")) as server,  # noqa: S104 -- each host is an address of loopback
        prepared(api, count, server.port) as namespace,
    ):
        server.start()
        for publish in Publish:
            text = file(count, namespace, publish.value)
            with ClusterDaemon(text, api) as daemon:
                wait_until(lambda: settled(daemon), 300, "all to be written", every=2.0)
            with Versions(api, namespace, SLICES) as slices, Versions(api, namespace, ENDPOINTS) as endpoints:
                before = len(slices.all()), len(endpoints.all())
                took = [restart(text, api) for _ in range(TIMES)]
                writes = len(slices.all()) - before[0], len(endpoints.all()) - before[1]
            seconds, used, idle = (spread(column, ".2f") for column in zip(*took, strict=True))
            say(f"restart, {count} Services x 3 hosts, publish {publish.value}: settled after {seconds} s,")
            say(f"  {used} s CPU, then {idle} s CPU a second; writes of slices and Endpoints: {writes}; n = {TIMES}")
        still = idle_cpu(file(count, namespace, Publish.ENDPOINTS.value, 3600.0), api)
        say(f"idle, {count} Services x 3 hosts, no probes: {still * 100:.2f} % of a core over {IDLE_SECONDS} s")


def restart(text: str, api: Server) -> tuple[float, float, float]:
    """Seconds until all is settled, CPU seconds until then, and CPU seconds a second afterwards."""
    begun = time.monotonic()
    with ClusterDaemon(text, api) as daemon:
        wait_until(lambda: settled(daemon), 60, "a restart to settle", every=0.1)
        seconds, used = time.monotonic() - begun, cpu(daemon)
        time.sleep(5)
        return seconds, used, (cpu(daemon) - used) / 5


def idle_cpu(text: str, api: Server) -> float:
    """CPU seconds a second of a daemon that has nothing to do and does not probe."""
    with ClusterDaemon(text, api) as daemon:
        wait_until(lambda: settled(daemon) and probed(daemon), 200, "every host to be probed", every=2.0)
        time.sleep(10)
        used = cpu(daemon)
        time.sleep(IDLE_SECONDS)
        return (cpu(daemon) - used) / IDLE_SECONDS


def flip(count: int) -> None:
    key = ServiceKey("default", "db")
    hosts = [f"10.21.{number // 250}.{number % 250 + 1}" for number in range(count)]
    up = DesiredObjects(Publish.SLICES, (), tuple(Endpoint(host, Condition.READY) for host in hosts), PORTS)
    made = [change.after for change in slice_writes(key, StoredObjects(), up) if change.after]
    objects = StoredObjects(slices=tuple(StoredSlice("1", MANAGER, one) for one in made))
    down = replace(up, endpoints=(replace(up.endpoints[0], condition=Condition.NOT_READY), *up.endpoints[1:]))
    begun = time.process_time()
    found = slice_writes(key, objects, down)
    bodies = [json.dumps(slice_patch(change, change.after)) for change in found if change.after]
    spent = time.process_time() - begun
    say(f"flip, one of {count} hosts: {len(found)} write, {len(bodies[0])} bytes, {spent * 1000:.2f} ms CPU to decide")


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    flip(numbers[1] if len(numbers) > 1 else 1000)
    restarts(numbers[0] if numbers else 1000)
