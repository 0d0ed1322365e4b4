"""What a host has been through, as lines of text: the decision, then outcomes and transitions, the oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from mooring.observe.summary import Document

MOST_VERSION = 12
"""Characters of a version that are shown: in a folder it is a hash."""


def story(document: Document, now: float) -> Iterator[str]:
    """Of each host that has an ``explanation``; ``now`` in Unix seconds."""
    for service in document["services"]:
        for host in service["hosts"]:
            if "explanation" in host:
                yield from _host(service, host, now)


def _host(service: Document, host: Document, now: float) -> Iterator[str]:
    yield f"{service['namespace']}/{service['name']}  {host['name']}  {host['address']}"
    yield f"  {host['explanation']}"
    if host["outcomes"]:
        yield "  Outcomes (UTC)"
        yield from _columns([outcome_cells(one, now) for one in host["outcomes"]])
    if host["transitions"]:
        yield "  Transitions (UTC)"
        yield from (f"    {transition_words(one, now)}" for one in host["transitions"])
    yield ""


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def outcome_cells(one: Document, now: float) -> tuple[str, ...]:
    """When, how often, reason, latency, where, message."""
    first, last = time_of_day(one["firstAt"], now), time_of_day(one["lastAt"], now)
    span = first if first == last else f"{first} - {last}"
    return span, f"{one['count']} x", str(one["reason"]), _latency(one), str(one["probed"]), str(one["message"])


def _latency(one: Document) -> str:
    fastest, slowest = (f"{one[name] * 1000:.1f}" for name in ("fastestSeconds", "slowestSeconds"))
    return f"{fastest} ms" if fastest == slowest else f"{fastest}-{slowest} ms"


def transition_words(one: Document, now: float) -> str:
    """From the first evidence to the stored version."""
    when = time_of_day(one["at"], now, fine=True) if one["at"] else "at the start"
    change = f"{when}  {one['from']} -> {one['to']}"
    if one["reason"] is None:
        return f"{change}: as it was stored"
    why = f"{one['reason']}: {one['message']}" if one["message"] else one["reason"]
    evidence = f"first evidence {time_of_day(one['evidenceAt'], now, fine=True)}, outcomes: {one['streak']}"
    return f"{change}: {why} at {one['probed']}; {evidence}; {_stored(one['stored'], now)}"


def _stored(stored: Document | None, now: float) -> str:
    if stored is None:
        return "this Mooring has not stored it"
    version = stored["version"][:MOST_VERSION]
    return f"stored {time_of_day(stored['at'], now, fine=True)} ({stored['object']}, version {version})"


def time_of_day(moment: str, now: float, *, fine: bool = False) -> str:
    """Of an RFC 3339 moment, in UTC; with the date where that is not today's; ``fine``: to the millisecond."""
    at, today = datetime.fromisoformat(moment).astimezone(UTC), datetime.fromtimestamp(now, UTC)
    text = at.strftime("%H:%M:%S" if at.date() == today.date() else "%Y-%m-%d %H:%M:%S")
    return f"{text}.{at.microsecond // 1000:03}" if fine else text
