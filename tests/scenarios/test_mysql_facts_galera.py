"""What the nodes of a real Galera cluster say of their role."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.topologies.galera import Galera
from lab.topologies.topology import PASSWORD
from mooring.model.facts import Facts, Group
from support.role_questions import asked

pytestmark = pytest.mark.needs_galera

SYNCED = Group("Galera", "Synced", member=True, writer=True, several=True)
DONOR = Group("Galera", "Donor/Desynced", member=False, writer=True, donor=True, several=True)


def test_a_node_in_all_its_states(tmp_path: Path) -> None:
    """In sync, a donor, told to reject queries, alone without the quorum, and in sync again; never an error, so that
    what it says of its cluster is known in each.
    """
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    with Galera() as cluster, asked(cluster.servers[0], str(secret)) as node:
        first = cluster.servers[0]
        seen = node.becomes("in sync", lambda facts: facts.group == SYNCED)
        assert (seen.offline, seen.read_only, seen.channels) == ("", "", ())
        cluster.desync(first)
        node.becomes("a donor", lambda facts: facts.group == DONOR)
        cluster.resync(first)
        first.sql("SET GLOBAL wsrep_reject_queries=ALL")
        node.becomes("offline", lambda facts: facts.offline == "wsrep_reject_queries=ALL")
        first.sql("SET GLOBAL wsrep_reject_queries=NONE")
        cluster.lose_quorum(first)
        node.becomes("alone", _is_alone)
        cluster.restore_quorum(first)
        node.becomes("in sync", lambda facts: facts.group == SYNCED and not facts.offline)


def _is_alone(facts: Facts) -> bool:
    group = facts.group
    return group is not None and group.state.endswith("non-Primary, not ready") and not (group.member or group.donor)
