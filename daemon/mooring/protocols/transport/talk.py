"""Sends one question over a blocking line and reads the whole answer."""

from __future__ import annotations

from mooring.protocols.exchange import Answer, HeldQuestion
from mooring.protocols.transport.line import BoundedSocket

READ_SIZE = 4096
"""Bytes of one read: so few that parsing them delays no deadline."""


def ask(line: BoundedSocket, question: HeldQuestion, said: bytes = b"") -> Answer:
    """The answer to the question; ``said``: bytes that came before it was sent. Raises Failure."""
    line.sendall(question.request)
    answer = question.feed(said) if said else None
    while answer is None:
        answer = question.feed(line.recv(READ_SIZE))
    return answer
