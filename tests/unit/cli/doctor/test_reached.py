"""What a login through a ClusterIP says of the traffic."""

from __future__ import annotations

import pytest

from lab.values import KEY, member
from mooring.cli.doctor.finding import Finding, Note
from mooring.cli.doctor.reached import Asked, reached
from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Effect, Reason

WHERE = "10.96.0.7:3306"
ONE, TWO = "10.20.0.11", "10.20.0.12"


def host(address: str, answer: str | None = None, reason: Reason = Reason.OK) -> Asked:
    return Asked(member(address), Observation(reason, "" if reason is Reason.OK else "said so", answer))


def ok(answer: str | None) -> Observation:
    return Observation(Reason.OK, answer=answer)


@pytest.mark.parametrize(
    ("answer", "published", "note"),
    [
        ("a", [host(ONE, "a")], "leads to 10.20.0.11 (10.20.0.11:3306)"),
        ("b", [host(ONE, "a"), host(TWO, "b")], "leads to 10.20.0.12 (10.20.0.12:3306)"),
        (
            "a",
            [host(ONE, "a"), host(TWO, "a")],
            "leads to 10.20.0.11 (10.20.0.11:3306) or 10.20.0.12 (10.20.0.12:3306)",
        ),
        ("b", [host(ONE, "a"), host(TWO, None)], "cannot be told: the server does not say who it is"),
        (None, [host(ONE, None)], "answers; whether it leads to 10.20.0.11 (10.20.0.11:3306) cannot be told"),
        (None, [host(ONE, "a")], "cannot be told"),
    ],
)
def test_a_sound_way_is_a_note_that_names_the_host(answer: str | None, published: list[Asked], note: str) -> None:
    """By the server's own identity; where it does not give one, the note says that nobody knows."""
    (found,) = reached(KEY, WHERE, ok(answer), published, ())
    assert isinstance(found, Note)
    assert found.text.startswith(f"default/mysql-external: {WHERE} ")
    assert note in found.text


@pytest.mark.parametrize("reason", sorted({*Reason} - {Reason.OK}))
def test_a_way_that_fails_is_one_finding(reason: Reason) -> None:
    """Where the hosts themselves can be reached, the fault is on the way."""
    (found,) = reached(KEY, WHERE, Observation(reason, "said so"), [host(ONE, "a")], ())
    assert isinstance(found, Finding)
    assert (
        f"a login through {WHERE} fails, though 10.20.0.11 (10.20.0.11:3306) can be reached: {reason}: said so"
        in found.what
    )
    assert "kube-proxy" in found.mend


@pytest.mark.parametrize("reason", sorted({*Reason} - {Reason.OK}))
def test_a_published_host_that_does_not_serve_is_the_one_finding(reason: Reason) -> None:
    """Also where the login happened to reach another one. What Mooring cannot judge is no finding here."""
    (found,) = reached(KEY, WHERE, ok("b"), [host(ONE, reason=reason), host(TWO, "b")], ())
    unknown = MEANINGS[reason].effect is Effect.UNKNOWN
    assert isinstance(found, Note if unknown else Finding)
    if isinstance(found, Finding):
        assert found.what.endswith(
            f"leads to a host that does not serve: 10.20.0.11 (10.20.0.11:3306): {reason}: said so"
        )
    else:
        assert (
            f"no word on {WHERE}: its hosts cannot be judged: 10.20.0.11 (10.20.0.11:3306): {reason}: said so"
            in found.text
        )


def test_a_way_that_ends_elsewhere_is_one_finding() -> None:
    """At a host that is out, or at a stranger."""
    (out,) = reached(KEY, WHERE, ok("b"), [host(ONE, "a")], [host(TWO, "b")])
    assert isinstance(out, Finding)
    assert out.what.endswith(
        f"{WHERE} leads to 10.20.0.12 (10.20.0.12:3306), and published as ready is 10.20.0.11 (10.20.0.11:3306)"
    )
    (stranger,) = reached(KEY, WHERE, ok("c"), [host(ONE, "a"), host(TWO, "b")], ())
    assert isinstance(stranger, Finding)
    assert "leads to a server that is no host of the file, and published as ready are 10.20.0.11" in stranger.what
