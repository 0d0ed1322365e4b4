"""The questions for the facts of a role, and the readers of their results; no I/O."""

from __future__ import annotations

from collections.abc import Sequence

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.verdicts import Outcome
from mooring.protocols.exchange import Answer
from mooring.protocols.framed import Broken
from mooring.protocols.mysql.facts import Row, beat_ahead, facts_of
from mooring.protocols.mysql.packets import (
    IN_TRANSACTION,
    MORE_RESULTS,
    check_description,
    columns_of_head,
    ends_part,
    name_of,
    status_of_eof,
    status_of_ok,
    values,
)
from mooring.protocols.mysql.question import (
    LEARN,
    Described,
    Part,
    Places,
    Question,
    Server,
    flavour_of,
    modern,
    question_for,
)
from mooring.protocols.mysql.rights import quote_account
from mooring.protocols.mysql.wire import ReplyParser, command, refusal

_DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
"""A privilege is missing."""
_NO_TABLE = frozenset({1049, 1054, 1146})
"""No such database, column, table."""


class _Results(ReplyParser):
    """One COM_QUERY of several statements; reads the needed columns of the result of each."""

    __slots__ = ("_begun", "_columns", "_described", "_found", "_places", "_rows", "_undescribed", "_wanted", "request")

    def __init__(self, request: bytes, wanted: Sequence[tuple[str, ...]], described: dict[int, Described]) -> None:
        super().__init__()
        self.request = request
        self._wanted = wanted
        self._described = described
        self._found: list[list[Row]] = []
        self._begin()

    def _begin(self) -> None:
        self._columns = 0
        self._undescribed = 0
        self._rows: list[Row] = []

    def _take(self, payload: bytes) -> Answer | None:
        if not self._columns:
            self._head(payload)
        elif self._undescribed:
            self._describe(payload)
        elif ends_part(payload):
            return self._end(status_of_eof(payload))
        else:
            found = values(payload, self._columns)
            self._rows.append({name: found[place] for name, place in self._places})
        return None

    def _head(self, payload: bytes) -> None:
        """Takes the number of columns. Skips their descriptions where these equal the last ones, as almost always."""
        if payload[0] == 0:
            raise Broken("answers without a result")
        self._columns = columns_of_head(payload)
        self._undescribed = self._columns + 1
        self._begun = self._at
        known = self._described.get(len(self._found))
        if known and known.columns == self._columns and self._held.startswith(known.packets, self._at):
            self._places = known.places
            self._at += len(known.packets)
            self._sequence = (self._sequence + self._undescribed) % 256
            self._undescribed = 0

    def _describe(self, payload: bytes) -> None:
        self._undescribed -= 1
        check_description(payload, last=self._undescribed == 0)
        if not self._undescribed:
            packets, number = bytes(self._held[self._begun : self._at]), len(self._found)
            self._places = _places(packets, self._columns, self._wanted[number])
            self._described[number] = Described(self._columns, packets, self._places)

    def _end(self, status: int) -> Answer | None:
        self._found.append(self._rows)
        last = len(self._found) == len(self._wanted)
        if last == bool(status & MORE_RESULTS):
            raise Broken("answers with more or fewer results than there are statements")
        if not last:
            self._begin()
            return None
        return Answer(self._observation_of(self._found), keep=not status & IN_TRANSACTION)

    def _observation_of(self, results: Sequence[Sequence[Row]]) -> Observation:
        raise NotImplementedError


def _places(packets: bytes, columns: int, wanted: tuple[str, ...]) -> Places:
    """The index of each needed column. Raises Broken."""
    at, names = 0, list[str]()
    for _ in range(columns):
        end = at + 4 + int.from_bytes(packets[at : at + 3], "little")
        names.append(modern(_decode(name_of(packets[at + 4 : end]))))
        at = end
    try:
        return tuple((name, names.index(name)) for name in wanted)
    except ValueError as error:
        raise Broken(f"answers without a column that was asked for: {error}") from None


class Learn(_Results):
    """Learns the server's dialect before any other question. ``server`` is set once there is an answer."""

    __slots__ = ("_bounded", "server")

    def __init__(self) -> None:
        super().__init__(command(LEARN), [("Variable_name", "Value")], {})
        self.server: Server | None = None
        self._bounded = False

    def _head(self, payload: bytes) -> None:
        """The first of the two statements is a SET, which has no result."""
        if self._bounded:
            super()._head(payload)
        elif payload[0] or not status_of_ok(payload) & MORE_RESULTS:
            raise Broken("answers with more or fewer results than there are statements")
        self._bounded = True

    def _observation_of(self, results: Sequence[Sequence[Row]]) -> Observation:
        variables = {_decode(row["Variable_name"]).lower(): _decode(row["Value"]) for row in results[0]}
        self.server = Server(flavour_of(variables))
        return Observation(Reason.OK)


class AskFacts(_Results):
    """The question for the facts of the role, in the server's dialect."""

    __slots__ = ("_heartbeat", "_question", "_repeats", "_server")

    def __init__(self, server: Server, heartbeat: str | None) -> None:
        self._question: Question = question_for(server.flavour, heartbeat)
        super().__init__(self._question.request, self._question.wanted, self._question.described)
        self._server = server
        self._heartbeat = heartbeat
        self._repeats = heartbeat in server.said

    def feed(self, data: bytes) -> Answer | None:
        """Compares the bytes with the last answer over this session, and parses them only where they differ.

        The last answer was whole only at its end, so its beginning is no whole answer either.
        """
        if not self._repeats:
            return self._parse(data)
        last, answer = self._server.said[self._heartbeat]
        said = bytes(self._held) + data
        if said == last:
            return answer
        if last.startswith(said):
            self._held += data
            return None
        self._repeats = False
        self._held.clear()
        return self._parse(said)

    def _parse(self, data: bytes) -> Answer | None:
        answer = super().feed(data)
        if answer is not None and answer.keep and not answer.rest and answer.observation.facts is not None:
            self._server.said[self._heartbeat] = bytes(self._held), answer
        return answer

    def _observation_of(self, results: Sequence[Sequence[Row]]) -> Observation:
        parts = (statement.part for statement in self._question.statements)
        found = dict(zip(parts, results, strict=True))
        ahead = beat_ahead(found.get(Part.HEARTBEATS, ()))
        return Observation(Reason.OK, facts=facts_of(found), unread=Outcome(Reason.LOCAL, ahead) if ahead else None)

    def _refusal(self, code: int, text: str) -> Observation:
        """The server has refused a statement, which ends the question: the facts would be incomplete."""
        statement, said = self._question.statements[len(self._found)], f"{code}: {text}"
        if statement.privilege and code in _DENIED:
            account = self._found[0][0]["account"] if self._found and self._found[0] else None
            grant = f"GRANT {statement.privilege} TO {quote_account(_decode(account))}"
            return Observation(Reason.OK, unread=Outcome(Reason.AUTH, f"needs {grant} ({said})"))
        if statement.part is Part.HEARTBEATS and code in _NO_TABLE:
            return Observation(
                Reason.OK, unread=Outcome(Reason.LOCAL, f"has no heartbeat table as in the file ({said})")
            )
        return refusal(code, text)


def _decode(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")
