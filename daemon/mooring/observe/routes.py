"""What ``--listen`` answers, path by path."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from mooring.judge.store import HealthStore
from mooring.observe import log
from mooring.observe.flight import flight
from mooring.observe.history import Histories
from mooring.observe.summary import Document

if TYPE_CHECKING:
    from mooring.observe.page import Pages

PLAIN, HTML, JSON = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json"
JSON_LINES = "application/jsonl"
NOTHING = "no such Service or host; /status has them all"
Headers = Mapping[str, str]
NO_HEADERS: Headers = {}


class Answer(NamedTuple):
    """``kind`` is the content type."""

    status: HTTPStatus
    kind: str
    body: bytes
    headers: Headers = NO_HEADERS


Route = Callable[[], Answer]
Routes = Callable[[Sequence[str]], Answer]
"""The pages below a path, by the parts of the rest of it."""


@dataclass(frozen=True, slots=True)
class Router:
    """Finds and makes the page of a path; ``below`` has the pages under each of its paths."""

    pages: Mapping[str, Route]
    below: Mapping[str, Routes] = field(default_factory=dict)

    def answer(self, path: str) -> Answer:
        try:
            return self._find(path.partition("?")[0])()
        except Exception:  # noqa: BLE001 -- a defect of a page must not look like a network fault, nor end the daemon
            log.say("error", "http.defect", {"exc_info": sys.exc_info()})
            return text_answer(HTTPStatus.INTERNAL_SERVER_ERROR, "this page could not be made; the log says why")

    def _find(self, path: str) -> Route:
        for start, pages in self.below.items():
            if path.startswith(start):
                return partial(pages, [unquote(part) for part in path.removeprefix(start).split("/")])
        return self.pages.get(path, self._no_page)

    def _no_page(self) -> Answer:
        return text_answer(HTTPStatus.NOT_FOUND, f"no such page; there are: {' '.join(self.pages)}")


def router_of(
    store: HealthStore,
    *,
    alive: Callable[[], str | None],
    ready: Callable[[], str | None],
    status: Callable[[], Document],
    metrics: Callable[[], tuple[str, bytes]],
) -> Router:
    """``alive`` returns None, or the sentence that says what stands still; ``ready`` likewise. ``metrics`` returns
    content type and text.
    """

    @cache
    def people() -> Pages:
        made: Pages = importlib.import_module("mooring.observe.page").Pages(status, store)
        return made

    histories = Histories(status, store)
    pages: Mapping[str, Route] = {
        "/": lambda: _html_answer(people().overview()),
        "/still/": lambda: _html_answer(people().overview(still=True)),
        "/livez": lambda: _health_answer(alive()),
        "/readyz": lambda: _health_answer(ready()),
        "/status": lambda: _json_answer(status()),
        "/record": lambda: Answer(HTTPStatus.OK, JSON_LINES, b"".join(flight(store, time.time()))),
        "/metrics": lambda: Answer(HTTPStatus.OK, *metrics()),
    }
    below: Mapping[str, Routes] = {
        "/status/": lambda path: _json_answer(histories.find(path)),
        "/hosts/": lambda path: _html_answer(people().host(path)),
        "/still/hosts/": lambda path: _html_answer(people().host(path, still=True)),
    }
    return Router(pages, below)


def text_answer(status: HTTPStatus, sentence: str) -> Answer:
    return Answer(status, PLAIN, f"{sentence}\n".encode())


def _health_answer(why_not: str | None) -> Answer:
    if why_not is None:
        return text_answer(HTTPStatus.OK, "ok")
    return text_answer(HTTPStatus.SERVICE_UNAVAILABLE, why_not)


def _json_answer(document: Document | None) -> Answer:
    if document is None:
        return text_answer(HTTPStatus.NOT_FOUND, NOTHING)
    return Answer(HTTPStatus.OK, JSON, (json.dumps(document, indent=2) + "\n").encode())


def _html_answer(page: tuple[bytes, Headers] | None) -> Answer:
    return Answer(HTTPStatus.OK, HTML, *page) if page else text_answer(HTTPStatus.NOT_FOUND, NOTHING)
