"""The page for people at ``/``, and one for each host: HTML without any script, made anew at most once a second.

Imported when somebody looks at it first: Jinja2 is no part of a daemon that nobody looks at.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mooring.judge.record import HostRecord
from mooring.judge.store import HealthStore
from mooring.model.spec import ServiceKey
from mooring.model.verdicts import Verdict
from mooring.observe import grouped, table
from mooring.observe.banners import banners
from mooring.observe.history import Histories
from mooring.observe.story import outcome_cells, transition_words
from mooring.observe.strip import Level, Segment, strip
from mooring.observe.summary import Document

FRESH_SECONDS = 1.0
REFRESH_SECONDS = 5
"""How often a browser loads a page anew."""
STILL = "still/"
"""Below it are the same pages, which do not load themselves anew."""
MOST_SHOWN = 200
"""Outcomes, and transitions, of a host that its page shows; ``mooring explain`` shows all."""
CLASSES: Mapping[str, str] = {"green": "ready", "red": "out", "yellow": "doubted", "cyan": "resting"}
"""The class of a state, by its colour in the table."""
WORDS: Mapping[Level, str] = {Level.READY: "ready", Level.DOUBTED: "doubted", Level.OUT: "out"}
NO_RECORD = HostRecord()
_FOLDER = Path(__file__).with_name("templates")
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Of each page: nothing but its own style is loaded, nothing runs, and nobody frames it."""
Page = tuple[bytes, Mapping[str, str]]
"""HTML in UTF-8, and its headers."""


class Pages:
    """``status`` returns the status document; ``wall`` and ``monotonic`` are clocks in seconds."""

    def __init__(
        self,
        status: Callable[[], Document],
        store: HealthStore,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._status = status
        self._store = store
        self._histories = Histories(status, store, wall)
        self._wall = wall
        self._monotonic = monotonic
        self._making = threading.Lock()
        self._made: dict[bool, tuple[float, Page]] = {}
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def overview(self, *, still: bool = False) -> Page:
        """The page of all Services, trouble first; several views within a second share it.

        ``still``: it does not load itself anew, which takes the focus from who goes from link to link by the keyboard.
        """
        with self._making:
            now, made = self._monotonic(), self._made.get(still)
            if made is None or now - made[0] >= FRESH_SECONDS:
                made = self._made[still] = now, self._overview(still=still)
            return made[1]

    def host(self, path: Sequence[str], *, still: bool = False) -> Page | None:
        """The page of the host at this path (namespace, Service, name or address); None: there is none."""
        document = self._histories.find(path)
        return self._host(document, "/".join(quote(part, safe="") for part in path), still=still) if document else None

    def _overview(self, *, still: bool) -> Page:
        document, now = self._status(), self._wall()
        services = [self._service(service, now) for service in document["services"]]
        services.sort(key=lambda one: min((row["rank"] for row in one["rows"]), default=grouped.CALM))
        other = "../" if still else STILL
        return self._render("overview.html", document, now, services=services, still=still, other=other)

    def _service(self, service: Document, now: float) -> Document:
        records = self._store.records(ServiceKey(service["namespace"], service["name"]))
        group = table.group(service, now)
        rows = [
            {
                "rank": row.rank,
                "name": row.name,
                "link": _link(service, host),
                "address": row.address,
                "state": row.state,
                "class": CLASSES[row.colour],
                "facts": row.facts,
                "why": row.why or host["reason"] or "",
                "latency": _milliseconds(host["latencySeconds"]),
                **_strip(records.get(host["address"], NO_RECORD), host, now),
            }
            for host, row in zip(service["hosts"], group.rows, strict=True)
        ]
        rows.sort(key=lambda row: row["rank"])
        return {"name": group.name, "ready": group.ready, "total": len(rows), "rows": rows}

    def _host(self, document: Document, path: str, *, still: bool) -> Page:
        now = self._wall()
        (service,) = document["services"]
        group = table.group(service, now)
        records = self._store.records(ServiceKey(service["namespace"], service["name"]))
        hosts = [
            {
                "name": row.name,
                "address": row.address,
                "state": row.state,
                "class": CLASSES[row.colour],
                "explanation": host["explanation"],
                "outcomes": [outcome_cells(one, now) for one in reversed(host["outcomes"][-MOST_SHOWN:])],
                "transitions": [transition_words(one, now) for one in reversed(host["transitions"][-MOST_SHOWN:])],
                **_strip(records.get(host["address"], NO_RECORD), host, now),
            }
            for host, row in zip(service["hosts"], group.rows, strict=True)
            if "explanation" in host
        ]
        other = f"../../../../hosts/{path}" if still else f"../../../{STILL}hosts/{path}"
        return self._render("host.html", document, now, service=group.name, hosts=hosts, still=still, other=other)

    def _render(self, name: str, document: Document, now: float, **values: Any) -> Page:
        said = list(banners(document, now))
        shown = {"banners": said, "style": _STYLE, "refresh": REFRESH_SECONDS, "now": _day_and_time(now)}
        about = {"identity": document["identity"], "version": document["version"], "leader": document["leader"]}
        return self._templates.get_template(name).render(**shown, **about, **values).encode(), HEADERS


def _day_and_time(now: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))


def _link(service: Document, host: Document) -> str:
    """Relative, so that it holds behind a proxy that adds to the path."""
    return "/".join(
        ("hosts", *(quote(part, safe="") for part in (service["namespace"], service["name"], host["name"])))
    )


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f} ms"


def _strip(record: HostRecord, host: Document, now: float) -> Document:
    """The last hour of a host, for the eye and in words."""
    segments = strip(record, Verdict(host["verdict"]), now)
    return {
        "strip": [(one.start, one.minutes, WORDS[one.level]) for one in segments],
        "hour": ", ".join(_minutes(segments)),
    }


def _minutes(segments: Sequence[Segment]) -> Iterator[str]:
    for level, word in WORDS.items():
        if count := sum(one.minutes for one in segments if one.level is level):
            yield f"{count} min {word}"
