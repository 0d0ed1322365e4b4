"""The group ``rights``: all that our account may not do, at once, with the Roles that would allow it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mooring.cli.doctor.finding import Finding, Level
from mooring.leader.vantage import SLOTS
from mooring.model.spec import Publish, ServiceSpec

READ = ("get", "list", "watch")
SLICES, EVENTS, LEASES = "endpointslices", "events", "leases"
GROUPS = {SLICES: "discovery.k8s.io", LEASES: "coordination.k8s.io"}
"""The API group of each kind that is not of the core."""
HOSTS_A_SLICE = 100
ACCOUNT = "system:serviceaccount:"
"""How the names of service accounts begin, before NAMESPACE:NAME."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb for one kind in one namespace; ``name``: for this object alone; empty: for all."""

    namespace: str
    kind: str
    verb: str
    name: str = ""
    optional: bool = False
    """Mooring does its work without it."""

    @property
    def group(self) -> str:
        return GROUPS.get(self.kind, "")


def needed(services: Iterable[ServiceSpec], lease: tuple[str, str] | None) -> list[Right]:
    """All rights that the daemon needs for these Services; ``lease``: namespace and name, where there is election."""
    rights = [right for spec in services for right in _of_service(spec)]
    if lease:
        rights += _of_lease(*lease)
    return list(dict.fromkeys(rights))


def _of_service(spec: ServiceSpec) -> Iterator[Right]:
    namespace, slices = spec.key.namespace, spec.publish is not Publish.ENDPOINTS
    for kind in ("services", "endpoints"):
        yield from (Right(namespace, kind, verb) for verb in READ)
    yield from (Right(namespace, "endpoints", verb, spec.key.name) for verb in ("create", "patch"))
    yield from (Right(namespace, SLICES, verb, optional=not slices) for verb in READ)
    if slices:
        for name in _slice_names(spec):
            yield from (Right(namespace, SLICES, verb, name) for verb in ("create", "patch", "delete"))
    yield from (Right(namespace, EVENTS, verb, optional=True) for verb in ("create", "patch"))


def _slice_names(spec: ServiceSpec) -> list[str]:
    """One for each hundred hosts of a family, and one more."""
    count = len(spec.hosts) // HOSTS_A_SLICE + 2
    return [f"{spec.key.name}-mooring-{family}-{at}" for at in range(count) for family in ("ipv4", "ipv6")]


def _of_lease(namespace: str, lease: str) -> Iterator[Right]:
    names = [(lease, False), *((f"{lease}-observer-{at}", True) for at in range(SLOTS))]
    for name, optional in names:
        yield from (Right(namespace, LEASES, verb, name, optional) for verb in (*READ, "create", "patch"))
    yield from (Right(namespace, EVENTS, verb, optional=True) for verb in ("create", "patch"))


def findings(rights: Sequence[Right], denied: Collection[Right], account: str, name: str) -> list[Finding]:
    """One for each namespace where something is missing.

    ``account``: who we are, empty where nobody says. ``name``: of the Role that allows it, which no other installation
    uses: rights only add up, and a Role that is applied over another takes its rights and its accounts away.
    """
    found = []
    for namespace in dict.fromkeys(right.namespace for right in rights):
        missing = [right for right in rights if right.namespace == namespace and right in denied]
        if missing:
            level = Level.WARNING if all(right.optional for right in missing) else Level.PROBLEM
            wanted = [right for right in rights if right.namespace == namespace]
            what = f"{account or 'our account'} may not, in the namespace {namespace}: {_in_words(missing)}"
            found.append(
                Finding(what, _why(missing), f"kubectl apply -f - <<'END'\n{role(wanted, account, name)}END", level)
            )
    return found


def _in_words(rights: Iterable[Right]) -> str:
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.kind, right.name), []).append(right.verb)
    return "; ".join(f"{', '.join(verb)} {kind}{'/' * bool(name)}{name}" for (kind, name), verb in verbs.items())


def _why(missing: Iterable[Right]) -> str:
    return "; ".join(dict.fromkeys(_consequence(right) for right in missing))


def _consequence(right: Right) -> str:
    if right.kind == EVENTS:
        return "without Events, `kubectl describe service` does not show why a host is out"
    if right.kind == LEASES and right.optional:
        return "without observer Leases, a leader that is cut off from the databases keeps the Lease"
    if right.kind == LEASES:
        return "without the Lease nobody leads, so nothing is written"
    if right.kind == SLICES and right.optional:
        return "without EndpointSlices, Mooring does not see whether traffic follows what it writes"
    return "without these, Mooring does not read or write what it publishes"


def role(rights: Sequence[Right], account: str, name: str) -> str:
    """A Role with these rights of one namespace, and its binding to the account, as YAML."""
    namespace = rights[0].namespace
    return "".join(
        f"{line}\n"
        for line in (
            "apiVersion: rbac.authorization.k8s.io/v1",
            "kind: Role",
            f"metadata: {{name: {name}, namespace: {namespace}}}",
            "rules:",
            *_rules(rights),
            "---",
            "apiVersion: rbac.authorization.k8s.io/v1",
            "kind: RoleBinding",
            f"metadata: {{name: {name}, namespace: {namespace}}}",
            f"roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}",
            f"subjects: [{_subject(account)}]",
        )
    )


def _rules(rights: Iterable[Right]) -> Iterator[str]:
    """A line for each set of verbs: objects that share it share a rule."""
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.group, right.kind, right.name), []).append(right.verb)
    rules: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (group, kind, name), some in verbs.items():
        rules.setdefault((group, kind, tuple(dict.fromkeys(some))), []).append(name)
    for (group, kind, verb), names in rules.items():
        named = f", resourceNames: [{', '.join(names)}]" if any(names) else ""
        yield f'- {{apiGroups: ["{group}"], resources: [{kind}], verbs: [{", ".join(verb)}]{named}}}'


def _subject(account: str) -> str:
    if account.startswith(ACCOUNT):
        namespace, _, name = account.removeprefix(ACCOUNT).partition(":")
        return f"{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}"
    if account:
        return f'{{kind: User, apiGroup: rbac.authorization.k8s.io, name: "{account}"}}'
    return "{kind: ServiceAccount, name: mooring, namespace: mooring}"
