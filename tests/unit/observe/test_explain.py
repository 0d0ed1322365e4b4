"""Why a host is in or out, in words."""

from __future__ import annotations

from typing import Any

import pytest

from lab.documents import NOW, PROBED, host, out, service, status, transition
from mooring.model.damping import Damper
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.observe.explain import effect_of, explanation
from mooring.observe.table import HELD

FIRST = host(name="db1", address="10.20.0.11")
REST = "; other hosts of the Service: 1 ready"
REFUSED = f"refused at {PROBED}: nothing listens on the port (connection refused)"
OUT = f"out since 10:16:01 UTC: 3 of 3 failures, {REFUSED}"
IN = f"in since 10:16:01 UTC: ok at {PROBED}: answers and can serve"
AUTH = f"auth at {PROBED}: refuses our login; its state cannot be known"


def explain(one: dict[str, Any], of: dict[str, Any] | None = None, daemon: dict[str, Any] | None = None) -> str:
    listed = service(FIRST, one, **(of or {}))
    return explanation(status(listed, **(daemon or {})), listed, one, NOW)


SENTENCES: dict[str, tuple[dict[str, Any], str]] = {
    "in": (host(), IN),
    "in, not probed yet": (host(reason=None), "in since 10:16:01 UTC, as it was stored: it has not been probed yet"),
    "in, failing": (
        host(reason="refused", message="connection refused", consecutive=2),
        f"in since 10:16:01 UTC: 2 of 3 failures against it, {REFUSED}; out after 1 more",
    ),
    "in, unchecked": (
        host(reason="auth"),
        f"in since 10:16:01 UTC, unchecked: {AUTH}; what is unknown changes nothing, so it stays in",
    ),
    "in, unchecked after failures": (
        host(reason="auth", consecutive=2),
        (
            f"in since 10:16:01 UTC, unchecked: {AUTH}; what is unknown changes nothing, so it stays in; "
            "2 of 3 failures count against it"
        ),
    ),
    "in, kept by its session": (
        host(reason="saturated"),
        (
            f"in since 10:16:01 UTC: stays in though saturated at {PROBED}: has no connection left to give; "
            "its Service, or the session that Mooring holds there, keeps it"
        ),
    ),
    "out": (out(), f"{OUT}; back after 2 successes"),
    "out since yesterday": (
        out(since="2025-11-25T23:59:59.000Z"),
        f"out since 2025-11-25 23:59:59 UTC: 3 of 3 failures, {REFUSED}; back after 2 successes",
    ),
    "out, by its first outcome": (
        out(transitions=[transition(**{"from": "never-judged", "streak": 1})]),
        f"out since 10:16:01 UTC: its first outcome, {REFUSED}; back after 2 successes",
    ),
    "out, now otherwise": (
        out(reason="loading", message=""),
        f"{OUT}; now loading at {PROBED}: is still starting up or loading its data; back after 2 successes",
    ),
    "out, nearly back": (
        out(reason="ok", message="", consecutive=1),
        f"{OUT}; 1 of 2 successes so far, back after 1 success more",
    ),
    "out, and cannot be judged": (
        out(reason="auth", message=""),
        f"{OUT}; its last outcome is unknown ({AUTH}) and changes nothing; back after 2 successes",
    ),
    "out, by its own word": (
        out(reason="read-only", message="", transitions=[transition(reason="read-only", message="", streak=1)]),
        (
            f"out since 10:16:01 UTC: read-only at {PROBED}: takes no writes, its own word, which decides at once; "
            "back after 2 successes"
        ),
    ),
    "out, yields": (
        out(reason="ok", message="yields to db1", transitions=[transition(reason="ok", message="yields to db1")]),
        "out since 10:16:01 UTC: yields to db1; now it answers (yields to db1)",
    ),
    "out, as it was stored": (
        out(reason="ok", message="", transitions=[transition(reason=None, message="", streak=0)]),
        "out since 10:16:01 UTC, as it was stored when Mooring took it over; back after 2 successes",
    ),
    "out, without a record": (
        out(transitions=[]),
        f"out since 10:16:01 UTC: {REFUSED}; back after 2 successes",
    ),
    "never probed": (
        host(verdict="never-judged", published="none", reason=None, since=None),
        "never judged, and so out: it has not been probed yet",
    ),
    "no ports": (
        host(verdict="never-judged", published="none", reason=None, message="the Service's ports are not known yet"),
        "never judged, and so out: the Service's ports are not known yet",
    ),
    "never judged, unknown": (
        host(verdict="never-judged", published="not-ready", reason="auth"),
        f"never judged, and so out: {AUTH}; its first outcome that is not unknown decides at once",
    ),
    "never judged, waits": (
        host(verdict="never-judged", published="not-ready", reason="ok", message="waits for db1"),
        f"never judged, and so out: ok at {PROBED}: answers and can serve (waits for db1); nothing is decided yet",
    ),
    "maintenance": (
        host(maintenance=True, maintenanceSource="file", published="not-ready"),
        f"out, because it is in maintenance by the file; its last probe: ok at {PROBED}: answers and can serve",
    ),
    "drained": (
        host(maintenance=True, maintenanceSource="annotation", published="not-ready", reason=None),
        "out, because the annotation mooring/drain takes it out; its last probe: it has not been probed yet",
    ),
    "drained by somebody": (
        host(
            maintenance=True,
            maintenanceSource="annotation",
            drain={"until": None, "by": "ada", "reason": "x"},
            published="not-ready",
            reason=None,
        ),
        "out, because the annotation mooring/drain takes it out by ada (x); its last probe: it has not been probed yet",
    ),
    "a reason of a newer Mooring": (
        out(reason="melted", message="", transitions=[transition(reason="melted", message="")]),
        f"out since 10:16:01 UTC: melted at {PROBED}; back after 2 successes",
    ),
}


