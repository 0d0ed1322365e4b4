"""The series of hosts and Services, as text of the exposition format 0.0.4 (Prometheus, "Exposition formats").

There may be thousands, and prometheus-client takes 6 to 9 us for each; the labels of a host, escaped once for all its
series, bring that below 1 us.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mooring.board import ServiceView
from mooring.decide.addresses import parse
from mooring.model import Verdict
from mooring.observe import families
from mooring.observe.families import Family
from mooring.observe.tally import Counted, Labels, labels
from mooring.reasons import MEANINGS, Effect, Reason
from mooring.spec import HostSpec, ServiceKey
from mooring.standing import Standing

_OUTCOMES = {Effect.SUCCESS: "success", Effect.UNKNOWN: "unknown"}
_OUTCOME = {reason: _OUTCOMES.get(meaning.effect, "failure") for reason, meaning in MEANINGS.items()}
_OF_ROLE = frozenset({Reason.WRONG_ROLE, Reason.SECOND_WRITER})
NOTHING = Standing()
Sample = tuple[str, int]
"""Labels as text, value."""


def of_hosts(services: Iterable[ServiceView], standings: Mapping[ServiceKey, Standing]) -> Iterator[str]:
    """What the board holds of each host, and whether somebody took it out."""
    ready: list[Sample] = []
    resting: list[Sample] = []
    standby: list[Sample] = []
    unknown: list[Sample] = []
    for service in services:
        drain = standings.get(service.spec.key, NOTHING).drain
        for member, state in service.hosts:
            who, rests = _host(labels(member)), member.maintenance or member.address in drain.addresses
            ready.append((who, state.verdict is Verdict.READY and not rests))
            resting.append((who, rests))
            standby.append((who, state.fault in _OF_ROLE and state.verdict is not Verdict.READY))
            if state.outcome is not None and state.outcome.effect is Effect.UNKNOWN:
                unknown.append((f'{who},reason="{state.outcome.reason}"', 1))
        for host in service.unresolved:
            who = _host((*_key(service.spec.key), host.name, host.address))
            ready.append((who, 0))
            resting.append((who, host.maintenance or host.name in drain.hosts))
            standby.append((who, 0))
            unknown += _nameless(who, host)
    yield _text(families.HOST_READY, ready)
    yield _text(families.HOST_MAINTENANCE, resting)
    yield _text(families.HOST_STANDBY, standby)
    yield _text(families.HOST_UNKNOWN, unknown)


def of_services(services: Sequence[ServiceView], standings: Mapping[ServiceKey, Standing]) -> Iterator[str]:
    """How each Service stands with the cluster."""
    rows = [(service, standings.get(service.spec.key, NOTHING)) for service in services]
    who = [_labels(families.SERVICE, _key(service.spec.key)) for service in services]
    ready = [len(standing.stored.ready) for _, standing in rows]
    hosts = [len(service.hosts) + len(service.unresolved) for service in services]
    last = [len(standing.stored.last_resort) for _, standing in rows]
    errors = [standing.error is not None for _, standing in rows]
    hazards = [(name, standing.hazard) for name, (_, standing) in zip(who, rows, strict=True)]
    yield _text(families.SERVICE_READY, zip(who, ready, strict=True))
    yield _text(families.SERVICE_LAST_RESORT, zip(who, last, strict=True))
    yield _text(families.SERVICE_HOSTS, zip(who, hosts, strict=True))
    yield _text(families.SERVICE_ERROR, zip(who, errors, strict=True))
    yield _text(families.SERVICE_SPLIT, zip(who, (service.split for service in services), strict=True))
    yield _text(families.SERVICE_HAZARD, ((f'{name},kind="{found.kind}"', 1) for name, found in hazards if found))


def of_counts(counted: Counted) -> Iterator[str]:
    """What was counted of each host."""
    probes: list[Sample] = []
    transitions: list[Sample] = []
    for host, (reasons, verdicts) in counted.items():
        who = _host(host)
        probes += [(f'{who},outcome="{_OUTCOME[one]}",reason="{one}"', count) for one, count in reasons.items()]
        transitions += [(f'{who},to="{verdict}"', count) for verdict, count in verdicts.items()]
    yield _text(families.PROBES, probes)
    yield _text(families.TRANSITIONS, transitions)


def of_sessions(services: Iterable[ServiceView], killed: Mapping[Labels, int]) -> str:
    """How many sessions were ended on each host of the Services that ask for that."""
    hosts = (labels(member) for service in services if service.spec.kill_users for member, _ in service.hosts)
    return _text(families.SESSIONS_KILLED, ((_host(host), killed.get(host, 0)) for host in hosts))


def _nameless(who: str, host: HostSpec) -> list[Sample]:
    """A listed name that holds no address; an address that waits for its ports is none."""
    return [(f'{who},reason="{Reason.DNS}"', 1)] if parse(host.address) is None else []


def _key(key: ServiceKey) -> tuple[str, str]:
    return key.namespace, key.name


def _host(values: Labels) -> str:
    return _labels(families.HOST, values)


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    return ",".join([f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)])


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _text(family: Family, samples: Iterable[Sample]) -> str:
    head = f"# HELP {family.name} {family.meaning}\n# TYPE {family.name} {family.kind}\n"
    return head + "".join([f"{family.name}{{{who}}} {value:d}\n" for who, value in samples])
