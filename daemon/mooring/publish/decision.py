"""Decides what should be stored, from what is known of a Service and what people ask for by its annotations."""

from __future__ import annotations

from dataclasses import replace

from mooring.judge.ports import FoundPorts
from mooring.judge.view import ServiceView, View
from mooring.model.memory import Memory
from mooring.model.objects import PublishTarget, Refusal
from mooring.model.overrides import Pause
from mooring.model.spec import Role, ServiceSpec
from mooring.plan.drain import drain, without_drained
from mooring.plan.intent import Decision, decide
from mooring.plan.overrides import is_active, trust, with_trusted
from mooring.publish.state import PublishState


def intent(
    spec: ServiceSpec, health: ServiceView, serving: PublishTarget, publication: PublishState, found: FoundPorts
) -> Decision:
    """What should be stored, and what the objects must note of their ports."""
    evidence = min((one.evidence for one in health.changes if one not in publication.changes), default=None)
    stored, names = publication.stored, waiting(health, publication)
    probed = None if spec.ports else health.spec.probed
    return decide(
        spec,
        health.hosts,
        stored,
        serving,
        publication.unfit,
        waiting=names,
        evidence=evidence,
        notes=Memory(probed=probed, service_ports=found.service_ports),
    )


def waiting(health: ServiceView, publication: PublishState) -> frozenset[str]:
    """The unresolved names of hosts that are neither in maintenance nor drained."""
    out = publication.drain.hosts
    return frozenset(host.address for host in health.waiting if not host.maintenance and host.name not in out)


def overridden(health: ServiceView, publication: PublishState) -> View:
    """The hosts as people overrule them (drained ones out, trusted ones in), and those that stay for a moment."""
    hosts = without_drained(health.hosts, publication.drain)
    single = health.spec.check.requirement.role is Role.PRIMARY
    leaving = without_drained(health.leaving, publication.drain)
    staying = (one for one in leaving if not one[0].host.maintenance)
    return (*with_trusted(hosts, publication.trust, single=single, split=health.split), *staying)


def active_pause(serving: PublishTarget, now: float) -> Pause | None:
    return serving.pause if is_active(serving.pause, now) else None


def stand_by(
    spec: ServiceSpec, health: ServiceView, serving: PublishTarget | Refusal, publication: PublishState, now: float
) -> PublishState:
    """The state of a standby. The leader reports what hinders it, and what it stores is no foreign edit.

    Our own repairs are remembered: who loses the Lease and gets it back has no more of them than others have.
    """
    stored, applied_at, repairs = publication.stored, publication.applied_at, publication.repairs
    state = PublishState(stored, applied_at, changes=health.changes, repairs=repairs)
    if isinstance(serving, Refusal):
        return replace(state, drain=publication.drain)
    drained = drain(serving.drain, spec.hosts, health.hosts, now)
    return replace(state, drain=drained, pause=active_pause(serving, now), trust=trust(serving.trust, spec.hosts, now))
