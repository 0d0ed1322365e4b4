"""`mooring replay` over recorded days."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mooring.cli.main import main
from support.console import compared
from support.recorded_day import A, B, Day

FLAPPING = {A: {3600 * hour: 3 for hour in range(1, 13)} | {60_000: 30}, B: {50_000: 2}}
"""Twelve times an hour apart three probes of A fail, once thirty; B fails twice."""
FILE = """\
version: 1
services:
  - name: mysql-external
    ports: [{name: mysql, port: 3306}]
    hosts: [10.20.0.11, 10.20.0.12]
    flap: off
    check: {periodSeconds: 2, successThreshold: 2, failureThreshold: %d, tcp: {}}
"""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With failureThreshold 2."""
    path = tmp_path_factory.mktemp("record") / "day.jsonl"
    path.write_bytes(Day(FLAPPING).record())
    return path


def file(tmp_path: Path, failure: int) -> str:
    path = tmp_path / "other.yaml"
    path.write_text(FILE % failure)
    return str(path)


def test_a_day_of_flapping_with_a_higher_threshold(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short failures take the host out no more; the long one does, later by the probes that it takes more.

    It is the example of docs/operations.md.
    """
    [[step]] = compared("docs/operations.md", __file__)
    file(tmp_path, 5)
    (tmp_path / "day.jsonl").symlink_to(day)
    monkeypatch.chdir(tmp_path)
    assert main(step.command.split()[1:]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == list(step.shown)
    assert out[0] == "default/mysql-external  2023-11-14T22:13:20Z to 2023-11-15T22:13:20Z, 2 hosts"
    assert out[3].startswith("  10.20.0.11: out 13 -> 1 times: 1 of 13 later by 6 s, 12 not at all;")


def test_a_lower_threshold_is_sooner(day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By one period of each failure."""
    assert main(["replay", str(day), "--config", file(tmp_path, 1)]) == 0
    out = capsys.readouterr().out
    assert "10.20.0.11: out 13 -> 13 times: 13 of 13 sooner by 2 s;" in out


def test_without_a_file_it_says_what_happened(day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was published when, too."""
    assert main(["replay", str(day)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[1:4] == [
        "  28 transitions, 14 flaps, without a ready host for 0 s",
        "  10.20.0.11: out 13 times, in service 23h57m",
        "  10.20.0.12: out once, in service 23h59m",
    ]
    assert out[5] == "    2023-11-14T22:13:20.000Z  10.20.0.11, 10.20.0.12"
    assert len(out) == 5 + 29


def test_a_script_reads_the_same_with_a_file(day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON: both courses, and what differs, host by host; nothing is cut."""
    assert main(["replay", str(day), "--config", file(tmp_path, 5), "-o", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["services"]
    assert (found["service"], found["from"]) == ("default/mysql-external", "2023-11-14T22:13:20Z")
    assert found["settings"] == {"failureThreshold": {"before": 2, "after": 5, "replayed": True}}
    assert [(found[when]["transitions"], found[when]["flaps"]) for when in ("before", "after")] == [(28, 14), (2, 1)]
    assert found["after"]["hosts"][0] == {"name": A, "address": A, "outs": 1, "servedSeconds": 86346.0}
    assert found["differences"] == [
        {"name": A, "address": A, "laterSeconds": [6.0], "avoided": 12, "added": 0},
        {"name": B, "address": B, "laterSeconds": [], "avoided": 1, "added": 0},
    ]
    assert found["after"]["published"] == [
        {"at": "2023-11-14T22:13:20.000Z", "ready": [A, B]},
        {"at": "2023-11-15T14:53:28.000Z", "ready": [B]},
        {"at": "2023-11-15T14:54:22.000Z", "ready": [A, B]},
    ]
    assert len(found["before"]["published"]) == 29


def test_a_script_reads_the_same_without_a_file(day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no other course then."""
    assert main(["replay", str(day), "-o", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["services"]
    assert (found["settings"], found["after"], found["differences"]) == ({}, None, None)
    assert found["before"]["hosts"][1]["outs"] == 1


def test_settings_that_no_replay_can_show_are_named(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record has the outcomes that came: other periods would have brought other ones."""
    path = Path(file(tmp_path, 2))
    path.write_text(path.read_text().replace("periodSeconds: 2", "periodSeconds: 5"))
    assert main(["replay", str(day), "--config", str(path)]) == 0
    out = capsys.readouterr().out
    assert "periodSeconds 2 -> 5: not replayed, a record has the outcomes that came" in out
    assert "10.20.0.11: as it was; out 13 times" in out


def test_what_only_one_of_both_has_is_told(day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Service of the record that the file does not have is shown as it was."""
    path = Path(file(tmp_path, 2))
    path.write_text(path.read_text().replace("name: mysql-external", "name: other"))
    assert main(["replay", str(day), "-c", str(path)]) == 0
    told = capsys.readouterr()
    assert "default/other: the record does not have it" in told.err
    assert "default/mysql-external: the file does not have it" in told.err
    assert "28 transitions" in told.out


def test_a_host_that_the_file_does_not_have_is_told(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is judged as the others."""
    path = Path(file(tmp_path, 5))
    path.write_text(path.read_text().replace(f", {B}", ""))
    assert main(["replay", str(day), "-c", str(path)]) == 0
    told = capsys.readouterr()
    assert f"the file has no host {B}" in told.err
    assert f"{B}: out 1 -> 0 times" in told.out


HEAD = b'{"record": 1, "mooring": "1", "at": "2026-01-02T10:00:00.000Z"}\n'
SERVICE = b'{"service": "default/db", "settings": {}}\n'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "day: has no Service; a record is what GET /record of a daemon returns"),
        (b"version: 1\n", "day:1: is no object of JSON"),
        (b"[1]\n", "day:1: is no object of JSON"),
        (b"{}\n", "day:1: is not the head of a record"),
        (b'{"record": 2}\n', "day:1: record: this Mooring reads format 1, not 2"),
        (b'{"record": 1, "at": 7}\n', "day:1: at: must be a time as 2026-11-26T03:00:00Z"),
        (HEAD, "day: has no Service"),
        (HEAD + b'{"host": "a"}\n', "day:2: a host before the first Service"),
        (HEAD + b'{"x": 1}\n', "day:2: is neither a Service nor a host"),
        (HEAD + SERVICE, "day:2: settings: are not those of a Service, or incomplete"),
        (HEAD + SERVICE + b'{"host": "a"}\n', "day:3: address: must be a text"),
        (HEAD + SERVICE + b'\n{"host": "a", "address": "x"}\n', "day:4: address: must be an IP address"),
        (b"\xff\xfe\n", "day:1: is no object of JSON"),
    ],
)
def test_what_is_no_record_is_refused_by_its_line(
    data: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """2, the line, and what is wrong with it."""
    monkeypatch.chdir(tmp_path)
    Path("day").write_bytes(data)
    assert main(["replay", "day"]) == 2
    assert capsys.readouterr().err.startswith(words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reason": "melted"}, "reason: this Mooring knows no reason 'melted'"),
        ({"count": 0}, "count: must be from 1 to"),
        ({"count": True}, "count: must be a number"),
        ({"firstAt": "2026-01-02T10:00:00"}, "firstAt: must be a time"),
        ({"counts": "yes"}, "counts: must be true or false"),
        ({"message": None}, "message: must be a text"),
    ],
)
def test_a_wrong_outcome_is_refused(
    day: Path, change: dict[str, object], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the line of its host."""
    lines = day.read_text().splitlines()
    host = json.loads(lines[2])
    host["outcomes"][1] |= change
    path = tmp_path / "wrong"
    path.write_text("\n".join([*lines[:2], json.dumps(host)]))
    assert main(["replay", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"{path}:3: {words}")


def test_no_file_and_a_wrong_configuration(day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2, and what is wrong with which."""
    assert main(["replay", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none'}: cannot be read: No such file or directory\n"
    path = Path(file(tmp_path, 0))
    assert main(["replay", str(day), "--config", str(path)]) == 2
    assert "failureThreshold" in capsys.readouterr().err
