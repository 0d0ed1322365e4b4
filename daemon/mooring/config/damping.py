"""The fields of a Service that hold a verdict back."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_before_validator_function

from mooring.model.damping import FLAP, Floor
from mooring.protocols.options import Block

MOST_HOSTS = 1000
MOST_PERCENT = 100


class FlapBlock(Block):
    """A host that fails again and again stays out for a growing time, while another host of the Service is ready.

    After `transitions` times out by failures within `withinSeconds` (a restart forgets them) it stays out for
    `holdSeconds` from the last one, then for twice as long each time, until it was quiet for `withinSeconds`. Without
    effect on a Service with `role: primary`.
    """

    transitions: Annotated[int, Field(ge=2, le=100)] = Field(
        default=FLAP.transitions, description="How often a host may go out before it is held."
    )
    within_seconds: Annotated[float, Field(ge=1, le=86400, allow_inf_nan=False)] = Field(
        default=FLAP.within, description="Within how long, and how long a host must be quiet until all is forgotten."
    )
    hold_seconds: Annotated[float, Field(ge=1, le=86400, allow_inf_nan=False)] = Field(
        default=FLAP.hold, description="How long the first hold lasts. May not exceed `maxHoldSeconds`."
    )
    max_hold_seconds: Annotated[float, Field(ge=1, le=86400, allow_inf_nan=False)] = Field(
        default=FLAP.most, description="How long a hold lasts at most."
    )


class Off:
    """Lets the file say `off` in place of a block."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_before_validator_function(lambda given: None if given == "off" else given, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        arms = handler(core)["anyOf"]
        return {"anyOf": [{"const": "off"}, *(arm for arm in arms if arm.get("type") != "null")]}


_KEPT = re.compile(r"(\d{1,4})(%?)")


def _floor(given: object) -> Floor:
    """``2`` or ``50%``."""
    found = _KEPT.fullmatch(str(given)) if isinstance(given, int | str) and not isinstance(given, bool) else None
    if found is None or isinstance(given, int) == bool(found[2]):
        raise ValueError
    floor = Floor(int(found[1]), percent=bool(found[2]))
    if floor.amount > (MOST_PERCENT if floor.percent else MOST_HOSTS):
        raise ValueError
    return floor


Kept = Annotated[
    Floor,
    PlainValidator(_floor),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MOST_HOSTS},
                {"type": "string", "pattern": r"^(100|[0-9]{1,2})%$", "title": "a part of the hosts such as 50%"},
            ]
        }
    ),
]
