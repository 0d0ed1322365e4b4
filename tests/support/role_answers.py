"""What hosts say of their roles, for tests of who judges that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.values import member, with_check
from mooring.judge.assess import Topology, assess
from mooring.model.facts import Channel, Facts, Group
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import Requirement, Role
from mooring.model.verdicts import Judgement, Outcome

DB2, ELSEWHERE = "10.20.0.12:3306", "10.30.0.1:3306"
AROUND = Topology(frozenset({DB2, "db2:3306"}), frozenset({"uuid-2"}))
RO, GALERA, GR = "read_only=1", "Galera", "Group Replication"
PRIMARY, REPLICA = Requirement(Role.PRIMARY), Requirement(Role.REPLICA)
REDIS = "role:slave"


def judged(
    facts: Facts, wanted: Requirement, around: Topology = AROUND, state: Judgement | None = None, **known: Any
) -> Outcome:
    return assess(Observation(Reason.OK, facts=facts), with_check(member(), requirement=wanted), around, state, **known)


def of(source: str = DB2, **said: Any) -> Channel:
    return replace(Channel(source, lag=0.0), **said)


def following(source: str = DB2, *, read_only: str = RO, **said: Any) -> Facts:
    return Facts(read_only=read_only, channels=(of(source, **said),))


def stopped(read_only: str = RO) -> Facts:
    return following(read_only=read_only, receiving=False, applying=False, lag=None)


def group(kind: str, state: str, *, ro: str = "", **said: Any) -> Facts:
    default: dict[str, Any] = {"member": True, "writer": True, "several": kind is GALERA}
    return Facts(read_only=ro, group=Group(kind, state, **(default | said)))


def told(outcome: Outcome, expected: str) -> str:
    """As the table writes it; with a star, the message is not looked at."""
    return f"{outcome.reason} *" if expected.endswith("*") else f"{outcome.reason} {outcome.message}".strip()
