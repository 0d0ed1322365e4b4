"""What the exchanges make of malformed streams; ``make fuzz`` tries many more."""

from __future__ import annotations

import pytest

from fuzz.campaign import SUBJECTS, campaign, check

MALFORMED = 50_000

STREAMS = [
    pytest.param("mysql", 1, "010000010117000002036465660000000131000c2d0004000000fd0000000000"
    "05000003fe0000020002000004013105000005fe04013105000005fe00000200", id="a-transaction-stays-open"),
    pytest.param("redis", 1, "2b504f4e470d0a3a300d0a3a310d0a", id="one-reply-more"),
    pytest.param("redis", 0, "24340d0a504f4e470d0a", id="pong-in-bulk"),
]  # fmt: skip


@pytest.mark.parametrize("protocol", SUBJECTS)
def test_no_malformed_stream_raises_passes_or_is_held(protocol: str) -> None:
    """No exception, no wrong "alive", nothing held beyond the cap, and the same answer however it is cut."""
    assert campaign(protocol, MALFORMED, seed=5) > MALFORMED


@pytest.mark.parametrize(("protocol", "number", "stream"), STREAMS)
def test_streams_that_are_easily_taken_wrong(protocol: str, number: int, stream: str) -> None:
    """Also what a campaign once stumbled over; at every cut in two."""
    data = bytes.fromhex(stream)
    for place in range(len(data) + 1):
        check(SUBJECTS[protocol][number], data, [data[:place], data[place:]])


@pytest.mark.parametrize("protocol", SUBJECTS)
def test_the_seeds_themselves_are_right_at_every_cut(protocol: str) -> None:
    """What servers really say, byte by byte and in two pieces; some of it is sound, some is not."""
    for subject in SUBJECTS[protocol]:
        sound = []
        for stream in subject.seeds:
            cuts = [[stream[:place], stream[place:]] for place in range(len(stream) + 1)]
            sound += [check(subject, stream, pieces) for pieces in (*cuts, [*map(bytes, zip(stream, strict=True))])]
        assert {True, False} == set(sound)
