"""The samples of Redis servers are whole replies."""

from __future__ import annotations

import pytest

from mooring.model.reasons import Reason
from mooring.protocols.redis.samples import SAMPLES
from mooring.protocols.redis.wire import refusal


@pytest.mark.parametrize("sample", [*SAMPLES.dialogue, *SAMPLES.sound, *SAMPLES.failures, *SAMPLES.refusals])
def test_a_sample_ends_with_its_line(sample: bytes) -> None:
    """A reply that is cut short would show the tests a server that hangs."""
    assert sample.endswith(b"\r\n")


def test_the_refusals_are_of_credentials() -> None:
    """An error that is no fault of Mooring's account would be among the failures."""
    assert {refusal(sample[1:].decode()).reason for sample in SAMPLES.refusals} == {Reason.AUTH}
