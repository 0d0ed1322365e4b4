"""What the log says of each event."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

from mooring.events import (
    AddressLeftOut,
    AddressRemoved,
    BlindChanged,
    ClockJumped,
    ConfigRefused,
    ConfigReloaded,
    DrainChanged,
    DrainUnknown,
    HazardFound,
    HostChanged,
    HostKnown,
    HostUnknown,
    KeptLast,
    LeaderChanged,
    LeaseFailed,
    NotPublished,
    Overrun,
    Probed,
    Published,
    Repaired,
    ServiceReleased,
    SessionsKilled,
    SplitBrain,
    SplitBrainEnded,
    WriteFailed,
)
from mooring.model import Change, Member, Verdict
from mooring.picture import Condition, Step
from mooring.reasons import MEANINGS

_CONDITIONS = {
    "ready": Condition.READY,
    "not_ready": Condition.NOT_READY,
    "last_resort": Condition.LAST_RESORT,
}
Line = tuple[str, str, Mapping[str, object]]
"""Level, name of the event, facts."""


@singledispatch
def line(event: object) -> Line:
    """What is written for an event."""
    raise TypeError(f"no log line for {type(event).__name__}")


def _who(member: Member) -> dict[str, object]:
    return {"service": str(member.service), "host": member.host, "address": member.address}


@line.register
def _(event: HostChanged) -> Line:
    name = "host.ready" if event.state.verdict is Verdict.READY else "host.not_ready"
    outcome = event.state.outcome
    said: dict[str, object] = {"reason": outcome.reason.value, "message": outcome.message} if outcome else {}
    return "info", name, {**_who(event.member), **said, "streak": event.streak, "before": event.before.value}


@line.register
def _(event: HostUnknown) -> Line:
    said = {"reason": event.outcome.reason.value, "message": event.outcome.message}
    means = MEANINGS[event.outcome.reason].sentence
    return "warning", "host.unknown", {**_who(event.member), **said, "means": means}


@line.register
def _(event: HostKnown) -> Line:
    said = event.state.outcome.reason.value if event.state.outcome else ""
    return "info", "host.known", {**_who(event.member), "verdict": event.state.verdict.value, "reason": said}


@line.register
def _(event: Probed) -> Line:
    target, seen = event.report.target, event.report.observation
    where = {"protocol": target.protocol, "address": target.address, "port": target.port}
    said = {
        "reason": seen.reason.value,
        "message": seen.message,
        "latency_seconds": round(event.report.latency, 6),
    }
    return "debug", "probe", {**where, **said, "witness": event.report.witness, "edge": event.report.edge}


@line.register
def _(event: BlindChanged) -> Line:
    if event.blind:
        means = "every ready host fell silent at once; the fault is taken to be ours, and nothing is moved"
        return "error", "blind.start", {"targets": event.targets, "means": means}
    return "warning", "blind.end", {"targets": event.targets}


@line.register
def _(event: KeptLast) -> Line:
    means = "no host is fit; the last ready ones stay published"
    return "error", "service.kept_last", {"service": str(event.service), "addresses": event.addresses, "means": means}


@line.register
def _(event: AddressRemoved) -> Line:
    means = "no host in the file has it"
    who = {"service": str(event.service), "address": event.address, "manager": event.manager}
    return "warning", "address.removed", {**who, "means": means}


@line.register
def _(event: Repaired) -> Line:
    means = "somebody else had changed or deleted what Mooring stores"
    return "warning", "endpoints.repaired", {"service": str(event.service), "manager": event.manager, "means": means}


@line.register
def _(event: AddressLeftOut) -> Line:
    who = {"service": str(event.service), "host": event.host, "address": event.address}
    return "warning", "address.left_out", {**who, "why": event.why}


@line.register
def _(event: Published) -> Line:
    name, said = _written(event.change)
    seconds = {} if event.seconds is None else {"seconds": round(event.seconds, 6)}
    return "info", name, {"service": str(event.change.key), **said, **seconds}


def _written(step: Step) -> tuple[str, dict[str, object]]:
    if isinstance(step, Change):
        ready = [address for subset in step.subsets for address in subset.ready]
        not_ready = [address for subset in step.subsets for address in subset.not_ready]
        return "endpoints.written", {"ready": ready, "not_ready": not_ready}
    if step.after is None:
        return "slice.deleted", {"slice": step.before.slice.name if step.before else ""}
    lists = {name: list(step.after.of(condition)) for name, condition in _CONDITIONS.items()}
    return "slice.written", {"slice": step.after.name, **{name: held for name, held in lists.items() if held}}


@line.register
def _(event: WriteFailed) -> Line:
    name = "endpoints" if isinstance(event.change, Change) else "slice"
    return "debug", f"{name}.write_failed", {"service": str(event.change.key), "why": str(event.error)}


@line.register
def _(event: NotPublished) -> Line:
    name = "endpoints.refused" if event.refused else "endpoints.failed"
    return "error", name, {"service": str(event.service), "why": event.why}


@line.register
def _(event: HazardFound) -> Line:
    return "error", "service.hazard", {"service": str(event.service), "kind": event.kind, "why": event.why}


@line.register
def _(event: SessionsKilled) -> Line:
    said = {"users": list(event.users), "count": event.count}
    if not event.error:
        return "info", "sessions.killed", {**_who(event.member), **said}
    means = "applications may still be connected to a host that is the primary no more"
    return "warning", "sessions.killed", {**_who(event.member), **said, "error": event.error, "means": means}


@line.register
def _(event: ClockJumped) -> Line:
    return "warning", "clock.jumped", {"seconds": round(event.seconds, 3)}


@line.register
def _(event: Overrun) -> Line:
    target = event.target
    return "warning", "probe.overrun", {"protocol": target.protocol, "address": target.address, "port": target.port}


@line.register
def _(event: ConfigReloaded) -> Line:
    return "info", "config.reloaded", {"config": event.hash}


@line.register
def _(event: ConfigRefused) -> Line:
    means = "the configuration before it stays in force"
    return "error", "config.refused", {"problems": list(event.problems), "means": means}


@line.register
def _(event: ServiceReleased) -> Line:
    means = "the file lists it no more; its Endpoints stay as they are, and nobody keeps them"
    return "warning", "service.released", {"service": str(event.service), "means": means}


@line.register
def _(event: DrainChanged) -> Line:
    return "info", "service.drained", {"service": str(event.service), "hosts": list(event.hosts)}


@line.register
def _(event: DrainUnknown) -> Line:
    means = "the annotation mooring/drain names no host of this Service by it"
    return "warning", "drain.unknown", {"service": str(event.service), "entry": event.entry, "means": means}


@line.register
def _(event: LeaderChanged) -> Line:
    if event.leading:
        return "info", "leader.acquired", {"holder": event.holder}
    if event.led:
        means = "this Mooring stands by, and writes nothing until it leads again"
        return "warning", "leader.lost", {"holder": event.holder, "means": means}
    return "info", "leader.seen", {"holder": event.holder}


@line.register
def _(event: LeaseFailed) -> Line:
    return "error", "leader.failed", {"why": event.why, "refused": event.refused}


@line.register
def _(event: SplitBrain) -> Line:
    means = "several hosts take writes for themselves; make all but one of them read-only"
    return "error", "service.split_brain", {"service": str(event.service), "hosts": list(event.hosts), "means": means}


@line.register
def _(event: SplitBrainEnded) -> Line:
    return "info", "service.one_writer", {"service": str(event.service)}
