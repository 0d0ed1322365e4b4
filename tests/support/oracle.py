"""A watching oracle: what was published, held against what the probes had said, by the contract alone.

It shares no code with the daemon. It reads every version of every manifest, and one log line for each probe that
ended; every law that it finds broken is a ``Violation``. The history begins with an empty folder.

Laws: I1 ready only by ``successThreshold`` successes in a row · I2 not ready only by ``failureThreshold`` failures in a
row · I3 one list only · I5 nothing is stored while the API server is away, and what was proven meanwhile is stored by
one write · I7 no write without a change · I8 only listed addresses of the allowed networks · I9 never
ready after the host's own word · I10 a probe ends in time · due: what was proven is published soon · turn:
every address is probed once a period · whole: every
listed address is in a list.
"""

from __future__ import annotations

import bisect
import functools
import ipaddress
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

import yaml

from lab.history import Version, addresses
from support.probe_evidence import EDGE_SECONDS, Evidence, Item, Probe, is_answer, run_ends, sure_ends

OVER_SECONDS = 0.05
"""By how much a probe may overrun its deadline and still be one of its turn."""
BUSY_SECONDS = 0.25
"""By how much it may end late at most (I10), on a busy machine. By more, and Mooring calls it its own fault."""
PUBLISH_SECONDS = 2.0
"""Beyond a period and a timeout (a witness may be waited for): how late a proven verdict may be seen published."""


RETURN_SECONDS = 5.0
"""How long a daemon may wait at most before it tries again to write."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one Service promised; ``listed`` maps each published address to the address and port that are probed."""

    service: str
    listed: Mapping[str, tuple[str, int]]
    success: int
    failure: int
    period: float
    timeout: float

    @property
    def lag(self) -> float:
        return self.period + self.timeout + PUBLISH_SECONDS

    @property
    def slack(self) -> float:
        """A log line and a manifest that follow from one probe may be seen in either order; the next probe is later."""
        return self.period / 2


LATE_SECONDS = 1.0
"""A stall within so much makes a manifest, or the log line of a probe, look newer than it is."""
BACKOFF_SECONDS = 60.0
"""How long the next login may wait after a refused one: the log does not say how many were refused before."""


class Stall(NamedTuple):
    """The machine let nobody run for so many seconds, until ``at``."""

    at: float
    seconds: float


class Outage(NamedTuple):
    """Between ``start`` and ``silent`` the API server could store nothing; at ``end`` it served again.

    ``held``: it took requests meanwhile, so that one write may be under way when it returns.
    """

    start: float
    silent: float
    end: float
    held: bool


class Violation(NamedTuple):
    """``at`` is monotonic seconds."""

    law: str
    service: str
    address: str
    at: float
    what: str


