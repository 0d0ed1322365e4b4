"""A replay as JSON: whole lists, times as RFC 3339, durations in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mooring.cli.replay.difference import difference, flaps, transitions
from mooring.cli.replay.judging import Course
from mooring.cli.replay.record import RecordedService
from mooring.cli.replay.specs import NOT_REPLAYED
from mooring.model.moments import rfc3339

MILLISECONDS = 3


def document(
    service: RecordedService, before: Course, after: Course | None, settings: Mapping[str, Any] | None
) -> dict[str, Any]:
    """One Service. ``after``, ``settings``: the course by another file, and its settings; None: there is none."""
    return {
        "service": service.name,
        "from": rfc3339(before.begin),
        "to": rfc3339(before.end),
        "settings": {} if settings is None else _changed(service.settings, settings),
        "before": _course(service, before),
        "after": None if after is None else _course(service, after),
        "differences": None if after is None else _differences(service, before, after),
    }


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """``replayed``: false, a record cannot show what the setting does."""
    return {
        name: {"before": value, "after": after[name], "replayed": name not in NOT_REPLAYED}
        for name, value in before.items()
        if value != after[name]
    }


def _course(service: RecordedService, course: Course) -> dict[str, Any]:
    names = {one.address: one.name for one in service.hosts}
    hosts = [
        {
            "name": one.name,
            "address": one.address,
            "outs": len(course.outages(one.address)),
            "servedSeconds": round(course.served(one.address), MILLISECONDS),
        }
        for one in service.hosts
    ]
    published = [
        {"at": rfc3339(one.at, MILLISECONDS), "ready": sorted(names[address] for address in one.ready)}
        for one in course.published
    ]
    return {
        "transitions": transitions(course),
        "flaps": flaps(course),
        "emptySeconds": round(course.empty, MILLISECONDS),
        "hosts": hosts,
        "published": published,
    }


def _differences(service: RecordedService, before: Course, after: Course) -> list[dict[str, Any]]:
    """``laterSeconds``: of each time out that both have, negative where it comes sooner."""
    found = [(one, difference(before, after, one.address)) for one in service.hosts]
    return [
        {
            "name": one.name,
            "address": one.address,
            "laterSeconds": [round(shift, MILLISECONDS) for shift in what.shifts],
            "avoided": what.avoided,
            "added": what.added,
        }
        for one, what in found
    ]
