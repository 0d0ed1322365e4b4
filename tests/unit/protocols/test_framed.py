"""One answer, whose bytes may be cut anywhere."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import CAP, Answer
from mooring.protocols.framed import Broken, FramedReader

OK = Answer(Observation(Reason.OK))


class Line(FramedReader):
    """A line of text that ends with a newline; ``?`` is none."""

    known_answers = MappingProxyType({b"known\n": Answer(Observation(Reason.OK, "known"))})

    def _read(self) -> Answer | None:
        end = self._held.find(b"\n")
        if self._held.startswith(b"?"):
            raise Broken("asks us")
        if end < 0:
            return None
        self._at = end + 1
        return OK


@pytest.mark.parametrize("cut", range(4))
def test_an_answer_may_be_cut_anywhere(cut: int) -> None:
    """What came behind the answer is handed on."""
    line = Line()
    first = line.feed(b"abc"[:cut])
    assert first is None
    assert line.feed(b"abc"[cut:] + b"\nmore") == Answer(OK.observation, b"more")


def test_a_known_answer_needs_no_reading() -> None:
    """Only where it is all that came, and nothing came before."""
    assert Line().feed(b"known\n") == Answer(Observation(Reason.OK, "known"))
    line = Line()
    assert line.feed(b"x") is None
    assert line.feed(b"known\n") == OK


def test_no_more_than_the_cap_is_held() -> None:
    """An answer without an end is no answer; what came behind a whole one within the cap is handed on."""
    line = Line()
    assert line.feed(b"x" * (CAP - 1)) is None
    assert line.feed(b"x" * 10) == Answer(Observation(Reason.PROTOCOL, f"sends more than {CAP} bytes"), keep=False)
    assert Line().feed(b"\n" + b"x" * (2 * CAP)) == Answer(OK.observation, b"x" * (2 * CAP))


def test_another_protocol_ends_the_session() -> None:
    """Nothing of it is read any more."""
    assert Line().feed(b"?") == Answer(Observation(Reason.PROTOCOL, "asks us"), keep=False)
