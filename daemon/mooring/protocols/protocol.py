"""Describes one protocol to the rest of Mooring: the value ``PROTOCOL`` of its package."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

from typing_extensions import TypeVar

from mooring.model.probes import Observation
from mooring.model.spec import ProbeOptions
from mooring.model.targets import Target
from mooring.protocols.exchange import HeldQuestion, LoginResult
from mooring.protocols.options import Options
from mooring.protocols.results import KillResult
from mooring.protocols.transport.line import BoundedSocket

ClientOptions = TypeVar("ClientOptions", bound=ProbeOptions, default=ProbeOptions)

Login = Callable[[Target[ClientOptions], socket.socket, float], LoginResult]
LoginAndEnd = Callable[[Target[ClientOptions], socket.socket, float, tuple[int, ...]], LoginResult]
Kill = Callable[[BoundedSocket, ClientOptions, tuple[str, ...], KillResult], None]
"""Ends the sessions of these users over a line that is logged in with these options; updates the result on the way.

Raises Failure: the line cannot be used any more."""


@dataclass(frozen=True, slots=True)
class Client(Generic[ClientOptions]):
    """Asks hosts. ``probe`` and ``login`` never raise and end within the target's timeout."""

    probe: Callable[[Target[ClientOptions]], Observation]
    login: Login[ClientOptions] | None = None
    """Logs in over a connected socket, which it owns from then on; the last argument: when the probe began (monotonic
    seconds). ``Protocol.opening`` is sent on that socket already. None: the protocol holds no session."""
    exchange: Callable[[ClientOptions, Hashable], HeldQuestion] | None = None
    """The question for these options over a held session; the second argument: what its login learned."""
    kill: Kill[ClientOptions] | None = None
    login_and_end: LoginAndEnd[ClientOptions] | None = None
    """As ``login``; before its question it ends these connections of Mooring's own, by their ids on the server. None:
    the protocol's servers allow that only with a grant."""
    caution: Callable[[bytes], str] | None = None
    """Why a check that passes now may not pass later, by the first bytes of a server that speaks first; empty: nothing
    is known. Only for a protocol without a login."""
    late_word: Callable[[bytes], Observation] | None = None
    """What the first bytes mean that a server sends to a login after its deadline; the message is raw. None: the
    protocol does not look at them."""


@dataclass(frozen=True, slots=True)
class QuorumServers:
    """Servers that elect the primary: their addresses stand in ``hosts`` of ``block``, within the protocol's block."""

    block: str
    endpoint: Callable[[str], tuple[str, int]]
    """Address and port of an entry. Raises ValueError."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What servers send to a client with an empty block: the tests and the fuzz campaign begin with these."""

    dialogue: tuple[bytes, ...]
    """What a sound server sends during a login and its question, one piece for each that it receives. Where servers of
    the protocol speak first, the first piece comes unasked. The last one is repeated."""
    sound: tuple[bytes, ...]
    """Whole answers to the question over a held session, by which the host can serve."""
    failures: tuple[bytes, ...]
    """Whole answers to the question of a login or of a held session, by which the host cannot serve."""
    refusals: tuple[bytes, ...]
    """The same, by which the server refuses Mooring: these are no evidence about the host."""
    settings: bytes = b""
    """What a sound server answers to the settings of a session that Mooring is to hold, before the question; empty:
    there are none."""
    later: bytes = b""
    """What a sound server answers to what a login asks after the question; empty: it asks nothing more."""


@dataclass(frozen=True)
class Protocol:
    """One protocol: its block of the file, its client, and what the rest of Mooring must know of it."""

    options: type[Options]
    client_module: str
    """The dotted name of the module that holds ``CLIENT``.

    Mooring imports it at first use: its library costs 7 MiB and more, and a tenth of a second. A daemon whose file does
    not name the protocol, and a command that asks no host, save that."""
    first_bytes: bytes = b""
    """Makes a server that does not speak first send something."""
    first_bytes_with_password: bytes = b""
    """The same where the login sends a password, for servers that would count ``first_bytes`` as an error before it;
    empty: ``first_bytes``."""
    speaks_first: bool = False
    ports: tuple[int, ...] = ()
    """The ports where its servers listen: the network policy lets Mooring reach these."""
    kill_grant: str = ""
    """The grant by which the account that probes may end sessions of others, as part of a sentence; empty: none."""
    quorum_servers: QuorumServers | None = None
    example: tuple[str, ...] = ()
    """The lines of a block to start from, with comments, as ``mooring init`` writes it; without a role."""
    samples_module: str = ""
    """The dotted name of the module that holds ``SAMPLES``; empty: its servers send nothing."""

    def opening(self, options: ProbeOptions) -> bytes:
        """What Mooring sends on a fresh connection before anything has come; empty: nothing, as before a handshake."""
        if options.encrypted():
            return b""
        return (options.authenticates() and self.first_bytes_with_password) or self.first_bytes

    @cached_property
    def samples(self) -> Samples | None:
        if not self.samples_module:
            return None
        samples: Samples = importlib.import_module(self.samples_module).SAMPLES
        return samples

    @cached_property
    def client(self) -> Client:
        client: Client = importlib.import_module(self.client_module).CLIENT
        return client
