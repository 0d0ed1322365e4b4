"""A pytest plugin: which tests share a worker, where several workers share the tests (``--dist=loadscope``)."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from lab.matrix.versions import VERSIONS

_TITLES = sorted((version.title for version in VERSIONS), key=len, reverse=True)


def group_of(nodeid: str) -> str:
    """All tests of one server's version share a worker: the server starts once. So do all tests of a file, for its
    fixtures. Each batch of simulated worlds goes where a processor is free.
    """
    path, _, test = nodeid.partition("::")
    if path.startswith("tests/scenarios/matrix/"):
        return next((title for title in _TITLES if title in test), path)
    return nodeid if path.startswith("tests/simulation/") else path


class _Spread(LoadScopeScheduling):  # type: ignore[misc]  # as its module
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling | None:
    """pytest-xdist's own groups are lost: it appends them to ids that pytest since 9.1 computes anew each time."""
    return _Spread(config, log) if config.getoption("dist") == "loadscope" else None
