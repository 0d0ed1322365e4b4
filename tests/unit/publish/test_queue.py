"""The work queue: who comes next, by an invented clock."""

from __future__ import annotations

import random

import pytest

from mooring.publish.queue import Again, Cause, Lanes, WorkQueue

VERDICT, CHANGE, TIME = Cause.VERDICT, Cause.CHANGE, Cause.TIME
LANES = Lanes(quick=2, slow=2, most=6, slow_seconds=1.0)


def queue_of(**causes: Cause) -> WorkQueue[str]:
    queue = WorkQueue[str](LANES)
    for key, cause in causes.items():
        queue.add(key, cause)
    return queue


def work(queue: WorkQueue[str], now: float, again: Again | None = None, *, took: float = 0.0) -> str | None:
    key = queue.take(now)
    if key is not None:
        queue.done(key, now + took, again)
    return key


def order(queue: WorkQueue[str], now: float) -> list[str]:
    found = []
    while key := work(queue, now):
        found.append(key)
    return found


def test_a_key_that_is_asked_for_again_is_worked_on_once() -> None:
    """However often something changes before the work begins, one round sees it all."""
    queue = queue_of(a=CHANGE, b=CHANGE)
    for cause in (CHANGE, TIME, CHANGE):
        queue.add("a", cause)
    assert order(queue, 0.0) == ["a", "b"]


def test_no_key_is_worked_on_twice_at_a_time() -> None:
    """What changes during a round is seen by one more round, after it."""
    queue = queue_of(a=VERDICT)
    assert queue.take(0.0) == "a"
    queue.add("a", CHANGE)
    queue.add("a", VERDICT)
    assert queue.take(0.0) is None
    queue.done("a", 0.1, None)
    assert order(queue, 0.1) == ["a"]


def test_fresh_verdicts_come_first() -> None:
    """A failover waits neither for the cluster's other changes nor for retries nor for looks without a cause."""
    queue = queue_of(time=TIME, change=CHANGE, verdict=VERDICT, raised=TIME)
    queue.add("raised", VERDICT)
    assert order(queue, 0.0) == ["verdict", "raised", "change", "time"]


def test_who_failed_pauses_and_stands_before_nobody() -> None:
    """Changes do not shorten a pause; the retry comes when it is over, behind fresh verdicts."""
    queue = queue_of(failed=VERDICT)
    assert work(queue, 0.0, Again(5.0, pause=True)) == "failed"
    queue.add("failed", CHANGE)
    queue.add("other", CHANGE)
    assert order(queue, 4.9) == ["other"]
    assert queue.next_at(4.9) == 5.0
    queue.add("fresh", VERDICT)
    assert order(queue, 5.0) == ["fresh", "failed"]


def test_a_fresh_verdict_ends_a_pause() -> None:
    """A host that must leave is tried at once, whatever failed before; one try, and the pause begins anew."""
    queue = queue_of(a=VERDICT)
    work(queue, 0.0, Again(60.0, pause=True))
    queue.add("a", VERDICT)
    assert work(queue, 1.0, Again(61.0, pause=True)) == "a"
    assert order(queue, 1.0) == []
    assert queue.next_at(1.0) == 61.0


def test_a_verdict_during_a_failing_round_is_tried_at_once() -> None:
    """The pause of a write that failed is not that of the verdict that came during it."""
    queue = queue_of(a=VERDICT)
    assert queue.take(0.0) == "a"
    queue.add("a", VERDICT)
    queue.done("a", 0.5, Again(5.0, pause=True))
    assert order(queue, 0.5) == ["a"]


@pytest.mark.parametrize("cause", [VERDICT, TIME])
def test_a_delayed_key_comes_at_its_time(cause: Cause) -> None:
    """Once, at the earliest time that was named, unless it was worked on before."""
    queue = queue_of()
    queue.add_at("a", 2.0, cause)
    queue.add_at("a", 1.0, cause)
    queue.add_at("a", 3.0, cause)
    assert (queue.next_at(0.0), queue.take(0.9)) == (1.0, None)
    assert order(queue, 9.0) == ["a"]
    assert queue.next_at(9.0) is None
    queue.add_at("a", 10.0, cause)
    queue.add("a", CHANGE)
    assert order(queue, 9.5) == ["a"]
    assert order(queue, 99.0) == []


def test_a_delay_that_was_set_during_a_round_is_kept() -> None:
    """A write that waits for a successor comes when it was due, not at the next look without a cause."""
    queue = queue_of(a=VERDICT)
    assert queue.take(0.0) == "a"
    queue.add_at("a", 0.5, VERDICT)
    queue.done("a", 0.1, Again(30.0))
    assert queue.next_at(0.1) == 0.5


