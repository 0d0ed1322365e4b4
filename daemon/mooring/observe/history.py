"""The document of one Service or host with all that it has been through: behind ``/status/NAMESPACE/NAME/HOST``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from mooring.judge.record import HostRecord, NotedTransition, Run
from mooring.judge.store import HealthStore
from mooring.model.facts import place
from mooring.model.spec import ServiceKey
from mooring.model.verdicts import Outcome
from mooring.observe.explain import explanation
from mooring.observe.status import moment
from mooring.observe.summary import Document

MOST_SHOWN, LEAST_OF_ONE = 4096, 8
"""Outcomes, and transitions, of all hosts of a document together; of each host at least so many."""


class Histories:
    """Takes the status document of the daemon, and adds the records of hosts."""

    def __init__(
        self, status: Callable[[], Document], store: HealthStore, wall: Callable[[], float] = time.time
    ) -> None:
        self._status = status
        self._store = store
        self._wall = wall

    def find(self, path: Sequence[str]) -> Document | None:
        """The status document with this one Service. The host at ``path`` (namespace, Service, name or address of a
        host; without the last: each host) has its ``explanation``, ``outcomes`` and ``transitions``. Many hosts have
        their latest ones only.

        None: there is no such Service or host.
        """
        if len(path) not in {2, 3}:
            return None
        document, now = self._status(), self._wall()
        service = next((one for one in document["services"] if [one["namespace"], one["name"]] == [*path[:2]]), None)
        asked = [host for host in service["hosts"] if _is_named(host, path[2:])] if service else []
        if service is None or not asked:
            return None
        records, most = self._store.records(ServiceKey(*path[:2])), max(LEAST_OF_ONE, MOST_SHOWN // len(asked))
        for host in asked:
            host.update(_history(records.get(host["address"]), most))
            host["explanation"] = explanation(document, service, host, now)
        return {**document, "at": moment(now), "services": [service]}


def _is_named(host: Document, wanted: Sequence[str]) -> bool:
    return not wanted or wanted[0] in {host["name"], host["address"]}


def _history(record: HostRecord | None, most: int) -> dict[str, Any]:
    """At most so many of each, the oldest first. A probe may add an entry meanwhile: the lists are copied first."""
    runs, transitions = (record.runs[-most:], record.transitions[-most:]) if record else ([], [])
    return {"outcomes": list(map(run_document, runs)), "transitions": list(map(transition_document, transitions))}


def run_document(run: Run) -> Document:
    """Of outcomes in a row that are equal."""
    return {
        **_outcome(run.outcome),
        "probed": place(run.target.address, run.target.port),
        "count": run.count,
        "firstAt": moment(run.first_at),
        "lastAt": moment(run.last_at),
        "fastestSeconds": round(run.fastest, 6),
        "slowestSeconds": round(run.slowest, 6),
    }


def _outcome(outcome: Outcome | None) -> Document:
    if outcome is None:
        return {"reason": None, "message": "", "counts": False}
    return {"reason": outcome.reason.value, "message": outcome.message, "counts": not outcome.stays}


def transition_document(one: NotedTransition) -> Document:
    """Of one change of a verdict; ``at`` is null where it is not known."""
    stored = one.stored
    return {
        "at": moment(one.at or None),
        "evidenceAt": moment(one.evidence_at or None),
        "from": one.before.value,
        "to": one.after.value,
        **_outcome(one.outcome),
        "probed": place(one.target.address, one.target.port),
        "streak": one.streak,
        "stored": stored and {"at": moment(stored.at), "object": stored.name, "version": stored.version},
    }
