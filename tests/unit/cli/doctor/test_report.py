"""The doctor's report."""

from __future__ import annotations

import json

import pytest

from mooring.cli.doctor.finding import Finding, Level, Looked, Note
from mooring.cli.doctor.report import as_json, as_text, exit_code

PROBLEM = Finding("it is broken", "nothing works", "first\nsecond")
WARNING = Finding("it will break", "one day", "soon", Level.WARNING)
SOUND = Looked("file")


@pytest.mark.parametrize(
    ("looked", "code"),
    [
        ([SOUND], 0),
        ([SOUND, Looked("hosts", (WARNING,))], 0),
        ([Looked("hosts", (WARNING, PROBLEM))], 1),
        ([Looked("services", skipped="no answer", code=3), Looked("hosts", (PROBLEM,))], 3),
        ([Looked("file", (PROBLEM,), code=2), Looked("cluster", (PROBLEM,), code=3)], 2),
        ([Looked("rights", skipped="the file is not valid")], 0),
    ],
)
def test_the_exit_code_is_that_of_the_worst(looked: list[Looked], code: int) -> None:
    """2 a file and 3 a cluster that cannot be used, 1 other problems, 0 none."""
    assert exit_code(looked) == code


def test_a_person_reads_what_is_wrong_why_it_matters_and_what_mends_it() -> None:
    """What to type stands so that it can be copied: a manifest at the left edge."""
    shown = as_text([SOUND, Looked("hosts", (PROBLEM, WARNING)), Looked("lease", skipped="no cluster")])
    assert shown == (
        "file        ok\n"
        "hosts       1 problem, 1 warning\n"
        "  ✗ what  it is broken\n"
        "    why   nothing works\n"
        "    mend\n"
        "first\n"
        "second\n"
        "  ! what  it will break\n"
        "    why   one day\n"
        "    mend  soon\n"
        "lease       not looked at: no cluster\n"
    )


def test_a_script_reads_the_same() -> None:
    """As JSON."""
    document = json.loads(json.dumps(as_json([Looked("hosts", (WARNING,)), Looked("lease", skipped="no cluster")])))
    first, second = document["groups"]
    finding = {"level": "warning", "what": "it will break", "why": "one day", "mend": "soon"}
    assert first == {"group": "hosts", "sound": True, "notLookedAt": None, "notes": [], "findings": [finding]}
    assert second["notLookedAt"] == "no cluster"


def test_a_note_stands_under_its_group_and_is_no_finding() -> None:
    """What was seen is said where all is sound, too."""
    looked = Looked("traffic", notes=(Note("shop/db: 10.96.0.7:3306 leads to db1"),))
    assert as_text([looked]) == "traffic     ok\n  · shop/db: 10.96.0.7:3306 leads to db1\n"
    assert as_json([looked])["groups"][0]["notes"] == ["shop/db: 10.96.0.7:3306 leads to db1"]
    assert looked.sound
