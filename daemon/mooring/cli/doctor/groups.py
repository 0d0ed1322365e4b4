"""The groups in their order, and how each is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from mooring.cli.codes import NO_CLUSTER, OK, USAGE
from mooring.cli.doctor import (
    clock,
    cluster,
    configuration,
    hosts,
    lease,
    mirroring,
    network,
    rights,
    secrets,
    sentinels,
    services,
    traffic,
)
from mooring.cli.doctor.finding import Finding, Looked, Note, NotLookedAt, has_problems
from mooring.cli.doctor.subject import Subject
from mooring.cluster.snapshot import Snapshot
from mooring.model.errors import ClusterError, Rejected
from mooring.model.spec import ServiceKey, ServiceSpec
from mooring.plan.traffic_warning import TrafficWarning

Look = Callable[[Subject], Sequence[Finding | Note]]


def _rights(on: Subject) -> list[Finding]:
    denied = [right for right, allowed in on.rights.items() if not allowed]
    return rights.findings([*on.rights], denied, on.account, f"{on.settings.lease_name}-doctor")


def _services(on: Subject) -> list[Finding]:
    found, names, now = on.snapshots, on.names, time.time()
    seen = [(spec, found[spec.key]) for spec in on.config.services]
    return [
        one for spec, seen_of in seen for one in services.findings(spec, seen_of.service, seen_of.stored, names, now)
    ]


def _mirroring(on: Subject) -> list[Finding]:
    """Another controller may take a moment: what may be such a moment is looked at once more."""
    found = _warnings(on.config.services, on.snapshots)
    if any(warning.patient for _, warning in found):
        time.sleep(MIRROR_SECONDS)
        found = _warnings([spec for spec, _ in found], on.read([spec.key for spec, _ in found]))
    return [mirroring.finding(spec, warning) for spec, warning in found]


def _warnings(
    specs: Iterable[ServiceSpec], found: Mapping[ServiceKey, Snapshot]
) -> list[tuple[ServiceSpec, TrafficWarning]]:
    warnings = [(spec, mirroring.warning(spec, found[spec.key].service, found[spec.key].stored)) for spec in specs]
    return [(spec, warning) for spec, warning in warnings if warning]


def _lease(on: Subject) -> list[Finding]:
    api = on.api
    if on.lease is None:
        raise NotLookedAt("without --leader-elect there is none")
    return lease.findings(lease.lease_facts(api, *on.lease))


MIRROR_SECONDS = 3.0
GROUPS: Mapping[str, Look] = MappingProxyType(
    {
        "file": lambda on: configuration.findings(on.file),
        "secrets": lambda on: secrets.findings(on.unreadable),
        "cluster": lambda on: cluster.findings(on.cluster),
        "rights": _rights,
        "services": _services,
        "mirroring": _mirroring,
        "hosts": lambda on: hosts.findings(on.probes.views, on.probes.seen),
        "sentinels": lambda on: sentinels.findings([view.spec for view in on.probes.views], on.probes.seen),
        "network": network.look,
        "lease": _lease,
        "clock": lambda on: clock.findings(clock.clock_facts(on.api)),
        "traffic": traffic.look,
    }
)
CODES = {"file": USAGE, "cluster": NO_CLUSTER}
"""What the command ends with where such a group has a problem: nothing can be done without these."""


def look_at(on: Subject, names: Collection[str]) -> list[Looked]:
    """Looks at these groups, in their order. One that cannot be looked at hides no other."""
    looked: list[Looked] = []
    for name, look in GROUPS.items():
        if name in names:
            looked.append(_look(name, look, on, denied=any(one.group == "rights" and one.findings for one in looked)))
    return looked


def _look(name: str, look: Look, on: Subject, *, denied: bool) -> Looked:
    try:
        seen = look(on)
    except NotLookedAt as error:
        return Looked(name, skipped=str(error))
    except Rejected as error:
        if denied:  # that is reported already
            return Looked(name, skipped=str(error))
        return Looked(name, (Finding(str(error), "so nobody can look at it", "mooring doctor --only rights"),))
    except ClusterError as error:
        return Looked(name, skipped=str(error), code=NO_CLUSTER)
    findings = tuple(one for one in seen if isinstance(one, Finding))
    notes = tuple(one for one in seen if isinstance(one, Note))
    return Looked(name, findings, notes, code=CODES.get(name, OK) if has_problems(findings) else OK)
