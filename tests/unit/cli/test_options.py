"""The options that each command takes."""

from __future__ import annotations

import re

import pytest

from mooring.cli.main import COMMANDS, main
from mooring.cli.settings import Settings
from mooring.protocols.registry import PROTOCOLS

pytestmark = pytest.mark.usefixtures("alone")


ACTS_ON: dict[str, set[str]] = {
    "run": {*Settings.model_fields, "once", "dry-run"},
    "check": {"config", "service", "output", "secret_dirs", "probe_cidrs", "allowed_cidrs", "log_format", "log_level"},
    "plan": {*Settings.model_fields} - {"listen", "lease_name", "lease_namespace", "max_demotions"},
    "doctor": {
        *("only", "wait", "output", "config", "cluster", "kubeconfig", "context", "leader_elect", "lease_name"),
        *("lease_namespace", "secret_dirs", "probe_cidrs", "allowed_cidrs"),
    },
    "validate": {"cluster", "leader_elect", "secret_dirs", "probe_cidrs", "allowed_cidrs"},
    "init": {*PROTOCOLS, "role"},
    "import": {"namespace", "cluster", "kubeconfig", "context"},
    "schema": set(),
    "status": {"url", "in_cluster", "watch", "output"},
    "explain": {"since", "url", "in_cluster", "output"},
    "replay": {"config", "output"},
    "pause": {"for", "reason", "cluster", "kubeconfig", "context"},
    "resume": {"cluster", "kubeconfig", "context"},
    "drain": {"service", "for", "reason", "force", "cluster", "kubeconfig", "context"},
    "undrain": {"service", "cluster", "kubeconfig", "context"},
    "completion": set(),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_lists_the_options_that_act_on_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And no others; a setting has its variable beside it."""
    assert main([name, "-h"]) == 0
    shown = capsys.readouterr().out
    listed = set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", shown, re.MULTILINE))
    assert listed == {found.replace("_", "-") for found in ACTS_ON[name]} | {"help"}
    words = " ".join(shown.split())
    for setting in ACTS_ON[name] & {*Settings.model_fields, "url"}:
        assert f"MOORING_{setting.upper()})" in words


def test_every_command_is_in_the_table() -> None:
    """The tests above leave out none."""
    assert [*ACTS_ON] == [*COMMANDS]