@dataclass(frozen=True)
class Oracle:
    """All that is known of a run until the moment ``until``; what happened later is not judged yet."""

    rules: Sequence[Rules]
    versions: Sequence[Version]
    probes: Sequence[Probe]
    until: float
    allowed: str = "0.0.0.0/0"
    stalls: Sequence[Stall] = ()
    outages: Sequence[Outage] = ()
    """Both in the order of time."""

    def violations(self) -> list[Violation]:
        found = [violation for rules in self.rules for violation in self._service(rules)]
        return sorted(found, key=lambda violation: violation.at)

    def _service(self, rules: Rules) -> Iterator[Violation]:
        versions = [one for one in self.versions if one.service == rules.service and one.seen <= self.until]
        darks = self._darks(rules)
        for version in versions:
            yield from self._shape(rules, version)
        yield from _rewrites(versions)
        yield from self._silence(versions)
        yield from self._returns(rules, versions, darks)
        yield from self._overtime(rules)
        yield from self._starved(rules)
        for address, target in rules.listed.items():
            evidence = Evidence.of(target, self.probes, darks)
            states = [(version.seen, address in _lists(version)[0]) for version in versions]
            yield from self._unfounded(rules, address, states, evidence)
            yield from self._owed(rules, address, states, evidence)

    def _shape(self, rules: Rules, version: Version) -> Iterator[Violation]:
        ready, not_ready = _lists(version)
        network = ipaddress.ip_network(self.allowed)
        for address in {*ready, *not_ready}:
            if address not in rules.listed or ipaddress.ip_address(address) not in network:
                yield Violation("I8", rules.service, address, version.seen, "published, but not listed and allowed")
        for address in {*ready} & {*not_ready}:
            yield Violation("I3", rules.service, address, version.seen, "in both lists")
        for address in rules.listed.keys() - {*ready, *not_ready}:
            yield Violation("whole", rules.service, address, version.seen, "in neither list")

    def _overtime(self, rules: Rules) -> Iterator[Violation]:
        targets = {target: address for address, target in rules.listed.items()}
        for probe in self.probes:
            over = probe.latency - rules.timeout - BUSY_SECONDS
            if probe.target in targets and over > 0 and over > self._stalled(probe.at - probe.latency, probe.at):
                what = f"took {probe.latency:.3f} s, its deadline is {rules.timeout:g} s"
                yield Violation("I10", rules.service, targets[probe.target], probe.at, what)

    def _starved(self, rules: Rules) -> Iterator[Violation]:
        """One turn may be lost to the noise of a machine, never two; after a refused login the next one may wait."""
        longest = 2 * rules.period + rules.timeout + OVER_SECONDS
        for address, target in rules.listed.items():
            mine = [probe for probe in self.probes if probe.target == target and not probe.witness]
            gaps = itertools.pairwise([*(probe.at for probe in mine), self.until])
            for (before, after), probe in zip(gaps, mine, strict=True):
                pause = BACKOFF_SECONDS if probe.reason == "auth" else 0.0
                if after - before > longest + pause + self._stalled(before, after):
                    what = f"not probed for {after - before:.3f} s after {probe.reason}"
                    yield Violation("turn", rules.service, address, before, what)

    def _stalled(self, start: float, end: float) -> float:
        """Seconds for which the machine stood still meanwhile: nobody can keep a deadline then."""
        first = bisect.bisect_left(self.stalls, start, key=attrgetter("at"))
        last = bisect.bisect_right(self.stalls, end + EDGE_SECONDS, key=attrgetter("at"))
        return sum(stall.seconds for stall in self.stalls[first:last])

    def _darks(self, rules: Rules) -> list[tuple[float, float, bool]]:
        """The times when no target answered at all: from, to, and whether that was long enough for a certain verdict.

        Where fewer than two addresses are ready there is no witness, and silence counts as it is.
        """
        answers = sorted(probe.at for probe in self.probes if is_answer(probe))
        gaps = zip(answers, [*answers, self.until][1:], strict=True)
        longest = max(one.period + 2 * one.timeout for one in self.rules) + OVER_SECONDS
        return [
            (start, end, end - start > longest)
            for start, end in gaps
            if end - start > rules.timeout and self._ready_at(start + rules.slack) > 1
        ]

    def _ready_at(self, moment: float) -> int:
        last = {version.service: version for version in self.versions if version.seen <= moment}
        return sum(len(_lists(version)[0]) for version in last.values())

    def _owed(
        self, rules: Rules, address: str, states: Sequence[tuple[float, bool]], evidence: Evidence
    ) -> Iterator[Violation]:
        """What the probes proved for certain, and nothing said otherwise since, is published soon."""
        for kind, needed, ready in (("+", rules.success, True), ("-", rules.failure, False)):
            for at in sure_ends(evidence.items, kind, needed, rules.period):
                due = self._latest(rules, at)
                if due < self.until and not evidence.says_otherwise(kind, at, due) and _at(states, due) is not ready:
                    yield Violation("due", rules.service, address, due, f"{needed} times {kind!r}, and no change")
        for at in (item.at for item in evidence.items if item.kind == "!"):
            due = self._latest(rules, at)
            if due < self.until and not evidence.says_otherwise("!", at, due) and _at(states, due):
                yield Violation("I9", rules.service, address, due, "ready after its own word")

    def _unfounded(
        self, rules: Rules, address: str, states: Sequence[tuple[float, bool]], evidence: Evidence
    ) -> Iterator[Violation]:
        """Every change needs its run of outcomes, ended shortly before it and after the change before that."""
        before, since = False, float("-inf")
        for seen, ready in states:
            if ready is not before:
                logged = seen + self._stalled(seen, seen + LATE_SECONDS)
                window = (max(since, self._earliest(rules, seen)) - rules.slack, logged + rules.slack)
                after = evidence.until(window[1])
                if ready and not evidence.proves("+", rules.success, window) and not evidence.begins_well(window):
                    yield Violation("I1", rules.service, address, seen, f"made ready after {after}")
                if not ready and not evidence.proves("-", rules.failure, window):
                    yield Violation("I2", rules.service, address, seen, f"made not ready after {after}")
                before, since = ready, self._decided(seen)

    def _latest(self, rules: Rules, proven: float) -> float:
        """When something proven then must have been stored."""
        due = proven + rules.lag
        for outage in self.outages:
            if proven < outage.end + RETURN_SECONDS and outage.start < due:
                due = max(due, outage.end + RETURN_SECONDS + rules.lag)
        return due

    def _earliest(self, rules: Rules, seen: float) -> float:
        """Since when something may have been proven that was stored then."""
        since = seen - rules.lag
        for outage in reversed(self.outages):
            if outage.start < seen and since < outage.end + RETURN_SECONDS:
                since = min(since, outage.start - rules.lag)
        return since

    def _decided(self, seen: float) -> float:
        """Since when what was stored then may have been decided.

        A frozen server stores it when it thaws, one that starts lets it wait until it serves, and a machine that stood
        still shows it later.
        """
        back = (outage for outage in self.outages if outage.silent <= seen < outage.end + RETURN_SECONDS)
        held = (outage.start if outage.held else outage.silent for outage in back)
        return next(held, seen - self._stalled(seen - LATE_SECONDS, seen))

    def _silence(self, versions: Sequence[Version]) -> Iterator[Violation]:
        for outage in self.outages:
            for version in versions:
                if outage.start + EDGE_SECONDS < version.seen < outage.silent:
                    yield Violation("I5", version.service, "", version.seen, "stored while the API server was away")

    def _returns(
        self, rules: Rules, versions: Sequence[Version], darks: Sequence[tuple[float, float, bool]]
    ) -> Iterator[Violation]:
        """What was proven while the API server was away needs one write, besides one that it took before it went."""
        evidence = {address: Evidence.of(target, self.probes, darks) for address, target in rules.listed.items()}
        for outage in self.outages:
            owed = [
                after
                for before, after in itertools.pairwise(versions)
                if outage.silent <= after.seen < outage.end + RETURN_SECONDS + rules.lag
                and outage.start + EDGE_SECONDS < _proven(rules, before, after, evidence) < outage.silent - EDGE_SECONDS
            ]
            for version in owed[1 + outage.held :]:
                seen = ", ".join(f"{one.seen - outage.end:.3f}" for one in owed)
                what = f"{len(owed)} writes of what was proven while the API server was away, {seen} s after its return"
                yield Violation("I5", rules.service, "", version.seen, what)


