"""A selection as the content of an Endpoints object and of EndpointSlices."""

from __future__ import annotations

from collections.abc import Mapping

from mooring.model.addresses import sort_key
from mooring.model.objects import Condition, Endpoint, Subset
from mooring.model.spec import Port
from mooring.plan.select import Selection


def endpoints_subsets(selection: Selection, ports: tuple[Port, ...]) -> tuple[Subset, ...]:
    """One subset; none where there is no address: Kubernetes rejects a subset of ports alone."""
    if not selection.ready and not selection.not_ready:
        return ()
    return (Subset(selection.ready, selection.not_ready, ports),)


def slice_endpoints(selection: Selection, zones: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """One endpoint for each address, sorted.

    Zones become hints only where every ready address has a zone: kube-proxy sends the traffic of a zone only to
    addresses with a hint of that zone, so an address without a hint would get none.
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
