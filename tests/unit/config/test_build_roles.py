"""Roles in a file as values: requirements, PrimaryQuorum, and questions that Services share."""

from __future__ import annotations

import pytest

from mooring.config import AddressPolicy, parse
from mooring.model.spec import NOTHING_MORE, OnSplitBrain, PrimaryQuorum, Requirement, Role, ServiceSpec
from mooring.protocols.options import Replicated
from mooring.protocols.redis.options import SentinelOptions

MYSQL = "user: u, passwordFile: /p"
HEARTBEAT = "maxReplicationLagSeconds: 30, heartbeat: {table: ops.heartbeat}"
SENTINEL = "name: m, hosts: [10.20.0.31, '10.20.0.32:5000', 'fd00::1', '[FD00::2]:5001', '10.20.0.31:26379']"


def services(*texts: str, defaults: str = "") -> list[ServiceSpec]:
    listed = ", ".join(f"{{name: s{number}, hosts: [10.20.0.11], {text}}}" for number, text in enumerate(texts))
    data = f"version: 1\ndefaults: {{check: {{{defaults}}}}}\nservices: [{listed}]\n"
    return list(parse(data.encode(), "f", AddressPolicy()).services)


def checks(*texts: str, defaults: str = "") -> list[ServiceSpec]:
    return services(*(f"check: {{{text}}}" for text in texts), defaults=defaults)


def asks_facts(spec: ServiceSpec) -> bool:
    assert isinstance(spec.check.options, Replicated)
    return spec.check.options.asks_facts()


REQUIREMENTS: dict[str, tuple[str, Requirement]] = {
    "nothing": (f"mysql: {{{MYSQL}}}", NOTHING_MORE),
    "any": ("redis: {role: any}", NOTHING_MORE),
    "primary": (f"mysql: {{{MYSQL}, role: primary}}", Requirement(Role.PRIMARY)),
    "replica": ("redis: {role: replica}", Requirement(Role.REPLICA)),
    "lag": (f"mysql: {{{MYSQL}, role: replica, maxReplicationLagSeconds: 0.5}}", Requirement(Role.REPLICA, 0.5)),
    "lag in bytes": (
        "redis: {role: replica, maxReplicationLagSeconds: 11, maxReplicationLagBytes: 1}",
        Requirement(Role.REPLICA, 11, 1),
    ),
    "donor": (f"mysql: {{{MYSQL}, role: replica, allowDonor: true}}", Requirement(Role.REPLICA, allow_donor=True)),
    "chain": (
        f"mysql: {{{MYSQL}, role: primary, allowReplicating: true}}",
        Requirement(Role.PRIMARY, allow_replicating=True),
    ),
    "tcp": ("tcp: {}", NOTHING_MORE),
}


