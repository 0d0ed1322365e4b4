"""`mooring plan` as a user types it; hosts are TCP ports on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mooring.cli.main import main
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from support.console import compared
from support.typed_commands import Write, manifest
from support.yaml_blocks import documents

pytestmark = pytest.mark.usefixtures("alone")


def test_plan_prints_the_diff_and_writes_nothing(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 with a diff while something would change, 0 when nothing would."""
    arguments = ["--config", str(write(up)), "--state-dir", "state"]
    assert main(["plan", *arguments]) == 1
    assert "+  - 10.20.0.11\n" in capsys.readouterr().out
    assert list((tmp_path / "state").iterdir()) == []
    main(["run", "--once", *arguments])
    assert main(["plan", *arguments]) == 0
    assert capsys.readouterr().out == "nothing to change\n"


def test_plan_and_once_show_why_an_object_is_refused(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """An object made by hand with an address that the file lacks: the sentence says both ways out."""
    (tmp_path / "state" / "default").mkdir(parents=True)
    theirs = {
        "kind": "Endpoints",
        "metadata": {"name": "mysql-external"},
        "subsets": [{"addresses": [{"ip": "10.20.0.99"}], "ports": [{"port": 3306}]}],
    }
    (tmp_path / "state" / "default" / "mysql-external.yaml").write_text(yaml.safe_dump(theirs))
    arguments = ["--config", str(write(up)), "--state-dir", "state"]
    assert main(["plan", *arguments]) == 1
    assert "10.20.0.99. List them under hosts, or set adopt: replace" in capsys.readouterr().err
    assert main(["run", "--once", *arguments]) == 1
    assert manifest(tmp_path) == theirs


@pytest.mark.parametrize("command", [["run", "--once"], ["plan"]])
def test_an_unreadable_manifest_ends_a_command_and_stays(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """The command says what cannot be read, the hosts are probed all the same, and nothing hangs."""
    (tmp_path / "state" / "default").mkdir(parents=True)
    broken = tmp_path / "state" / "default" / "mysql-external.yaml"
    broken.write_text("a: b: c")
    assert main([*command, "--config", str(write(up)), "--state-dir", "state"]) == 1
    assert "is not valid YAML, line 1; repair or remove the file" in capsys.readouterr().err
    assert broken.read_text() == "a: b: c"


def test_the_page_shows_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The slices of docs/publishing.md, of the file that stands above them; its addresses are on no machine."""
    [[step]] = compared("docs/publishing.md", __file__)
    [file] = [one.text for one in documents() if one.page == "docs/publishing.md"]
    (tmp_path / "config.yaml").write_text(file)
    monkeypatch.setattr("mooring.cli.once.whole_probe", lambda _target: Observation(Reason.OK))
    assert main([*step.command.split()[1:], "--config", "config.yaml", "--state-dir", "state"]) == 1
    assert capsys.readouterr().out.splitlines() == list(step.shown)
