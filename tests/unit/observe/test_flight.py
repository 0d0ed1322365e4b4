"""The record of all hosts, as `/record` gives it."""

from __future__ import annotations

import json

from support.recorded_day import A, B, Day


def test_a_record_has_a_head_then_each_service_and_its_hosts() -> None:
    """A line of JSON each; outcomes in a row are one entry."""
    lines = [json.loads(line) for line in Day({A: {10: 2}}, length=60).record().splitlines()]
    head, service, one, other = lines
    assert (head["record"], head["at"]) == (1, "2023-11-14T22:14:20.000Z")
    assert service["service"] == "default/mysql-external"
    assert (service["settings"]["failureThreshold"], service["settings"]["flap"]) == (2, None)
    assert [(one["host"], one["verdict"]), (other["host"], other["verdict"])] == [(A, "ready"), (B, "ready")]
    assert [(run["reason"], run["count"], run["judged"]) for run in one["outcomes"]] == [
        ("ok", 5, True),
        ("refused", 2, True),
        ("ok", 23, True),
    ]
    assert [(turn["from"], turn["to"]) for turn in one["transitions"]][1:] == [
        ("ready", "not-ready"),
        ("not-ready", "ready"),
    ]
