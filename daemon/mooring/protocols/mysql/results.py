"""The talk about a server's role over a held session, or behind a login; no I/O."""

from __future__ import annotations

from collections.abc import Sequence

from mooring.model import Observation, Outcome
from mooring.protocols.exchange import Answer
from mooring.protocols.mysql.facts import Row, facts_of
from mooring.protocols.mysql.packets import (
    IN_TRANSACTION,
    MORE_RESULTS,
    Broken,
    check_description,
    columns_of_head,
    ends_part,
    name_of,
    status_of_eof,
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
from mooring.protocols.mysql.wire import Talk, command, refusal
from mooring.reasons import Reason

_DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
"""A privilege is missing."""
_NO_TABLE = frozenset({1049, 1054, 1146})
"""No such database, column, table."""


class _Results(Talk):
    """One COM_QUERY and the rows of as many results as it has statements, of each the columns that are wanted."""

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
        """What describes the columns is the same with almost every answer, and most of it: it is skipped at once."""
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
        return Answer(self._told(self._found), keep=not status & IN_TRANSACTION)

    def _told(self, results: Sequence[Sequence[Row]]) -> Observation:
        raise NotImplementedError


def _places(packets: bytes, columns: int, wanted: tuple[str, ...]) -> Places:
    """Where the wanted columns stand. Raises Broken."""
    at, names = 0, list[str]()
    for _ in range(columns):
        end = at + 4 + int.from_bytes(packets[at : at + 3], "little")
        names.append(modern(_text(name_of(packets[at + 4 : end]))))
        at = end
    try:
        return tuple((name, names.index(name)) for name in wanted)
    except ValueError as error:
        raise Broken(f"answers without what was asked for: {error}") from None


class Learn(_Results):
    """What is to be known of a server before it is asked anything else. ``server`` is there once the answer is."""

    __slots__ = ("server",)

    def __init__(self) -> None:
        super().__init__(command(LEARN), [("Variable_name", "Value")], {})
        self.server: Server | None = None

    def _told(self, results: Sequence[Sequence[Row]]) -> Observation:
        variables = {_text(row["Variable_name"]).lower(): _text(row["Value"]) for row in results[0]}
        self.server = Server(flavour_of(variables))
        return Observation(Reason.OK)


class AskFacts(_Results):
    """The question for the facts of the role, put as the server understands it."""

    __slots__ = ("_heartbeat", "_question", "_repeats", "_server")

    def __init__(self, server: Server, heartbeat: str | None) -> None:
        self._question: Question = question_for(server.flavour, heartbeat)
        super().__init__(self._question.request, self._question.wanted, self._question.described)
        self._server = server
        self._heartbeat = heartbeat
        self._repeats = heartbeat in server.said

    def feed(self, data: bytes) -> Answer | None:
        """As the last answer over this session ended nowhere earlier, its beginning is no whole answer either."""
        if not self._repeats:
            return self._anew(data)
        last, answer = self._server.said[self._heartbeat]
        said = bytes(self._held) + data
        if said == last:
            return answer
        if last.startswith(said):
            self._held += data
            return None
        self._repeats = False
        self._held.clear()
        return self._anew(said)

    def _anew(self, data: bytes) -> Answer | None:
        answer = super().feed(data)
        if answer is not None and answer.keep and not answer.rest and answer.observation.facts is not None:
            self._server.said[self._heartbeat] = bytes(self._held), answer
        return answer

    def _told(self, results: Sequence[Sequence[Row]]) -> Observation:
        parts = (statement.part for statement in self._question.statements)
        return Observation(Reason.OK, facts=facts_of(dict(zip(parts, results, strict=True))))

    def _refusal(self, code: int, text: str) -> Observation:
        """A statement that is refused ends the question; what the host said before would be half the truth."""
        statement, said = self._question.statements[len(self._found)], f"{code}: {text}"
        if statement.privilege and code in _DENIED:
            account = self._found[0][0]["account"] if self._found and self._found[0] else None
            grant = f"GRANT {statement.privilege} TO {quoted(_text(account))}"
            return Observation(Reason.OK, unread=Outcome(Reason.AUTH, f"needs {grant} ({said})"))
        if statement.part is Part.HEARTBEATS and code in _NO_TABLE:
            return Observation(Reason.OK, unread=Outcome(Reason.LOCAL, f"has no heartbeat as the file says ({said})"))
        return refusal(code, text)


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")


def quoted(account: str) -> str:
    """An account as the server calls it, ``user@host``, as a statement names it."""
    return "@".join("'" + part.replace("'", "''") + "'" for part in account.rsplit("@", 1))
