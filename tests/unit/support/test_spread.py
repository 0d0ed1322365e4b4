"""Which tests run in one worker."""

from __future__ import annotations

import pytest

from support.spread import group_of


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/cluster/test_api.py::test_users[a/b]", "tests/cluster/test_api.py"),
        ("tests/scenarios/matrix/test_kill.py::test_one[everything-MySQL 8.0.15]", "MySQL 8.0.15"),
        ("tests/scenarios/matrix/test_kill.py::test_one[Redis 8.6]", "Redis 8.6"),
        ("tests/scenarios/matrix/test_kill.py::test_two", "tests/scenarios/matrix/test_kill.py"),
        ("tests/scenarios/test_oracle.py::test_one[x]", "tests/scenarios/test_oracle.py"),
        (
            "tests/simulation/test_simulation.py::test_worlds[21]",
            "tests/simulation/test_simulation.py::test_worlds[21]",
        ),
        ("tests/unit/probe/test_engine.py::test_one", "tests/unit/probe/test_engine.py"),
    ],
)
def test_a_version_and_a_file_have_one_worker(nodeid: str, group: str) -> None:
    """What is dear to start is started once; everything else is spread by file."""
    assert group_of(nodeid) == group
