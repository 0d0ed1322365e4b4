"""The series of hosts and Services, as a scrape reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ground.boards import board_of, place, probe, service
from ground.values import KEY, PORTS, stored
from mooring.board import Board
from mooring.decide.drain import Drain
from mooring.decide.hazard import Alarm, Hazard, Kind
from mooring.model import Verdict
from mooring.observe import series
from mooring.picture import US, Condition, Endpoint, Picture, Slice, StoredSlice
from mooring.reasons import Reason
from mooring.spec import HostSpec, ServiceKey
from mooring.standing import Standing

A, B = "10.20.0.11", "10.20.0.12"
LAST = StoredSlice(
    "1",
    US,
    Slice("db", "IPv4", (Endpoint(A, Condition.READY), Endpoint(B, Condition.LAST_RESORT)), PORTS),
)
Found = dict[tuple[str, ...], float]


def read(text: str) -> Found:
    """Family → its samples by the values of their labels, in the order of the labels' names."""
    (family,) = text_string_to_metric_families(text)
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def hosts(board: Board, standing: Standing = series.NOTHING) -> list[Found]:
    return [read(text) for text in series.of_hosts(board.snapshot(), {KEY: standing})]


def test_a_host_is_shown_by_its_verdict() -> None:
    """1 for ready, 0 for not ready and for what was never judged; in Services of their own, series of their own."""
    board = board_of(service(A, B), service(A, key=replace(KEY, name="other")), of=stored((A,)))
    ready, resting, standby, unknown = hosts(board)
    who = ("default", "mysql-external")
    assert ready == {(*who, A, A): 1, (*who, B, B): 0, ("default", "other", A, A): 1}
    assert set(resting.values()) == {0}
    assert standby == resting
    assert unknown == {}


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
    board = board_of(service(A), of=stored((A,)))
    probe(board, A, *reasons)
    assert list(hosts(board)[2].values()) == [standby]


def test_a_host_in_maintenance_is_not_ready() -> None:
    """It gets no traffic, and an alert can tell that this was wanted."""
    listed = service(A)
    board = board_of(replace(listed, hosts=(HostSpec(A, A, maintenance=True),)), of=stored((A,)))
    ready, resting, _, _ = hosts(board)
    assert (list(ready.values()), list(resting.values())) == ([0], [1])


def test_a_drained_host_is_in_maintenance() -> None:
    """It makes no difference whether the file or the Service's annotation took it out."""
    board = board_of(service(A, B), of=stored((A, B)))
    ready, resting, *_ = hosts(board, Standing(drain=Drain(frozenset({A}), (A,))))
    assert (list(ready.values()), list(resting.values())) == ([0, 1], [1, 0])


def test_what_is_unknown_has_its_reason_until_it_is_known() -> None:
    """A wrong password does not change the verdict, and its series ends when it was mended."""
    board = board_of(service(A), of=stored((A,)))
    probe(board, A, Reason.AUTH)
    ready, _, _, unknown = hosts(board)
    assert (list(ready.values()), unknown) == ([1], {("default", "mysql-external", A, A, "auth"): 1})
    probe(board, A, Reason.OK, at=2.0)
    assert hosts(board)[3] == {}


def test_a_name_without_an_address_is_shown_by_its_name() -> None:
    """A host that cannot be looked up is not missing: not ready, unknown: dns."""
    board = Board()
    place(board, service("db.example.com"))
    ready, _, _, unknown = hosts(board)
    who = ("default", "mysql-external", "db.example.com", "db.example.com")
    assert (ready, unknown) == ({who: 0}, {(*who, "dns"): 1})


def test_an_address_that_waits_for_its_port_is_not_unknown() -> None:
    """Until the cluster has told the ports it is listed, not ready, and nobody's fault."""
    board = Board()
    place(board, replace(service(A), ports=()))
    ready, _, _, unknown = hosts(board)
    assert (list(ready.values()), unknown) == ([0], {})


def test_a_split_brain_is_shown() -> None:
    """1 for the Service of which two hosts say that they are its one writer."""
    views = [replace(one, split=True) for one in board_of(service(A, B)).snapshot()]
    *_, split, _ = [read(text) for text in series.of_services(views, {})]
    assert split == {("default", "mysql-external"): 1}


@pytest.mark.parametrize(
    ("standing", "values"),
    [
        pytest.param(Standing(), (0, 0, 2, 0), id="nothing stored"),
        pytest.param(Standing(stored=Picture(stored((A,), (B,)))), (1, 0, 2, 0), id="one ready"),
        pytest.param(Standing(stored=Picture(slices=(LAST,))), (1, 1, 2, 0), id="own slices, one for a last resort"),
        pytest.param(Standing(stored=Picture(stored((A, B))), error="forbidden"), (2, 0, 2, 1), id="hindered"),
    ],
)
def test_a_service_is_shown_as_it_is_stored(standing: Standing, values: tuple[int, ...]) -> None:
    """How many hosts are stored as ready, how many as a last resort, how many the file has, and what hinders."""
    board = board_of(service(A, B))
    *found, split, hazards = [read(text) for text in series.of_services(board.snapshot(), {KEY: standing})]
    assert split == {("default", "mysql-external"): 0}
    assert found == [{("default", "mysql-external"): value} for value in values]
    assert hazards == {}


@pytest.mark.parametrize(
    ("rings", "error", "shown"),
    [
        pytest.param(True, "nobody mirrors", {("default", "mysql-external", "NotMirrored"): 1}, id="told"),
        pytest.param(False, None, {}, id="normal for a moment"),
        pytest.param(True, "no answer", {}, id="something worse came"),
    ],
)
def test_a_hazard_is_shown_by_its_kind_while_it_is_told(rings: bool, error: str | None, shown: Found) -> None:  # noqa: FBT001 -- a table's column
    """An alert can tell what is in the way of traffic from what hinders Mooring to write."""
    board = board_of(service(A, B))
    alarm = Alarm(Hazard(Kind.NOT_MIRRORED, "nobody mirrors", patient=True), 1.0, rings=rings)
    *_, hazards = series.of_services(board.snapshot(), {KEY: Standing(alarm=alarm, error=error)})
    assert read(hazards) == shown


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
    board = board_of(asks, service(A, key=ServiceKey("other", "mysql")))
    found = read(series.of_sessions(board.snapshot(), {("default", "mysql-external", A, A): 12}))
    assert found == {("default", "mysql-external", A, A): 12, ("default", "mysql-external", B, B): 0}


def test_no_name_can_break_the_page() -> None:
    """Quotes, backslashes and line ends are escaped as the format says."""
    odd = 'a"b\\c\nd'
    _, transitions = series.of_counts({("default", "mysql-external", odd, A): ({}, {Verdict.READY: 1})})
    assert read(transitions) == {("default", "mysql-external", odd, A, "ready"): 1}
