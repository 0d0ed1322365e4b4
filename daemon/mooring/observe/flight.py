"""The record of all hosts at ``/record``, which ``mooring replay`` reads: lines of JSON, in this order.

{"record": 1, "mooring": VERSION, "at": MOMENT}       the head
{"service": NAMESPACE/NAME, "settings": {...}}        a Service, as the file of this moment has it
{"host": NAME, "address": ..., "outcomes": [...]}     a host of it, with its outcomes and transitions, the oldest first

It is as long as the records of the hosts, which are bounded (``judge.ledger``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from mooring import __version__
from mooring.judge.record import HostRecord
from mooring.judge.store import HealthStore
from mooring.model.spec import ServiceSpec
from mooring.model.targets import Member
from mooring.model.verdicts import HostState
from mooring.observe.history import run_document, transition_document
from mooring.observe.status import moment
from mooring.observe.summary import Document

FORMAT = 1


def flight(store: HealthStore, now: float) -> Iterator[bytes]:
    """The lines; ``now`` in Unix seconds. One host at a time: no probe waits for more than one line."""
    yield _line({"record": FORMAT, "mooring": __version__, "at": moment(now)})
    for view in store.snapshot():
        records = store.records(view.spec.key)
        yield _line({"service": str(view.spec.key), "settings": settings(view.spec)})
        for member, state in view.hosts:
            yield _line(_host(member, state, records.get(member.address, HostRecord())))


def settings(spec: ServiceSpec) -> Document:
    """What the file says of a Service that another judgement of the same outcomes depends on, in the file's words."""
    check, flap, floor = spec.check, spec.flap, spec.keep_on_silence
    return {
        "protocol": check.protocol,
        "role": check.requirement.role.value,
        "periodSeconds": check.period,
        "timeoutSeconds": check.timeout,
        "successThreshold": check.thresholds.success,
        "failureThreshold": check.thresholds.failure,
        "whenSaturated": check.when_saturated.value,
        "whenAllFail": spec.when_all_fail.value,
        "minReady": spec.min_ready,
        "flap": flap
        and {
            "transitions": flap.transitions,
            "withinSeconds": flap.within,
            "holdSeconds": flap.hold,
            "maxHoldSeconds": flap.most,
        },
        "keepOnSilence": f"{floor.amount}%" if floor.percent else floor.amount,
    }


def _host(member: Member, state: HostState, record: HostRecord) -> Document:
    """A probe may add an entry meanwhile: the lists are copied first."""
    runs, transitions = record.runs[:], record.transitions[:]
    return {
        "host": member.host.name,
        "address": member.address,
        "backup": member.host.backup,
        "maintenance": member.host.maintenance,
        "verdict": state.verdict.value,
        "outcomes": [{**run_document(run), "judged": run.judged} for run in runs],
        "transitions": list(map(transition_document, transitions)),
    }


def _line(document: Document) -> bytes:
    return json.dumps(document).encode() + b"\n"
