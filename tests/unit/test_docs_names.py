"""What the documentation calls by its name is called so: metrics, log events, options, variables, commands."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable

import click
import pytest

from mooring.cli.main import COMMANDS
from support.yaml_blocks import PAGES, ROOT

DAEMON = ROOT / "daemon/mooring"
TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES if page.name != "CHANGELOG.md"}
OTHERS = frozenset({"--platform", "--utc", "--fresh"})
"""Options of other programs that pages name alone."""
_EVENT = r"[a-z]+\.[a-z_]+"
_FILES = ("yaml", "md", "py", "json", "sh", "toml", "txt", "html", "service", "container", "conf", "cnf", "jsonl")


def used(pattern: str, span: str = "") -> dict[str, str]:
    """What stands so in code spans of the pages that begin with ``span``, each with a page."""
    found: dict[str, str] = {}
    for page, text in TEXTS.items():
        for code in re.findall(r"`([^`\n]+)`", text):
            found |= dict.fromkeys(re.findall(pattern, code) if re.match(span, code) else (), page)
    return found


def metrics() -> set[str]:
    """All that is exported, as docs/metrics.md has it."""
    named = re.findall(r"^`(mooring_\w+)`", TEXTS["docs/metrics.md"], re.MULTILINE)
    return {f"{name}{suffix}" for name in named for suffix in ("", "_bucket", "_count", "_sum")}


def events() -> set[str]:
    """All names that the daemon may log."""
    sources = "".join(path.read_text() for path in DAEMON.rglob("*.py"))
    return set(re.findall(rf'"({_EVENT})"', sources))


def options() -> set[str]:
    """Those of all commands."""
    commands: Iterable[click.Command] = (importlib.import_module(module).command for module, _ in COMMANDS.values())
    found = {name for command in commands for one in command.params for name in (*one.opts, *one.secondary_opts)}
    return {*found, "--version", "--help"}


def variables() -> set[str]:
    """Each setting is an option, too."""
    return {f"MOORING_{name[2:].upper().replace('-', '_')}" for name in options() if name.startswith("--")}


@pytest.mark.parametrize(
    ("pattern", "span", "known"),
    [
        pytest.param(r"\bmooring_[a-z_]+\b", "", metrics, id="metrics"),
        pytest.param(r"(?<![\w-])--[a-z][a-z-]+", "--|mooring ", options, id="options"),
        pytest.param(r"\bMOORING_[A-Z_]+\b", "", variables, id="variables"),
        pytest.param(r"^(?:kubectl )?mooring ([a-z]+)\b", "", lambda: set(COMMANDS), id="commands"),
    ],
)
def test_names_are_those_of_today(pattern: str, span: str, known: Callable[[], set[str]]) -> None:
    """A name that a page has is one that Mooring knows."""
    found, today = used(pattern, span), known() | OTHERS
    assert {name: page for name, page in found.items() if name not in today} == {}
    assert found


def test_log_events_are_those_of_today() -> None:
    """By their first word they are events; then Mooring logs one of this name."""
    known = events()
    rooms = {name.partition(".")[0] for name in known}
    named = {
        name: page
        for name, page in used(rf"^{_EVENT}$").items()
        if name.partition(".")[0] in rooms and name.rpartition(".")[2] not in _FILES
    }
    assert {name: page for name, page in named.items() if name not in known} == {}
    assert len(named) > 10
