"""The votes of observers on the silence of hosts: what each daemon states, and how a daemon counts it.

A daemon numbers each silence of a host, and its statement lists the host with that number from the first silent probe
on. Every other daemon answers that number, once for each silence:

What it sees of the host | its answer
--- | ---
its own last probe was silent | none is needed: its own statement lists the host
a probe that it began after it first read the number was answered | ``sees``
nothing since then | none yet; it asks the host once
it is blind, does not probe the host, or the address is its own machine's | ``abstains``
its own statement would have to list more hosts than fit | ``many``: it abstains on every host

So nobody compares two clocks. All times are monotonic seconds of this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mooring.model.silence import Sight, Votes

MOST_HOSTS = 200
"""Hosts that a statement lists: an annotation of them stays below 16 KiB."""
_MOST_ANSWERS = 1000
_MOST_PLACE = 64
_MOST_HOLDERS = 8


@dataclass(frozen=True, slots=True)
class Answers:
    """What one daemon answers another: numbers of the other's silences."""

    sees: frozenset[int] = frozenset()
    abstains: frozenset[int] = frozenset()


NONE = Answers()


@dataclass(frozen=True, slots=True)
class Ballot:
    """The part of a statement that is about silent hosts."""

    silent: Mapping[str, int] = field(default_factory=dict)
    """The number of each silence, by ``address:port``."""
    answers: Mapping[str, Answers] = field(default_factory=dict)
    """By the identity of the daemon that is answered."""
    many: bool = False

    def as_json(self) -> dict[str, Any]:
        """Equal ballots give equal documents; an empty one an empty document."""
        answers = {
            holder: {"abstains": sorted(one.abstains), "sees": sorted(one.sees)} for holder, one in self.answers.items()
        }
        found = {"answers": answers, "many": self.many, "silent": dict(self.silent)}
        return {name: value for name, value in found.items() if value}


EMPTY = Ballot()


def ballot_from_json(found: object) -> Ballot:
    """The ballot of a document; what is malformed is left out."""
    if not isinstance(found, dict):
        return EMPTY
    silent, answers = found.get("silent"), found.get("answers")
    return Ballot(
        {
            place: number
            for place, number in list(silent.items())[:MOST_HOSTS]
            if len(place) <= _MOST_PLACE and _is_number(number)
        }
        if isinstance(silent, dict)
        else {},
        {holder: _answers(one) for holder, one in list(answers.items())[:_MOST_HOLDERS] if isinstance(one, dict)}
        if isinstance(answers, dict)
        else {},
        found.get("many") is True,
    )


def _answers(found: Mapping[str, Any]) -> Answers:
    return Answers(_numbers(found.get("sees")), _numbers(found.get("abstains")))


def _numbers(found: object) -> frozenset[int]:
    return frozenset(filter(_is_number, found[:_MOST_ANSWERS])) if isinstance(found, list) else frozenset()


def _is_number(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and found > 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A silence of another daemon, as this one answers it."""

    place: str
    since: float
    """When its number was first read."""
    probed: bool = False
    """The host was asked for it."""


@dataclass(frozen=True, slots=True)
class Booth:
    """What others ask of this daemon: by their identity, and the number of the silence."""

    asked: Mapping[tuple[str, int], Asked] = field(default_factory=dict)


def note_questions(booth: Booth, others: Mapping[str, Ballot], now: float) -> Booth:
    """Takes what the fresh observers list now; ``others``: their ballots by identity."""
    found = {
        (holder, number): booth.asked.get((holder, number)) or Asked(place, now)
        for holder, ballot in others.items()
        for place, number in ballot.silent.items()
    }
    return Booth(found)


def to_probe(booth: Booth, sights: Mapping[str, Sight]) -> tuple[Booth, frozenset[str]]:
    """The places to ask now, and the booth that remembers it: each silence is asked once, and none that is ours too."""
    due = {
        key: one
        for key, one in booth.asked.items()
        if not one.probed and (sight := sights.get(one.place)) and not sight.silence and sight.answered <= one.since
    }
    after = {key: replace(one, probed=True) if key in due else one for key, one in booth.asked.items()}
    return Booth(after), frozenset(one.place for one in due.values())


def make_ballot(
    booth: Booth, sights: Mapping[str, Sight], *, able: bool, is_own: Callable[[str], bool] = lambda _place: False
) -> Ballot:
    """The ballot to state now. ``able``: this daemon sees at all; ``is_own``: whether a place is this machine's."""
    silent = {place: sight.silence for place, sight in sorted(sights.items()) if sight.silence}
    if len(silent) > MOST_HOSTS:
        return Ballot(many=True)
    sees: dict[str, set[int]] = {}
    abstains: dict[str, set[int]] = {}
    for (holder, number), one in sorted(booth.asked.items()):
        sight = sights.get(one.place)
        if not able or sight is None or is_own(one.place):
            abstains.setdefault(holder, set()).add(number)
        elif not sight.silence and sight.answered > one.since:
            sees.setdefault(holder, set()).add(number)
    holders = sorted({*sees, *abstains})
    answers = {
        holder: Answers(frozenset(sees.get(holder, ())), frozenset(abstains.get(holder, ()))) for holder in holders
    }
    return Ballot(silent if able else {}, answers)


def count(me: str, place: str, number: int, ballots: Mapping[str, Ballot]) -> Votes:
    """The votes on our silence of that number; ``ballots``: those of the fresh observers by identity."""
    silent = sees = awaited = 0
    for ballot in ballots.values():
        mine = ballot.answers.get(me, NONE)
        if ballot.many or number in mine.abstains:
            continue
        if place in ballot.silent:
            silent += 1
        elif number in mine.sees:
            sees += 1
        else:
            awaited += 1
    return Votes(silent, sees, awaited)
