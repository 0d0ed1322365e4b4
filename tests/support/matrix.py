"""Tests that run on every server and version: the cells of the table in docs/servers.md.

A test in ``tests/scenarios/matrix`` that is marked with ``feature`` takes the fixture ``server`` (or ``version``), and
runs once for each version that is named. `make test` runs those that are ``always``, `make matrix` all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

import pytest

from lab.matrix.versions import VERSIONS, Version

Test = TypeVar("Test", bound=Callable[..., None])

SQL = tuple(version for version in VERSIONS if version.protocol == "mysql")
MYSQL = tuple(version for version in SQL if version.kind == "mysql")
MARIADB = tuple(version for version in SQL if version.kind == "mariadb")
REDIS = tuple(version for version in VERSIONS if version.protocol == "redis")


def few(versions: Iterable[Version], *numbers: str) -> tuple[Version, ...]:
    """The same versions; `make test` runs those of these numbers alone, for a test that takes seconds on each."""
    return tuple(replace(one, always=one.always and one.number in numbers) for one in versions)


def _marks(version: Version) -> list[pytest.MarkDecorator]:
    marks = [pytest.mark.needs_servers]
    if version.root:
        marks.append(pytest.mark.needs_packages(version.root))
    if not version.always:
        marks.append(pytest.mark.every_server)
    return marks


def feature(name: str, versions: Iterable[Version] = VERSIONS) -> Callable[[Test], Test]:
    """The test shows this feature of Mooring on these versions."""
    params = [pytest.param(version, id=version.title, marks=_marks(version)) for version in versions]

    def marked(test: Test) -> Test:
        each: Test = pytest.mark.parametrize("version", params, indirect=True, scope="session")(test)
        shown: Test = pytest.mark.feature(name)(each)
        return shown

    return marked
