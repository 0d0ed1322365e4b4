"""The sentences above a table of hosts: what a reader must know before the table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from mooring.observe.summary import Document


def banners(document: Document, now: float) -> Iterator[str]:
    """A sentence each, those of the whole daemon first; ``now`` in Unix seconds. Takes an older daemon's document."""
    yield from _of_daemon(document, now)
    for service in document["services"]:
        name = f"{service['namespace']}/{service['name']}"
        yield from (f"{name}: {sentence}" for sentence in _of_service(service))


def _of_daemon(document: Document, now: float) -> Iterator[str]:
    if error := document["config"]["error"]:
        yield f"The changed file was refused, and the one before stays in force:\n{error}"
    if not document["leader"]:
        holder = document.get("holder")
        yield f"Standby: {holder} leads and writes." if holder else "Standby: no Mooring is known to lead."
    if since := document.get("apiUnheardSince"):
        silent = age(now - datetime.fromisoformat(since).timestamp())
        yield f"The API server has not been heard for {silent}: nothing can be written, and the stored objects stay."
    if document.get("blind"):
        yield "Blind: all ready hosts are silent at once, so the fault is taken to be ours, and nothing is moved."


def _of_service(service: Document) -> Iterator[str]:
    if service.get("splitBrain"):
        yield "split brain: several hosts say that they are the primary; make all but one of them read-only"
    if pause := service.get("paused"):
        yield _paused(pause)
    if service.get("error"):
        yield str(service["error"])
    if service.get("keptLast"):
        yield "no host is fit; the last ready ones stay published (whenAllFail: keepLast)"
    if held := service.get("held"):
        yield f"{', '.join(held)}: no host has them; they stay, unprobed, for a name that does not resolve"
    if pending := service.get("portsPending"):
        ports = ", ".join(str(port) for port in pending)
        yield f"the old ports are published until a host has answered at the new ones ({ports})"
    if trusted := service.get("trusted"):
        yield f"{', '.join(trusted)}: published whether Mooring can judge them or not (annotation mooring/trust)"
    for rival in service.get("contested", ()):
        who = f"another Mooring, {rival['manager']}," if rival["mooring"] else rival["manager"] or "somebody"
        yield f"{who} changes the stored objects again and again"


def _paused(pause: Document) -> str:
    return f"paused{asked(pause)}: nothing is written while the annotation mooring/paused says so"


def asked(entry: Document) -> str:
    """Who asks for a pause or a drain, until when and why, as far as the annotation says; begins with a blank."""
    until = f" until {_minute(entry['until'])}" if entry["until"] else ""
    by = f" by {entry['by']}" if entry["by"] else ""
    why = f" ({entry['reason']})" if entry["reason"] else ""
    return f"{by}{until}{why}"


def _minute(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def age(seconds: float) -> str:
    """As kubectl shows an age: its two leading units at most."""
    left = max(0, int(seconds))
    for unit, size, smaller, small in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if left >= size:
            return f"{left // size}{unit}{left % size // small}{smaller}"
    return f"{left}s"
