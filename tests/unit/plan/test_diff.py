"""shown: writes as diffs."""

from __future__ import annotations

import pytest

from lab.values import KEY, PORTS, stored
from mooring.model.objects import MANAGER, Condition, Endpoint, EndpointsWrite, Slice, SliceWrite, StoredSlice
from mooring.plan.diff import diff_of

A, B = "10.20.0.11", "10.20.0.12"
NAME = "mysql-external-mooring-ipv4-0"
UP = Slice(NAME, "IPv4", (Endpoint(A, Condition.READY), Endpoint(B, Condition.READY, "eu-1a", ("eu-1a",))), PORTS)
DOWN = Slice(NAME, "IPv4", (Endpoint(A, Condition.LAST_RESORT), UP.endpoints[1]), PORTS)
HELD = StoredSlice("1", MANAGER, UP)


def test_a_flip_reads_as_the_line_that_changes() -> None:
    """Plan and dry run show which endpoint changes in which slice."""
    assert diff_of(SliceWrite(KEY, HELD, DOWN)) == (
        "--- default/mysql-external-mooring-ipv4-0 (stored)\n"
        "+++ default/mysql-external-mooring-ipv4-0 (wanted)\n"
        "@@ -1,8 +1,8 @@\n"
        " namespace: default\n"
        " name: mysql-external-mooring-ipv4-0\n"
        " service: mysql-external\n"
        " endpoints:\n"
        "-- 10.20.0.11: ready\n"
        "+- 10.20.0.11: last-resort\n"
        " - 10.20.0.12: ready, zone eu-1a, for eu-1a\n"
        " ports:\n"
        " - mysql: 3306/TCP\n"
    )


@pytest.mark.parametrize(
    ("change", "names", "sign"),
    [
        (SliceWrite(KEY, None, UP), ("/dev/null", f"default/{NAME} (wanted)"), "+"),
        (SliceWrite(KEY, HELD, None), (f"default/{NAME} (stored)", "/dev/null"), "-"),
    ],
    ids=["made", "deleted"],
)
def test_a_slice_that_is_made_or_deleted_reads_as_such(change: SliceWrite, names: tuple[str, str], sign: str) -> None:
    """All lines are new, or all go."""
    first, second, _, *lines = diff_of(change).splitlines()
    assert (first[4:], second[4:]) == names
    assert all(line.startswith(sign) for line in lines)


def test_the_label_that_forbids_mirroring_is_shown() -> None:
    """A change of ``publish`` is seen in the Endpoints, too."""
    before = stored((A,), (B,))
    changed = diff_of(EndpointsWrite(KEY, before, before.subsets, skip_mirror=True)).splitlines()[3:]
    assert [line for line in changed if line[0] in "+-"] == ["+skip-mirror: true"]
