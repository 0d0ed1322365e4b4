"""The group ``sentinels``: what each server says that elects the primary. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from mooring.cli.doctor import causes
from mooring.cli.doctor.causes import Fault
from mooring.cli.doctor.finding import Finding, Level
from mooring.model.facts import place
from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Reason
from mooring.model.spec import PrimaryQuorum, ServiceSpec
from mooring.model.targets import Target

WHY = "only the host that the majority names becomes the primary"
SOON = "one more that fails, and no new primary is published"
MEND = "redis-cli -h {} -p {} SENTINEL get-master-addr-by-name NAME; see user, passwordFile and tls of `sentinel`"


def findings(specs: Iterable[ServiceSpec], seen: Mapping[Target, Observation]) -> list[Finding]:
    """``seen``: what the last probe of each target saw. Empty where no Service asks Sentinels."""
    faults: list[Fault] = []
    disagreeing: list[Finding] = []
    for spec in specs:
        if spec.check.quorum:
            silent, disagreement = _of_service(spec, spec.check.quorum, seen)
            faults += silent
            disagreeing += disagreement
    return [*causes.findings(faults), *disagreeing]


def _of_service(
    spec: ServiceSpec, quorum: PrimaryQuorum, seen: Mapping[Target, Observation]
) -> tuple[list[Fault], list[Finding]]:
    asked = targets(spec, quorum)
    answers = {target: seen[target] for target in asked if target in seen}
    named = Counter(one.answer for one in answers.values() if one.reason is Reason.OK and one.answer)
    chosen = next((name for name, count in named.items() if count > len(asked) / 2), None)
    silent = list(_silent(spec, answers, chosen))
    if chosen or silent or not answers:
        return silent, []
    said = ", ".join(f"{count} name {name}" for name, count in sorted(named.items()))
    return [], [Finding(f"{spec.key}: the Sentinels disagree: {said}", WHY, "see SENTINEL masters at each of them")]


def targets(spec: ServiceSpec, quorum: PrimaryQuorum) -> list[Target]:
    """Those that are asked."""
    return [Target(quorum.protocol, *host, spec.check.timeout, quorum.options) for host in quorum.hosts]


def _silent(spec: ServiceSpec, answers: Mapping[Target, Observation], chosen: str | None) -> Iterator[Fault]:
    """One for each that names nobody: a warning while the majority names a host all the same."""
    for target, seen in answers.items():
        if seen.reason is Reason.OK and seen.answer:
            continue
        address, port, said = target.address, target.port, seen.message or MEANINGS[seen.reason].sentence
        yield Fault(
            spec.key,
            f"the Sentinel {place(address, port)}",
            address,
            port,
            said=said if seen.reason is Reason.OK else f"{seen.reason}: {said}",
            why=SOON if chosen else WHY,
            mend=MEND.format(address, port),
            level=Level.PROBLEM if chosen is None else Level.WARNING,
        )
