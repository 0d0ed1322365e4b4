"""desire: the subsets of a selection."""

from __future__ import annotations

import pytest

from ground.values import PORTS
from mooring.decide.desire import desire
from mooring.decide.select import Selection
from mooring.model import Port, Subset

A, B = "10.20.0.11", "10.20.0.12"
TWO = (*PORTS, Port("mysqlx", 33060))


@pytest.mark.parametrize("ports", [PORTS, TWO], ids=["one port", "two ports"])
@pytest.mark.parametrize(("ready", "not_ready"), [((A,), (B,)), ((A, B), ()), ((), (A,))], ids=["both", "up", "down"])
def test_desired_is_one_subset_with_every_port(
    ready: tuple[str, ...], not_ready: tuple[str, ...], ports: tuple[Port, ...]
) -> None:
    """Both lists and all ports stand in one subset."""
    assert desire(Selection(ready, not_ready), ports) == (Subset(ready, not_ready, ports),)


def test_without_addresses_there_is_no_subset() -> None:
    """A Service without any address has no subset at all: Kubernetes rejects one of ports alone."""
    assert desire(Selection((), ()), PORTS) == ()
