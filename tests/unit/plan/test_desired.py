"""desire: the subsets and the endpoints of a selection."""

from __future__ import annotations

import pytest

from lab.values import PORTS
from mooring.model.objects import Subset
from mooring.model.spec import Port
from mooring.plan.desired import endpoints_subsets, slice_endpoints
from mooring.plan.select import Selection

A, B, C = "10.20.0.11", "10.20.0.12", "10.20.0.13"
TWO = (*PORTS, Port("mysqlx", 33060))


@pytest.mark.parametrize("ports", [PORTS, TWO], ids=["one port", "two ports"])
@pytest.mark.parametrize(("ready", "not_ready"), [((A,), (B,)), ((A, B), ()), ((), (A,))], ids=["both", "up", "down"])
def test_desired_is_one_subset_with_every_port(
    ready: tuple[str, ...], not_ready: tuple[str, ...], ports: tuple[Port, ...]
) -> None:
    """Both lists and all ports stand in one subset."""
    assert endpoints_subsets(Selection(ready, not_ready), ports) == (Subset(ready, not_ready, ports),)


def test_without_addresses_there_is_no_subset() -> None:
    """A Service without any address has no subset at all: Kubernetes rejects one of ports alone."""
    assert endpoints_subsets(Selection((), ()), PORTS) == ()


@pytest.mark.parametrize(
    ("zones", "hints"),
    [
        pytest.param({A: "eu-1a", B: "eu-1b"}, {A: ("eu-1a",), B: ("eu-1b",)}, id="all have one"),
        pytest.param({A: "eu-1a"}, {A: (), B: ()}, id="one has none"),
        pytest.param({}, {A: (), B: ()}, id="none"),
        pytest.param({A: "eu-1a", B: "eu-1b", C: ""}, {A: ("eu-1a",), B: ("eu-1b",)}, id="one not ready has none"),
    ],
)
def test_zones_are_hints_only_where_every_ready_host_has_one(
    zones: dict[str, str], hints: dict[str, tuple[str, ...]]
) -> None:
    """Without a zone on every ready host there are no hints; each endpoint shows its zone all the same."""
    found = {one.address: one for one in slice_endpoints(Selection((A, B), (C,)), zones)}
    assert {address: found[address].hints for address in hints} == hints
    assert {address: one.zone for address, one in found.items()} == {A: "", B: "", C: "", **zones}
    assert found[C].hints == ()


def test_conditions_follow_the_selection() -> None:
    """Each endpoint is ready, not ready or a last resort; addresses are sorted."""
    found = slice_endpoints(Selection((B,), (A, C), last_resort=(A,)), {})
    assert [(one.address, one.condition.value) for one in found] == [(A, "last-resort"), (B, "ready"), (C, "not-ready")]
