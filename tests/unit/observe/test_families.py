"""The table of metrics."""

from __future__ import annotations

import re

import pytest

from mooring.observe.families import FAMILIES, HOST, Family, Kind

CONTRACT = {
    "mooring_host_ready": HOST,
    "mooring_host_unknown": (*HOST, "reason"),
    "mooring_probe_duration_seconds": ("protocol",),
    "mooring_probes_total": (*HOST, "outcome", "reason"),
    "mooring_transitions_total": (*HOST, "to"),
    "mooring_detection_seconds": (),
    "mooring_publish_seconds": (),
    "mooring_effective_seconds": (),
    "mooring_writes_total": ("result",),
    "mooring_config_last_reload_successful": (),
    "mooring_config_last_reload_success_timestamp_seconds": (),
    "mooring_leader": (),
    "mooring_build_info": ("version",),
}


def test_what_was_promised_is_there_by_its_name_and_labels() -> None:
    """Dashboards and alerts that others have built go on working."""
    assert CONTRACT.items() <= {family.name: family.labels for family in FAMILIES}.items()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_name_says_what_it_is(family: Family) -> None:
    """Prometheus' own rules of naming: counters end in _total, times are in seconds, each has one meaning."""
    assert re.fullmatch(r"mooring_[a-z_]+", family.name)
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
    assert bool(family.bounds) == (family.kind is Kind.HISTOGRAM)
    assert not family.bounds or family.name.endswith("_seconds")
    assert [*family.bounds] == sorted(set(family.bounds))
    assert family.meaning.endswith(".")
    assert [one.name for one in FAMILIES].count(family.name) == 1
