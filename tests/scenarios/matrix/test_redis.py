"""Redis and Valkey: the documented ACL lines, and what a healthy Mooring leaves behind."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.matrix.versions import Version
from lab.servers import Redis
from lab.waiting import wait_until
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.exchange import Session
from support.asked_server import PASSWORD, SECONDS, account, probe, watching
from support.held_session import ask, held, leave
from support.matrix import REDIS, feature
from support.probe_once import ask as ask_once
from support.probe_once import target_of

_OF_THE_TEST = {"cmdstat_client|setinfo", "cmdstat_client|maint_notifications", "cmdstat_client"}
"""What the test's own client asks, and some versions do not know."""
_OURS = {f"errorstat_{kind}" for kind in ("NOAUTH", "WRONGPASS", "NOPERM")}
_SLOTS, _FAILED = 16384, "cluster_state:fail"
_GUIDE = Path(__file__).parents[3] / "docs" / "following-a-failover.md"
_LINES = re.findall(r"^user mooring (on .*?) +# (.*)$", _GUIDE.read_text(), re.MULTILINE)


def test_the_guide_has_lines_of_acl() -> None:
    """One for the servers, and one for their Sentinels."""
    assert [where.split(";")[0] for _, where in _LINES] == ["at the servers", "at the Sentinels"]


@feature("documented ACL", REDIS)
def test_the_documented_line_of_acl_is_taken(server: Redis, folder: Path) -> None:
    """By every version; and the account gets in."""
    line, _ = _LINES[0]
    server.command("ACL", "SETUSER", "mooring", *line.replace("PASSWORD", PASSWORD).split())
    try:
        seen = probe(server, folder, role="primary")
        assert (seen.reason, seen.unread) == (Reason.OK, None)
    finally:
        server.command("ACL", "DELUSER", "mooring")


@feature("missing right is told", REDIS)
def test_a_missing_right_is_told_with_the_command_that_gives_it(server: Redis, folder: Path) -> None:
    """It works as it stands."""
    with account(server, "-@all", "+ping", "+cluster|info"):
        seen = probe(server, folder, role="primary")
        assert seen.unread
        assert seen.unread.reason is Reason.AUTH
        server.command(*seen.unread.message.partition("`")[2].removesuffix("`").split())
        assert probe(server, folder, role="primary").facts


@pytest.fixture(scope="module")
def node(version: Version) -> Iterator[Redis]:
    """A node of a Redis Cluster that has no slots: its cluster has failed."""
    with version.server(extra=("cluster-enabled yes", "cluster-node-timeout 500")) as made:
        assert isinstance(made, Redis)
        yield made


@feature("failed cluster", REDIS)
def test_a_failed_cluster_is_offline_for_every_role(node: Redis, folder: Path) -> None:
    """By the user that everybody is, and by those with just the documented rights; over a session and at a login."""
    login = {"passwordFile": str(folder / "password")}
    with account(node, "-@all", "+ping", "+cluster|info", user="narrow"), account(node, *watching(node)):
        blocks: list[dict[str, Any]] = [
            {},
            {"user": "narrow", **login},
            {"role": "primary"},
            {"role": "primary", "user": "mooring", **login},
        ]
        targets = [target_of("redis", node.address, node.port, timeout=SECONDS, **block) for block in blocks]
        assert [_offline(ask_once("redis", node.address, node.port, **block)) for block in blocks] == [_FAILED] * 4
        node.command("CLUSTER", "ADDSLOTS", *range(_SLOTS))
        wait_until(lambda: "cluster_state:ok" in node.command("CLUSTER", "INFO"), 30, "the cluster to be well")
        with contextlib.ExitStack() as undo:
            sessions = [held(target) for target in targets]
            for session in sessions:
                undo.callback(leave, session)
            said = [_asked(session, target) for session, target in zip(sessions, targets, strict=True)]
            assert [(_offline(seen), seen.reason) for seen in said] == [("", Reason.OK)] * 4
            node.command("CLUSTER", "DELSLOTS", *range(_SLOTS))
            wait_until(lambda: _FAILED in node.command("CLUSTER", "INFO"), 30, "the cluster to fail")
            said = [_asked(session, target) for session, target in zip(sessions, targets, strict=True)]
            assert [_offline(seen) for seen in said] == [_FAILED] * 4


def _asked(session: Session, target: Target) -> Observation:
    answer = ask(session, target)
    assert answer
    assert answer.keep
    return answer.observation


