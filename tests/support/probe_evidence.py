"""What the probes of one target prove, outcome by outcome, as the contract counts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

EDGE_SECONDS = 0.1
"""Whether a probe began before or after the first answer cannot be told more exactly from a log."""
EARLY = 0.05
"""Part of a period by which a probe may come early, and counts all the same: turns jitter, and so do lines of a log."""

_SILENT = {"timeout", "unreachable"}
_OURS = {"local", "dns", "blind"}
_UNKNOWN = {"auth", "blocked", *_OURS}
_OWN_WORD = {"wrong-role", "read-only", "second-writer"}

Dark = tuple[float, float, bool]
"""From, to, and whether it was long enough that every ready target was found silent."""


class Probe(NamedTuple):
    """A probe that ended: ``at`` monotonic seconds, ``latency`` seconds; with ``edge`` it looks into a lost session."""

    at: float
    target: tuple[str, int]
    reason: str
    latency: float
    witness: bool = False
    edge: bool = False


class Item(NamedTuple):
    """``+`` success, ``-`` counted failure, ``!`` the host's own word, ``?`` a failure that may count or be unknown."""

    at: float
    kind: str
    started: float
    edge: bool


def read_probes(lines: Iterable[Mapping[str, Any]], offset: float) -> list[Probe]:
    """The probes in log lines; ``offset`` is Unix seconds less monotonic seconds."""
    return [
        Probe(
            datetime.fromisoformat(line["timestamp"]).timestamp() - offset,
            (line["address"], line["port"]),
            line["reason"],
            line["latency_seconds"],
            line["witness"],
            line["edge"],
        )
        for line in lines
        if line["event"] == "probe"
    ]


def is_answer(probe: Probe) -> bool:
    """Something came back: there was a network."""
    return probe.reason not in _SILENT | _OURS


def _kind(probe: Probe, darks: Iterable[Dark]) -> str:
    """As in ``Item``; empty for what changes nothing."""
    if probe.reason == "ok":
        return "+"
    if probe.reason in _UNKNOWN:
        return ""
    if probe.reason in _OWN_WORD:
        return "!"
    return _silence(probe, darks) if probe.reason in _SILENT else "-"


def _silence(probe: Probe, darks: Iterable[Dark]) -> str:
    """While nothing at all answers, silence is unknown; so it is for a probe that began before the first answer."""
    for start, end, certain in darks:
        if start - EDGE_SECONDS < probe.at and probe.at - probe.latency < end + EDGE_SECONDS:
            return "" if certain and start < probe.at < end else "?"
    return "-"


def run_ends(items: Sequence[Item], kind: str, needed: int, *, first: bool = False) -> Iterator[float]:
    """When so many outcomes of a kind in a row were complete, or may have been.

    With ``first`` only the outcome that completed each run, not those that went on.
    """
    count = 0
    for item in items:
        if item.kind == kind or (item.kind == "?" and kind == "-"):
            count += 1
        elif item.kind != "?":
            count = 0
        if count == needed or (count > needed and not first):
            yield item.at


def sure_ends(items: Sequence[Item], kind: str, needed: int, period: float, *, first: bool = False) -> Iterator[float]:
    """When so many outcomes of a kind in a row had counted for certain.

    With ``first`` only the outcome that completed each run, not those that went on.
    One counts for each period; where several come within one, nobody can tell from outside which of them did. Failures
    that look into a lost session count besides.
    """
    count, since = 0, float("-inf")
    for item in items:
        if item.kind != kind:
            count, since = 0, item.started
        elif (item.edge and kind == "-") or item.started >= since + (1 - EARLY) * period:
            count, since = count + 1, item.started
            if count == needed or (count > needed and not first):
                yield item.at


@dataclass(frozen=True, slots=True)
class Evidence:
    """The outcomes of one target that may count, the oldest first."""

    items: tuple[Item, ...]

    @classmethod
    def of(cls, target: tuple[str, int], probes: Iterable[Probe], darks: Sequence[Dark]) -> Evidence:
        mine = [probe for probe in probes if probe.target == target and not probe.witness]
        items = [Item(probe.at, _kind(probe, darks), probe.at - probe.latency, probe.edge) for probe in mine]
        return cls(tuple(item for item in items if item.kind))

    def proves(self, kind: str, needed: int, window: tuple[float, float]) -> bool:
        """A run was complete within the window; the host's own word alone proves that it is not ready."""
        ends = run_ends(self.items, kind, needed)
        own = (item.at for item in self.items if item.kind == "!" and kind == "-")
        return any(window[0] <= at <= window[1] for at in (*ends, *own))

    def begins_well(self, window: tuple[float, float]) -> bool:
        """The first definite outcome of all is a success within the window: it decides alone."""
        first = next((item for item in self.items if item.kind != "?"), None)
        return first is not None and first.kind == "+" and window[0] <= first.at <= window[1]

    def says_otherwise(self, kind: str, after: float, until: float) -> bool:
        """Outcomes in between may have moved the verdict back."""
        against = "-!?" if kind == "+" else "+"
        return any(item.kind in against and after < item.at <= until for item in self.items)

    def until(self, moment: float) -> str:
        """The last outcomes before a moment, for people."""
        return "".join(item.kind for item in self.items if item.at <= moment)[-12:] or "no outcome"
