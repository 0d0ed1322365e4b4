"""One Service: from its hosts and what is stored to what should be."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.decide.desire import desire, endpoints
from mooring.decide.select import Selection, View, hold, select, with_last_resort, without
from mooring.model import Serving
from mooring.picture import Picture, Wanted
from mooring.spec import Publish, Role, ServiceSpec


@dataclass(frozen=True, slots=True)
class Intent:
    """``listed`` are all addresses that the file stands for now."""

    selection: Selection
    wanted: Wanted
    listed: frozenset[str]


def intend(
    spec: ServiceSpec,
    view: View,
    picture: Picture,
    serving: Serving,
    unfit: frozenset[str],
    *,
    waiting: bool = False,
    evidence: float | None = None,
) -> Intent:
    """``unfit`` cannot be published, ``waiting``: some name of the file stands for no address yet."""
    chosen = select(view, picture, spec.when_all_fail, spec.min_ready)
    chosen = with_last_resort(chosen, view, spec.last_resort, picture.last_resort)
    single = spec.check.requirement.role is Role.PRIMARY
    chosen = without(hold(chosen, picture, single=single) if waiting else chosen, unfit)
    zones = {address: member.zone for member, _ in view for address in member.addresses if member.zone}
    wanted = Wanted(
        publish=spec.publish,
        subsets=() if spec.publish is Publish.SLICES else desire(chosen, serving.ports),
        endpoints=endpoints(chosen, zones),
        ports=serving.ports,
        evidence=evidence,
    )
    return Intent(chosen, wanted, frozenset(address for member, _ in view for address in member.addresses))
