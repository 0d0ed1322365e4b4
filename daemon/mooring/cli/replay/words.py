"""A replay as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mooring.cli.replay.difference import Difference, average, difference, flaps, transitions
from mooring.cli.replay.judging import Course
from mooring.cli.replay.record import RecordedService
from mooring.cli.replay.specs import NOT_REPLAYED
from mooring.model.moments import rfc3339
from mooring.observe.banners import age

MOST_SHOWN = 40
"""Changes of what is published that are shown."""
MINUTE = 60.0


def head(service: RecordedService, course: Course) -> str:
    count = len(service.hosts)
    hosts = f"{count} host{'s' * (count != 1)}"
    return f"{service.name}  {rfc3339(course.begin)} to {rfc3339(course.end)}, {hosts}"


def changed_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Each setting that differs, and whether a replay can show what it does."""
    for name, value in before.items():
        if value != after[name]:
            no = ": not replayed, a record has the outcomes that came" if name in NOT_REPLAYED else ""
            yield f"{name} {_value(value)} -> {_value(after[name])}{no}"


def alone(service: RecordedService, course: Course) -> Iterator[str]:
    """What became of the Service."""
    flapped = f"{transitions(course)} transitions, {flaps(course)} flaps"
    yield f"{flapped}, without a ready host for {seconds(course.empty)}"
    for host in service.hosts:
        outs = times(len(course.outages(host.address)))
        yield f"{host.name}: out {outs}, in service {seconds(course.served(host.address))}"
    yield from _published(service, course)


def compared(service: RecordedService, before: Course, after: Course) -> Iterator[str]:
    """What would have been different."""
    turns, flapped = (transitions(before), transitions(after)), (flaps(before), flaps(after))
    empty = f"without a ready host {seconds(before.empty)} -> {seconds(after.empty)}"
    yield f"transitions {turns[0]} -> {turns[1]}, flaps {flapped[0]} -> {flapped[1]}, {empty}"
    for host in service.hosts:
        yield f"{host.name}: {_host(difference(before, after, host.address))}"
    yield from _published(service, after)


def _host(found: Difference) -> str:
    if not any(found.shifts) and not found.avoided and not found.added:
        return f"as it was; out {times(found.outs[0])}, in service {seconds(found.served[0])}"
    moved = ", ".join(
        [
            *_shifted(found, [one for one in found.shifts if one > 0], "later"),
            *_shifted(found, [-one for one in found.shifts if one < 0], "sooner"),
            *([f"{found.avoided} not at all"] if found.avoided else []),
            *([f"{found.added} more"] if found.added else []),
        ]
    )
    gain = found.served[1] - found.served[0]
    more = f" ({'+' if gain >= 0 else '-'}{seconds(abs(gain))})"
    served = f"in service {seconds(found.served[0])} -> {seconds(found.served[1])}{more}"
    return f"out {found.outs[0]} -> {found.outs[1]} times: {moved}; {served}"


def _shifted(found: Difference, shifts: Sequence[float], word: str) -> Iterator[str]:
    if shifts:
        longest = f" (at most {seconds(max(shifts))})" if max(shifts) > min(shifts) else ""
        yield f"{len(shifts)} of {found.outs[0]} {word} by {seconds(average(shifts))}{longest}"


def _published(service: RecordedService, course: Course) -> Iterator[str]:
    names = {one.address: one.name for one in service.hosts}
    yield "published as ready (UTC):"
    for one in course.published[:MOST_SHOWN]:
        yield f"  {rfc3339(one.at, 3)}  {', '.join(sorted(names[address] for address in one.ready)) or 'none'}"
    if (more := len(course.published) - MOST_SHOWN) > 0:
        yield f"  and {more} changes more"


def seconds(value: float) -> str:
    """Short times to the tenth, long ones by their two leading units."""
    return f"{value:.1f}".removesuffix(".0") + " s" if value < MINUTE else age(value)


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {held}" for name, held in value.items()) + "}"
    return "off" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
