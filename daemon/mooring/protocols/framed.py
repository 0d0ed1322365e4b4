"""The base of all readers of one answer: it holds the bytes under one cap and hands on those behind it; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import CAP, Answer

NONE_KNOWN: Mapping[bytes, Answer] = MappingProxyType({})


class Broken(Exception):
    """What the server sends is not its protocol."""


class FramedReader:
    """Collects one answer, whose bytes may be cut anywhere; ``_read`` of a subclass decides when it is whole.

    ``_held`` are the bytes so far, ``_at`` is the index up to which a subclass has read them.
    """

    __slots__ = ("_at", "_held")

    known_answers: Mapping[bytes, Answer] = NONE_KNOWN
    """Whole answers by their bytes: most answers are among them, and need no parsing."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0

    def feed(self, data: bytes) -> Answer | None:
        """As ``HeldQuestion.feed``."""
        if not self._held and (known := self.known_answers.get(data)) is not None:
            return known
        room = CAP - len(self._held)
        self._held += data[:room]
        try:
            answer = self._read()
        except Broken as broken:
            return _broken_answer(str(broken))
        if answer is None:
            return _broken_answer(f"sends more than {CAP} bytes") if len(self._held) >= CAP else None
        if not answer.keep or self._at == len(self._held) + len(data[room:]):
            return answer
        return Answer(answer.observation, bytes(self._held[self._at :]) + data[room:])

    def _read(self) -> Answer | None:
        """The answer, if all of it is held. Raises Broken."""
        raise NotImplementedError


def _broken_answer(message: str) -> Answer:
    return Answer(Observation(Reason.PROTOCOL, message), keep=False)
