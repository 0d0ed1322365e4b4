"""Tables for people: rich on a terminal, plain columns when piped."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import MappingProxyType

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from mooring.model import Verdict
from mooring.observe.status import Document

PIPED_WIDTH = 4000
DRAINED = "maintenance (annotation)"
COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "ready": "green",
        "not-ready": "red",
        "never-judged": "yellow",
        "unknown": "yellow",
        "maintenance": "cyan",
        DRAINED: "cyan",
    }
)
Columns = Mapping[str, Callable[[Document, Document, float], str]]
"""Title of a column → its text, from the Service, its host, and now in Unix seconds."""


def _state(_service: Document, host: Document, _now: float) -> str:
    if host["maintenance"]:
        return DRAINED if host.get("maintenanceSource") == "annotation" else "maintenance"
    judged = host["verdict"] != Verdict.UNJUDGED or host["reason"] is None
    return str(host["verdict"]) if judged else "unknown"


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
        "MESSAGE": lambda _service, host, _now: str(host["message"]),
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


def age(seconds: float) -> str:
    """As kubectl shows an age: its two leading units at most."""
    left = max(0, int(seconds))
    for unit, size, smaller, small in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if left >= size:
            return f"{left // size}{unit}{left % size // small}{smaller}"
    return f"{left}s"


def hosts(services: Sequence[Document], columns: Columns, now: float) -> Table:
    """One row a host."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in columns:
        table.add_column(title, no_wrap=title != "MESSAGE")
    for service in services:
        for host in service["hosts"]:
            colour = COLOURS[_state(service, host, now)]
            cells = [escape(text(service, host, now)) for text in columns.values()]
            table.add_row(*cells[:3], f"[{colour}]{cells[3]}[/]", *cells[4:])
    hindered = [f"{s['namespace']}/{s['name']}: {escape(s['error'])}" for s in services if s.get("error")]
    table.caption = "\n".join(hindered) or None
    return table


def show(table: Table, *, clear: bool = False) -> None:
    """Prints the table, on a terminal that was cleared before if so wanted; piped, a row is a line and never cut."""
    if sys.stdout.isatty():
        console = Console()
        if clear:
            console.clear()
        console.print(table)
        return
    text = io.StringIO()
    Console(file=text, width=PIPED_WIDTH, color_system=None).print(table)
    for row in text.getvalue().splitlines():
        print(row.rstrip())  # noqa: T201 -- this is a command's answer


def live(make: Callable[[], Table]) -> AbstractContextManager[object]:
    """Shows the table over and over on the terminal; what is written to standard error appears above it."""
    return Live(get_renderable=make, refresh_per_second=4, transient=False, console=Console())
