"""Reads a record, as ``/record`` gives it, into frozen values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mooring.model.addresses import parse
from mooring.model.errors import ConfigError
from mooring.model.reasons import Reason
from mooring.model.verdicts import Outcome, Verdict
from mooring.observe.flight import FORMAT

MOST_BYTES = 128 * 1024 * 1024
"""A record of as many entries as a daemon keeps has some 20 MB."""
MOST_COUNT = 100_000_000
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Equal outcomes in a row; times in Unix seconds."""

    outcome: Outcome
    count: int
    first_at: float
    last_at: float

    def at(self, number: int) -> float:
        """When the outcome of this number came, from 0 on: they are evenly spread."""
        steps = self.count - 1
        return self.first_at + (self.last_at - self.first_at) * number / steps if steps else self.first_at


@dataclass(frozen=True, slots=True)
class RecordedHost:
    """``first`` is its verdict before the first of its ``stretches``, ``last`` at the end."""

    name: str
    address: str
    backup: bool
    maintenance: bool
    first: Verdict
    last: Verdict
    stretches: tuple[Stretch, ...]
    turns: int
    """How many changes of its verdict an outcome made."""


@dataclass(frozen=True, slots=True)
class RecordedService:
    """``settings`` are those of ``observe.flight``; they are judged when a specification is made of them."""

    name: str
    settings: Fields
    line: int
    hosts: tuple[RecordedHost, ...] = ()


@dataclass(slots=True)
class Record:
    """``at`` is when it was made, in Unix seconds."""

    at: float
    services: list[RecordedService] = field(default_factory=list)


class _WrongError(Exception):
    """What is wrong with one line."""


def read_record(data: bytes, name: str) -> Record:
    """The record in ``data``. Raises ConfigError: it is none, and at which line of the file ``name``."""
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{name}: is larger than {MOST_BYTES // 1024 // 1024} MiB, which no record is")
    record: Record | None = None
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            record = _with_line(record, line, number)
        except _WrongError as error:
            raise ConfigError(f"{name}:{number}: {error}") from None
    if record is None or not record.services:
        raise ConfigError(f"{name}: has no Service; a record is what GET /record of a daemon returns")
    return record


def _with_line(record: Record | None, line: bytes, number: int) -> Record | None:
    if not line.strip():
        return record
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _WrongError("is no object of JSON; a record has one in each line, as GET /record of a daemon returns it")
    if record is None:
        return Record(_head(found))
    _add(record, found, number)
    return record


def _head(found: Fields) -> float:
    if "record" not in found:
        raise _WrongError("is not the head of a record, as GET /record of a daemon returns it")
    if found["record"] != FORMAT:
        raise _WrongError(f"record: this Mooring reads format {FORMAT}, not {found['record']!r:.20}")
    return _moment(found, "at")


def _add(record: Record, found: Fields, number: int) -> None:
    if "service" in found:
        settings = _of(found, "settings", dict, "an object")
        record.services.append(RecordedService(_text(found, "service"), settings, number))
    elif "host" in found:
        if not record.services:
            raise _WrongError("a host before the first Service")
        last = record.services[-1]
        if any(one.address == found.get("address") for one in last.hosts):
            raise _WrongError(f"address: {last.name} has a host of this address already")
        record.services[-1] = RecordedService(last.name, last.settings, last.line, (*last.hosts, _host(found)))
    else:
        raise _WrongError("is neither a Service nor a host")


def _host(found: Fields) -> RecordedHost:
    address = _text(found, "address")
    if parse(address) is None:
        raise _WrongError("address: must be an IP address")
    outcomes = [_objects(one, "outcomes") for one in _of(found, "outcomes", list, "a list")]
    stretches = tuple(_stretch(one) for one in outcomes if _of(one, "judged", bool, "true or false"))
    turns = [_objects(one, "transitions") for one in _of(found, "transitions", list, "a list")]
    last = _verdict(found, "verdict")
    begin = stretches[0].first_at if stretches else 0.0
    made = [one for one in turns if one.get("reason") is not None and _moment(one, "at") >= begin]
    return RecordedHost(
        _text(found, "host"),
        address,
        _of(found, "backup", bool, "true or false"),
        _of(found, "maintenance", bool, "true or false"),
        _verdict(made[0], "from") if made else last,
        last,
        stretches,
        len(made),
    )


def _stretch(found: Fields) -> Stretch:
    counts = _of(found, "counts", bool, "true or false")
    count = _of(found, "count", int, "a number")
    if not 0 < count <= MOST_COUNT:
        raise _WrongError(f"count: must be from 1 to {MOST_COUNT}")
    first, last = _moment(found, "firstAt"), _moment(found, "lastAt")
    outcome = Outcome(_reason(found), _of(found, "message", str, "a text"), stays=not counts)
    return Stretch(outcome, count, first, max(first, last))  # a clock may have been set back meanwhile


def _reason(found: Fields) -> Reason:
    try:
        return Reason(found["reason"])
    except (KeyError, ValueError):
        raise _WrongError(f"reason: this Mooring knows no reason {found.get('reason')!r:.40}") from None


def _verdict(found: Fields, name: str) -> Verdict:
    try:
        return Verdict(found[name])
    except (KeyError, ValueError):
        raise _WrongError(f"{name}: must be one of {', '.join(Verdict)}") from None


def _moment(found: Fields, name: str) -> float:
    try:
        at = datetime.fromisoformat(found[name])
        return at.timestamp() if at.tzinfo else _fail(name)
    except (KeyError, TypeError, ValueError, OverflowError):
        return _fail(name)


def _fail(name: str) -> float:
    raise _WrongError(f"{name}: must be a time as 2026-11-26T03:00:00Z")


def _text(found: Fields, name: str) -> str:
    text: str = _of(found, name, str, "a text")
    return text if text.strip() else str(_of({}, name, str, "a text"))


def _objects(found: object, name: str) -> Fields:
    if not isinstance(found, dict):
        raise _WrongError(f"{name}: each must be an object")
    return found


def _of(found: Fields, name: str, kind: type, what: str) -> Any:
    value = found.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _WrongError(f"{name}: must be {what}")
    return value
