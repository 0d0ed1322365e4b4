"""Tables for people: hosts under their Services for a terminal, plain columns for a pipe.

Imports little: `mooring status` is typed again and again.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from mooring.model.damping import Damper
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.verdicts import Verdict
from mooring.observe import grouped
from mooring.observe.banners import age, asked, banners
from mooring.observe.summary import Document

BETWEEN = "  "
"""What stands between the columns in a pipe."""
DRAINED = "maintenance (annotation)"
ABOVE = "bold yellow"
"""The colour of what stands above the hosts."""
UNCHECKED = "ready, unchecked"
"""The state of a host that stays ready while Mooring cannot judge it: were it to die now, nobody would notice."""
WAITING = "waiting"
"""The state of a host that answers well and waits for others, such as Sentinels; its message says for whom."""
COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "ready": "green",
        "not-ready": "red",
        "never-judged": "yellow",
        UNCHECKED: "yellow",
        "unknown": "yellow",
        WAITING: "yellow",
        "maintenance": "cyan",
        DRAINED: "cyan",
    }
)
HELD: Mapping[str, str] = MappingProxyType(
    {
        Damper.FLAP: "flapping",
        Damper.KEEP_ON_SILENCE: "only silent, and too few would be left (keepOnSilence)",
        Damper.MAX_DEMOTIONS: "only silent, as too many at once (--max-demotions)",
    }
)
"""What holds a verdict back, in words."""
Columns = Mapping[str, Callable[[Document, Document, float], str]]
"""Title of a column → its text, from the Service, its host, and now in Unix seconds."""


def _state(_service: Document, host: Document, _now: float) -> str:
    if host["maintenance"]:
        return DRAINED if host.get("maintenanceSource") == "annotation" else "maintenance"
    if host["verdict"] == Verdict.READY and _changes_nothing(host["reason"]):
        return UNCHECKED
    if host["verdict"] != Verdict.UNJUDGED or host["reason"] is None:
        return str(host["verdict"])
    return WAITING if host["reason"] == Reason.OK else "unknown"


def _changes_nothing(reason: str | None) -> bool:
    """The last outcome was unknown. A reason that a newer daemon knows, and this command does not, is none of these."""
    return reason in set(Reason) and MEANINGS[Reason(reason)].effect is Effect.UNKNOWN


def _streak(_service: Document, host: Document, _now: float) -> str:
    return f"{host['consecutive']}/{host['threshold']}" if host["consecutive"] else "-"


def _since(_service: Document, host: Document, now: float) -> str:
    if host["since"] is None:
        return "-"
    return age(now - datetime.fromisoformat(host["since"]).timestamp())


def _latency(_service: Document, host: Document, _now: float) -> str:
    seconds = host["latencySeconds"]
    return "-" if seconds is None else f"{seconds * 1000:.1f}ms"


def _lag(_service: Document, host: Document, _now: float) -> str:
    seconds = host["lagSeconds"]
    return "-" if seconds is None else f"{seconds:.1f}".removesuffix(".0") + "s"


def _message(host: Document) -> str:
    """Who drained the host, what holds its verdict back, and what it said. An older daemon says the last alone."""
    return "; ".join(filter(None, (_drained(host), _held(host), str(host["message"]))))


def _drained(host: Document) -> str:
    entry = host.get("drain")
    return f"drained{asked(entry)}" if entry else ""


def _held(host: Document) -> str:
    held = host.get("held")
    if held is None:
        return ""
    until = f" until {datetime.fromisoformat(held['until']):%H:%M:%S}" if held["until"] else ""
    return f"held: {HELD.get(held['by'], held['by'])}{until}"


CHECKED: Columns = MappingProxyType(
    {
        "SERVICE": lambda service, _host, _now: f"{service['namespace']}/{service['name']}",
        "HOST": lambda _service, host, _now: str(host["name"]),
        "ADDRESS": lambda _service, host, _now: str(host["address"]),
        "STATE": _state,
        "ROLE": lambda _service, host, _now: str(host["role"] or "-"),
        "LAG": _lag,
        "REASON": lambda _service, host, _now: str(host["reason"] or "-"),
        "LATENCY": _latency,
        "MESSAGE": lambda _service, host, _now: _message(host),
    }
)
WATCHED: Columns = MappingProxyType(
    {
        **{title: CHECKED[title] for title in ("SERVICE", "HOST", "ADDRESS", "STATE")},
        "PUBLISHED": lambda _service, host, _now: str(host["published"]),
        **{title: CHECKED[title] for title in ("ROLE", "LAG")},
        "STREAK": _streak,
        "SINCE": _since,
        **{title: CHECKED[title] for title in ("LATENCY", "REASON", "MESSAGE")},
    }
)


def hosts(services: Sequence[Document], columns: Columns, now: float) -> Iterator[str]:
    """A header, then one line a host, whole."""
    cells = [
        [text(service, host, now) for text in columns.values()] for service in services for host in service["hosts"]
    ]
    rows = [[*columns], *([one_line(cell) for cell in row] for row in cells)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield BETWEEN.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def one_line(text: str) -> str:
    """The text without line ends, and without characters that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one.isspace() else "\N{REPLACEMENT CHARACTER}" for one in text)


