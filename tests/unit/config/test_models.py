"""The blocks of the file: defaults, and limits of single fields."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mooring.config.models import CheckBlock, CheckTimes, HostBlock, ServiceBlock
from mooring.model.reasons import Reason
from mooring.model.spec import Adopt, OnSplitBrain, Publish, WhenAllFail, WhenSaturated
from mooring.protocols.registry import PROTOCOLS

HOSTS: dict[str, Any] = {"name": "db", "hosts": [{"address": "10.20.0.11"}]}


def test_the_defaults_of_a_check_are_the_documented_ones() -> None:
    """Two seconds, two successes, three failures; a timeout that follows the period."""
    block = CheckTimes()
    assert (block.period_seconds, block.success_threshold, block.failure_threshold) == (2, 2, 3)
    assert (block.timeout_seconds, block.when_saturated) == (None, WhenSaturated.KEEP)


def test_the_defaults_of_a_service_are_the_careful_ones() -> None:
    """Endpoints, no foreign address dropped, nothing published that failed."""
    block = ServiceBlock.model_validate(HOSTS)
    assert (block.namespace, block.publish, block.adopt) == ("default", Publish.ENDPOINTS, Adopt.IF_LISTED)
    assert (block.when_all_fail, block.on_split_brain) == (WhenAllFail.PUBLISH_NONE, OnSplitBrain.KEEP_INCUMBENT)
    assert (block.last_resort, block.on_demote, block.min_ready) == (None, "keepSessions", 1)


def test_a_closed_set_holds_the_models_own_members() -> None:
    """Nothing is translated on the way."""
    block = ServiceBlock.model_validate({**HOSTS, "publish": "both", "lastResort": ["lagging"]})
    assert (block.publish, block.last_resort) == (Publish.BOTH, [Reason.LAGGING])
    with pytest.raises(ValidationError):
        ServiceBlock.model_validate({**HOSTS, "lastResort": ["refused"]})


def test_a_check_has_a_field_for_each_protocol() -> None:
    """A protocol of the registry can be asked for without further ado."""
    assert set(PROTOCOLS) == set(CheckBlock.model_fields) - set(CheckTimes.model_fields)


@pytest.mark.parametrize("wrong", [{"probePort": 0}, {"probePort": 65536}, {"name": "-a"}, {"zone": "a b"}, {"x": 1}])
def test_a_host_is_held_to_its_limits(wrong: dict[str, Any]) -> None:
    """Each field by itself; an unknown one is none."""
    with pytest.raises(ValidationError):
        HostBlock.model_validate({"address": "10.20.0.11", **wrong})
