"""What a status document says as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from mooring.observe.summary import all_ready, all_well


def host(verdict: str = "ready", reason: str = "ok", *, maintenance: bool = False) -> dict[str, Any]:
    return {"verdict": verdict, "reason": reason, "maintenance": maintenance}


STANDBY = host("not-ready", "wrong-role")


@pytest.mark.parametrize(
    ("hosts", "ready"),
    [
        ([host(), host()], True),
        ([host(), host("not-ready", "refused")], False),
        ([host(), host("never-judged", "auth")], False),
        ([host(), host(maintenance=True)], False),
        ([host(), STANDBY], True),
        ([STANDBY, STANDBY], False),
        ([host(), host("not-ready", "wrong-role", maintenance=True)], False),
        ([host(), host("not-ready", "second-writer")], False),
    ],
    ids=["all", "down", "unknown", "maintenance", "standby", "no-primary", "standby-in-maintenance", "split"],
)
def test_a_standby_is_ready_only_beside_a_host_that_serves(hosts: list[dict[str, Any]], *, ready: bool) -> None:
    """A replica in the primary's Service is no fault, unless nobody is the primary."""
    assert all_ready([{"hosts": hosts}]) is ready


def test_one_service_that_is_not_ready_outweighs_the_others() -> None:
    """An exit code of 0 is for all of them."""
    assert not all_ready([{"hosts": [host()]}, {"hosts": [host("not-ready", "timeout")]}])


def test_a_refused_file_is_not_well_though_all_hosts_are() -> None:
    """The next start would fail with that file."""
    services = [{"hosts": [host()]}]
    assert all_well({"services": services, "config": {"error": None}})
    assert not all_well({"services": services, "config": {"error": "config.yaml:1:1: version: must be 1"}})
