"""Health stores for tests: Services placed and seeded, and reports of hosts in their own rhythm."""

from __future__ import annotations

from dataclasses import replace

from lab.values import KEY, THRESHOLDS, report, spec, target
from mooring.judge.batch import BatchResult
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.model.objects import StoredEndpoints
from mooring.model.reasons import MEANINGS, Reason
from mooring.model.spec import ServiceKey, ServiceSpec, Thresholds
from mooring.model.verdicts import HostState, Verdict


def service(
    *addresses: str, key: ServiceKey = KEY, period: float = 2.0, thresholds: Thresholds = THRESHOLDS
) -> ServiceSpec:
    plain = spec(*addresses, key=key, period=period)
    return replace(plain, check=replace(plain.check, thresholds=thresholds))


def place(store: HealthStore, listed: ServiceSpec, names: dict[str, tuple[str, ...]] | None = None) -> None:
    expanded = members(listed, names or {}, ())
    store.set_members(listed, expanded)


def store_of(*services: ServiceSpec, of: StoredEndpoints | None = None) -> HealthStore:
    """A health store whose Services were all seeded from the same stored object."""
    store = HealthStore()
    for one in services:
        place(store, one)
        store.seed(one.key, of)
    return store


def states(store: HealthStore, key: ServiceKey = KEY) -> dict[str, HostState]:
    return {member.address: state for member, state in store.service(key).hosts}


def verdicts(store: HealthStore, key: ServiceKey = KEY) -> dict[str, Verdict]:
    return {address: state.verdict for address, state in states(store, key).items()}


def probe(store: HealthStore, address: str, *reasons: Reason, at: float = 0.0, every: float = 2.0) -> list[BatchResult]:
    """Reports of one target in its own rhythm; a silent one lasts for its timeout."""
    taken = []
    for number, reason in enumerate(reasons):
        made = report(target(address), reason, started=at + number * every)
        silent = MEANINGS[reason].silent
        taken.append(store.take([replace(made, ended=made.started + 1.0) if silent else made]))
    return taken


def kinds(taken: BatchResult) -> list[str]:
    return [type(event).__name__ for event in taken.events]
