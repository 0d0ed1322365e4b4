"""The decision on one Service: its desired objects, from its hosts and its stored objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import KEY, PORTS, member, spec, with_host
from mooring.model.memory import LITERAL, Memory
from mooring.model.objects import PublishTarget, StoredEndpoints, StoredObjects, Subset
from mooring.model.spec import HostSpec, Port, Publish, ServiceSpec, WhenAllFail
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Verdict
from mooring.plan.intent import Decision, decide

A, B, HELD = "10.20.0.11", "10.20.0.12", "10.20.0.31"
NAME = "db.example.com"
VIEW = ((member(A), HostState(Verdict.READY)), (member(B), HostState(Verdict.NOT_READY)))
NOTHING_STORED = StoredObjects()
SERVING = PublishTarget(PORTS)
NONE: frozenset[str] = frozenset()


def decision(listed: ServiceSpec | None = None, stored: StoredObjects = NOTHING_STORED, **more: object) -> Decision:
    view = more.pop("view", VIEW)
    unfit = more.pop("unfit", NONE)
    return decide(listed or spec(A, B), view, stored, SERVING, unfit, **more)  # type: ignore[arg-type]


def holding(ready: tuple[str, ...], sources: tuple[tuple[str, str], ...] = ()) -> StoredObjects:
    return StoredObjects(StoredEndpoints(KEY, "1", True, (Subset(ready, (), PORTS),), memory=Memory(sources)))


@pytest.mark.parametrize(
    ("publish", "subsets"), [(Publish.ENDPOINTS, 1), (Publish.BOTH, 1), (Publish.SLICES, 0)], ids=str
)
def test_the_endpoints_object_is_empty_with_slices_only(publish: Publish, subsets: int) -> None:
    """With ``publish: endpointSlices`` no reader of the Endpoints gets an address that nobody keeps up to date."""
    desired = decision(replace(spec(A, B), publish=publish)).desired
    assert (desired.publish, len(desired.subsets)) == (publish, subsets)
    assert [endpoint.address for endpoint in desired.endpoints] == [A, B]


def test_the_ports_are_those_of_the_cluster() -> None:
    """The Service and the file agree on them before anything is decided."""
    ports = (Port("db", 3307),)
    desired = decide(spec(A, B), VIEW, NOTHING_STORED, PublishTarget(ports), NONE).desired
    assert (desired.ports, desired.subsets[0].ports) == (ports, ports)


def test_an_address_that_the_service_cannot_use_is_in_no_object() -> None:
    """It stays listed, so that nobody takes it for an address that left the file."""
    found = decision(unfit=frozenset({A}))
    assert (found.selection.ready, found.selection.not_ready) == ((), (B,))
    assert [endpoint.address for endpoint in found.desired.endpoints] == [B]
    assert found.listed == {A, B}


def test_with_keep_last_the_stored_ready_set_stays() -> None:
    """Where every host would leave it."""
    down = tuple((one, HostState(Verdict.NOT_READY)) for one, _ in VIEW)
    found = decision(replace(spec(A, B), when_all_fail=WhenAllFail.KEEP_LAST), holding((A,)), view=down)
    assert (found.selection.ready, found.selection.kept) == ((A,), (A,))


def test_each_address_is_noted_with_its_source() -> None:
    """A literal of the file, the DNS name of a host, or, for a held address, the name that was noted before."""
    named = replace(member(B), host=HostSpec("db2", "db2.example.com"))
    view: tuple[tuple[Member, HostState], ...] = (VIEW[0], (named, HostState(Verdict.READY)))
    found = decision(stored=holding((HELD,), ((HELD, NAME),)), view=view, waiting=frozenset({NAME}))
    assert found.selection.held == (HELD,)
    assert dict(found.desired.memory.hosts) == {A: LITERAL, B: "db2.example.com", HELD: NAME}


def test_the_notes_of_the_caller_are_kept() -> None:
    """The probed port and the ports at adoption are stored beside the sources."""
    memory = decision(notes=Memory(probed=PORTS[0], service_ports="mysql:3306/TCP")).desired.memory
    assert (memory.probed, memory.service_ports) == (PORTS[0], "mysql:3306/TCP")


def test_zones_of_the_file_reach_the_slices() -> None:
    """A host without a zone has none there."""
    view = ((with_host(member(A), zone="a"), HostState(Verdict.READY)), VIEW[1])
    assert [endpoint.zone for endpoint in decision(view=view).desired.endpoints] == ["a", ""]


def test_the_evidence_goes_with_the_objects() -> None:
    """The moment of the first evidence of the change, in Unix seconds."""
    assert decision(evidence=1_700_000_000.0).desired.evidence == 1_700_000_000.0