def test_slow_keys_fill_no_place_of_the_others() -> None:
    """As many keys as there are may hang: a fresh one is taken at once, the slow ones wait for each other."""
    names = [f"slow{number}" for number in range(20)]
    queue = queue_of(**dict.fromkeys(names, VERDICT))
    for begun in range(0, 200, 10):
        if (key := queue.take(begun)) is not None:
            queue.done(key, begun + 5.0, Again(begun + 5.1, pause=True))
    for name in names:
        queue.add(name, VERDICT)
    assert [queue.take(300.0) in names for _ in range(3)] == [True, True, False]
    queue.add("fresh", CHANGE)
    assert queue.take(300.0) == "fresh"
    assert queue.working == 3


def test_a_place_is_given_free_before_slow_work_ends() -> None:
    """The first time that keys hang, nobody knows it yet: their places are free again after a second."""
    queue = queue_of(a=VERDICT, b=VERDICT, fresh=VERDICT)
    assert [queue.take(0.0) for _ in range(3)] == ["a", "b", None]
    assert queue.next_at(0.0) == 1.0
    assert queue.take(1.0) == "fresh"


def test_there_is_a_bound_in_all() -> None:
    """However many hang, so many are under way and no more."""
    queue = WorkQueue[str](LANES, group=lambda key: key)
    for number in range(20):
        queue.add(f"key{number}", VERDICT)
    taken = [queue.take(float(now)) for now in range(20)]
    assert len([key for key in taken if key]) == LANES.most


def test_groups_take_turns() -> None:
    """A namespace in which a hundred keys wait for the first time stands before no other one."""
    queue = WorkQueue[str](LANES, group=lambda key: key[0])
    for key in (*(f"a{number}" for number in range(100)), "b1", "c1"):
        queue.add(key, VERDICT)
    assert [queue.take(0.0) for _ in range(2)] == ["a0", "b1"]
    queue.done("b1", 0.1, None)
    assert queue.take(0.1) == "c1"


def test_a_group_that_hangs_leaves_places_to_the_others() -> None:
    """Before anybody knows that the keys of a namespace hang, it does not take up all that may be under way."""
    queue = WorkQueue[str](LANES, group=lambda key: key[0])
    for number in range(100):
        queue.add(f"a{number}", VERDICT)
    taken = [queue.take(float(now)) for now in range(20)]
    assert len([key for key in taken if key]) == LANES.most - LANES.quick
    queue.add("b", CHANGE)
    assert queue.take(20.0) == "b"


def test_a_key_that_is_quick_again_leaves_the_slow_lane() -> None:
    """Once what hung is mended, its Service is treated as any other."""
    queue = queue_of(a=VERDICT, b=VERDICT, c=VERDICT)
    for key in "abc":
        assert queue.take(float(ord(key))) == key
        queue.done(key, ord(key) + 2.0, None)
    for key in "abc":
        queue.add(key, VERDICT)
    assert [queue.take(300.0) for _ in range(3)] == ["a", "b", None]
    queue.done("a", 300.1, None)
    queue.add("a", VERDICT)
    assert queue.take(300.1) == "a"


def test_what_is_forgotten_does_not_come() -> None:
    """A Service that left the file is worked on no more; its round that is under way goes on."""
    queue = queue_of(a=VERDICT, b=VERDICT)
    queue.add_at("c", 1.0, TIME)
    assert queue.take(0.0) == "a"
    queue.add("a", VERDICT)
    queue.forget(["a", "b", "c"])
    queue.done("a", 0.1, None)
    assert order(queue, 9.0) == []


def test_times_that_passed_leave_nothing_behind() -> None:
    """A key that is looked at each millisecond for a minute, and each time again in half a minute, costs no memory."""
    queue = queue_of()
    for number in range(60_000):
        queue.add("a", CHANGE)
        work(queue, number / 1000, Again(number / 1000 + 30.0))
    assert len(queue._heap) < 2000


def test_nobody_is_forgotten_whatever_happens() -> None:
    """By chance: each key that was asked for is worked on in the end, and none twice at a time."""
    chance = random.Random(7)
    for _ in range(100):
        queue, wanted, under_way, now = queue_of(), set[str](), set[str](), 0.0
        for _ in range(200):
            now += chance.random()
            key = chance.choice("abcdefgh")
            match chance.randrange(4):
                case 0:
                    queue.add(key, chance.choice(list(Cause)))
                    wanted.add(key)
                case 1:
                    queue.add_at(key, now + chance.random() * 5, chance.choice(list(Cause)))
                    wanted.add(key)
                case 2 if (taken := queue.take(now)) is not None:
                    assert taken not in under_way
                    under_way.add(taken)
                    wanted.discard(taken)
                case 3 if under_way:
                    ended = under_way.pop()
                    queue.done(ended, now, chance.choice([None, Again(now + 3.0), Again(now + 3.0, pause=True)]))
        for key in under_way:
            queue.done(key, now, None)
        assert wanted <= set(order(queue, now + 100.0))
