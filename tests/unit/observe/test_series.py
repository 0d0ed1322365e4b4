"""The series of hosts and Services, as a scrape reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.health_stores import place, probe, service, store_of
from lab.values import KEY, PORTS, report, stored, target
from mooring.judge.store import HealthStore
from mooring.model.damping import Damper, Hold
from mooring.model.objects import MANAGER, Condition, Endpoint, Slice, StoredObjects, StoredSlice
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, ServiceKey
from mooring.model.verdicts import Verdict
from mooring.observe import series
from mooring.plan.drain import Drain
from mooring.plan.traffic_warning import Alarm, TrafficWarning, WarningKind
from mooring.publish.state import PublishState

A, B = "10.20.0.11", "10.20.0.12"
LAST = StoredSlice(
    "1",
    MANAGER,
    Slice("db", "IPv4", (Endpoint(A, Condition.READY), Endpoint(B, Condition.LAST_RESORT)), PORTS),
)
Found = dict[tuple[str, ...], float]


def read(text: str) -> Found:
    """Family → its samples by the values of their labels, in the order of the labels' names."""
    (family,) = text_string_to_metric_families(text)
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def hosts(store: HealthStore, publication: PublishState = series.NOTHING) -> list[Found]:
    return [read(text) for text in series.of_hosts(store.snapshot(), {KEY: publication})]


def test_a_host_is_shown_by_its_verdict() -> None:
    """1 for ready, 0 for not ready and for what was never judged; in Services of their own, series of their own."""
    store = store_of(service(A, B), service(A, key=replace(KEY, name="other")), of=stored((A,)))
    ready, resting, standby, unknown, held = hosts(store)
    who = ("default", "mysql-external")
    assert ready == {(*who, A, A): 1, (*who, B, B): 0, ("default", "other", A, A): 1}
    assert set(resting.values()) == {0}
    assert standby == resting
    assert (unknown, held) == ({}, {})


@pytest.mark.parametrize(
    ("reasons", "standby"),
    [
        ([Reason.WRONG_ROLE], 1),
        ([Reason.SECOND_WRITER], 1),
        ([Reason.WRONG_ROLE, Reason.AUTH], 1),
        ([Reason.WRONG_ROLE, Reason.REFUSED], 0),
        ([Reason.WRONG_ROLE, Reason.OK], 1),
        ([Reason.WRONG_ROLE, Reason.OK, Reason.OK], 0),
        ([Reason.READ_ONLY], 0),
        ([Reason.LAGGING] * 3, 0),
        ([Reason.OK], 0),
    ],
)
def test_a_host_that_is_out_for_its_role_alone_stands_by(reasons: list[Reason], standby: int) -> None:
    """A replica in the Service of its primary is no fault: an alert can tell it from a host that is down."""
    store = store_of(service(A), of=stored((A,)))
    probe(store, A, *reasons)
    assert list(hosts(store)[2].values()) == [standby]


def test_a_host_in_maintenance_is_not_ready() -> None:
    """It gets no traffic, and an alert can tell that this was wanted."""
    listed = service(A)
    store = store_of(replace(listed, hosts=(HostSpec(A, A, maintenance=True),)), of=stored((A,)))
    ready, resting, *_ = hosts(store)
    assert (list(ready.values()), list(resting.values())) == ([0], [1])


def test_a_drained_host_is_in_maintenance() -> None:
    """It makes no difference whether the file or the Service's annotation took it out."""
    store = store_of(service(A, B), of=stored((A, B)))
    ready, resting, *_ = hosts(store, PublishState(drain=Drain(frozenset({A}), (A,))))
    assert (list(ready.values()), list(resting.values())) == ([0, 1], [1, 0])


def test_what_is_unknown_has_its_reason_until_it_is_known() -> None:
    """A wrong password does not change the verdict, and its series ends when it was mended."""
    store = store_of(service(A), of=stored((A,)))
    probe(store, A, Reason.AUTH)
    ready, _, _, unknown, _ = hosts(store)
    assert (list(ready.values()), unknown) == ([1], {("default", "mysql-external", A, A, "auth"): 1})
    probe(store, A, Reason.OK, at=2.0)
    assert hosts(store)[3] == {}


def test_a_verdict_that_is_held_back_is_shown_by_the_rule_and_counted() -> None:
    """An alert can tell a host that Mooring keeps out from one that is dead."""
    store = store_of(service(A), of=stored((), (A,)))
    (view,) = store.snapshot()
    held = replace(view, hosts=tuple((one, replace(state, held=Hold(Damper.FLAP))) for one, state in view.hosts))
    *_, found = [read(text) for text in series.of_hosts([held], {})]
    who = ("default", "mysql-external", A, A)
    assert found == {(*who, "flap"): 1}
    assert read(series.of_holds({who: {Damper.FLAP: 3}, ("default", "other", B, B): {}})) == {(*who, "flap"): 3}