@functools.lru_cache(4096)
def _manifest(text: str | None) -> Any:
    manifest = None if text is None else yaml.safe_load(text)
    if manifest:
        manifest.get("metadata", {}).pop("managedFields", None)  # they bear the time of each write
    return manifest


def _lists(version: Version) -> tuple[list[str], list[str]]:
    """Ready and not ready addresses; each text is parsed once, however often it is judged."""
    manifest = _manifest(version.text)
    return addresses(manifest, "addresses"), addresses(manifest, "notReadyAddresses")


def _rewrites(versions: Sequence[Version]) -> Iterator[Violation]:
    for before, after in itertools.pairwise(versions):
        if _manifest(before.text) == _manifest(after.text):
            yield Violation("I7", after.service, "", after.seen, "written again without a change")


def _proven(rules: Rules, before: Version, after: Version, evidence: Mapping[str, Evidence]) -> float:
    """When the last of what differs was proven for certain; infinity where something uncertain may have moved it."""
    was, is_now = {*_lists(before)[0]}, {*_lists(after)[0]}
    moments = [float("-inf")]
    for address in (was ^ is_now) & rules.listed.keys():
        kind, needed = ("+", rules.success) if address in is_now else ("-", rules.failure)
        items = [item for item in evidence[address].items if item.at <= after.seen]
        sure = max(sure_ends(items, kind, needed, rules.period, first=True), default=float("inf"))
        maybe = max([*run_ends(items, kind, needed, first=True), *_own_words(items, kind)], default=sure)
        moments.append(sure if maybe <= sure else float("inf"))
    return max(moments)


def _own_words(items: Sequence[Item], kind: str) -> Iterator[float]:
    return (item.at for item in items if item.kind == "!" and kind == "-")


def _at(states: Sequence[tuple[float, bool]], moment: float) -> bool:
    place = bisect.bisect_right(states, moment, key=lambda state: state[0])
    return place > 0 and states[place - 1][1]
