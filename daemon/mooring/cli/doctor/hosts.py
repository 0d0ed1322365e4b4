"""The group ``hosts``: what one probe of each host says now. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from mooring.cli.doctor import causes
from mooring.cli.doctor.causes import Fault
from mooring.cli.doctor.finding import Finding, Level
from mooring.judge.view import ServiceView
from mooring.model.addresses import parse
from mooring.model.facts import place
from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.targets import Member, Target
from mooring.model.verdicts import Outcome

OTHER_ROLE = frozenset({Reason.WRONG_ROLE, Reason.READ_ONLY})
"""A host that says so stands by for another one of its Service."""
MENDS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.OK: "nothing",
        Reason.REFUSED: "start the server there, and let it listen at that address: Debian's MariaDB and Redis listen "
        "at 127.0.0.1 alone (bind-address, bind)",
        Reason.RESET: "see the server's own log; something in between may close the connection",
        Reason.TIMEOUT: "nc -vz {address} {port} from here: a firewall or a network policy may drop it. A server that "
        "is slow needs a longer timeoutSeconds",
        Reason.UNREACHABLE: "ip route get {address} from here",
        Reason.PROTOCOL: "see what listens there, and that the check names its protocol and port",
        Reason.TLS: "see tls in the check (mode, caFile, serverName), and the certificate of the server",
        Reason.LOADING: "wait until it has started",
        Reason.OFFLINE: "take back what says so: `key` or `query` of the check, or offline_mode of the server",
        Reason.LAGGING: "see SHOW REPLICA STATUS (Redis: INFO replication) there, or raise maxReplicationLag…",
        Reason.NOT_REPLICATING: "see SHOW REPLICA STATUS (Redis: INFO replication) there",
        Reason.NOT_SYNCED: "see SHOW STATUS LIKE 'wsrep%' there, or the state of its group",
        Reason.SATURATED: "raise max_connections (Redis: maxclients), or end sessions there",
        Reason.WRONG_ROLE: "promote a host, or change `role` of the check",
        Reason.READ_ONLY: "promote a host, or SET GLOBAL read_only = 0 on the one that shall take writes",
        Reason.SECOND_WRITER: "make all but one of them replicas, or read-only",
        Reason.AUTH: "see that `user` and the password file are of an account that may log in from here",
        Reason.QUOTA: "raise the limits of the account (ALTER USER … WITH MAX_USER_CONNECTIONS …)",
        Reason.BLOCKED: "FLUSH HOSTS there (mysqladmin flush-hosts), and find what made so many broken connections",
        Reason.LOCAL: "mend it here, where Mooring runs: the message says what",
        Reason.DNS: "getent ahosts {address} here",
        Reason.BLIND: "see the network of the machine that Mooring runs on",
        Reason.COMMON_CAUSE: "see what all of them share: the account, the CA, what stands in between",
        Reason.OUTVOTED: "see the network between this machine and the host",
    }
)
"""What mends it, by what is wrong; ``address`` and ``port`` are those that were asked."""
WHYS: Mapping[Effect, str] = MappingProxyType(
    {
        Effect.SUCCESS: "it may fail one day",
        Effect.FAILURE: "no traffic goes to it",
        Effect.DECIDES: "no traffic goes to it",
        Effect.UNKNOWN: "Mooring cannot judge it: whatever happens to it, it stays as it is published",
    }
)


def findings(views: Sequence[ServiceView], seen: Mapping[Target, Observation]) -> list[Finding]:
    """``seen``: what the last probe of each target saw. Hosts in maintenance are left out."""
    faults = [fault for view in views for fault in (*_of_hosts(view, seen), *_unresolved(view))]
    return [*causes.findings(faults), *(one for view in views for one in _of_roles(view))]


def _of_hosts(view: ServiceView, seen: Mapping[Target, Observation]) -> Iterator[Fault]:
    for member, outcome in _judged(view):
        if outcome is not None and outcome.reason not in {*OTHER_ROLE, Reason.SECOND_WRITER}:
            yield from _of_host(member, outcome, seen.get(member.target))


def _judged(view: ServiceView) -> list[tuple[Member, Outcome | None]]:
    return [(member, state.outcome) for member, state in view.hosts if not member.host.maintenance]


def _of_host(member: Member, outcome: Outcome, seen: Observation | None) -> Iterator[Fault]:
    address, port = member.target.address, member.target.port
    fault = partial(Fault, member.service, f"{member.host.name} ({place(address, port)})", address, port)
    if outcome.reason is not Reason.OK:
        said = f"{outcome.reason}: {outcome.message or MEANINGS[outcome.reason].sentence}"
        yield fault(said, WHYS[outcome.effect], MENDS[outcome.reason].format(address=address, port=port))
    elif seen and seen.caution:
        yield fault(seen.caution, WHYS[Effect.SUCCESS], "the sentence says it", Level.WARNING)


def _unresolved(view: ServiceView) -> Iterator[Fault]:
    names = dict(view.name_problems)
    for host in view.unresolved:
        fault = partial(Fault, view.spec.key, host.name, host.address, None)
        if host.maintenance:
            continue
        if parse(host.address):
            mend = "see --allowed-cidrs, and whether the address stands there twice"
            yield fault(f"{host.address} cannot be published", WHYS[Effect.FAILURE], mend)
        else:
            said = f"dns: {names.get(host.address) or 'the name has no address to publish'}"
            yield fault(said, WHYS[Effect.UNKNOWN], MENDS[Reason.DNS].format(address=host.address))


def _of_roles(view: ServiceView) -> Iterator[Finding]:
    """The roles are those of the Service as a whole."""
    hosts = _judged(view)
    reasons = [outcome.reason for _, outcome in hosts if outcome]
    claims = [member.host.name for member, outcome in hosts if outcome and outcome.reason is Reason.SECOND_WRITER]
    role = view.spec.check.requirement.role
    if claims:
        what = f"{view.spec.key}: several hosts say that they are the primary, among them {', '.join(claims)}"
        yield Finding(what, "writes to both are lost on one of them", MENDS[Reason.SECOND_WRITER])
    elif reasons and OTHER_ROLE.issuperset(reasons):
        what = f"{view.spec.key}: no host has the role {role}: {_listed(hosts)}"
        yield Finding(what, "the Service is empty, or keeps the host that it had", MENDS[reasons[0]])


def _listed(hosts: list[tuple[Member, Outcome | None]]) -> str:
    return "; ".join(f"{member.host.name} {outcome.message or outcome.reason}" for member, outcome in hosts if outcome)
