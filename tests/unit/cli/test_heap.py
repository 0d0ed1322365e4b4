"""The garbage collector has little to look through while nothing changes."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from mooring.cli.heap import SETTLE_LOOKS, Heap

SOME = 10_000
"""More containers than a test run makes or loses beside the test."""


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def look(heap: Heap, loaded_at: float | None, times: int = SETTLE_LOOKS + 1) -> None:
    for _ in range(times):
        heap.look(loaded_at)


def test_nothing_is_frozen_before_every_host_has_been_probed() -> None:
    """Until then everything may still change."""
    look(Heap(), None)
    assert gc.get_freeze_count() == 0


def test_what_stays_is_frozen_once_and_again_after_a_reload() -> None:
    """Not sooner than a moment after a reload; what the old file left behind is let go."""
    heap = Heap()
    look(heap, 1.0)
    first = gc.get_freeze_count()
    assert first > 10_000
    kept = [[number] for number in range(2 * SOME)]
    look(heap, 1.0, 50)
    assert abs(gc.get_freeze_count() - first) < SOME, "it is done once"
    look(heap, 2.0, SETTLE_LOOKS)
    assert abs(gc.get_freeze_count() - first) < SOME, "a reload is waited for"
    look(heap, 2.0, 1)
    second = gc.get_freeze_count()
    assert second - first > SOME
    del kept
    look(heap, 3.0)
    assert second - gc.get_freeze_count() > SOME, "what is not needed any more is let go"
