"""The series of hosts and Services, as text of the exposition format 0.0.4 (Prometheus, "Exposition formats").

There may be thousands, and prometheus-client takes 6 to 9 us for each; the labels of a host, escaped once for all its
series and scrapes, bring that below 1 us.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from mooring.judge.view import ServiceView
from mooring.model.addresses import parse
from mooring.model.damping import Damper
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import HostSpec, ServiceKey
from mooring.model.verdicts import Verdict
from mooring.observe import families
from mooring.observe.counters import Counted, Labels, labels
from mooring.observe.families import Family
from mooring.publish.state import PublishState

_OUTCOMES = {Effect.SUCCESS: "success", Effect.UNKNOWN: "unknown"}
_OUTCOME = {reason: _OUTCOMES.get(meaning.effect, "failure") for reason, meaning in MEANINGS.items()}
_PROBED = {reason: f'outcome="{_OUTCOME[reason]}",reason="{reason}"' for reason in Reason}
_BECAME = {verdict: f'to="{verdict}"' for verdict in Verdict}
"""Labels as text, made once: a host has several of each."""
_OF_ROLE = frozenset({Reason.WRONG_ROLE, Reason.SECOND_WRITER})
NOTHING = PublishState()
MOST_HOSTS = 16_384
"""Whose labels are kept as text between scrapes, some 250 bytes each."""
Sample = tuple[str, int]
"""Labels as text, value."""


def of_hosts(services: Iterable[ServiceView], publications: Mapping[ServiceKey, PublishState]) -> Iterator[str]:
    """What is known of each host, and whether somebody took it out."""
    ready: list[Sample] = []
    resting: list[Sample] = []
    wrong_role: list[Sample] = []
    unknown: list[Sample] = []
    held: list[Sample] = []
    for service in services:
        drain = publications.get(service.spec.key, NOTHING).drain
        for member, state in service.hosts:
            who, rests = _host(labels(member)), member.host.maintenance or member.address in drain.addresses
            ready.append((who, state.verdict is Verdict.READY and not rests))
            resting.append((who, rests))
            wrong_role.append((who, state.fault in _OF_ROLE and state.verdict is not Verdict.READY))
            if state.outcome is not None and state.outcome.effect is Effect.UNKNOWN:
                unknown.append((f'{who},reason="{state.outcome.reason}"', 1))
            if state.held is not None:
                held.append((f'{who},by="{state.held.by}"', 1))
        for host in service.unresolved:
            who = _host((*_key(service.spec.key), host.name, host.address))
            ready.append((who, 0))
            resting.append((who, host.maintenance or host.name in drain.hosts))
            wrong_role.append((who, 0))
            unknown += _nameless(who, host)
    yield _exposition(families.HOST_READY, ready)
    yield _exposition(families.HOST_MAINTENANCE, resting)
    yield _exposition(families.HOST_WRONG_ROLE, wrong_role)
    yield _exposition(families.HOST_UNKNOWN, unknown)
    yield _exposition(families.HOST_HELD, held)


def of_certificates(services: Iterable[ServiceView]) -> str:
    """When each host's certificate expires."""
    hosts = (one for service in services for one in service.hosts)
    found = ((_host(labels(member)), state.not_after) for member, state in hosts)
    return _exposition(families.TLS_NOT_AFTER, ((who, int(at)) for who, at in found if at is not None))


def of_services(services: Sequence[ServiceView], publications: Mapping[ServiceKey, PublishState]) -> Iterator[str]:
    """How each Service stands with the cluster."""
    rows = [(service, publications.get(service.spec.key, NOTHING)) for service in services]
    who = [_labels(families.SERVICE, _key(service.spec.key)) for service in services]
    ready = [len(publication.stored.ready) for _, publication in rows]
    hosts = [len(service.hosts) + len(service.unresolved) for service in services]
    last = [len(publication.stored.last_resort) for _, publication in rows]
    errors = [publication.error is not None for _, publication in rows]
    warnings = [(name, publication.warning) for name, (_, publication) in zip(who, rows, strict=True)]
    yield _exposition(families.SERVICE_READY, zip(who, ready, strict=True))
    yield _exposition(families.SERVICE_LAST_RESORT, zip(who, last, strict=True))
    yield _exposition(families.SERVICE_HOSTS, zip(who, hosts, strict=True))
    yield _exposition(families.SERVICE_ERROR, zip(who, errors, strict=True))
    contested = (bool(publication.contested) for _, publication in rows)
    yield _exposition(families.SERVICE_CONTESTED, zip(who, contested, strict=True))
    paused = (publication.pause is not None for _, publication in rows)
    yield _exposition(families.SERVICE_PAUSED, zip(who, paused, strict=True))
    yield _exposition(families.SERVICE_SPLIT, zip(who, (service.split for service in services), strict=True))
    kinds = ((f'{name},kind="{found.kind}"', 1) for name, found in warnings if found)
    yield _exposition(families.SERVICE_TRAFFIC_WARNING, kinds)


def of_counts(counted: Counted) -> Iterator[str]:
    """What was counted of each host."""
    probes: list[Sample] = []
    transitions: list[Sample] = []
    for host, (reasons, verdicts) in counted.items():
        who = _host(host)
        probes += [(f"{who},{_PROBED[reason]}", count) for reason, count in reasons.items()]
        transitions += [(f"{who},{_BECAME[verdict]}", count) for verdict, count in verdicts.items()]
    yield _exposition(families.PROBES, probes)
    yield _exposition(families.TRANSITIONS, transitions)


def of_sessions(services: Iterable[ServiceView], killed: Mapping[Labels, int]) -> str:
    """How many sessions were ended on each host of the Services that ask for that."""
    hosts = (labels(member) for service in services if service.spec.kill_users for member, _ in service.hosts)
    return _exposition(families.SESSIONS_KILLED, ((_host(host), killed.get(host, 0)) for host in hosts))


def of_holds(counted: Mapping[Labels, Mapping[Damper, int]]) -> str:
    """How often the verdict of each host was held back; hosts that never were have no series."""
    found = ((f'{_host(host)},by="{by}"', count) for host, dampers in counted.items() for by, count in dampers.items())
    return _exposition(families.HOLDS, found)


def _nameless(who: str, host: HostSpec) -> list[Sample]:
    """A listed name that holds no address; an address that waits for its ports is none."""
    return [(f'{who},reason="{Reason.DNS}"', 1)] if parse(host.address) is None else []


def _key(key: ServiceKey) -> tuple[str, str]:
    return key.namespace, key.name


@lru_cache(MOST_HOSTS)
def _host(values: Labels) -> str:
    return _labels(families.HOST, values)


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    return ",".join([f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)])


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _exposition(family: Family, samples: Iterable[Sample]) -> str:
    head = f"# HELP {family.name} {family.meaning}\n# TYPE {family.name} {family.kind}\n"
    return head + "".join([f"{family.name}{{{who}}} {value:d}\n" for who, value in samples])