@pytest.mark.parametrize(("one", "sentence"), SENTENCES.values(), ids=SENTENCES.keys())
def test_each_state_has_its_sentence(one: dict[str, Any], sentence: str) -> None:
    """The decision, its reason with the place that was asked, and what would change it."""
    assert explain(one) == sentence + REST


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("verdict", ["ready", "not-ready", "never-judged"])
@pytest.mark.parametrize("consecutive", [0, 1])
@pytest.mark.parametrize("recorded", [True, False])
def test_each_reason_is_said_in_each_state(reason: Reason, verdict: str, consecutive: int, *, recorded: bool) -> None:
    """Whatever the last outcome is: its word and its meaning stand there, or how many successes lead back."""
    turns = [transition(reason=reason.value, to=verdict)] if recorded else []
    one = host(
        verdict=verdict, published=verdict, reason=reason.value, consecutive=consecutive, threshold=3, transitions=turns
    )
    said = explain(one)
    meant = f"{reason.value} at {PROBED}: {MEANINGS[reason].sentence}" in said
    way_back = "success" in said.removesuffix(REST)
    assert meant or (verdict == "not-ready" and reason is Reason.OK and way_back)
    assert ("unknown" in said) is (MEANINGS[reason].effect is Effect.UNKNOWN)
    assert not said.startswith("out") or way_back
    assert "None" not in said


