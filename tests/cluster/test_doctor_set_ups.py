"""`mooring doctor` before broken set-ups, each with one fault, on a whole cluster with real databases outside."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.broken_set_ups import BROKEN, Row
from cluster.commands import Done
from cluster.set_up import SetUp, World, worlds
from kube.databases import MYSQL, REDIS, outside
from kube.full_cluster import Cluster

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]
CODES = {"file": 2, "cluster": 3}
"""What the command ends with, else 1; a warning alone: 0."""
ALONE = frozenset({"file", "cluster"})
"""Groups whose faults keep the doctor from looking at traffic."""


@pytest.fixture(scope="module")
def world(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with (
        outside(cluster, tmp_path_factory.mktemp("secrets"), MYSQL, REDIS) as databases,
        worlds(cluster, databases) as made,
    ):
        yield made


def looked(done: Done) -> dict[str, Any]:
    """What was found, by group."""
    assert done.stdout, done.stderr
    return {group["group"]: group for group in json.loads(done.stdout)["groups"]}


@pytest.mark.parametrize("kind", ["mysql", "redis", "sentinel"])
def test_a_sound_set_up_has_no_finding(world: World, kind: str, namespace: str, tmp_path: Path) -> None:
    """0; every group was looked at, and traffic reaches what is published."""
    with contextlib.ExitStack() as undo:
        sound = SetUp(world, kind, namespace, tmp_path, undo)
        sound.make()
        sound.settle()
        done = sound.look()
    groups = looked(done)
    assert [one["what"] for group in groups.values() for one in group["findings"]] == []
    assert [name for name, group in groups.items() if group["notLookedAt"]] == []
    assert done.returncode == 0
    (note,) = groups["traffic"]["notes"]
    assert note.startswith(f"{sound.key}: 10.96.")
    assert " leads to " in note


def test_there_are_forty_broken_set_ups() -> None:
    """Each of another cause, and at least one for each group."""
    assert len({(row.group, row.name) for row in BROKEN}) == len(BROKEN) >= 40


@pytest.mark.parametrize("row", BROKEN, ids=str)
def test_a_broken_set_up_has_one_finding(world: World, row: Row, namespace: str, tmp_path: Path) -> None:
    """All groups together have one: in the group of its cause, with what is wrong and what mends it."""
    with contextlib.ExitStack() as undo:
        broken = SetUp(world, row.kind, namespace, tmp_path, undo)
        row.broken(broken)
        broken.make()
        if row.group not in ALONE:
            broken.settle()
        done = broken.look()
    found = [(name, one) for name, group in looked(done).items() for one in group["findings"]]
    assert [(name, one["what"]) for name, one in found] == [(row.group, found[0][1]["what"] if found else "")]
    ((_, finding),) = found
    assert re.search(row.says, finding["what"])
    assert finding["level"] == ("warning" if row.warning else "problem")
    assert finding["why"]
    assert finding["mend"]
    assert done.returncode == (0 if row.warning else CODES.get(row.group, 1))
