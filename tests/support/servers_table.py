"""The table of docs/servers.md: which feature a test has shown on which server.

A pytest plugin: with ``--servers-table FILE`` it writes the table in that file anew by the tests that passed, and
leaves the file alone where a test of a feature failed, or did not run.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lab.matrix.versions import VERSIONS

MATRIX = Path(__file__).parents[1] / "scenarios" / "matrix"
BEGIN, END = "<!-- by make matrix: begin -->", "<!-- end -->"
Cell = tuple[str, str]
"""A feature, and the title of a version."""


def _features(module: ModuleType) -> Iterator[Cell]:
    for name, test in inspect.getmembers(module, inspect.isfunction):
        marks: Mapping[str, pytest.Mark] = {mark.name: mark for mark in _marks(test)}
        if name.startswith("test_") and "feature" in marks:
            for mark in _marks(test):
                if mark.name == "parametrize" and mark.args[0] == "version":
                    yield from ((marks["feature"].args[0], str(param.id)) for param in mark.args[1])


def _marks(test: Any) -> list[pytest.Mark]:
    return list(getattr(test, "pytestmark", []))


def cells() -> list[Cell]:
    """What the tests of the matrix show when all of them pass, in the order of their files."""
    found: dict[Cell, None] = {}
    for path in sorted(MATRIX.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"matrix_{path.stem}", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.update(dict.fromkeys(_features(module)))
    return list(found)


def table(shown: Iterable[Cell]) -> str:
    """Markdown: a row for each feature, a column for each version; ``-``: the server has no such thing."""
    known = set(shown)
    features = list(dict.fromkeys(feature for feature, _ in shown))
    titles = [version.title for version in VERSIONS]
    rows = [
        [feature, *("yes" if (feature, title) in known else "-" for title in titles)] for feature in sorted(features)
    ]
    return "\n".join(" | ".join(row) for row in (["Shown on", *titles], ["---"] * (len(titles) + 1), *rows))


def replaced(text: str, shown: Iterable[Cell]) -> str:
    """The document with another table. Raises ValueError where it has no place for one."""
    before, begin, rest = text.partition(BEGIN)
    _, end, behind = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{table(shown)}\n\n{END}{behind}"


class Writer:
    """Gathers how the tests ended, and writes the table at the end."""

    def __init__(self, document: Path) -> None:
        self._document = document
        self._passed: set[Cell] = set()
        self._failed: set[Cell] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for cell in getattr(report, "cells", ()):
            if report.when == "call" and report.passed:
                self._passed.add(tuple(cell))
            elif not report.passed:
                self._failed.add(tuple(cell))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        wanted = cells()
        missing = [cell for cell in wanted if cell not in self._passed or cell in self._failed]
        if missing:
            terminalreporter.line(f"{self._document} stays as it is: {len(missing)} not shown, as {missing[0]}")
            return
        self._document.write_text(replaced(self._document.read_text(), wanted))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--servers-table", type=Path, help="write the table of this document anew, as docs/servers.md")


def pytest_configure(config: pytest.Config) -> None:
    if (document := config.getoption("--servers-table")) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Writer(document))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    callspec = getattr(item, "callspec", None)
    if callspec is not None and "version" in callspec.params:
        title = callspec.params["version"].title
        report.cells = [[mark.args[0], title] for mark in item.iter_markers("feature")]  # type: ignore[attr-defined]
    return report