@dataclass(frozen=True)
class Screen:
    """The sentences ``above``, then the hosts: under their Services on a terminal, a line each in a pipe."""

    above: Sequence[str]
    services: Sequence[Document]
    columns: Columns
    now: float

    def piped(self) -> Iterator[str]:
        """A line each, however long."""
        above = [one_line(line) for sentence in self.above for line in sentence.splitlines()]
        yield from above
        yield from [""] * bool(above)
        yield from hosts(self.services, self.columns, self.now)

    def lines(self, width: int, height: int) -> Iterator[grouped.Line]:
        """The lines on a terminal of this size; the last of its lines is for the prompt."""
        above = [part for sentence in self.above for line in sentence.splitlines() for part in _wrapped(line, width)]
        yield from (grouped.Line(part, ABOVE, 0, len(part)) for part in above)
        yield from [grouped.Line("")] * bool(above)
        groups = [group(service, self.now, self.columns) for service in self.services]
        for line in grouped.lines(groups, width, height - 1 - len(above) - bool(above)):
            yield replace(line, text=one_line(line.text)[:width])


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(one_line(line), width, break_on_hyphens=False) or [""]


def watched(document: Document, *above: str) -> Screen:
    """The status of a daemon: these sentences and the banners, then its hosts."""
    now = time.time()
    return Screen([*above, *banners(document, now)], document["services"], WATCHED, now)


def checked(services: Sequence[Document], now: float) -> Screen:
    """What one probe of each host found."""
    return Screen((), services, CHECKED, now)


def group(service: Document, now: float, columns: Columns = WATCHED) -> grouped.Group:
    """The Service and its hosts as they are shown, these in the order of the document."""
    rows = [_row(service, host, columns, now) for host in service["hosts"]]
    ready = sum(host["verdict"] == Verdict.READY and not host["maintenance"] for host in service["hosts"])
    return grouped.Group(f"{service['namespace']}/{service['name']}", ready, rows)


def _row(service: Document, host: Document, columns: Columns, now: float) -> grouped.Row:
    state = _state(service, host, now)
    facts = list(_facts(service, host, columns, now))
    return grouped.Row(
        str(host["name"]), str(host["address"]), state, COLOURS[state], _rank(host, state), facts, _why(host, state)
    )


def _why(host: Document, state: str) -> str:
    """What the host said, and where it was asked: ``refused at 10.20.0.12:3306: Connection refused``."""
    message = _message(host)
    if host["reason"] in {Reason.OK, None}:
        return "" if state == "ready" else message
    at = f" at {host['probed']}" if host.get("probed") else ""
    return ": ".join(filter(None, (f"{host['reason']}{at}", message)))


def _rank(host: Document, state: str) -> int:
    """Trouble first. A host that stands by for another role is no trouble."""
    if state == "not-ready" and host["reason"] != Reason.WRONG_ROLE:
        return 0
    if state in {"unknown", WAITING, "never-judged"}:
        return 1
    return 2 if state == UNCHECKED else grouped.CALM


def _facts(service: Document, host: Document, columns: Columns, now: float) -> Iterator[str]:
    """What stands after the state: role and lag where known; with a history, how long, the streak, what differs."""
    yield from (text for text in (host["role"] or "", _lag(service, host, now)) if text not in {"", "-"})
    if columns is CHECKED:
        return
    yield from (text for text in (_since(service, host, now), _streak(service, host, now)) if text != "-")
    if host["published"] not in {host["verdict"], "not-ready"} or (
        host["published"] == "not-ready" and host["verdict"] == Verdict.READY and not host["maintenance"]
    ):
        yield f"published: {host['published']}"
