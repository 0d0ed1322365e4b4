"""A pytest plugin: tests that this machine cannot run are skipped loudly, and with CI set nothing may skip at all."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from kube import machine, schemas
from lab import emulated, fresh, images, installed, leftovers, servers
from lab.matrix import roots
from lab.process import command
from lab.topologies import galera

_ASKED_FOR = {"every_server": "--every-server", "fresh_machine": "--fresh"}
"""Tests so marked run only where the option is given."""
_ORDER = ("unit", "scenarios", "cluster", "fresh")
_MARKERS = {
    "needs_root": "makes network namespaces: needs Linux, root, ip and nft",
    "needs_bare_machine": "makes a bare machine: needs Linux, root, mmdebstrap and package mirrors",
    "needs_emulation": "runs programs for arm64: needs Linux, root and QEMU",
    "needs_faketime": "fakes the wall clock of a child: needs libfaketime",
    "needs_servers": "starts real servers: needs mariadbd and redis-server",
    "needs_galera": "forms a Galera cluster: needs mariadbd, Galera's provider, rsync and ss",
    "needs_dnsmasq": "asks a real name server: needs dnsmasq",
    "needs_promtool": "judges metrics and alert rules by Prometheus' own tool: needs promtool",
    "needs_browser": "looks at the page in a real browser: needs chromium",
    "needs_api": "starts a real API server: needs Kubernetes, built by tools/bootstrap.sh cluster",
    "needs_cluster": "starts a whole Kubernetes: needs Linux, root, runc, CNI's plugins, and Kubernetes as needs_api",
    "needs_schemas": "holds manifests to the schemas of several versions of Kubernetes: needs bootstrap.sh schemas",
    "needs_image": "runs Mooring's image: needs Linux, root, podman, buildah, runc, and what bootstrap.sh image builds",
    "needs_systemd": "boots a real systemd: needs what needs_image does, and what bootstrap.sh systemd builds",
}
_LISTS = {
    "needs_servers": servers.missing,
    "needs_galera": galera.missing,
    "needs_api": machine.missing_for_api,
    "needs_cluster": machine.missing,
    "needs_schemas": schemas.missing,
    "needs_image": images.missing,
    "needs_systemd": installed.missing,
    "needs_bare_machine": fresh.missing,
    "needs_emulation": emulated.missing,
}
_PROGRAMS = {
    "needs_faketime": "faketime",
    "needs_dnsmasq": "dnsmasq",
    "needs_promtool": "promtool",
    "needs_browser": "chromium",
}


def strict() -> bool:
    return bool(os.environ.get("CI"))


def lacking(marker: str) -> str | None:
    """What this machine lacks for the tests so marked; None where they can run."""
    if not sys.platform.startswith("linux"):
        return "not on Linux"
    if marker in _LISTS and (absent := _LISTS[marker]()):
        return f"not installed: {', '.join(absent)}"
    if marker in ("needs_servers", "needs_galera", "needs_api", "needs_schemas"):
        return None
    if marker in _PROGRAMS:
        program = _PROGRAMS[marker]
        return None if command(program) else f"not installed: {program}"
    if os.geteuid() != 0:
        return "not root"
    absent = [name for name in ("ip", "nft") if command(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-server", action="store_true", help="also the servers and versions of `make matrix` alone")
    parser.addoption("--fresh", action="store_true", help="also the bare machines of `make fresh`")


class _Told:
    """Gathers what was skipped, and tells at the end; under pytest-xdist, where the workers' reports arrive."""

    def __init__(self) -> None:
        self._skipped: dict[str, set[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._hear(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._hear(report)

    def _hear(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if reason := getattr(report, "not_run", None):
            self._skipped.setdefault(reason, set()).add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._skipped:
            return
        terminalreporter.section("NOT RUN on this machine", yellow=True, bold=True)
        for reason, tests in sorted(self._skipped.items()):
            terminalreporter.line(f"{len(tests)} because: {reason}")
            for test in sorted(tests):
                terminalreporter.line(f"    {test}")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a background job; what tests start inherits it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(_Told())
    config.addinivalue_line("markers", "slow: takes more than a few seconds; make unit leaves it out")
    config.addinivalue_line("markers", "needs_packages(ROOT...): runs servers that bootstrap.sh matrix fetches")
    config.addinivalue_line("markers", "every_server: a version that only --every-server, as make matrix, runs")
    config.addinivalue_line("markers", "fresh_machine: what only --fresh, as make fresh, runs")
    config.addinivalue_line(
        "markers", "fault(KIND, FAULT, DOES, within=TIME): a row of docs/faults.md; see tools/faults.py"
    )
    config.addinivalue_line("markers", "feature(NAME): shows it on each version; a column of docs/servers.md")
    for name, meaning in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_sessionstart() -> None:
    leftovers.sweep()


def _tier(item: pytest.Item) -> int:
    parts = Path(item.nodeid).parts
    return next((place for place, tier in enumerate(_ORDER) if tier in parts[:-1]), 0)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What answers in seconds goes first; where several workers share the work, what takes longest does."""
    spread = hasattr(config, "workerinput")
    items.sort(key=_tier, reverse=spread)
    for marker in (marker for marker, option in _ASKED_FOR.items() if not config.getoption(option)):
        left_out = [item for item in items if item.get_closest_marker(marker)]
        items[:] = [item for item in items if not item.get_closest_marker(marker)]
        config.hook.pytest_deselected(items=left_out)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in _MARKERS:
        if item.get_closest_marker(marker) and (reason := lacking(marker)):
            pytest.skip(reason)
    for packages in item.iter_markers("needs_packages"):
        if absent := roots.missing(*packages.args):
            pytest.skip(f"not fetched: {', '.join(absent)}")


def _loud(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    report.not_run = reason  # type: ignore[union-attr]  # reports carry what is put on them
    if strict():
        report.outcome = "failed"
        report.longrepr = f"skipped, and CI is set, where nothing may skip: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _loud(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _loud(report)
    return report
