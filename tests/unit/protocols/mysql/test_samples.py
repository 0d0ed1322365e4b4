"""The samples of MySQL's servers are whole packets."""

from __future__ import annotations

import pytest

from mooring.protocols.mysql.samples import SAMPLES

ALL = (*SAMPLES.dialogue, *SAMPLES.sound, *SAMPLES.failures, *SAMPLES.refusals)


@pytest.mark.parametrize("sample", ALL)
def test_a_sample_is_cut_at_the_end_of_a_packet(sample: bytes) -> None:
    """A header that counts wrongly would show the tests a broken server instead of a sound one."""
    at = 0
    while at < len(sample):
        at += 4 + int.from_bytes(sample[at : at + 3], "little")
    assert at == len(sample)
