"""What a selection is in an Endpoints object and in EndpointSlices."""

from __future__ import annotations

from collections.abc import Mapping

from mooring.decide.addresses import sort_key
from mooring.decide.select import Selection
from mooring.model import Subset
from mooring.picture import Condition, Endpoint
from mooring.spec import Port


def desire(selection: Selection, ports: tuple[Port, ...]) -> tuple[Subset, ...]:
    """One subset; none where there is no address, for a subset of ports alone is rejected by Kubernetes."""
    if not selection.ready and not selection.not_ready:
        return ()
    return (Subset(selection.ready, selection.not_ready, ports),)


def endpoints(selection: Selection, zones: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """One endpoint an address, sorted.

    Zones become hints only where every ready address has one: kube-proxy sends the traffic of a zone to the hints of
    that zone alone, and an address without one would get none.
    """
    hinted = all(zones.get(address) for address in selection.ready)
    conditions = dict.fromkeys(selection.not_ready, Condition.NOT_READY)
    conditions |= dict.fromkeys(selection.last_resort, Condition.LAST_RESORT)
    conditions |= dict.fromkeys(selection.ready, Condition.READY)
    return tuple(
        Endpoint(
            address,
            condition,
            zones.get(address, ""),
            (zones[address],) if hinted and condition is Condition.READY else (),
        )
        for address, condition in sorted(conditions.items(), key=lambda one: sort_key(one[0]))
    )
