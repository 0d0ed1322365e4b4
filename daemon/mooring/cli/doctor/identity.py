"""Asks a server who it is, so that one that answers elsewhere is known again. Says nothing to people."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from types import MappingProxyType

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import ProbeOptions, Role
from mooring.protocols.exchange import Answer
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.redis.questions import PING, pong
from mooring.protocols.redis.resp import Command, Reply, request
from mooring.protocols.redis.wire import Question

QUERY = "SELECT CONCAT_WS('/', @@hostname, @@port, @@datadir, @@server_id /*!50708 , @@server_uuid */)"
"""Every account may read these. MariaDB takes no notice of such a comment, and has no server_uuid."""
_RUN = re.compile(rb"^run_id:([0-9a-f]{40})\r?$", re.MULTILINE)
_NOTHING: Mapping[bytes, Answer] = MappingProxyType({})


class _Run:
    """PING, and the id that the server gave itself at its start (INFO server)."""

    commands: Sequence[Command] = (PING, Command(("INFO", "server"), b"$", lambda reply: reply is not None))
    request = request(commands)
    usual = _NOTHING

    def seen(self, replies: Sequence[Reply]) -> Observation:
        said, info = pong(replies[0]), replies[1]
        if said.reason is not Reason.OK or not isinstance(info, bytes):
            return said
        found = _RUN.search(info)
        return Observation(Reason.OK, answer=found[1].decode() if found else None)

    def learned(self, _replies: Sequence[Reply]) -> Hashable:
        return None


class _RunOptions(RedisOptions):
    """The login of a block, with the question who the server is."""

    def asks(self, server: Hashable = None) -> Question:
        del server
        return _Run()

    def learning(self) -> Question | None:
        return None


def _mysql(options: ProbeOptions) -> ProbeOptions:
    assert isinstance(options, MysqlOptions)  # noqa: S101 -- for the type checker
    return options.model_copy(update={"query": QUERY, "expect": None, "role": Role.ANY, "heartbeat": None})


def _redis(options: ProbeOptions) -> ProbeOptions:
    assert isinstance(options, RedisOptions)  # noqa: S101 -- for the type checker
    held = {name: getattr(options, name) for name in RedisOptions.model_fields}
    return _RunOptions.model_construct(**{**held, "role": Role.ANY, "key": None, "sentinel": None})


WHO: Mapping[str, Callable[[ProbeOptions], ProbeOptions]] = MappingProxyType({"mysql": _mysql, "redis": _redis})
"""Protocol -> the block that logs in as before, and asks who the server is: the answer of the observation."""
