# ruff: noqa: INP001, S311 -- a program, no package; moments are drawn, no secrets
"""From a fault of a real server to the verdict "not ready", beside HAProxy, which sees the same fault at the same time.

    PYTHONPATH=tools .venv/bin/python -m bench.detection kill|stop [FAULTS]

Three MariaDB and three Redis servers, each at an address of its own in a namespace: this wants root. Everybody checks
each second with a timeout of one second, two failures in a row decide; a second Mooring has its default of three, a
second HAProxy looks again after 50 ms. ``kill`` is SIGKILL, ``stop`` SIGSTOP. Faults come at moments drawn at random.
The verdict's moment is that of the daemon's log line, and of HAProxy's log line as it arrives.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bench.beside import hosts, mooring, ready, server
from bench.haproxy import Backend, HaProxy
from bench.usage import spread, tell

from lab.mooring import Daemon
from lab.network import Network
from lab.process import Server
from lab.waiting import wait_until

PROTOCOLS = ("mysql", "redis")
HOSTS = 3
PERIOD = 1.0
PLAIN = "inter 1s fall 2 rise 1"
FAST = "inter 1s fastinter 50ms fall 2 rise 1"
MOORING, DEFAULTS, HAPROXY, FASTINTER = "mooring", "mooring, threshold 3", "haproxy", "haproxy, fastinter 50 ms"
ROWS = {
    "kill": (
        (MOORING, HAPROXY, 0.05),
        (DEFAULTS, HAPROXY, 0.05),
        (MOORING, FASTINTER, 0.2),
        (DEFAULTS, FASTINTER, 0.2),
    ),
    "stop": ((MOORING, HAPROXY, 1.0),),
}
WORDS = {"kill": "kill -9", "stop": "SIGSTOP"}
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Observer:
    """``down`` gives the Unix seconds of its verdict on a host (protocol, number) after a moment, once there is one."""

    name: str
    down: Callable[[float, str, int], float | None]
    all_up: Callable[[], bool]


def daemon_observer(name: str, daemon: Daemon) -> Observer:
    addresses = {protocol: hosts([("", 0)] * HOSTS, net) for net, protocol in enumerate(PROTOCOLS, 1)}

    def down(moment: float, protocol: str, number: int) -> float | None:
        lines = daemon.logs("host.not_ready", address=addresses[protocol][number]["address"])
        times = [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines]
        return next((at for at in times if at >= moment), None)

    return Observer(name, down, lambda: ready(daemon) == HOSTS * len(PROTOCOLS))


def haproxy_observer(name: str, haproxy: HaProxy) -> Observer:
    def up() -> bool:
        return set(haproxy.states().values()) == {"UP"}

    return Observer(name, lambda moment, protocol, number: haproxy.down_since(moment, f"{protocol}{number}"), up)


@contextlib.contextmanager
def observed() -> Iterator[tuple[dict[str, list[Server]], list[Observer]]]:
    """The servers of each protocol, and all who look at them."""
    with contextlib.ExitStack() as stack:
        netns = stack.enter_context(Network(hosts=0)).node.netns
        servers = {
            protocol: [stack.enter_context(server(protocol, netns, f"127.{net}.0.{n}")) for n in range(1, HOSTS + 1)]
            for net, protocol in enumerate(PROTOCOLS, 1)
        }
        places = {protocol: [(one.address, one.port) for one in those] for protocol, those in servers.items()}
        observers = []
        for name, threshold in ((MOORING, 2), (DEFAULTS, 3)):
            check = {"failureThreshold": threshold, "successThreshold": 1}
            daemon = stack.enter_context(mooring(places, netns, period=PERIOD, timeout=PERIOD, check=check))
            observers.append(daemon_observer(name, daemon))
        for name, timing in ((HAPROXY, PLAIN), (FASTINTER, FAST)):
            backends = [Backend(protocol, places[protocol], timing) for protocol in PROTOCOLS]
            observers.append(haproxy_observer(name, stack.enter_context(HaProxy(*backends, netns=netns))))
        yield servers, observers


def strike(how: str, victim: Server) -> float:
    """Does it, and returns the moment just before, in Unix seconds."""
    moment = time.time()
    victim.kill() if how == "kill" else victim.freeze()
    return moment


def heal(how: str, victims: Sequence[Server]) -> None:
    for victim in victims:
        victim.start() if how == "kill" else victim.thaw()


def seen(observer: Observer, moment: float, protocol: str, number: int) -> float:
    """Seconds from the moment to the verdict."""
    wait_until(lambda: observer.down(moment, protocol, number), _SECONDS, f"{observer.name} to see it")
    return (observer.down(moment, protocol, number) or 0.0) - moment


def faults(how: str, count: int) -> dict[tuple[str, str], list[float]]:
    """Seconds to each verdict, by protocol and observer."""
    seconds: dict[tuple[str, str], list[float]] = {}
    with observed() as (servers, observers):
        for turn in range(count):
            wait_until(lambda: all(one.all_up() for one in observers), _SECONDS, "all hosts to be up again", every=0.1)
            moments = {}
            for protocol in PROTOCOLS:
                time.sleep(random.uniform(1.0, 1.0 + PERIOD))
                moments[protocol] = strike(how, servers[protocol][turn % HOSTS])
            for protocol, moment in moments.items():
                for one in observers:
                    took = seen(one, moment, protocol, turn % HOSTS)
                    seconds.setdefault((protocol, one.name), []).append(took)
            heal(how, [servers[protocol][turn % HOSTS] for protocol in PROTOCOLS])
    return seconds


def main() -> None:
    told = dict(enumerate(sys.argv[1:]))
    how = told.get(0, "kill")
    seconds = faults(how, int(told.get(1, "20")))
    for protocol in PROTOCOLS:
        for mine, other, aim in ROWS[how]:
            a, b = seconds[protocol, mine], seconds[protocol, other]
            ratio = statistics.median(a) / statistics.median(b)
            figure = f"{WORDS[how]} to not ready, {protocol}: {mine} / {other}"
            each = f"seconds, n = {len(a)}: {mine} {spread(a, '.3f')}; {other} {spread(b, '.3f')}"
            tell(figure, f"<= {aim}", f"{ratio:.3f}", each)


if __name__ == "__main__":
    main()
