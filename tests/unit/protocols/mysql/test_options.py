"""The block ``check.mysql``: what is asked of a host, and what only the judge must know."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mooring.model.spec import Requirement, Role
from mooring.protocols.mysql.options import MysqlOptions

LOGIN = {"user": "probe", "passwordFile": "/secret"}
LIMITS = {"maxReplicationLagSeconds": 60, "allowDonor": True, "allowReplicating": True}


def options(**fields: Any) -> MysqlOptions:
    return MysqlOptions.model_validate({**LOGIN, **fields})


@pytest.mark.parametrize("role", ["any", "primary", "replica"])
def test_the_question_leaves_out_what_only_the_judge_must_know(role: str) -> None:
    """So that it is equal, and usable as a key, for all Services that can share a probe."""
    asked, plain = options(role=role, **LIMITS).question(), options(role="any" if role == "any" else "primary")
    assert (asked, hash(asked)) == (plain, hash(plain))
    assert asked.asks_facts() is (role != "any")
    assert asked.question(facts=True).asks_facts()


def test_the_judge_knows_all_of_it() -> None:
    """Role, limit and what is allowed besides."""
    assert options(role="replica", **LIMITS).requirement() == Requirement(
        Role.REPLICA, 60, allow_donor=True, allow_replicating=True
    )


@pytest.mark.parametrize("field", [{"query": "SELECT 2"}, {"expect": "1"}, {"heartbeat": {"table": "a.b"}}])
def test_another_question_is_another_key(field: dict[str, Any]) -> None:
    """What a server is asked over a session belongs to the question."""
    assert options(**field).question() != options().question()


@pytest.mark.parametrize("table", ["ops.heartbeat", "Ops$1._h", f"{'d' * 64}.{'t' * 64}"])
def test_a_heartbeat_table_is_named_with_its_database(table: str) -> None:
    """By names that need no quotes."""
    found = options(heartbeat={"table": table})
    assert found.heartbeat is not None
    assert found.heartbeat.table == table


@pytest.mark.parametrize("table", ["", "t", "a.b.c", "a.`b`", "a.b;", "a. b", "a.b\n", ".t", "d.", f"a.{'t' * 65}", 5])
def test_a_heartbeat_table_can_say_nothing_else(table: object) -> None:
    """It is written into a question as it stands."""
    with pytest.raises(ValidationError):
        options(heartbeat={"table": table})