def _offline(seen: Observation) -> str:
    return seen.message if seen.reason is Reason.OFFLINE else seen.facts.offline if seen.facts else ""


@feature("failed cluster", REDIS)
def test_who_may_not_see_the_cluster_is_told(node: Redis, version: Version, folder: Path) -> None:
    """The host is as ready as PING says; the caution has the command that gives the right, and it works."""
    with account(node, "-@all", "+ping"):
        seen = probe(node, folder)
        assert seen.reason is Reason.OK
        assert bool(seen.caution) is (version.release >= (6, 2))  # before, such a user cannot see that it is a cluster
        if seen.caution:
            node.command(*seen.caution.partition("`")[2].removesuffix("`").split())
            assert probe(node, folder).reason is Reason.OFFLINE


@feature("failed cluster", REDIS)
def test_a_role_is_known_to_who_may_not_see_the_cluster(node: Redis, folder: Path) -> None:
    """The role is read by INFO, and the host is as ready as it says, on every version; the command in the caution
    works.
    """
    with account(node, "-@all", "+ping", "+info"):
        seen = probe(node, folder, role="primary")
        assert (seen.reason, seen.unread) == (Reason.OK, None)
        assert seen.facts
        assert (seen.facts.role, seen.facts.offline) == ("primary", "")
        node.command(*seen.caution.partition("`")[2].removesuffix("`").split())
        facts = probe(node, folder, role="primary").facts
        assert facts
        assert facts.offline == _FAILED


@feature("renamed commands", REDIS)
def test_commands_that_an_administrator_took_away_are_no_failure_of_the_host(version: Version) -> None:
    """As managed servers do: without CONFIG, HELLO and CLUSTER nothing is missing; without INFO or EXISTS the host
    cannot be judged by a role or a key, and stays as it is.
    """
    gone = {"harmless": ("CONFIG", "HELLO", "CLUSTER"), "asked": ("INFO", "EXISTS")}
    seen: dict[str, list[Observation]] = {}
    for name, commands in gone.items():
        with version.server(extra=[f'rename-command {command} ""' for command in commands]) as made:
            blocks: list[dict[str, Any]] = [{}, {"role": "primary"}, {"key": "maintenance"}]
            seen[name] = [ask_once("redis", made.address, made.port, timeout=SECONDS, **block) for block in blocks]
    assert [one.reason for one in seen["harmless"]] == [Reason.OK] * 3
    assert seen["harmless"][1].facts
    assert [one.reason for one in seen["asked"]] == [Reason.OK, Reason.OK, Reason.AUTH]
    unread = seen["asked"][1].unread
    assert unread
    assert (unread.reason, "unknown command" in unread.message) == (Reason.AUTH, True)


@feature("counts no error", [one for one in REDIS if one.release >= (7,)])
@pytest.mark.parametrize("role", ["any", "primary"])
def test_a_login_counts_no_error_of_a_command(server: Redis, folder: Path, role: str) -> None:
    """Alerts look at the failed calls of each command."""
    with account(server, *(("-@all", "+ping") if role == "any" else watching(server))):
        for words in (("CONFIG", "RESETSTAT"), ("ACL", "LOG", "RESET")):
            server.command(*words)
        assert probe(server, folder, role=role).reason is Reason.OK
        commands = server.command("INFO", "commandstats")
        failed = {
            name for name, said in commands.items() if said.get("failed_calls", 0) or said.get("rejected_calls", 0)
        }
        assert not any("cluster" in name for name in commands)
        assert failed <= _OF_THE_TEST
        assert server.command("ACL", "LOG") == []


@feature("counts no error", [one for one in REDIS if one.release >= (7,)])
@pytest.mark.parametrize("role", ["any", "primary"])
def test_a_login_to_a_server_with_a_password_counts_no_error(version: Version, folder: Path, role: str) -> None:
    """Neither with the password for all nor as a user of its own: nothing is asked before AUTH that needs it."""
    with version.server(accounts={"mooring": PASSWORD}) as server:
        assert isinstance(server, Redis)
        server.command("CONFIG", "SET", "requirepass", PASSWORD)
        server.password = PASSWORD
        server.command("CONFIG", "RESETSTAT")
        for user in ("default", "mooring"):
            block = {"user": user, "passwordFile": str(folder / "password"), "role": role}
            target = target_of("redis", server.address, server.port, timeout=SECONDS, **block)
            leave(held(target))
        assert not _OURS.intersection(server.command("INFO", "errorstats"))
