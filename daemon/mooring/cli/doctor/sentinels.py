"""The group ``sentinels``: what each server says that elects the primary. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from mooring.cli.doctor.finding import Finding, Level
from mooring.model.facts import place
from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Reason
from mooring.model.spec import PrimaryQuorum, ServiceSpec
from mooring.model.targets import Target

WHY = "only the host that the majority names becomes the primary"
SOON = "one more that fails, and no new primary is published"
MEND = "redis-cli -h {} -p {} SENTINEL get-master-addr-by-name NAME; see user, passwordFile and tls of `sentinel`"


def findings(spec: ServiceSpec, seen: Mapping[Target, Observation]) -> list[Finding]:
    """Of one Service; empty where it asks none. ``seen``: what the last probe of each target saw."""
    quorum = spec.check.quorum
    asked = targets(spec, quorum) if quorum else []
    answers = {target: seen[target] for target in asked if target in seen}
    if not answers:
        return []
    named = Counter(one.answer for one in answers.values() if one.reason is Reason.OK and one.answer)
    chosen = next((name for name, count in named.items() if count > len(asked) / 2), None)
    silent = list(_silent(spec, answers, chosen))
    if chosen is None and not silent:
        said = ", ".join(f"{count} name {name}" for name, count in sorted(named.items()))
        return [Finding(f"{spec.key}: the Sentinels disagree: {said}", WHY, "see SENTINEL masters at each of them")]
    return silent


def targets(spec: ServiceSpec, quorum: PrimaryQuorum) -> list[Target]:
    """Those that are asked."""
    return [Target(quorum.protocol, *host, spec.check.timeout, quorum.options) for host in quorum.hosts]


def _silent(spec: ServiceSpec, answers: Mapping[Target, Observation], chosen: str | None) -> Iterator[Finding]:
    """One for each that names nobody: a warning while the majority names a host all the same."""
    for target, seen in answers.items():
        if seen.reason is Reason.OK and seen.answer:
            continue
        said = seen.message or MEANINGS[seen.reason].sentence
        what = f"{spec.key}: the Sentinel {place(target.address, target.port)}: {seen.reason}: {said}"
        level = Level.PROBLEM if chosen is None else Level.WARNING
        yield Finding(what, SOON if chosen else WHY, MEND.format(target.address, target.port), level)