OVERRULED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "kept last": (
        out(published="ready"),
        {"keptLast": True},
        {},
        "; still published as ready: no host is fit, and whenAllFail: keepLast keeps the last ready ones",
    ),
    "trusted": (
        out(published="ready"),
        {"trusted": ["db2"]},
        {},
        "; still published as ready: the annotation mooring/trust vouches for it",
    ),
    "a write is under way": (out(published="ready"), {}, {}, "; still published as ready"),
    "last resort": (
        out(published="last-resort"),
        {},
        {},
        "; published as a last resort, while no host of the Service is ready",
    ),
    "in, not written yet": (host(published="not-ready"), {}, {}, "; not published as ready yet"),
    "backup": (
        host(published="none", backup=True),
        {},
        {},
        "; not published as ready: it is a backup, and other hosts serve",
    ),
    "split brain": (
        host(published="not-ready"),
        {"splitBrain": True},
        {},
        (
            "; not published as ready: while several hosts say that they are the primary, none is; "
            "split brain: several hosts of the Service say that they are the primary"
        ),
    ),
    "refused object": (
        host(published="none"),
        {"error": "the Endpoints list 10.0.0.9"},
        {},
        "; not published as ready; Mooring does not write this Service: the Endpoints list 10.0.0.9",
    ),
    "paused": (
        host(published="not-ready"),
        {"paused": {"until": None, "by": "", "reason": ""}},
        {},
        "; not published as ready; the Service is paused (annotation mooring/paused), and nothing is written",
    ),
    "blind": (
        host(),
        {},
        {"blind": True},
        "; Mooring is blind: all ready hosts are silent at once, so it takes itself for cut off, and nothing moves",
    ),
    "no API server": (
        host(published="not-ready"),
        {},
        {"apiUnheardSince": "2025-11-26T10:18:00.000Z"},
        "; not published as ready; the API server does not answer, and what is stored stays",
    ),
    "standby": (host(), {}, {"leader": False}, "; this Mooring is a standby: db-a-1 leads and writes"),
    "nobody leads": (
        host(),
        {},
        {"leader": False, "holder": None},
        "; this Mooring is a standby: no Mooring is known to lead",
    ),
}


@pytest.mark.parametrize(("one", "of", "daemon", "clauses"), OVERRULED.values(), ids=OVERRULED.keys())
def test_what_overrules_a_verdict_is_said(
    one: dict[str, Any], of: dict[str, Any], daemon: dict[str, Any], clauses: str
) -> None:
    """Policies, annotations, a split brain, a refused object, a standby, a blind daemon: after the verdict itself."""
    plain = explain(host() if one["verdict"] == "ready" else out()).removesuffix(REST)
    assert explain(one, of, daemon) == plain + clauses + REST


@pytest.mark.parametrize("damper", list(Damper))
def test_what_holds_a_verdict_back_is_said(damper: Damper) -> None:
    """By each rule, and until when where that is known."""
    words = HELD[damper]
    held = {"by": damper.value, "until": "2025-11-26T10:20:00.000Z"}
    assert f"; its verdict is held back until 10:20:00 UTC: {words}; other" in explain(out(held=held))
    assert f"; its verdict is held back: {words}; other" in explain(out(held={**held, "until": None}))


def test_a_verdict_that_is_held_back_promises_no_end_of_its_streak() -> None:
    """The streak is full; the rule decides when it counts."""
    held = {"by": "flap", "until": None}
    said_out = explain(out(held=held, reason="ok", message="", consecutive=2, threshold=2))
    said_in = explain(host(held=held, reason="timeout", message="", consecutive=3, threshold=3))
    assert ("; now 2 of 2 successes; its verdict is held back" in said_out, "back after" in said_out) == (True, False)
    assert ("3 of 3 failures against it" in said_in, "out after" in said_in) == (True, False)


@pytest.mark.parametrize(
    ("others", "clause"),
    [
        ([], "it is the only host of the Service"),
        ([out(name="db3")], "other hosts of the Service: 0 ready, 1 out"),
        ([FIRST, host(name="db3", maintenance=True)], "other hosts of the Service: 1 ready, 1 out"),
    ],
)
def test_the_other_hosts_are_counted(others: list[dict[str, Any]], clause: str) -> None:
    """Whether the Service still serves is what one asks next."""
    one = host()
    listed = service(one, *others)
    assert explanation(status(listed), listed, one, NOW) == f"{IN}; {clause}"


def test_an_effect_is_known_of_known_reasons() -> None:
    """A newer Mooring may have others."""
    assert (effect_of("ok"), effect_of("melted"), effect_of(None)) == (Effect.SUCCESS, None, None)
