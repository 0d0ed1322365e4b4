"""Feeds malformed streams to the questions of each protocol, and holds each answer against the reference, if any.

python -m fuzz.campaign 1000000 [seed]
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fuzz import reference, streams
from mooring.model.reasons import Reason
from mooring.protocols.exchange import CAP, Answer
from mooring.protocols.mysql import wire as mysql
from mooring.protocols.mysql.question import Server, flavour_of
from mooring.protocols.mysql.results import AskFacts
from mooring.protocols.protocol import Protocol
from mooring.protocols.redis import questions as redis
from mooring.protocols.redis import sentinel, wire
from mooring.protocols.registry import PROTOCOLS

_HELD = Server(
    flavour_of({"version": "10.11.19-MariaDB", **dict.fromkeys(("gtid_domain_id", "read_only", "server_id"), "0")})
)
"""One session for all streams: what it remembers of one must not mislead it about the next."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A question, sound and unsound answers to begin with, and what is known of each stream."""

    ask: Callable[[], Any]
    seeds: Sequence[bytes]
    sound: reference.Reference | None
    """None: only that nothing raises, that the cap holds, and that every cut gives the same answer."""


def _with_samples(protocol: Protocol) -> Sequence[Subject]:
    """The question of an empty block, and what the protocol's own samples say."""
    samples, exchange, options = protocol.samples, protocol.client.exchange, protocol.options()
    if samples is None or exchange is None:
        return ()
    return (Subject(lambda: exchange(options, None), (*samples.sound, *samples.failures, *samples.refusals), None),)


_WITH_REFERENCE: Mapping[str, Sequence[Subject]] = MappingProxyType(
    {
        "mysql": (
            Subject(mysql.Ping, streams.MYSQL_PING, reference.mysql_ping),
            Subject(lambda: mysql.Query("SELECT 1"), streams.MYSQL_QUERY, reference.mysql_query),
            Subject(lambda: AskFacts(_HELD, None), streams.MYSQL_FACTS, reference.mysql_facts),
            Subject(lambda: AskFacts(Server(_HELD.flavour), None), streams.MYSQL_FACTS, reference.mysql_facts),
        ),
        "redis": (
            Subject(lambda: wire.ReplyParser(redis.Ping(None)), streams.REDIS_PING, reference.redis_ping),
            Subject(lambda: wire.ReplyParser(redis.Ping("switch")), streams.REDIS_KEY, reference.redis_key),
            Subject(
                lambda: wire.ReplyParser(redis.Roles(None, None, cluster=True)),
                streams.REDIS_ROLES,
                reference.redis_roles,
            ),
            Subject(
                lambda: wire.ReplyParser(redis.Roles("switch", "probe", cluster=False)),
                streams.REDIS_ROLES_ALONE,
                reference.redis_roles_alone,
            ),
            Subject(
                lambda: wire.ReplyParser(sentinel.Primary("main")), streams.REDIS_SENTINEL, reference.redis_sentinel
            ),
        ),
    }
)

SUBJECTS: Mapping[str, Sequence[Subject]] = MappingProxyType(
    {
        name: subjects
        for name, protocol in PROTOCOLS.items()
        if (subjects := (*_WITH_REFERENCE.get(name, ()), *_with_samples(protocol)))
    }
)


def campaign(protocol: str, malformed: int, seed: int) -> int:
    """Tries streams until so many of them were malformed; returns how many it took.

    Raises:
        AssertionError: with the stream that showed the defect.
    """
    chance = random.Random(seed)
    tried = bad = 0
    while bad < malformed:
        subject = chance.choice(SUBJECTS[protocol])
        stream = streams.mutated(chance, subject.seeds)
        bad += not check(subject, stream, streams.cuts(chance, stream))
        tried += 1
    return tried


def check(subject: Subject, stream: bytes, pieces: Sequence[bytes]) -> bool:
    """Whether the stream begins with a sound answer; asserts that the exchange says the same, however it is cut."""
    try:
        whole, pieced = _fed(subject, [stream]), _fed(subject, pieces)
        assert whole == pieced, (whole, pieced)
        assert whole or len(stream) < CAP, "waits beyond the cap"
        if subject.sound is None:
            return whole is not None and whole.observation.reason is Reason.OK
        sound = subject.sound(stream)
        assert _alive(whole) == (sound and (sound[0], _behind(whole, stream[sound[1] :]))), (whole, sound)
    except Exception as error:
        raise AssertionError(
            f"stream {stream[:4096].hex()} of {len(stream)} bytes, cut {[*map(len, pieces)]}"
        ) from error
    return sound is not None


def _fed(subject: Subject, pieces: Sequence[bytes]) -> Answer | None:
    """The answer, with all that was not taken for it in its ``rest``."""
    exchange = subject.ask()
    for number, piece in enumerate(pieces, 1):
        answer: Answer | None = exchange.feed(piece)
        assert len(exchange._held) <= CAP
        if answer is not None:
            assert answer.keep or not answer.rest
            behind = _behind(answer, answer.rest + b"".join(pieces[number:]))
            return Answer(answer.observation, behind, answer.keep, answer.lost)
    return None


def _behind(answer: Answer | None, data: bytes) -> bytes:
    """A session that is not kept has nothing to hand on."""
    return data if answer and answer.keep else b""


def _alive(answer: Answer | None) -> tuple[str | None, bytes] | None:
    if answer is None or answer.observation.reason is not Reason.OK:
        return None
    return answer.observation.answer, answer.rest


def main() -> None:
    malformed = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    for protocol in SUBJECTS:
        started = time.monotonic()
        tried = campaign(protocol, malformed, seed)
        took = time.monotonic() - started
        pace = f"{took:.0f} s, {tried / took:.0f}/s"
        print(f"{protocol}: {malformed} malformed of {tried} streams in {pace}, seed {seed}")  # noqa: T201 -- a tool for people


if __name__ == "__main__":
    main()