@pytest.mark.parametrize(("check", "expected"), REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_a_check_says_what_it_asks_of_a_host(check: str, expected: Requirement) -> None:
    """Its role, how far it may lag, and what is allowed besides."""
    (spec,) = checks(check)
    assert (spec.check.requirement, spec.check.quorum) == (expected, None)


@pytest.mark.parametrize(
    ("text", "policy", "users"),
    [
        ("", OnSplitBrain.KEEP_INCUMBENT, ()),
        ("onSplitBrain: keepIncumbent, onDemote: keepSessions", OnSplitBrain.KEEP_INCUMBENT, ()),
        ("onSplitBrain: publishNone", OnSplitBrain.PUBLISH_NONE, ()),
        ("onDemote: killSessions, killUsers: [app, batch]", OnSplitBrain.KEEP_INCUMBENT, ("app", "batch")),
    ],
)
def test_what_becomes_of_a_doubtful_or_demoted_primary(text: str, policy: OnSplitBrain, users: tuple[str, ...]) -> None:
    """By default the incumbent stays, and so do its sessions."""
    (spec,) = services(f"check: {{redis: {{role: primary}}}}, {text}")
    assert (spec.on_split_brain, spec.kill_users) == (policy, users)


def test_sentinels_are_asked_with_their_own_login() -> None:
    """Each once, at 26379 where no port is given; with an account and a TLS of their own."""
    login = "user: s, passwordFile: /s, tls: {caFile: /ca}"
    (spec,) = checks(f"redis: {{user: r, passwordFile: /r, role: primary, sentinel: {{{SENTINEL}, {login}}}}}")
    own = {"name": "m", "user": "s", "passwordFile": "/s", "tls": {"caFile": "/ca"}}
    hosts = (("10.20.0.31", 26379), ("10.20.0.32", 5000), ("fd00::1", 26379), ("fd00::2", 5001))
    expected = PrimaryQuorum("redis", SentinelOptions.model_validate(own), hosts, "the Sentinels")
    assert spec.check.quorum == expected
    assert hash(spec.check.quorum) == hash(expected)


def test_a_role_and_its_limits_may_stand_in_the_defaults() -> None:
    """Only a Service of that role takes them; for another they are no error, and it may have its own."""
    common = f"mysql: {{{MYSQL}, role: replica, allowDonor: true, {HEARTBEAT}}}"
    rw, ro, every = checks("mysql: {role: primary}", "periodSeconds: 1", "mysql: {role: any}", defaults=common)
    assert [one.check.requirement.role for one in (rw, ro, every)] == [Role.PRIMARY, Role.REPLICA, Role.ANY]
    assert ro.check.requirement == Requirement(Role.REPLICA, 30, allow_donor=True)


def test_sentinels_in_the_defaults_concern_primaries_only() -> None:
    """A Service of replicas waits for no majority."""
    common = f"redis: {{sentinel: {{{SENTINEL}}}}}"
    rw, ro = checks("redis: {role: primary}", "redis: {role: replica}", defaults=common)
    assert rw.check.quorum is not None
    assert ro.check.quorum is None


SHARED: dict[str, tuple[str, ...]] = {
    "MySQL": (
        f"mysql: {{{MYSQL}, role: primary, allowReplicating: true}}",
        f"mysql: {{{MYSQL}, role: replica, maxReplicationLagSeconds: 5, allowDonor: true}}",
        f"periodSeconds: 5, failureThreshold: 1, mysql: {{{MYSQL}, role: replica}}",
        f"mysql: {{{MYSQL}}}",
    ),
    "MySQL, nobody asks for a role": (f"mysql: {{{MYSQL}}}", f"mysql: {{{MYSQL}, role: any}}"),
    "Redis": (
        f"redis: {{role: primary, sentinel: {{{SENTINEL}}}}}",
        "redis: {role: replica, maxReplicationLagBytes: 1000, maxReplicationLagSeconds: 60}",
        "redis: {}",
    ),
    "Redis with a maintenance key": ("redis: {role: primary, key: k}", "redis: {key: k}"),
}


@pytest.mark.parametrize("texts", SHARED.values(), ids=SHARED)
@pytest.mark.parametrize("order", [1, -1], ids=["in this order", "backwards"])
def test_services_over_the_same_hosts_share_a_probe(texts: tuple[str, ...], order: int) -> None:
    """Whatever role each asks for and within what limits: one question to each host serves all of them."""
    found = checks(*texts[::order])
    asked = {(one.check.protocol, one.check.timeout, one.check.options) for one in found}
    assert len(asked) == 1
    assert len({one.check.requirement for one in found}) == len({one.check.requirement for one in checks(*texts)})


def test_a_heartbeat_in_the_defaults_is_asked_for_once() -> None:
    """Written there, it does not make two questions of one."""
    roles = ("mysql: {role: primary}", "mysql: {role: replica}", "mysql: {role: any}")
    assert len({one.check.options for one in checks(*roles, defaults=f"mysql: {{{MYSQL}, {HEARTBEAT}}}")}) == 1


ALONE: dict[str, tuple[str, str]] = {
    "another user": (f"mysql: {{{MYSQL}, role: primary}}", "mysql: {user: v, passwordFile: /p}"),
    "another password": (f"mysql: {{{MYSQL}, role: primary}}", "mysql: {user: u}"),
    "TLS": ("redis: {role: primary}", "redis: {tls: {}}"),
    "another timeout": ("redis: {role: primary}", "timeoutSeconds: 0.5, redis: {}"),
    "a question of its own": (f"mysql: {{{MYSQL}, role: primary}}", f"mysql: {{{MYSQL}, query: SELECT 2}}"),
    "a maintenance key": ("redis: {role: primary}", "redis: {key: k}"),
    "a heartbeat": (f"mysql: {{{MYSQL}, role: primary}}", f"mysql: {{{MYSQL}, role: replica, {HEARTBEAT}}}"),
}


@pytest.mark.parametrize("texts", ALONE.values(), ids=ALONE)
def test_what_is_asked_otherwise_is_a_probe_of_its_own(texts: tuple[str, str]) -> None:
    """Another account, another deadline, another question."""
    one, other = checks(*texts)
    assert (one.check.timeout, one.check.options) != (other.check.timeout, other.check.options)


@pytest.mark.parametrize("protocol", [f"mysql: {{{MYSQL}", "redis: {key: k"])
def test_a_service_without_a_role_asks_for_no_facts_by_itself(protocol: str) -> None:
    """It costs what it did before there were roles, unless another Service asks for them."""
    (alone,), both = checks(f"{protocol}}}"), checks(f"{protocol}}}", f"{protocol}, role: replica}}")
    assert [asks_facts(one) for one in (alone, *both)] == [False, True, True]
