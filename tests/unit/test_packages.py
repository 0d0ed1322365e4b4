"""What Mooring is installed by, besides the manifests of a cluster."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from mooring import __version__

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "deploy/systemd"
OTHERWISE = {"Type", "NotifyAccess", "ExecStart", "ExecReload", "WatchdogSec"}
"""What podman says by itself, or cannot hand on."""


def settings(name: str) -> dict[str, dict[str, str]]:
    """The sections of a unit; of a key that stands there several times the last counts."""
    found: dict[str, dict[str, str]] = {}
    for line in (SYSTEMD / name).read_text().splitlines():
        if section := re.fullmatch(r"\[(\w+)\]", line):
            found[section[1]] = {}
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[list(found)[-1]][key] = value
    return found


def test_the_container_is_kept_as_the_unit_is() -> None:
    """The Quadlet file restarts, waits and is limited as mooring.service, and begins at the same time."""
    unit, container = settings("mooring.service"), settings("mooring.container")
    shared = container["Service"].keys() - OTHERWISE
    assert {key: container["Service"][key] for key in shared} == {key: unit["Service"][key] for key in shared}
    assert {"Restart", "TimeoutStopSec", "MemoryMax", "LimitCORE"} <= shared
    assert container["Unit"] == unit["Unit"]
    assert container["Install"] == unit["Install"]


def test_the_container_may_do_nothing_more() -> None:
    """It writes nothing, has no capability, and runs the image of this version."""
    container = settings("mooring.container")["Container"]
    assert container["Image"] == f"mooring:{__version__}"
    assert (container["ReadOnly"], container["DropCapability"], container["NoNewPrivileges"]) == ("true", "all", "true")
    assert container["Volume"].endswith(":ro")


def test_a_source_package_has_what_a_user_needs() -> None:
    """The example, the ways to install it and the documentation come along."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"/config", "/deploy", "/docs", "/SECURITY.md"} <= set(included)
    assert [name for name in included if not (name.startswith("/") and (ROOT / name[1:]).exists())] == []


def test_the_chart_says_what_a_catalogue_of_charts_asks() -> None:
    """Category and licence, the licence that the project has."""
    chart = yaml.safe_load((ROOT / "deploy/helm/mooring/Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = {"artifacthub.io/category": "database", "artifacthub.io/license": project["license"]}
    assert chart["annotations"] == said
