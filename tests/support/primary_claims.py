"""Hosts of a Service of one primary, what they say, and a quorum that names one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.health_stores import states, store_of, verdicts
from lab.values import report, spec, stored, target
from mooring.judge.batch import BatchResult
from mooring.judge.store import HealthStore
from mooring.model.facts import Channel, Facts, Group
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import OnSplitBrain, PrimaryQuorum, Requirement, Role, ServiceSpec
from mooring.model.targets import Target
from mooring.model.verdicts import Verdict
from mooring.protocols.tcp.options import TcpOptions

A, B, C = HOSTS = ("10.20.0.11", "10.20.0.12", "10.20.0.13")
PRIMARY = Observation(Reason.OK, facts=Facts())
READ_ONLY = Observation(Reason.OK, facts=Facts(read_only="read_only=1"))
DEAD = Observation(Reason.REFUSED)
UNKNOWN = Observation(Reason.AUTH)
GALERA = Observation(Reason.OK, facts=Facts(group=Group("Galera", "Synced", member=True, writer=True, several=True)))
PERIOD = 2.0


def replica_of(source: str) -> Observation:
    return Observation(Reason.OK, facts=Facts(read_only="read_only=1", channels=(Channel(f"{source}:3306"),)))


def written(**streams: int) -> Observation:
    """A primary that has come so far."""
    return Observation(Reason.OK, facts=Facts(history=streams))


def server(identity: str, **streams: int) -> Observation:
    """A primary that calls itself so, and has come so far."""
    return Observation(Reason.OK, facts=Facts(identity=identity, history=streams))


def rw(*addresses: str, policy: OnSplitBrain = OnSplitBrain.KEEP_INCUMBENT, quorum: int = 0) -> ServiceSpec:
    plain = spec(*(addresses or HOSTS), period=PERIOD)
    asked = tuple((f"10.20.1.{n}", 26379) for n in range(quorum))
    named = PrimaryQuorum("tcp", TcpOptions(), asked, "the Sentinels") if quorum else None
    check = replace(plain.check, requirement=Requirement(Role.PRIMARY), quorum=named)
    return replace(plain, check=check, on_split_brain=policy)


class Stage:
    """Hosts with a set answer each, probed once a period, or before their turn where the store asks for that."""

    def __init__(self, store: HealthStore) -> None:
        self.store = store
        self.now = 0.0
        self.taken: list[BatchResult] = []

    def hear(self, address: str, seen: Observation, *, expedited: bool = False) -> BatchResult:
        made = replace(report(target(address), started=self.now), observation=seen, expedited=expedited)
        self.taken.append(self.store.take([made]))
        ready = [one for one, verdict in verdicts(self.store).items() if verdict is Verdict.READY]
        assert len(ready) <= 1
        return self.taken[-1]

    def round(self, **seen: Observation) -> None:
        """One period: a, b, c say this."""
        self.now += PERIOD
        for name, one in seen.items():
            self.hear({"a": A, "b": B, "c": C}[name], one)

    def vote(self, *names: str | None) -> frozenset[Target]:
        """Each Sentinel is asked; returns whom to ask soon."""
        probe_soon = frozenset[Target]()
        for number, name in enumerate(names):
            asked = replace(target(f"10.20.1.{number}"), port=26379)
            made = replace(report(asked, started=self.now), observation=Observation(Reason.OK, answer=name))
            probe_soon |= self.store.take([made]).probe_soon
        return probe_soon

    def ready(self) -> list[str]:
        return [address for address, verdict in verdicts(self.store).items() if verdict is Verdict.READY]

    def reason(self, address: str) -> Reason:
        outcome = states(self.store)[address].outcome
        assert outcome
        return outcome.reason

    def events(self, kind: type) -> list[object]:
        return [event for taken in self.taken for event in taken.events if isinstance(event, kind)]


def start(listed: ServiceSpec | None = None, ready: Sequence[str] = (A,)) -> Stage:
    """A daemon begins: these addresses are stored as ready, all others of the Service as not ready."""
    service = listed or rw()
    others = [host.address for host in service.hosts if host.address not in ready]
    return Stage(store_of(service, of=stored(tuple(ready), tuple(others)) if ready else None))
