"""What stands above a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mooring.observe.banners import age, banners

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
WELL: dict[str, Any] = {"leader": True, "config": {"error": None}, "services": []}
SERVICE: dict[str, Any] = {"namespace": "default", "name": "db", "error": None}
PAUSE = {"until": None, "by": "", "reason": ""}
OF_DAEMON = {
    "refused file": ({"config": {"error": "c.yaml:1:1: no"}}, "The changed file was refused"),
    "standby": ({"leader": False, "holder": "db-a-1"}, "Standby: db-a-1 leads and writes."),
    "nobody leads": ({"leader": False, "holder": None}, "Standby: no Mooring is known to lead."),
    "api": (
        {"apiUnheardSince": "2026-01-02T03:00:00.000Z"},
        "The API server has not been heard for 4m5s: nothing can be written, and the stored objects stay.",
    ),
    "blind": ({"blind": True}, "Blind: all ready hosts are silent at once"),
}
OF_SERVICE = {
    "split brain": ({"splitBrain": True}, "split brain: several hosts say that they are the primary"),
    "paused": ({"paused": PAUSE}, "paused: nothing is written while the annotation mooring/paused says so"),
    "paused by": (
        {"paused": {"until": "2026-01-02T05:00:00.000Z", "by": "ada", "reason": "new disk"}},
        "paused by ada until 2026-01-02 05:00 UTC (new disk): nothing is written",
    ),
    "hindered": ({"error": "there is no such Service"}, "there is no such Service"),
    "kept": ({"keptLast": True}, "no host is fit; the last ready ones stay published"),
    "held": ({"held": ["10.20.0.9"]}, "10.20.0.9: no host has them; they stay, unprobed"),
    "trusted": ({"trusted": ["db1"]}, "db1: published whether Mooring can judge them or not"),
    "contested": ({"contested": [{"manager": "argocd", "mooring": False}]}, "argocd changes the stored objects"),
    "two": ({"contested": [{"manager": "b-1", "mooring": True}]}, "another Mooring, b-1, changes the stored objects"),
}


@pytest.mark.parametrize(("said", "sentence"), OF_DAEMON.values(), ids=OF_DAEMON)
def test_what_holds_for_the_whole_daemon(said: dict[str, Any], sentence: str) -> None:
    """A refused file, a standby, an API server or hosts that are not heard: each in one sentence, and first."""
    (found,) = banners({**WELL, **said}, NOW)
    assert found.startswith(sentence)


@pytest.mark.parametrize(("said", "sentence"), OF_SERVICE.values(), ids=OF_SERVICE)
def test_what_holds_for_one_service(said: dict[str, Any], sentence: str) -> None:
    """It begins with the name of the Service."""
    (found,) = banners({**WELL, "services": [{**SERVICE, **said}]}, NOW)
    assert found.startswith(f"default/db: {sentence}")


def test_where_all_is_well_nothing_is_said() -> None:
    """Also where a former daemon answers, which knows less."""
    assert not list(banners({**WELL, "services": [SERVICE]}, NOW))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0.9, "0s"), (59, "59s"), (60, "1m0s"), (3599, "59m59s"), (3600, "1h0m"), (90061, "1d1h")],
)
def test_ages_read_as_kubectl_writes_them(seconds: float, text: str) -> None:
    """Two units at most, the larger first."""
    assert age(seconds) == text
