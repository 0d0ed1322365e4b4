"""What hosts say of their roles, for tests of who judges that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ground.values import member
from mooring.decide.assess import Around, assess
from mooring.facts import Channel, Facts, Group
from mooring.model import HostState, Observation, Outcome
from mooring.reasons import Reason
from mooring.spec import Requirement, Role

DB2, ELSEWHERE = "10.20.0.12:3306", "10.30.0.1:3306"
AROUND = Around(frozenset({DB2, "db2:3306"}), frozenset({"uuid-2"}))
RO, GALERA, GR = "read_only=1", "Galera", "Group Replication"
PRIMARY, REPLICA = Requirement(Role.PRIMARY), Requirement(Role.REPLICA)
REDIS = "role:slave"


def judged(facts: Facts, wanted: Requirement, around: Around = AROUND, state: HostState | None = None) -> Outcome:
    return assess(Observation(Reason.OK, facts=facts), replace(member(), requirement=wanted), around, state)


def of(source: str = DB2, **said: Any) -> Channel:
    return replace(Channel(source, lag=0.0), **said)


def following(source: str = DB2, *, read_only: str = RO, **said: Any) -> Facts:
    return Facts(read_only=read_only, channels=(of(source, **said),))


def stopped(read_only: str = RO) -> Facts:
    return following(read_only=read_only, receiving=False, applying=False, lag=None)


def group(kind: str, state: str, *, ro: str = "", **said: bool) -> Facts:
    default = {"member": True, "writer": True, "several": kind is GALERA}
    return Facts(read_only=ro, group=Group(kind, state, **(default | said)))


def told(outcome: Outcome, expected: str) -> str:
    """As the table writes it; with a star, the message is not looked at."""
    return f"{outcome.reason} *" if expected.endswith("*") else f"{outcome.reason} {outcome.message}".strip()
