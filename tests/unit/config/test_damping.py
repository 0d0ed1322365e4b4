"""What holds a verdict back, as the file says it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mooring.config.damping import FlapBlock
from mooring.config.models import ServiceBlock
from mooring.model.damping import FLAP, Floor

HOSTS: dict[str, Any] = {"name": "db", "hosts": [{"address": "10.20.0.11"}]}


def test_the_defaults_are_the_documented_ones() -> None:
    """Four times in ten minutes, 30 s, ten minutes at most; silence takes out whatever is silent."""
    block = FlapBlock()
    given = (block.transitions, block.within_seconds, block.hold_seconds, block.max_hold_seconds)
    assert given == (FLAP.transitions, FLAP.within, FLAP.hold, FLAP.most) == (4, 600, 30, 600)
    assert ServiceBlock.model_validate(HOSTS).keep_on_silence == Floor()


@pytest.mark.parametrize(
    ("given", "floor"),
    [(0, Floor()), (2, Floor(2)), ("0%", Floor(0, percent=True)), ("100%", Floor(100, percent=True))],
)
def test_a_floor_is_a_number_or_a_part(given: object, floor: Floor) -> None:
    """As Kubernetes' own minAvailable."""
    assert ServiceBlock.model_validate({**HOSTS, "keepOnSilence": given}).keep_on_silence == floor


@pytest.mark.parametrize("wrong", [-1, 1001, True, 1.5, "2", "101%", "%", "-1%", "5 %", None, [1]])
def test_what_is_no_floor_is_refused(wrong: object) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValidationError):
        ServiceBlock.model_validate({**HOSTS, "keepOnSilence": wrong})
