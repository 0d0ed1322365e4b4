"""``mooring replay``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from mooring.cli.caution import show_warnings
from mooring.cli.codes import OK
from mooring.cli.output import print_json
from mooring.cli.replay import words
from mooring.cli.replay.document import document
from mooring.cli.replay.judging import Course, judge_again
from mooring.cli.replay.record import MOST_BYTES, Record, RecordedService, read_record
from mooring.cli.replay.specs import as_configured, as_recorded, unlisted
from mooring.cli.settings import Purpose, load_settings
from mooring.config import load
from mooring.model.errors import ConfigError
from mooring.model.spec import Config, ServiceSpec
from mooring.observe import streams
from mooring.observe.flight import settings

STANDARD_INPUT = "-"
CONFIG = "judge by this file, and say what would have been different (MOORING_CONFIG)"


class Replayed(NamedTuple):
    """A Service, its course as it was, and by the other file with that one's settings; None: there is none."""

    service: RecordedService
    before: Course
    after: Course | None
    settings: Mapping[str, Any] | None


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("-c", "--config", metavar="FILE", envvar="MOORING_CONFIG", help=CONFIG)
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(*, file: str, config: str | None, output: str) -> int:
    name = "<stdin>" if file == STANDARD_INPUT else file
    record = read_record(_bytes(file), name)
    other = None if config is None else _config(config)
    if other is not None:
        show_warnings(_apart(record, other))
    if output == "json":
        replayed = [_replayed(service, other, record.at, name) for service in record.services]
        print_json({"services": [document(*one) for one in replayed]})
        return OK
    for number, service in enumerate(record.services):
        for line in _lines(*_replayed(service, other, record.at, name)):
            click.echo(line)
        if number + 1 < len(record.services):
            click.echo()
    return OK


def _bytes(file: str) -> bytes:
    """At most one more than a record may have. Raises ConfigError."""
    try:
        if file == STANDARD_INPUT:
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with Path(file).open("rb") as held:
            return held.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _config(path: str) -> Config:
    """Raises ConfigError."""
    given = load_settings({})
    return load(Path(path), given.address_policy(Purpose.CHECK), files=given.file_policy(Purpose.CHECK))


def _apart(record: Record, config: Config) -> Iterator[str]:
    """What stands in one of the two alone."""
    recorded, listed = {one.name for one in record.services}, {str(one.key) for one in config.services}
    for name in sorted(listed - recorded):
        yield f"{name}: the record does not have it"
    for name in sorted(recorded - listed):
        yield f"{name}: the file does not have it, so it is judged as it was"


def _replayed(service: RecordedService, config: Config | None, end: float, file: str) -> Replayed:
    before = judge_again(service, as_recorded(service, file), end)
    spec = _named(config, service.name) if config else None
    if spec is None:
        return Replayed(service, before, None, None)
    for host in unlisted(service, spec):
        streams.complain(f"warning: {service.name}: the file has no host {host}; it is judged as the others")
    return Replayed(service, before, judge_again(service, as_configured(service, spec), end), settings(spec))


def _lines(
    service: RecordedService, before: Course, after: Course | None, held: Mapping[str, Any] | None
) -> Iterator[str]:
    yield words.head(service, before)
    if after is None or held is None:
        yield from _indented(words.alone(service, before))
        return
    yield from _indented(words.changed_settings(service.settings, held))
    yield from _indented(words.compared(service, before, after))


def _named(config: Config, name: str) -> ServiceSpec | None:
    return next((one for one in config.services if str(one.key) == name), None)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