def test_a_certificate_is_shown_by_its_end() -> None:
    """Where a login verified one; also while the session of that login goes on."""
    store = store_of(service(A, B), of=stored((A, B)))
    store.take([replace(report(target(A)), observation=Observation(Reason.OK, not_after=1_800_000_000.5))])
    probe(store, B, Reason.OK)
    shown = read(series.of_certificates(store.snapshot()))
    assert shown == {("default", "mysql-external", A, A): 1_800_000_000}


def test_a_name_without_an_address_is_shown_by_its_name() -> None:
    """A host that cannot be looked up is not missing: not ready, unknown: dns."""
    store = HealthStore()
    place(store, service("db.example.com"))
    ready, _, _, unknown, _ = hosts(store)
    who = ("default", "mysql-external", "db.example.com", "db.example.com")
    assert (ready, unknown) == ({who: 0}, {(*who, "dns"): 1})


def test_an_address_that_waits_for_its_port_is_not_unknown() -> None:
    """Until the cluster has told the ports it is listed, not ready, and nobody's fault."""
    store = HealthStore()
    place(store, replace(service(A), ports=()))
    ready, _, _, unknown, _ = hosts(store)
    assert (list(ready.values()), unknown) == ([0], {})


def test_a_split_brain_is_shown() -> None:
    """1 for the Service of which two hosts say that they are its one writer."""
    views = [replace(one, split=True) for one in store_of(service(A, B)).snapshot()]
    *_, split, _ = [read(text) for text in series.of_services(views, {})]
    assert split == {("default", "mysql-external"): 1}


@pytest.mark.parametrize(
    ("publication", "values"),
    [
        pytest.param(PublishState(), (0, 0, 2, 0), id="nothing stored"),
        pytest.param(PublishState(stored=StoredObjects(stored((A,), (B,)))), (1, 0, 2, 0), id="one ready"),
        pytest.param(
            PublishState(stored=StoredObjects(slices=(LAST,))), (1, 1, 2, 0), id="own slices, one for a last resort"
        ),
        pytest.param(
            PublishState(stored=StoredObjects(stored((A, B))), error="forbidden"), (2, 0, 2, 1), id="hindered"
        ),
    ],
)
def test_a_service_is_shown_as_it_is_stored(publication: PublishState, values: tuple[int, ...]) -> None:
    """How many hosts are stored as ready, how many as a last resort, how many the file has, and what hinders."""
    store = store_of(service(A, B))
    *found, contested, paused, split, warnings = [
        read(text) for text in series.of_services(store.snapshot(), {KEY: publication})
    ]
    assert contested == paused == split == {("default", "mysql-external"): 0}
    assert found == [{("default", "mysql-external"): value} for value in values]
    assert warnings == {}


@pytest.mark.parametrize(
    ("active", "error", "shown"),
    [
        pytest.param(True, "nobody mirrors", {("default", "mysql-external", "NotMirrored"): 1}, id="told"),
        pytest.param(False, None, {}, id="normal for a moment"),
        pytest.param(True, "no answer", {}, id="something worse came"),
    ],
)
def test_an_active_warning_is_shown_by_its_kind(active: bool, error: str | None, shown: Found) -> None:  # noqa: FBT001 -- a table's column
    """An alert can distinguish what is in the way of traffic from what keeps Mooring from writing."""
    store = store_of(service(A, B))
    alarm = Alarm(TrafficWarning(WarningKind.NOT_MIRRORED, "nobody mirrors", patient=True), 1.0, active=active)
    *_, warnings = series.of_services(store.snapshot(), {KEY: PublishState(alarm=alarm, error=error)})
    assert read(warnings) == shown


def test_counts_are_shown_with_outcome_and_reason() -> None:
    """Every probe is a success, a failure or unknown, for a reason of the table."""
    reasons = {Reason.OK: 5, Reason.REFUSED: 3, Reason.READ_ONLY: 2, Reason.AUTH: 1}
    verdicts = {Verdict.READY: 2, Verdict.NOT_READY: 1}
    probes, transitions = series.of_counts({("default", "mysql-external", "db1", A): (reasons, verdicts)})
    who = ("default", "mysql-external", "db1", A)
    assert read(probes) == {
        (*who, "success", "ok"): 5,
        (*who, "failure", "refused"): 3,
        (*who, "failure", "read-only"): 2,
        (*who, "unknown", "auth"): 1,
    }
    assert read(transitions) == {(*who, "ready"): 2, (*who, "not-ready"): 1}


def test_ended_sessions_are_shown_where_they_may_be_ended() -> None:
    """From nought on, for each host of a Service that asks for it; for no other."""
    asks = replace(service(A, B), kill_users=("app",))
    store = store_of(asks, service(A, key=ServiceKey("other", "mysql")))
    found = read(series.of_sessions(store.snapshot(), {("default", "mysql-external", A, A): 12}))
    assert found == {("default", "mysql-external", A, A): 12, ("default", "mysql-external", B, B): 0}


def test_no_name_can_break_the_page() -> None:
    """Quotes, backslashes and line ends are escaped as the format says."""
    odd = 'a"b\\c\nd'
    _, transitions = series.of_counts({("default", "mysql-external", odd, A): ({}, {Verdict.READY: 1})})
    assert read(transitions) == {("default", "mysql-external", odd, A, "ready"): 1}
