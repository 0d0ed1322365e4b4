"""The configuration file of a simulated installation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from mooring.config import AddressPolicy, parse
from mooring.model.spec import Config
from simulation.plan import Plan, ServicePlan


def parsed(plan: Plan, services: Iterable[ServicePlan]) -> Config:
    """The file with these Services, as a daemon reads it."""
    document = {"version": 1, "services": [_service(plan, one) for one in services]}
    return parse(yaml.safe_dump(document).encode(), file="config.yaml", policy=AddressPolicy(()), ports_required=False)


def address_of(plan: Plan, database: str) -> str:
    return f"10.20.0.{plan.databases.index(database) + 11}"


def name_of(service: ServicePlan) -> str:
    """The DNS name that a Service lists, where it lists one."""
    return f"{service.name}.example.com"


def _service(plan: Plan, one: ServicePlan) -> dict[str, Any]:
    hosts = [
        {"name": name, "address": address_of(plan, name)} | ({"maintenance": True} if name in one.maintenance else {})
        for name in one.hosts
    ]
    check = {
        "periodSeconds": one.period,
        "timeoutSeconds": one.timeout,
        "successThreshold": one.success,
        "failureThreshold": one.failure,
        "redis": {} if one.role == "any" else {"role": one.role},
    }
    votes = {"observers": {"agree": "majority"}} if plan.observers else {}
    slices = {} if one.publish == "endpoints" else {"publish": one.publish}
    policy = {"whenAllFail": one.when_all_fail, **_damping(one), **votes, **slices}
    listed = [{"address": name_of(one)}] if one.named else hosts
    return {"name": one.name, "hosts": listed, "check": check, **policy}


def keeps_silent_hosts(plan: ServicePlan) -> bool:
    """Whether it has ``keepOnSilence``."""
    return plan.failure > 3 and plan.role != "primary"


def _damping(plan: ServicePlan) -> dict[str, Any]:
    """Some Services hold flappers out, for so short that a sound world settles in time; some keep what is silent.

    Which ones follows from what is drawn anyway: one more draw would make another world of every seed.
    """
    damped, keeps = plan.success > 1, keeps_silent_hosts(plan)
    flap = {"transitions": 2, "withinSeconds": 60, "holdSeconds": 3, "maxHoldSeconds": 20}
    return {"flap": flap if damped else "off", **({"keepOnSilence": 1} if keeps else {})}
