"""The cluster behind ``plan`` and ``--dry-run``."""

from __future__ import annotations

from pathlib import Path

from lab.values import KEY, PORTS
from mooring.cluster.dry import DryCluster
from mooring.cluster.local import LocalCluster
from mooring.model.objects import MANAGER, Condition, Endpoint, EndpointsWrite, Slice, SliceWrite, Subset, Write

BOTH = (Subset(("10.20.0.11", "10.20.0.12"), (), PORTS),)
ONE = (Subset(("10.20.0.11",), ("10.20.0.12",), PORTS),)


def test_a_dry_write_is_shown_once_and_never_stored(tmp_path: Path) -> None:
    """What would be written is shown; the folder stays as it is."""
    real, shown = LocalCluster(tmp_path), list[Write]()
    dry = DryCluster(real, shown.append)
    change = EndpointsWrite(KEY, None, BOTH)
    dry.apply(change)
    assert shown == [change]
    assert real.read(KEY) is None
    assert list(tmp_path.iterdir()) == []


def test_the_next_diff_is_against_what_would_be_stored(tmp_path: Path) -> None:
    """A dry run goes on as if its writes had been stored, so that each flip is shown once."""
    dry = DryCluster(LocalCluster(tmp_path), lambda _change: None)
    dry.apply(EndpointsWrite(KEY, None, BOTH))
    stored = dry.read(KEY)
    assert stored is not None
    assert (stored.managed, stored.subsets) == (True, BOTH)


def test_somebody_elses_write_ends_the_pretence(tmp_path: Path) -> None:
    """Once the real object changes, it is what counts again."""
    real = LocalCluster(tmp_path)
    dry = DryCluster(real, lambda _change: None)
    dry.apply(EndpointsWrite(KEY, None, BOTH))
    theirs = real.apply(EndpointsWrite(KEY, None, ONE))
    assert dry.read(KEY) == theirs


def test_slices_are_shown_and_remembered_as_well(tmp_path: Path) -> None:
    """A dry run goes on as if its slices were stored; what somebody really stores counts more."""
    real, shown = LocalCluster(tmp_path), list[Write]()
    dry = DryCluster(real, shown.append)
    up = Slice("mysql-external-mooring-ipv4-0", "IPv4", (Endpoint("10.20.0.11", Condition.READY),), PORTS)
    made = SliceWrite(KEY, None, up)
    held = dry.apply_slice(made)
    assert held is not None
    assert (held.slice, held.managed_by, dry.slices(KEY), real.slices(KEY)) == (up, MANAGER, (held,), ())
    gone = SliceWrite(KEY, held, None)
    assert dry.apply_slice(gone) is None
    assert (shown, dry.slices(KEY)) == ([made, gone], ())
    theirs = real.apply_slice(made)
    assert dry.slices(KEY) == (theirs,)
