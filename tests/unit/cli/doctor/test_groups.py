"""How the groups are looked at: one that cannot be hides no other."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import pytest

from mooring.cli.doctor import groups
from mooring.cli.doctor.finding import Finding, Level, NotLookedAt
from mooring.cli.doctor.groups import GROUPS, look_at
from mooring.cli.doctor.subject import Subject
from mooring.cli.settings import load_settings
from mooring.model.errors import Rejected, Unavailable

FOUND = Finding("a", "b", "c")
SUBJECT = Subject(load_settings({"cluster": "local"}))


def looking(monkeypatch: pytest.MonkeyPatch, **looks: Callable[[Subject], list[Finding]]) -> None:
    monkeypatch.setattr(groups, "GROUPS", MappingProxyType(looks))


def raises(error: Exception) -> Callable[[Subject], list[Finding]]:
    def look(_on: Subject) -> list[Finding]:
        raise error

    return look


def test_groups_are_looked_at_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order in which they are asked for; no other is."""
    looking(monkeypatch, a=lambda _: [], b=lambda _: [FOUND], c=lambda _: [])
    assert [one.group for one in look_at(SUBJECT, ["c", "a"])] == ["a", "c"]


@pytest.mark.parametrize(
    ("error", "code"), [(NotLookedAt("the file"), 0), (Unavailable("silent"), 3)], ids=["other-cause", "silent"]
)
def test_what_cannot_be_looked_at_says_why(monkeypatch: pytest.MonkeyPatch, error: Exception, code: int) -> None:
    """And the next group is looked at."""
    looking(monkeypatch, a=raises(error), b=lambda _: [FOUND])
    first, second = look_at(SUBJECT, ["a", "b"])
    assert (first.skipped, first.findings, first.code) == (str(error), (), code)
    assert second.findings == (FOUND,)


def test_a_refusal_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the group `rights`; where nobody looked at that, by the group itself."""
    looking(monkeypatch, rights=lambda _: [FOUND], services=raises(Rejected("403")))
    assert [len(one.findings) for one in look_at(SUBJECT, ["rights", "services"])] == [1, 0]
    (alone,) = look_at(SUBJECT, ["services"])
    assert alone.findings[0].what == "403"
    assert "--only rights" in alone.findings[0].mend


@pytest.mark.parametrize(("name", "code"), [("file", 2), ("cluster", 3), ("hosts", 0)])
def test_a_file_or_a_cluster_that_cannot_be_used_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    """With a problem, not with a warning."""
    looking(monkeypatch, **{name: lambda _: [FOUND]})
    assert look_at(SUBJECT, [name])[0].code == code
    looking(monkeypatch, **{name: lambda _: [Finding("a", "b", "c", Level.WARNING)]})
    assert look_at(SUBJECT, [name])[0].code == 0


def test_the_groups_are_in_the_order_in_which_one_needs_the_other() -> None:
    """A broken file is read before what it breaks."""
    in_cluster = ["cluster", "rights", "services", "mirroring"]
    assert [*GROUPS] == ["file", "secrets", *in_cluster, "hosts", "sentinels", "network", "lease", "clock", "traffic"]
